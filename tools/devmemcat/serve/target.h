/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths as URLs write them: from a request's target to a file's name, and back. */
#ifndef DEVMEMCAT_SERVE_TARGET_H
#define DEVMEMCAT_SERVE_TARGET_H

#include "request.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TARGET_PATH 4096

/*
 * Decodes the path of @target (of either form that a server gets: /path or http://host/path) to
 * one that is relative to the folder served, "." for all of it. The query is cut off; ".." is left
 * in. 0, or the status to refuse it with.
 */
int target_path(const struct request_span *target, char path[TARGET_PATH]);
/* Where the path lies in @target, with one slash in front, as it was sent. */
struct request_span target_raw_path(const struct request_span *target);
/* The longest that target_encode() makes of @len bytes, with the final NUL. */
#define TARGET_ENCODED(len) (3 * (len) + 1)
/* Writes @path as a URL has it, slashes as they are. Returns the length. */
size_t target_encode(const char *path, char *text);

#ifdef __cplusplus
}
#endif

#endif
