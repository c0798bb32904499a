/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of the folder that is served, one object for each state that a file was seen in. */
#ifndef DEVMEMCAT_SERVE_FILES_H
#define DEVMEMCAT_SERVE_FILES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "devmem.h"
#include "head.h"

/* A file as it was at some time: one that was written to since is another object. */
struct file {
	struct file *next;
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct timespec changed;
	char etag[HEAD_ETAG], modified[HEAD_DATE];
	int fd;		     /* -1 while nobody uses it */
	unsigned int users;  /* requests for it, and blocks that are being read */
	unsigned int blocks; /* of it that caches hold */
};

#define FILES_CHAINS 1024

struct files {
	int dir;
	struct file *chains[FILES_CHAINS];
};

int files_open(struct files *files, const char *dir, struct devmem_error *err);
/* Caches must have let go of all files. */
void files_close(struct files *files);
/* Opens @path without leaving the folder, whatever links are on the way. A descriptor or -errno. */
int files_open_beneath(const struct files *files, const char *path, int flags);
/* The file at @path, with a use that file_put() takes back. 0; -EISDIR; another -errno. */
int file_get(struct files *files, const char *path, struct file **file);
void file_put(struct files *files, struct file *file);
/* True while what is on disk is what it was. */
bool file_is_unchanged(const struct file *file);
/* The status that tells a client of a failure to open. */
int files_status(int code);

#endif
