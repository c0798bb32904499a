// SPDX-License-Identifier: BSD-3-Clause
/* What becomes of an object that lies in device memory: hashed, saved, or only told of. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct use {
	EVP_MD_CTX *hash; /* NULL: none */
	int fd;		  /* -1: not saved */
	char path[4096];
};

/* The last component of the path, without the query. */
static void name_of(const char *url, char *name, size_t room)
{
	size_t len = strcspn(url, "?");
	const char *start = url + len;

	while (start > url && start[-1] != '/')
		start--;
	len -= (size_t)(start - url);
	snprintf(name, room, "%.*s", (int)len, start);
	if (!name[0] || !strcmp(name, ".") || !strcmp(name, ".."))
		snprintf(name, room, "index");
}

static int open_file(const struct options *options, const char *url, struct use *use,
		     struct devmem_error *err)
{
	const char *output = options->output;
	size_t len = strlen(output);
	char name[256];

	if (len && output[len - 1] == '/') {
		(void)mkdir(output, 0777); /* what it lacks, open() tells */
		name_of(url, name, sizeof(name));
		snprintf(use->path, sizeof(use->path), "%s%s", output, name);
	} else {
		snprintf(use->path, sizeof(use->path), "%s", output);
	}
	use->fd = open(use->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (use->fd < 0)
		return devmem_error_set(err, -errno, "cannot write %s: %s", use->path,
					strerror(errno));
	return 0;
}

static int begin(const struct options *options, const char *url, struct use *use,
		 struct devmem_error *err)
{
	if (options->sha256) {
		use->hash = EVP_MD_CTX_new();
		if (!use->hash || !EVP_DigestInit_ex(use->hash, EVP_sha256(), NULL))
			return devmem_error_set(err, -ENOMEM, "cannot hash: out of memory");
	}
	return options->output ? open_file(options, url, use, err) : 0;
}

static int write_all(const struct use *use, const uint8_t *bytes, size_t len,
		     struct devmem_error *err)
{
	while (len) {
		ssize_t n = write(use->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return devmem_error_set(err, -errno, "cannot write %s: %s", use->path,
						strerror(errno));
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Waits for the engine: the object is there, and nothing else is worth doing first. */
static int read_back(struct session *session, const uint8_t *from, size_t len,
		     struct devmem_error *err)
{
	const struct devmem_copy piece = {.dst = session->staging, .src = from, .len = len};
	uint64_t fence;
	int ret;

	while ((ret = devmem_copy_start(session->exporter, &piece, 1, &fence)) == -EAGAIN)
		sched_yield();
	while (!ret && !(ret = devmem_copy_done(session->exporter, fence)))
		sched_yield();
	session->read_back += len;
	return ret < 0 ? devmem_error_set(err, ret, "cannot read it back from the device: %s",
					  strerror(-ret))
		       : 0;
}

static int use_piece(struct session *session, const struct use *use, const uint8_t *from,
		     size_t len, struct devmem_error *err)
{
	int ret = read_back(session, from, len, err);

	if (!ret && use->hash && !EVP_DigestUpdate(use->hash, session->staging, len))
		ret = devmem_error_set(err, -EIO, "cannot hash");
	if (!ret && use->fd >= 0)
		ret = write_all(use, session->staging, len, err);
	return ret;
}

static int print_hash(const struct use *use, const char *url, struct devmem_error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (!EVP_DigestFinal_ex(use->hash, digest, &n))
		return devmem_error_set(err, -EIO, "cannot hash");
	for (unsigned int i = 0; i < n; i++)
		printf("%02x", digest[i]);
	printf("  %s\n", url);
	return fflush(stdout) ? devmem_error_set(err, -errno, "cannot write to stdout: %s",
						 strerror(errno))
			      : 0;
}

int object_use(struct session *session, const struct devmem_object *object,
	       struct devmem_error *err)
{
	const struct options *options = session->options;
	struct use use = {.fd = -1};
	int ret = begin(options, object->url, &use, err);

	for (uint64_t at = 0; !ret && (use.hash || use.fd >= 0) && at < object->size;) {
		uint64_t left = object->size - at;
		size_t len = left < STAGING_BYTES ? (size_t)left : STAGING_BYTES;

		ret = use_piece(session, &use, (const uint8_t *)object->addr + at, len, err);
		at += len;
	}
	if (!ret && use.hash)
		ret = print_hash(&use, object->url, err);
	EVP_MD_CTX_free(use.hash);
	if (use.fd >= 0 && close(use.fd) && !ret)
		ret = devmem_error_set(err, -errno, "cannot write %s: %s", use.path,
				       strerror(errno));
	return ret;
}
