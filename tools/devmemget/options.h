/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line of devmemget asks for. */
#ifndef DEVMEMGET_OPTIONS_H
#define DEVMEMGET_OPTIONS_H

#include "devmem_http.h"

/* The exit status, as the manual page tells it. */
enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_OBJECT = 1, /* an object could not be fetched or saved */
	EXIT_STATUS_USAGE = 2,
	EXIT_STATUS_SETUP = 4,	  /* device memory or the NIC could not be set up */
	EXIT_STATUS_SIGNAL = 128, /* and the signal's number */
};

struct options {
	char **urls;
	unsigned int n_urls;
	const char *index;  /* NULL: urls are the objects */
	const char *base;   /* NULL: the index's own URL */
	const char *output; /* NULL: they stay in device memory; a folder ends in '/' */
	bool sha256;
	bool any_kind; /* a CUDA device where there is one, else udmabuf */
	enum devmem_mem_kind kind;
	const char *interface; /* NULL: by the route to the first server */
	uint64_t window_bytes;
	unsigned int hold_ms; /* that an object is kept before it is released */
	bool quiet;
	bool json;
	const char *json_file; /* NULL: stderr */
	struct devmem_http_options http;
};

/* Fills @options from the command line, or prints what is wrong with it and exits with
 * EXIT_STATUS_USAGE. */
void options_parse(int argc, char **argv, struct options *options);

#endif
