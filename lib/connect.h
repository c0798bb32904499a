/* SPDX-License-Identifier: BSD-3-Clause */
/* Making connections without blocking: a dialer on the sending side, a listener on the receiving
 * one. */
#ifndef DEVMEM_CONNECT_H
#define DEVMEM_CONNECT_H

#include "conn.h"

struct dialer;
struct listener;

/* Begins to connect to where @handle says. @traffic_class: see sockopt_traffic_class(). */
int dialer_new(struct device *device, const struct wire_handle *handle, int traffic_class,
	       struct dialer **dialer, struct devmem_error *err);
/* 1: connected, @conn is made; 0: not yet, call again; -errno. After 1 or an error only
 * dialer_free() may follow. */
int dialer_poll(struct dialer *dialer, struct conn **conn, struct devmem_error *err);
const uint8_t *dialer_nonce(const struct dialer *dialer);
void dialer_free(struct dialer *dialer);

/* Opens a control port, and the pool if the plan says so; @handle is what the other side needs.
 * @traffic_class: see sockopt_traffic_class(). */
int listener_new(struct device *device, int traffic_class, struct listener **listener,
		 struct wire_handle *handle, struct devmem_error *err);
/* 1: somebody with the right nonce has connected; 0: nobody yet; -errno. May be called again for
 * more connections. */
int listener_poll(struct listener *listener, struct conn **conn, struct devmem_error *err);
void listener_free(struct listener *listener);

#endif
