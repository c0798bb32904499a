/* SPDX-License-Identifier: BSD-3-Clause */
/* devmemcat --serve: an HTTP server of a folder's files, out of device memory. */
#ifndef DEVMEMCAT_SERVE_SERVER_H
#define DEVMEMCAT_SERVE_SERVER_H

#include "client.h"
#include "link.h"

struct server {
	const struct options *options;
	struct devmem_exporter *exporter;
	struct link link; /* fd: the listener, -1 when it is closed */
	struct files files;
	struct routes routes;
	struct serve_counts counts;
	int epoll;
	bool accepting; /* the listener is waited for */
	bool stopping;
	int64_t begin_ms, swept_ms, deadline_ms; /* deadline_ms: of clients that are to finish */
	uint64_t changes;			 /* of caches that hungry clients have seen */
	unsigned int n, max;
	struct client **clients;
};

/* Serves until a signal comes. Returns the exit status, with @err when it is not 0. */
enum exit_status serve(const struct options *options, struct devmem_error *err);

/* Takes clients while there are places (server_accept.c). */
void server_accept(struct server *server);
/* Waits for the listener, or no longer. */
void server_watch_listener(struct server *server, bool on);
/* The figures as the options want them. False, after a message, when they cannot be written. */
bool server_report(const struct server *server, enum exit_status status);

#endif
