/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections that are being made: NCCL asks again and again with the same handle until one is
 * there. */
#ifndef PLUGIN_ATTEMPTS_H
#define PLUGIN_ATTEMPTS_H

#include "connect.h"
#include "devmem_wire.h"

struct attempt {
	struct attempt *next;
	const void *handle; /* NCCL's buffer, the same until connect() is through */
	struct dialer *dialer;
};

/* The list begins as NULL, and is under the lock of its user. */
/* The attempt with the handle at @handle, which says @wire; NULL when there is none yet. */
struct attempt *attempt_find(struct attempt *list, const void *handle,
			     const struct wire_handle *wire);
int attempt_new(struct attempt **list, struct device *device, int traffic_class, const void *handle,
		const struct wire_handle *wire, struct attempt **attempt, struct devmem_error *err);
void attempt_end(struct attempt **list, struct attempt *attempt);

#endif
