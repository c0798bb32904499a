/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that wait for a port to take them, up to a number of bytes. */
#ifndef GUEST_WIRES_QUEUE_H
#define GUEST_WIRES_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct frame {
	struct frame *next;
	size_t len;
	uint8_t data[];
};

/* All zeros but for the limit: empty. */
struct frame_queue {
	struct frame *head, *last;
	size_t bytes, limit;
	uint64_t dropped; /* frames for which there was no room */
};

/* Takes a copy of the frame; false when it was dropped, since it would exceed the limit. */
bool frame_queue_add(struct frame_queue *queue, const uint8_t *data, size_t len);
/* Removes the first frame of a queue that has one. */
void frame_queue_pop(struct frame_queue *queue);
void frame_queue_clear(struct frame_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
