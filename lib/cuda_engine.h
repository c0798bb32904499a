/* SPDX-License-Identifier: BSD-3-Clause */
/* The copy engine of one CUDA device: batches of copies on a stream of ours, and when they are
 * done. */
#ifndef DEVMEM_CUDA_ENGINE_H
#define DEVMEM_CUDA_ENGINE_H

#include <pthread.h>

#include "cuda_driver.h"

#define CUDA_BATCHES 256u /* under way; a power of two */
#define CUDA_LIST 512u	  /* copies handed to the driver at once */

/* An allocation of device memory, as the driver told. */
struct cuda_range {
	cuda_ptr start;
	size_t size; /* 0: none */
};

struct cuda_engine {
	const struct cuda_driver *driver;
	void *context; /* retained by the owner */
	int ordinal;
	bool flush; /* received data is not ordered before what the GPU does next: flush first */
	pthread_mutex_t lock; /* for what follows */
	bool batched;	      /* the driver takes lists of copies */
	void *stream;
	struct {
		void *event;
		bool by_stream; /* the event failed: done when the whole stream is */
		unsigned int queued;
	} batches[CUDA_BATCHES]; /* batch n at n % CUDA_BATCHES */
	uint64_t started;	 /* batches; fences count from 1, 0 is always done */
	uint64_t done;
	unsigned int queued; /* operations on the stream, of all batches */
	int failed;	     /* -errno: an error of the context, which does not go away */
	struct devmem_error trouble;
	struct cuda_range dst_range, src_range; /* in which the last piece was */
	unsigned int n;				/* of the list that is being made */
	cuda_ptr dsts[CUDA_LIST], srcs[CUDA_LIST];
	size_t sizes[CUDA_LIST];
};

/* @context is current in the calling thread. On failure cuda_engine_close() is still due. */
int cuda_engine_open(struct cuda_engine *engine, const struct cuda_driver *driver, void *context,
		     int ordinal, bool flush, struct devmem_error *err);
/* Waits for copies under way. */
void cuda_engine_close(struct cuda_engine *engine);

/*
 * As devmem_copy_start(). An error that the context survives ends this copy only (some of its
 * pieces may be copied all the same); after any other, every call gives the same -EIO.
 */
int cuda_engine_start(struct cuda_engine *engine, const struct devmem_copy *pieces, unsigned int n,
		      uint64_t *fence);
int cuda_engine_done(struct cuda_engine *engine, uint64_t fence);
/* Waits until the copies that were started before are done, as they are in microseconds: memory
 * they use may then be freed. */
void cuda_engine_drain(struct cuda_engine *engine);
/* Makes what was received visible to the device's kernels, where they need it: 0 or -errno. */
int cuda_engine_flush(struct cuda_engine *engine);
/* What went wrong last; code 0 when nothing did. */
void cuda_engine_trouble(struct cuda_engine *engine, struct devmem_error *err);

/* Any thread may come in, with any context current or none. */
int cuda_enter(const struct cuda_engine *engine, struct devmem_error *err);
void cuda_leave(const struct cuda_engine *engine);

#endif
