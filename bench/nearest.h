/* SPDX-License-Identifier: BSD-3-Clause */
/* Which NICs are nearest to a GPU on the PCI bus, as NCCL looks for them. */
#ifndef BENCH_NEAREST_H
#define BENCH_NEAREST_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Stores in @near, in their order, the numbers of those of @n NICs that share the longest way from
 * the root with the GPU, and returns how many. Paths are those of sysfs
 * (/sys/devices/pci0000:16/0000:16:01.0/...); NULL for what is no PCI device, which is as far as
 * can be. All are as near as each other where the GPU is NULL.
 */
unsigned int nearest_nics(const char *const *nics, unsigned int n, const char *gpu,
			  unsigned int *near);

#ifdef __cplusplus
}
#endif
#endif
