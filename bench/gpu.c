// SPDX-License-Identifier: BSD-3-Clause
/* The name of a CUDA device, by the driver's library, which is never linked. */
#include "gpu.h"

#include <dlfcn.h>
#include <stdio.h>

void gpu_name(int ordinal, char *name, size_t size)
{
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	int (*device_get)(int *device, int ordinal), (*get_name)(char *name, int size, int device);
	int device;

	name[0] = '\0';
	if (!library)
		return;
	*(void **)&device_get = dlsym(library, "cuDeviceGet");
	*(void **)&get_name = dlsym(library, "cuDeviceGetName");
	if (dlsym(library, "fake_cuda_set"))
		snprintf(name, size, "stand-in");
	else if (device_get && get_name &&
		 (device_get(&device, ordinal) || get_name(name, (int)size, device)))
		name[0] = '\0';
	dlclose(library);
}
