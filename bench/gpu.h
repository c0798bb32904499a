/* SPDX-License-Identifier: BSD-3-Clause */
/* The CUDA device of a rank: chosen by its number on its host, current in the threads that ask. */
#ifndef BENCH_GPU_H
#define BENCH_GPU_H

#include <limits.h>
#include <stddef.h>

struct gpu {
	int ordinal;		 /* of the CUDA device; -1 without one */
	char pci_path[PATH_MAX]; /* in sysfs, "" when it is not known */
	int device;
	void *context;
	void *driver; /* libcuda.so.1 */
};

/* Leaves the ordinal -1 where CUDA does not work: opening an exporter tells why. */
void gpu_choose(struct gpu *gpu, int local_rank);
/* As the driver has it; "stand-in" where libcuda.so.1 is the one of the tests, "" where there is none. */
void gpu_name(const struct gpu *gpu, char *name, size_t size);
/* Makes it the calling thread's device, as cudaSetDevice does; nothing without one. */
void gpu_use(const struct gpu *gpu);
void gpu_release(struct gpu *gpu);

#endif
