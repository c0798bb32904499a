// SPDX-License-Identifier: BSD-3-Clause
/* All files below a folder, one relative path in a line, as URLs write them. */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

#define DEPTH 64
#define STEP_ENTRIES 256
#define MAX_TEXT ((size_t)64 << 20)

/* A folder that is being gone through; its descriptor is closed, its entries are sorted. */
struct level {
	struct dirent **entries;
	int n, next;
	size_t path_len; /* of listing->path, up to here */
};

struct listing {
	const struct files *files;
	char path[TARGET_PATH]; /* of the entry that is looked at, relative to the folder served */
	size_t skip;		/* bytes of it that name the folder that is listed */
	unsigned int depth;
	struct level levels[DEPTH];
	FILE *out;
	char *text;
	size_t len;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int enter(struct listing *listing)
{
	struct level *level = &listing->levels[listing->depth];
	int fd;

	if (listing->depth == DEPTH)
		return -ELOOP;
	fd = files_open_beneath(listing->files, listing->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	*level = (struct level){.path_len = strlen(listing->path)};
	level->n = scandirat(fd, ".", &level->entries, is_entry, by_name);
	close(fd);
	if (level->n < 0)
		return -errno;
	listing->depth++;
	return 0;
}

static void leave(struct listing *listing)
{
	struct level *level = &listing->levels[--listing->depth];

	while (level->next < level->n)
		free(level->entries[level->next++]);
	free(level->entries);
}

/* Appends the name to the path of its folder. */
static int name_entry(struct listing *listing, const struct level *level, const char *name)
{
	size_t len = level->path_len;
	const char *slash = len && listing->path[len - 1] != '/' ? "/" : "";

	if (len + strlen(slash) + strlen(name) >= sizeof(listing->path))
		return -ENAMETOOLONG;
	sprintf(listing->path + len, "%s%s", slash, name);
	return 0;
}

static int put_line(struct listing *listing)
{
	char line[TARGET_ENCODED(TARGET_PATH)];

	target_encode(listing->path + listing->skip, line);
	fprintf(listing->out, "%s\n", line);
	return ftell(listing->out) > (long)MAX_TEXT ? -EFBIG : 0;
}

/* What an entry that is neither a file nor a folder by its own word leads to: a link, or one of a
 * file system that does not tell. Folders behind links are not entered: they may be circles. */
static unsigned char kind_of(const struct listing *listing, unsigned char kind)
{
	int fd, opened;
	struct stat st;

	if (kind != DT_LNK && kind != DT_UNKNOWN)
		return kind;
	fd = files_open_beneath(listing->files, listing->path, O_PATH);
	if (fd < 0)
		return DT_UNKNOWN;
	opened = fstat(fd, &st);
	close(fd);
	if (!opened && S_ISREG(st.st_mode))
		return DT_REG;
	return !opened && kind == DT_UNKNOWN && S_ISDIR(st.st_mode) ? DT_DIR : DT_UNKNOWN;
}

static int look_at(struct listing *listing, const struct level *level, const struct dirent *entry)
{
	int ret = name_entry(listing, level, entry->d_name);

	if (ret)
		return 0; /* no request could name it */
	switch (kind_of(listing, entry->d_type)) {
	case DT_REG:
		return put_line(listing);
	case DT_DIR:
		ret = enter(listing);
		return ret == -ENOMEM || ret == -EMFILE ? ret : 0; /* others: not for us to read */
	default:
		return 0;
	}
}

int listing_open(const struct files *files, const char *path, struct listing **listing)
{
	struct listing *new = calloc(1, sizeof(*new));
	int ret;

	*listing = NULL;
	if (!new)
		return -ENOMEM;
	new->files = files;
	new->out = open_memstream(&new->text, &new->len);
	snprintf(new->path, sizeof(new->path), "%s", path);
	ret = new->out ? enter(new) : -ENOMEM;
	if (ret) {
		listing_close(new);
		return ret;
	}
	new->skip = strlen(new->path) + (new->path[strlen(new->path) - 1] != '/');
	*listing = new;
	return 0;
}

int listing_step(struct listing *listing)
{
	for (int i = 0; i < STEP_ENTRIES && listing->depth; i++) {
		struct level *level = &listing->levels[listing->depth - 1];
		struct dirent *entry;
		int ret;

		if (level->next == level->n) {
			leave(listing);
			continue;
		}
		entry = level->entries[level->next++];
		ret = look_at(listing, level, entry);
		free(entry);
		if (ret)
			return ret;
	}
	if (listing->depth)
		return 1;
	return fflush(listing->out) ? -ENOMEM : 0;
}

const char *listing_text(const struct listing *listing, size_t *len)
{
	*len = listing->len;
	return listing->text;
}

void listing_close(struct listing *listing)
{
	if (!listing)
		return;
	while (listing->depth)
		leave(listing);
	if (listing->out)
		fclose(listing->out);
	free(listing->text);
	free(listing);
}
