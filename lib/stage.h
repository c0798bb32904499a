/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host copies of device memory on their way to a socket, for what the NIC cannot read itself: a
 * few buffers that the copy engine fills ahead while earlier ones are sent.
 */
#ifndef DEVMEM_STAGE_H
#define DEVMEM_STAGE_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STAGE_SLOTS 4
#define STAGE_BYTES (256u * 1024) /* of a slot */

struct stage_slot {
	size_t len;
	uint64_t fence;
};

/* Zero but for the exporter before the first use. Buffers come with it. */
struct stage {
	struct devmem_exporter *exporter;
	uint8_t *memory; /* STAGE_SLOTS buffers, or NULL */
	struct stage_slot slots[STAGE_SLOTS];
	unsigned int first, n; /* ring of filled slots, in the order of the bytes */
	size_t taken;	       /* bytes of the first slot that were used up */
};

/* Starts copying the next @len bytes of the flow, or as many as one slot holds, and returns how
 * many; 0: no slot or no room in the engine now; -errno. */
ssize_t stage_fill(struct stage *stage, const void *addr, size_t len);
/* The next bytes of the flow that are there: 1 with @bytes and @n, 0 not yet, -errno. */
int stage_peek(struct stage *stage, const uint8_t **bytes, size_t *n);
/* Uses up the first @n of them. */
void stage_take(struct stage *stage, size_t n);
/* Waits for the engine to be done with the buffers, a second at most, and frees them; an engine
 * that hangs keeps them. */
void stage_destroy(struct stage *stage);

#ifdef __cplusplus
}
#endif

#endif
