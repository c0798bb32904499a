/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures as JSON, and their file. */
#ifndef BENCH_JSON_FILE_H
#define BENCH_JSON_FILE_H

#include <jansson.h>
#include <stdint.h>

void json_set_text(json_t *object, const char *name, const char *value);
void json_set_count(json_t *object, const char *name, uint64_t value);
void json_set_real(json_t *object, const char *name, double value);

/* Writes @root, which may be NULL for what memory was too short for, and drops the reference. 0 or -errno. */
int json_write_file(json_t *root, const char *path);

#endif
