// SPDX-License-Identifier: BSD-3-Clause
/* The forms that the ring buffer between NCCL's kernel and its proxy has. */
#include "fifo.h"

#include <string.h>

const struct fifo_shape fifo_shapes[] = {
	{ "simple", (size_t)4 << 20, 2, 2 },	/* 4 messages of 1 MiB */
	{ "ll", (size_t)512 << 10, 1, 1 },	/* 8 of 64 KiB */
	{ "ll128", 4915200, 1, 1 },		/* 8 of 600 KiB */
	{ "broadcast", (size_t)4 << 20, 1, 1 },	/* 8 of 512 KiB */
	{ "p2p", (size_t)1 << 20, 1, 1 },	/* 8 of 128 KiB */
};

const unsigned int fifo_n_shapes = sizeof(fifo_shapes) / sizeof(fifo_shapes[0]);

const struct fifo_shape *fifo_shape_find(const char *name)
{
	for (unsigned int i = 0; i < fifo_n_shapes; i++)
		if (strcmp(fifo_shapes[i].name, name) == 0)
			return &fifo_shapes[i];
	return NULL;
}
