// SPDX-License-Identifier: BSD-3-Clause
/* The distance of PCI devices by their sysfs paths: bridges and switches that both are behind. */
#include "nearest.h"

#include <stddef.h>

/* Whole components that both paths begin with. */
static unsigned int shared_way(const char *nic, const char *gpu)
{
	unsigned int shared = 0;

	if (!nic || !gpu)
		return 0;
	for (; *nic && *nic == *gpu; nic++, gpu++)
		shared += *nic == '/';
	return shared + ((!*nic || *nic == '/') && (!*gpu || *gpu == '/'));
}

unsigned int nearest_nics(const char *const *nics, unsigned int n, const char *gpu,
			  unsigned int *near)
{
	unsigned int longest = 0, found = 0;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int shared = shared_way(nics[i], gpu);

		if (shared > longest) {
			longest = shared;
			found = 0;
		}
		if (shared == longest)
			near[found++] = i;
	}
	return found;
}
