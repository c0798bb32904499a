/* SPDX-License-Identifier: BSD-3-Clause */
/* All files below a folder, one relative path in a line, as URLs write them. */
#ifndef DEVMEMCAT_SERVE_LISTING_H
#define DEVMEMCAT_SERVE_LISTING_H

#include "files.h"

struct listing;

/* Starts with the folder at @path. -errno when it cannot be read. */
int listing_open(const struct files *files, const char *path, struct listing **listing);
/* Looks at some more entries. 1: there are more; 0: done; -errno: -EFBIG when the text would be
 * larger than 64 MiB. */
int listing_step(struct listing *listing);
/* The text so far, which is the listing's. */
const char *listing_text(const struct listing *listing, size_t *len);
void listing_close(struct listing *listing);

#endif
