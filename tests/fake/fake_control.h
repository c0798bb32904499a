/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests ask of the stand-in for libcuda.so.1, by dlsym: settings, and counters of what was
 * called. */
#ifndef FAKE_CONTROL_H
#define FAKE_CONTROL_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Settings, from the environment as FAKE_CUDA_NAME for all devices or FAKE_CUDA_0_NAME for one.
 * FAIL_* and STICKY_* count down: 3 makes the third call from now fail; 0, never.
 */
#define FAKE_KNOB_LIST(X)                                                                         \
	X(DEVICES, 1)	    /* how many there are; 0: cuInit fails. For all devices only */       \
	X(INIT, 0)	    /* what cuInit returns. For all devices only */                       \
	X(DMABUF, 1)	    /* attribute: exports memory as a dmabuf */                           \
	X(EXPORT, 0)	    /* what an export returns; 0: it works */                             \
	X(PCIE_FLAG, 0)	    /* what an export with the PCIe mapping flag returns */               \
	X(ORDERING, 100)    /* attribute: order of a NIC's writes (0 none, 100 owner, 200 all) */ \
	X(FLUSH_OPTIONS, 1) /* attribute: 1 host, 2 memory operations */                          \
	X(FLUSH, 0)	    /* what a flush returns */                                            \
	X(BATCH, 0)	    /* what a batched copy returns; 0: it works */                        \
	X(DELAY_US, 0)	    /* before each copy is carried out */                                 \
	X(PUSH, 0)	    /* what making a context current returns: 709 context destroyed */    \
	X(DMVRAM, 0)	    /* 1: memory is made of /dev/dmvram, which no CPU reaches */          \
	X(MEMORY_MB, 4096)  /* of a device; more is out of memory */                              \
	X(FAIL_COPY, 0)	    /* a copy call returns COPY_ERROR */                                  \
	X(COPY_ERROR, 1)    /* CUDA's number: 1 invalid value, 2 out of memory */                 \
	X(STICKY_COPY, 0)   /* a copy breaks the context when it is carried out */                \
	X(FAIL_RECORD, 0)   /* recording an event fails */                                        \
	X(FAIL_QUERY, 0)    /* asking for an event fails */                                       \
	X(FAIL_STREAM, 0)   /* making a stream fails */                                           \
	X(FAIL_PIN, 0)	    /* allocating page-locked memory fails */                             \
	X(HOLD, 0)	    /* 1: no copy is carried out until this is 0 again */

/* Counters of a device. */
#define FAKE_COUNT_LIST(X)                                                                    \
	X(COPY_CALLS)  /* of cuMemcpyAsync */                                                 \
	X(BATCH_CALLS) /* of cuMemcpyBatchAsync */                                            \
	X(PIECES)      /* that both have started */                                           \
	X(BLOCKED)     /* copies that kept their caller waiting, to pageable memory */        \
	X(FLUSHES)                                                                            \
	X(EXPORTS)	/* that worked */                                                     \
	X(PCIE_EXPORTS) /* of them with the PCIe mapping flag */                              \
	X(UNFLUSHED)	/* copies from exported memory that should have been flushed, and are \
			   garbled */

enum fake_knob {
#define X(name, value) FAKE_##name,
	FAKE_KNOB_LIST(X)
#undef X
		FAKE_KNOBS
};

enum fake_count {
#define X(name) FAKE_COUNT_##name,
	FAKE_COUNT_LIST(X)
#undef X
		FAKE_COUNTS
};

/* @device -1: all. Any thread. Settings of the environment are read by the first cuInit, or by the
 * first of these calls. */
void fake_cuda_set(int device, enum fake_knob knob, long value);
long fake_cuda_get(int device, enum fake_knob knob);
/* All settings as the environment or the default has them. */
void fake_cuda_reset(void);
long fake_cuda_count(int device, enum fake_count count);

#ifdef __cplusplus
}
#endif

#endif
