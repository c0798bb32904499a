/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection from its first byte to its last: both directions, in one loop. */
#ifndef DEVMEMCAT_SESSION_H
#define DEVMEMCAT_SESSION_H

#include "inbound.h"
#include "link.h"
#include "options.h"
#include "outbound.h"

struct session {
	const struct options *options;
	struct devmem_exporter *exporter;
	struct link link;
	struct devmem_stream *stream;
	struct source source;
	struct sink sink;
	struct inbound in;
	struct outbound out;
	bool input_is_terminal;
	int64_t begin_ms, end_ms; /* of the transfer */
	int64_t moved_ms;	  /* when something moved last */
	int64_t sent_ms;	  /* when the end of input was sent, 0 before */
};

/* Opens the exporter and makes the connection. Returns the exit status, with @err when it is not
 * 0. session_close() in any case. */
enum exit_status session_open(struct session *session, const struct options *options,
			      struct devmem_error *err);
/* Moves bytes until both directions are done, then takes the last tokens back. */
enum exit_status session_run(struct session *session, struct devmem_error *err);
/* Frees all; what cannot be put back as it was found is said on stderr. */
void session_close(struct session *session);

#endif
