// SPDX-License-Identifier: BSD-3-Clause
/* The files of the folder that is served, one object for each state that a file was seen in. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIES 8 /* of a path whose folders are being renamed */

int files_open(struct files *files, const char *dir, struct devmem_error *err)
{
	*files = (struct files){.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (files->dir < 0)
		return devmem_error_set(err, -errno, "cannot serve the folder %s: %s", dir,
					strerror(errno));
	return 0;
}

void files_close(struct files *files)
{
	if (files->dir >= 0)
		close(files->dir);
}

int files_open_beneath(const struct files *files, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	for (int i = 0; i < TRIES; i++) {
		long fd = syscall(SYS_openat2, files->dir, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

static struct file **chain_of(struct files *files, const struct stat *st)
{
	return &files->chains[(st->st_ino ^ (uint64_t)st->st_dev) % FILES_CHAINS];
}

static bool is_same(const struct file *file, const struct stat *st)
{
	return file->dev == st->st_dev && file->ino == st->st_ino &&
	       file->size == (uint64_t)st->st_size && file->changed.tv_sec == st->st_mtim.tv_sec &&
	       file->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static struct file *find_or_add(struct files *files, const struct stat *st)
{
	struct file **chain = chain_of(files, st), *file;

	for (file = *chain; file; file = file->next)
		if (is_same(file, st))
			return file;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	*file = (struct file){.next = *chain,
			      .dev = st->st_dev,
			      .ino = st->st_ino,
			      .size = (uint64_t)st->st_size,
			      .changed = st->st_mtim,
			      .fd = -1};
	head_etag(file->size, &file->changed, file->etag);
	head_date(file->changed.tv_sec, file->modified);
	*chain = file;
	return file;
}

/* Takes @fd over. */
static int use(struct files *files, int fd, struct file **file)
{
	struct stat st;
	int ret = fstat(fd, &st) ? -errno : 0;

	if (!ret && !S_ISREG(st.st_mode))
		ret = S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
	if (!ret) {
		*file = find_or_add(files, &st);
		ret = *file ? 0 : -ENOMEM;
	}
	if (ret || (*file)->users++) {
		close(fd);
		return ret;
	}
	(*file)->fd = fd;
	return 0;
}

int file_get(struct files *files, const char *path, struct file **file)
{
	/* O_NONBLOCK: a FIFO without a writer must not hold us up. */
	int fd = files_open_beneath(files, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? fd : use(files, fd, file);
}

static void forget(struct files *files, struct file *file)
{
	struct stat st = {.st_dev = file->dev, .st_ino = file->ino};
	struct file **link = chain_of(files, &st);

	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
	free(file);
}

void file_put(struct files *files, struct file *file)
{
	if (file->users && !--file->users) {
		close(file->fd);
		file->fd = -1;
	}
	if (!file->users && !file->blocks)
		forget(files, file);
}

bool file_is_unchanged(const struct file *file)
{
	struct stat st;

	return !fstat(file->fd, &st) && is_same(file, &st);
}

int files_status(int code)
{
	switch (code) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ELOOP:
		return 404;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return 503;
	case -EIO:
		return 500;
	default: /* -EXDEV: it leads out of the folder */
		return 403;
	}
}
