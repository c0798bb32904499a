// SPDX-License-Identifier: BSD-3-Clause
/*
 * The XML of an S3 listing: ListBucketResult, with a Key in each Contents.
 *
 * Keys go behind the folder of the base, as relative references do. Where the base is the bucket
 * itself without a slash at its end, as in http://host/bucket?list-type=2, it is the folder. Keys
 * that end in a slash stand for folders and are passed over.
 */
#include "index.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <string.h>

#include "percent.h"

#define KEY_MAX 1024 /* bytes, S3's own limit */
#define PIECE ((size_t)1 << 20)

struct listing {
	XML_Parser xml;
	unsigned int depth; /* of elements now open */
	bool in_contents, has_key;
	const struct element *element; /* whose text is collected */
	size_t text_len;
	char text[KEY_MAX + 1];
	char bucket[KEY_MAX + 1];
	char folder[URL_MAX];
	devmem_index_fn entry; /* NULL: the listing is only checked */
	void *arg;
	int ret; /* what ended it early */
	struct devmem_error *err;
};

/* Elements whose text matters; those of depth 3 are parts of Contents. */
struct element {
	unsigned int depth;
	const char *name;
	int (*take)(struct listing *listing);
};

static void stop(struct listing *listing, int ret)
{
	listing->ret = ret;
	XML_StopParser(listing->xml, XML_FALSE);
}

#define fail(listing, code, ...) stop(listing, devmem_error_set((listing)->err, code, __VA_ARGS__))

static int take_name(struct listing *listing)
{
	strcpy(listing->bucket, listing->text);
	return 0;
}

static int take_truncated(struct listing *listing)
{
	if (!strcmp(listing->text, "false"))
		return 0;
	if (strcmp(listing->text, "true"))
		return devmem_error_set(listing->err, -EPROTO,
					"the listing's IsTruncated is neither true nor false");
	return devmem_error_set(listing->err, -EOVERFLOW,
				"the listing is one page of several: ask for a prefix with fewer "
				"objects, or write an index as text");
}

static int take_encoding(struct listing *listing)
{
	return devmem_error_set(listing->err, -EPROTO,
				"the listing's keys are encoded (EncodingType): leave "
				"encoding-type out of its URL");
}

static int take_key(struct listing *listing)
{
	char encoded[3 * KEY_MAX + 1], url[URL_MAX + sizeof(encoded)];

	if (listing->has_key || !listing->text_len)
		return devmem_error_set(listing->err, -EPROTO,
					"the listing has an object with an empty key, or with two");
	listing->has_key = true;
	if (!listing->entry || listing->text[listing->text_len - 1] == '/')
		return 0;
	percent_encode(listing->text, listing->text_len, "/", encoded, sizeof(encoded));
	snprintf(url, sizeof(url), "%s%s", listing->folder, encoded);
	return listing->entry(listing->arg, listing->text, url);
}

static const struct element elements[] = {
	{2, "EncodingType", take_encoding},
	{2, "IsTruncated", take_truncated},
	{2, "Name", take_name},
	{3, "Key", take_key},
};

static const struct element *find(const struct listing *listing, const char *name)
{
	if (listing->depth == 3 && !listing->in_contents)
		return NULL;
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (elements[i].depth == listing->depth && !strcmp(elements[i].name, name))
			return &elements[i];
	return NULL;
}

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct listing *listing = arg;

	if (listing->ret)
		return;
	if (listing->element)
		return fail(listing, -EPROTO, "the listing has an element inside of a %s",
			    listing->element->name);
	if (++listing->depth == 1 && strcmp(name, "ListBucketResult"))
		return fail(listing, -EPROTO, "the index is no S3 listing, but the XML of a %.100s",
			    name);
	if (listing->depth == 2) {
		listing->in_contents = !strcmp(name, "Contents");
		listing->has_key = false;
	}
	listing->element = find(listing, name);
	listing->text_len = 0;
}

static void on_text(void *arg, const char *text, int len)
{
	struct listing *listing = arg;

	if (listing->ret || !listing->element)
		return;
	if ((size_t)len > KEY_MAX - listing->text_len)
		return fail(listing, -EPROTO, "the listing's %s is longer than %d bytes",
			    listing->element->name, KEY_MAX);
	memcpy(listing->text + listing->text_len, text, (size_t)len);
	listing->text_len += (size_t)len;
}

static void on_end(void *arg, const char *name)
{
	struct listing *listing = arg;
	const struct element *element = listing->element;
	int ret = 0;

	if (listing->ret)
		return;
	listing->text[listing->text_len] = '\0';
	listing->element = NULL;
	if (element)
		ret = element->take(listing);
	if (ret)
		return stop(listing, ret);
	if (listing->depth-- == 2 && listing->in_contents && !listing->has_key)
		fail(listing, -EPROTO, "the listing has an object without a key");
}

/* Declarations are no part of any listing, and entities are ways to attack. */
static void on_doctype(void *arg, const char *name, const char *system_id, const char *public_id,
		       int internal)
{
	struct listing *listing = arg;

	fail(listing, -EPROTO,
	     "the index is no S3 listing, but a document of type %.100s: is the URL that of a page "
	     "for people?",
	     name);
}

static int refuse(const struct listing *listing)
{
	enum XML_Error why = XML_GetErrorCode(listing->xml);

	if (listing->ret)
		return listing->ret;
	if (why == XML_ERROR_NO_MEMORY)
		return devmem_error_set(listing->err, -ENOMEM, "no memory to read the index");
	return devmem_error_set(listing->err, -EPROTO,
				"the index begins like XML, but line %lu is not: %s",
				XML_GetCurrentLineNumber(listing->xml), XML_ErrorString(why));
}

static int parse_pieces(struct listing *listing, const char *text, size_t len)
{
	while (len) {
		size_t piece = len < PIECE ? len : PIECE;

		if (XML_Parse(listing->xml, text, (int)piece, piece == len) != XML_STATUS_OK)
			return refuse(listing);
		text += piece;
		len -= piece;
	}
	return 0;
}

static int parse(struct listing *listing, const char *text, size_t len)
{
	int ret;

	listing->xml = XML_ParserCreate(NULL);
	if (!listing->xml)
		return devmem_error_set(listing->err, -ENOMEM, "no memory to read the index");
	XML_SetUserData(listing->xml, listing);
	XML_SetElementHandler(listing->xml, on_start, on_end);
	XML_SetCharacterDataHandler(listing->xml, on_text);
	XML_SetStartDoctypeDeclHandler(listing->xml, on_doctype);
	ret = parse_pieces(listing, text, len);
	XML_ParserFree(listing->xml);
	return ret;
}

/* @base without its query, up to the last slash, or with one where it ends in the bucket's name. */
static int find_folder(struct listing *listing, const struct url *base)
{
	char *last, *folder = listing->folder;

	url_text(base, folder, URL_MAX);
	folder[strcspn(folder, "?")] = '\0';
	last = strrchr(folder, '/') + 1;
	if (strlen(folder) + 3 * KEY_MAX + 1 >= URL_MAX)
		return devmem_error_set(listing->err, -EINVAL,
					"the index's URL is too long to have keys behind it");
	if (*last && !strcmp(last, listing->bucket))
		strcat(last, "/");
	else
		*last = '\0';
	return 0;
}

int index_xml(const char *text, size_t len, const struct url *base, devmem_index_fn entry,
	      void *arg, struct devmem_error *err)
{
	struct listing listing = {.arg = arg, .err = err};
	int ret = parse(&listing, text, len);

	if (!ret)
		ret = find_folder(&listing, base);
	listing.entry = entry;
	return ret ? ret : parse(&listing, text, len);
}
