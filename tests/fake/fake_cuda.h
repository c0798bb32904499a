/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stand-in for libcuda.so.1, for tests: the driver's calls that libdevmem makes, on memory of
 * memfds. Inside, for its files; fake_control.h is what tests may call.
 *
 * It is stricter than the driver. What the driver leaves undefined ends the process with a message:
 * calls without a context or in the wrong one, objects used after their end or ended while used,
 * copies outside of an allocation, unbalanced pushes and pops, objects left at exit. An address of
 * device memory is not readable by the CPU, and is not given twice.
 */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake_control.h"

#define FAKE_MAX_DEVICES 8

enum fake_code {
	FAKE_OK = 0,
	FAKE_INVALID_VALUE = 1,
	FAKE_OUT_OF_MEMORY = 2,
	FAKE_NOT_INITIALIZED = 3,
	FAKE_DEINITIALIZED = 4,
	FAKE_NO_DEVICE = 100,
	FAKE_INVALID_DEVICE = 101,
	FAKE_INVALID_CONTEXT = 201,
	FAKE_NOT_READY = 600,
	FAKE_ILLEGAL_ADDRESS = 700,
	FAKE_CONTEXT_IS_DESTROYED = 709,
	FAKE_NOT_SUPPORTED = 801,
	FAKE_UNKNOWN = 999,
};

/* The primary context of a device; there are no others. */
struct fake_context {
	int device;
	unsigned int retained;
	int broken;   /* the error that every call gives from now on; such errors do not go away */
	bool flushed; /* since the last event was recorded */
};

/* Device memory. Its struct stays after cuMemFree, so that a use after that is told from others. */
struct fake_alloc {
	uintptr_t addr; /* what the program knows; no access */
	size_t size;
	int device;
	bool dmvram;  /* made of that, else of a memfd */
	int fd;	      /* of either */
	uint8_t *cpu; /* where the copy engine finds it in a memfd */
	bool freed, exported;
	unsigned int uses; /* copies under way */
};

/* Page-locked host memory. */
struct fake_pinned {
	struct fake_pinned *next;
	uint8_t *addr;
	size_t size;
	int device; /* in whose context it was allocated */
	unsigned int uses;
};

/* One end of a copy. */
struct fake_place {
	struct fake_alloc *alloc; /* NULL: host memory */
	size_t offset;		  /* in alloc */
	uint8_t *host;
};

struct fake_event {
	struct fake_event *next;
	int device;
	bool dead;
	uint64_t recorded, passed; /* how often */
};

struct fake_op;

struct fake_stream {
	struct fake_stream *next;
	int device;
	bool dead, quit;
	pthread_t thread;
	pthread_cond_t changed;
	struct fake_op *first, **last;
	unsigned int pending; /* operations not finished */
};

extern struct fake {
	pthread_mutex_t lock; /* for all that follows and all objects */
	int pid;	      /* of the process that called cuInit; 0: nobody has */
	bool over;	      /* the library is being unloaded */
	int devices;
	struct fake_context contexts[FAKE_MAX_DEVICES];
	struct fake_alloc **allocs; /* by rising address */
	size_t n_allocs;
	struct fake_pinned *pinned;
	struct fake_event *events;
	struct fake_stream *streams;
	long knobs[FAKE_MAX_DEVICES][FAKE_KNOBS];
	long counts[FAKE_MAX_DEVICES][FAKE_COUNTS];
} fake;

/* Ends the process: the program under test has a bug. */
__attribute__((noreturn, format(printf, 1, 2))) void fake_misuse(const char *fmt, ...);

/*
 * Begins a call that needs the current context: FAKE_OK with the lock held, or an error with the
 * lock free.
 */
int fake_begin(const char *call, struct fake_context **context);
/* The same for calls that need no context. */
int fake_begin_bare(void);
int fake_end(int result);

/* Reads FAKE_CUDA_* from the environment. */
void fake_knobs_read(void);
/* A knob that counts down to a failure: true when it is this call's turn. */
bool fake_turn(int device, enum fake_knob knob);

/* The allocation that @addr is in, also a freed one; NULL for what is no device memory. */
struct fake_alloc *fake_alloc_find(uintptr_t addr);
struct fake_pinned *fake_pinned_find(uintptr_t addr);
/* True for addresses that only device memory has, allocated or not. */
bool fake_is_device_address(uintptr_t addr);

/* Makes what is behind an allocation of which size and dmvram are set. */
bool fake_backing_open(struct fake_alloc *alloc);
void fake_backing_close(struct fake_alloc *alloc);
/* A new dmabuf fd of whole pages of it, or -1. */
int fake_backing_export(const struct fake_alloc *alloc, size_t offset, size_t size);
/* Copies, and waits; without the lock. */
void fake_move(const struct fake_place *dst, const struct fake_place *src, size_t size);

/* Ends with a message when something is left. Called with the lock held. */
void fake_check_leaks(const char *when, int device);

#endif
