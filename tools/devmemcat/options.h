/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line of devmemcat asks for. */
#ifndef DEVMEMCAT_OPTIONS_H
#define DEVMEMCAT_OPTIONS_H

#include "devmem.h"
#include "text.h"

/* The exit status, as the manual page tells it. */
enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_TRANSFER = 1, /* no connection, or it broke, or a local read or write failed */
	EXIT_STATUS_USAGE = 2,
	EXIT_STATUS_DATA = 3,  /* all went well, but the bytes are not those that were expected */
	EXIT_STATUS_SETUP = 4, /* device memory or the NIC could not be set up; nothing was sent */
	EXIT_STATUS_SIGNAL = 128, /* and the signal's number */
};

struct options {
	bool listen;
	const char *serve_dir; /* NULL: netcat; else the folder to serve */
	uint64_t cache_bytes;  /* of device memory for its files */
	const char *host;      /* NULL: any address of this machine */
	const char *port;
	int family;	       /* AF_UNSPEC, AF_INET, AF_INET6 */
	const char *interface; /* NULL: that of the local address */
	struct queue_list queues;
	unsigned int n_queues; /* how many to lease, where none are named */
	bool any_kind;	       /* a CUDA device where there is one, else udmabuf */
	enum devmem_mem_kind kind;
	size_t pool_bytes;
	const char *lease_dir;
	bool no_setup;
	bool validate;
	uint64_t seed;
	uint64_t generate; /* bytes of pattern to send; 0: none */
	bool expect_known;
	uint64_t expect; /* bytes to receive */
	bool send_only, recv_only;
	int quit_s; /* -1: stay until the peer is done */
	unsigned int timeout_s;
	bool timeout_given;
	bool verbose;
	bool stats;
	bool json;
	const char *json_file; /* NULL: stderr */
};

/* Fills @options from the command line, or prints what is wrong with it and exits with
 * EXIT_STATUS_USAGE. */
void options_parse(int argc, char **argv, struct options *options);

#endif
