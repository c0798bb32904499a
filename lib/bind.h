/* SPDX-License-Identifier: BSD-3-Clause */
/* Bindings of a dmabuf, beyond the public calls: handing one to another process. */
#ifndef DEVMEM_BIND_H
#define DEVMEM_BIND_H

#include "devmem.h"

/* Takes over @fd, a copy of the netlink socket of another process' binding, which lasts until the
 * last copy is closed. 0 or -ENOMEM, then @fd is the caller's. */
int binding_adopt(int fd, uint32_t id, struct devmem_binding **binding);
/* The netlink socket, which stays the binding's. */
int binding_fd(const struct devmem_binding *binding);

typedef void (*binding_seen_fn)(unsigned int ifindex, unsigned int queue, uint32_t dmabuf_id,
				void *arg);
/* Calls @seen for each rx queue of the thread's network namespace that a dmabuf is bound to. 0 or
 * -errno. Needs no privilege. */
int binding_list(binding_seen_fn seen, void *arg);

#endif
