/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection: a socket, and the window on a NIC that was made for it beforehand. */
#ifndef DEVMEMCAT_LINK_H
#define DEVMEMCAT_LINK_H

#include "devmem.h"
#include "options.h"
#include "window.h"

struct link {
	int fd; /* connected, non-blocking; whoever takes it writes -1 here */
	struct sockaddr_storage local, remote;
	struct window *window;	 /* NULL: receives into host memory */
	enum exit_status status; /* why link_open() failed */
};

/*
 * Connects, or waits for a client. @into_device: with a window, ready before the first packet can
 * come. -EINTR after a signal. Call link_close() in any case.
 */
int link_open(const struct options *options, struct devmem_exporter *exporter, bool into_device,
	      struct link *link, struct devmem_error *err);
/* Closes the socket if it is still here and undoes the window; @err tells what could not be put
 * back. */
void link_close(struct link *link, struct devmem_error *err);

/* An error with the text and, in @status, the exit status. Returns @code. */
#define link_fail(link, kind, ...) ((link)->status = (kind), devmem_error_set(__VA_ARGS__))

int link_connect(const struct options *options, struct devmem_exporter *exporter, bool into_device,
		 struct link *link, struct devmem_error *err);
int link_listen(const struct options *options, struct devmem_exporter *exporter, bool into_device,
		struct link *link, struct devmem_error *err);
/* Finds the address and port to listen on. */
int link_resolve_local(const struct options *options, struct link *link, struct devmem_error *err);
/* True for 0.0.0.0 and ::. */
bool link_is_any(const struct sockaddr_storage *addr);
/* Makes a socket of that address, which nobody can connect to before listen(). */
int link_bind(const struct options *options, struct link *link, struct devmem_error *err);
/* A socket of @family that, with --interface, belongs to that interface. */
int link_socket(const struct options *options, int family, int type, struct link *link,
		struct devmem_error *err);
/* Binds the socket to @local, opens a window and steers there what comes to the socket. */
int link_window(const struct options *options, struct devmem_exporter *exporter,
		const struct devmem_nic *nic, struct link *link, struct devmem_error *err);

#endif
