// SPDX-License-Identifier: BSD-3-Clause
/* CUDA devices by the driver's own calls, found at run time: nothing is linked. */
#include "gpu.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define PCI_ADDRESS 32

/* One of the driver's calls; what it lacks fails. */
#define cuda_call(gpu, name, types, ...)                         \
	({                                                       \
		int(*found_) types = dlsym((gpu)->driver, name); \
		found_ ? found_(__VA_ARGS__) : -1;               \
	})

static void find_pci_path(struct gpu *gpu)
{
	char address[PCI_ADDRESS] = "", link[PCI_ADDRESS + 32];

	if (cuda_call(gpu, "cuDeviceGetPCIBusId", (char *, int, int), address, PCI_ADDRESS,
		      gpu->device))
		return;
	for (char *c = address; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s", address);
	if (!realpath(link, gpu->pci_path))
		gpu->pci_path[0] = '\0';
}

void gpu_choose(struct gpu *gpu, int local_rank)
{
	int devices = 0;

	*gpu = (struct gpu){.ordinal = -1};
	gpu->driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!gpu->driver || cuda_call(gpu, "cuInit", (unsigned int), 0) ||
	    cuda_call(gpu, "cuDeviceGetCount", (int *), &devices) || devices < 1 ||
	    cuda_call(gpu, "cuDeviceGet", (int *, int), &gpu->device, local_rank % devices) ||
	    cuda_call(gpu, "cuDevicePrimaryCtxRetain", (void **, int), &gpu->context,
		      gpu->device)) {
		gpu->context = NULL;
		return;
	}
	gpu->ordinal = local_rank % devices;
	find_pci_path(gpu);
}

void gpu_name(const struct gpu *gpu, char *name, size_t size)
{
	name[0] = '\0';
	if (!gpu->context)
		return;
	if (dlsym(gpu->driver, "fake_cuda_set"))
		snprintf(name, size, "stand-in");
	else if (cuda_call(gpu, "cuDeviceGetName", (char *, int, int), name, (int)size,
			   gpu->device))
		name[0] = '\0';
}

void gpu_use(const struct gpu *gpu)
{
	if (gpu->context)
		cuda_call(gpu, "cuCtxSetCurrent", (void *), gpu->context);
}

void gpu_release(struct gpu *gpu)
{
	if (gpu->context) {
		cuda_call(gpu, "cuCtxSetCurrent", (void *), NULL);
		cuda_call(gpu, "cuDevicePrimaryCtxRelease_v2", (int), gpu->device);
	}
	if (gpu->driver)
		dlclose(gpu->driver);
	*gpu = (struct gpu){.ordinal = -1};
}
