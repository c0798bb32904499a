/* SPDX-License-Identifier: BSD-3-Clause */
/* How large a pool is and how many rx queues it has, when the user does not say. */
#ifndef DEVMEM_POOL_SIZE_H
#define DEVMEM_POOL_SIZE_H

#include "bind.h"
#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POOL_PAGE_BYTES BIND_PAGE_BYTES

/* One queue for each 25 Gb/s, at most 4, and at most an eighth of the NIC's, since other processes
 * want some. */
unsigned int pool_size_queues(const struct devmem_nic *nic);
/*
 * Bytes for @queues queues whose rings take @ring bytes each, in pages: both halves of a ring that
 * is being refilled, what a flow at line rate brings in 2 ms, and 16 MiB for messages that wait;
 * whole MiB. Twice that where @large buffers can be had.
 */
size_t pool_size_bytes(const struct devmem_nic *nic, unsigned int queues, size_t ring, bool large);
/*
 * Bytes of each of its buffers (bind.h): a page, up to 32 KiB where rings of such buffers leave
 * half of the pool, and senders can be promised 2 ms at line rate, and 2,048 buffers: each segment
 * may come to lie in one of its own.
 */
size_t pool_size_buffer(const struct devmem_nic *nic, size_t bytes, unsigned int queues,
			size_t ring);
/* Payload bytes of a full TCP segment at the NIC's MTU for each of the buffers that it takes: the
 * last of them is seldom full. */
size_t pool_size_payload(const struct devmem_nic *nic, size_t buffer);
/* Buffers that may be promised to senders: without the rings, and without an eighth for segments
 * that are not full. @ring is in pages, whatever the buffers are. */
unsigned int pool_size_budget(size_t bytes, unsigned int queues, size_t ring, size_t buffer);

#ifdef __cplusplus
}
#endif

#endif
