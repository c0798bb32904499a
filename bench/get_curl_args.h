/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asks of get_curl. */
#ifndef BENCH_GET_CURL_ARGS_H
#define BENCH_GET_CURL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devmem.h"

#define GET_MAX_CONNECTIONS 128

/* As devmemget has it. */
enum get_exit { GET_EXIT_FAILED = 1, GET_EXIT_USAGE = 2, GET_EXIT_SETUP = 4 };

struct get_options {
	char **urls; /* freed by get_options_free() */
	size_t n;
	unsigned int connections;
	uint64_t largest; /* bytes that an object may have */
	enum devmem_mem_kind kind;
	const char *index, *base; /* NULL: none */
	const char *json;	  /* NULL: none */
	bool sha256;
};

/* Ends the process, with what is wrong and GET_EXIT_USAGE, or with the help that was asked for. */
void get_options_parse(int argc, char **argv, struct get_options *options);
void get_options_free(struct get_options *options);

#endif
