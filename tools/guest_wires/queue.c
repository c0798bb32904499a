// SPDX-License-Identifier: BSD-3-Clause
/* A queue of frames, first come first served, that drops what exceeds its limit. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

bool frame_queue_add(struct frame_queue *queue, const uint8_t *data, size_t len)
{
	struct frame *frame = NULL;

	if (len <= queue->limit - queue->bytes)
		frame = malloc(sizeof(*frame) + len);
	if (!frame) {
		queue->dropped++;
		return false;
	}
	frame->next = NULL;
	frame->len = len;
	memcpy(frame->data, data, len);
	if (queue->head)
		queue->last->next = frame;
	else
		queue->head = frame;
	queue->last = frame;
	queue->bytes += len;
	return true;
}

void frame_queue_pop(struct frame_queue *queue)
{
	struct frame *frame = queue->head;

	queue->head = frame->next;
	queue->bytes -= frame->len;
	free(frame);
}

void frame_queue_clear(struct frame_queue *queue)
{
	while (queue->head)
		frame_queue_pop(queue);
}
