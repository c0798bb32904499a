/* SPDX-License-Identifier: BSD-3-Clause */
/* How large a pool is and how many rx queues it has, when the user does not say. */
#ifndef DEVMEM_POOL_SIZE_H
#define DEVMEM_POOL_SIZE_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POOL_PAGE_BYTES 4096u /* a buffer of the NIC: one page for each piece of payload */

/* One queue for each 25 Gb/s, at most 4, and at most an eighth of the NIC's, since other processes
 * want some. */
unsigned int pool_size_queues(const struct devmem_nic *nic);
/*
 * Bytes for @queues queues whose rings take @ring bytes each: both halves of a ring that is being
 * refilled, what a flow at line rate brings in 2 ms, and 16 MiB for messages that wait; whole MiB.
 */
size_t pool_size_bytes(const struct devmem_nic *nic, unsigned int queues, size_t ring);
/* Payload bytes of a full TCP segment at the NIC's MTU that one page takes. */
size_t pool_size_page_payload(const struct devmem_nic *nic);
/* Pages that may be promised to senders: without the rings, and without an eighth for segments that
 * are not full. */
unsigned int pool_size_budget(size_t bytes, unsigned int queues, size_t ring);

#ifdef __cplusplus
}
#endif

#endif
