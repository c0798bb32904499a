/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of devmemget, from its memory to its last object. */
#ifndef DEVMEMGET_SESSION_H
#define DEVMEMGET_SESSION_H

#include <sys/resource.h>

#include "options.h"
#include "split.h"

struct names {
	char **urls;
	size_t n, room;
};

struct session {
	const struct options *options;
	struct devmem_exporter *exporter;
	struct devmem_mem *window;
	struct devmem_nic nic;
	struct split *split;
	struct devmem_http *http;
	struct names names;		 /* the objects */
	uint8_t *staging;		 /* STAGING_BYTES */
	struct devmem_http_stats before; /* of the index */
	struct rusage usage_before;	 /* and what it and the setting up took */
	int64_t begin_ms, end_ms;
	uint64_t objects, failed, bytes, read_back;
};

#define STAGING_BYTES (1u << 20)

/* setup.c: memory, NIC and client, for a server as @url names it. */
int session_open(struct session *session, const char *url, struct devmem_error *err);
void session_close(struct session *session);

/* names.c: which objects. */
int names_add(struct names *names, const char *url);
bool names_are_remote(const struct options *options); /* the index is a URL */
/* Those of the command line, or of a file. */
int names_load(struct names *names, const struct options *options, struct devmem_error *err);
/* Those of an index that the client fetches. */
int names_fetch(struct session *session, struct devmem_error *err);
void names_free(struct names *names);

/* object.c: hashes and saves what is wanted of an object. */
int object_use(struct session *session, const struct devmem_object *object,
	       struct devmem_error *err);

/* wait.c of devmemcat waits for these, and for signals. -EINTR after one. */
int session_wait(const struct session *session, int timeout_ms);

/* run.c: all objects. False when a signal ended it. */
bool session_run(struct session *session);

/* report.c */
void report_object(const struct session *session, const struct devmem_object *object);
void report_failure(const struct session *session, const char *url, const struct devmem_error *err);
void report_progress(const struct session *session);
/* False, after a message, when a file cannot be written. */
bool report_end(const struct session *session);

#endif
