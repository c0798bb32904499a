/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pieces of a ring of memory are taken: taken in order, given back in any. */
#ifndef DEVMEM_HTTP_WINDOW_H
#define DEVMEM_HTTP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WINDOW_ALIGN 4096u

struct window_span {
	uint64_t key;
	uint64_t offset, len; /* bytes, whole alignments but for one at the end, never 0 */
	bool given;
};

/* Zero-initialise but for size. */
struct window {
	uint64_t size;		   /* bytes */
	struct window_span *spans; /* a ring of room entries, oldest first */
	unsigned int room, first, n;
};

void window_free(struct window *window);
/*
 * Takes @len contiguous bytes under the name @key, after those that were taken last. -EAGAIN: not
 * before something is given back; -EMSGSIZE: never; -ENOMEM.
 */
int window_take(struct window *window, uint64_t key, uint64_t len, uint64_t *offset);
/* Gives back what was taken as @key. It can be taken again once no older piece is taken, or no
 * newer one. -EINVAL: nothing is. */
int window_give(struct window *window, uint64_t key);
/* How much a span can hold, 0 when there is none of that name. */
uint64_t window_span_len(const struct window *window, uint64_t key);

#ifdef __cplusplus
}
#endif

#endif
