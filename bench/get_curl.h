/* SPDX-License-Identifier: BSD-3-Clause */
/* get_curl: objects of web servers fetched by libcurl into host memory and copied to a device's,
 * which is the ordinary way there. */
#ifndef BENCH_GET_CURL_H
#define BENCH_GET_CURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devmem.h"
#include "get_curl_args.h"

enum slot_state {
	SLOT_FREE,
	SLOT_FETCHING, /* libcurl has its handle */
	SLOT_FETCHED,  /* all of the object is in host memory */
	SLOT_COPYING,  /* the device's copy engine is at it */
};

/* Room for one object on its way, in host memory and in the device's. */
struct slot {
	struct get *get;
	enum slot_state state;
	CURL *easy;
	char reason[CURL_ERROR_SIZE]; /* libcurl's words when it fails */
	size_t object;		      /* index of its URL */
	uint8_t *host, *device;
	uint64_t bytes; /* received of the object */
	uint64_t fence; /* of its copy */
};

struct get_figures {
	uint64_t failed, bytes, connects;
	uint64_t copy_ns; /* CPU time in the calls that start copies */
	double seconds, user_seconds, system_seconds;
};

struct get {
	const struct get_options *options;
	struct devmem_exporter *exporter;
	struct devmem_mem *memory; /* of all slots */
	uint8_t *staging;	   /* of all slots */
	CURLM *multi;
	struct slot *slots;
	size_t begun, ended; /* objects */
	struct get_figures figures;
};

/* Memory and handles of all slots: 0 or -errno with @err. get_close() undoes it in either case. */
int get_open(struct get *get, const struct get_options *options, struct devmem_error *err);
void get_close(struct get *get);

/* Fetches all objects: 0, or -errno with @err when it cannot go on. Objects that could not be
 * fetched are told on stderr and counted. */
int get_run(struct get *get, struct devmem_error *err);

/* Prints the SHA-256 of the object in @slot's device memory and its URL: 0 or -errno. Overwrites
 * the slot's host memory. */
int get_print_hash(struct slot *slot);

/* Writes the figures as JSON: 0 or -errno. */
int get_report(const struct get *get, const char *path);

#endif
