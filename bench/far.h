/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that the CPU cannot reach, as a GPU's: the work of NCCL's kernel is then done on copies in host memory. */
#ifndef BENCH_FAR_H
#define BENCH_FAR_H

#include "devmem.h"

/* A kernel's means to work on far memory. */
struct far {
	struct devmem_exporter *exporter;	/* whose copy engine is used */
	uint8_t *first, *second;		/* host memory, a slice of the FIFO each */
};

/* Copies @n pieces one after the other, each side far memory or host memory, and waits: 0 or -errno. */
int far_copy(struct devmem_exporter *exporter, const struct devmem_copy *pieces, unsigned int n);

#endif
