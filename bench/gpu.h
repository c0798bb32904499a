/* SPDX-License-Identifier: BSD-3-Clause */
/* The name of a CUDA device. */
#ifndef BENCH_GPU_H
#define BENCH_GPU_H

#include <stddef.h>

/* Of CUDA device @ordinal, as the driver has it; "stand-in" where libcuda.so.1 is the one of the tests; "" where there is none. */
void gpu_name(int ordinal, char *name, size_t size);

#endif
