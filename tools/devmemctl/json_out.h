/* SPDX-License-Identifier: BSD-3-Clause */
/* How subcommands print JSON. */
#ifndef DEVMEMCTL_JSON_OUT_H
#define DEVMEMCTL_JSON_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Prints @object, which it takes over and may be NULL when memory was short, and a line's end. 0,
 * or -1 when it could not. @one_line: without line breaks inside. */
int json_out(FILE *file, json_t *object, bool one_line);

#endif
