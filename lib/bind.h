/* SPDX-License-Identifier: BSD-3-Clause */
/* Bindings of a dmabuf, beyond the public calls: asking for them, handing one to another process.
 */
#ifndef DEVMEM_BIND_H
#define DEVMEM_BIND_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Whether interface and kernel can receive device memory as far as they can be asked, which is by a
 * request that binds nothing. Kernels built without CONFIG_NET_DEVMEM have bind-rx, too, and refuse
 * all; from 6.17 on a kernel also refuses at once for a driver that cannot. True for a process
 * without CAP_NET_ADMIN, who is told nothing.
 */
bool bind_rx_possible(unsigned int ifindex);

#define BIND_PAGE_BYTES 4096u /* a receive buffer, where nothing larger can be had */

/* Whether the kernel knows of buffers larger than a page, as far as this process is told: false
 * without CAP_NET_ADMIN. */
bool bind_rx_takes_buffers(unsigned int ifindex);
/*
 * As devmem_bind_rx(), with the memory divided in receive buffers of *@buffer bytes, a power of two
 * of a page or more: each takes one token and one control message however full it is. *@buffer
 * shrinks to what the kernel, the driver and the parts that the memory consists of allow.
 */
int bind_rx(unsigned int ifindex, int dmabuf_fd, const unsigned int *queues, unsigned int n,
	    size_t *buffer, struct devmem_binding **binding, struct devmem_error *err);

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

#ifdef __cplusplus
}
#endif

#endif
