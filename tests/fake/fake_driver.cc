// SPDX-License-Identifier: BSD-3-Clause
// For tests that run on the stand-in for libcuda.so.1: its calls and settings, found in the library that LD_LIBRARY_PATH gives.
#include "fake_driver.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "cuda_abi.h"

namespace fake_driver {

void *library()
{
	static void *found = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

	return found && dlsym(found, "fake_cuda_set") ? found : nullptr;
}

void *symbol(const char *name)
{
	void *found = library() ? dlsym(library(), name) : nullptr;

	EXPECT_NE(nullptr, found) << name << ": is LD_LIBRARY_PATH a folder with the fake libcuda.so.1?";
	return found;
}

void set(int device, fake_knob knob, long value) { call(fake_cuda_set, "fake_cuda_set")(device, knob, value); }
long get(int device, fake_knob knob) { return call(fake_cuda_get, "fake_cuda_get")(device, knob); }
long count(int device, fake_count counter) { return call(fake_cuda_count, "fake_cuda_count")(device, counter); }

void reset()
{
	call(fake_cuda_reset, "fake_cuda_reset")();
	set(-1, FAKE_DEVICES, 2);
}

Current::Current(int device_) : device(device_)
{
	void *context = nullptr;

	EXPECT_EQ(0, call(cuInit, "cuInit")(0));
	EXPECT_EQ(0, call(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain")(&context, device));
	EXPECT_EQ(0, call(cuCtxPushCurrent_v2, "cuCtxPushCurrent_v2")(context));
}

Current::~Current()
{
	void *context;

	EXPECT_EQ(0, call(cuCtxPopCurrent_v2, "cuCtxPopCurrent_v2")(&context));
	EXPECT_EQ(0, call(cuDevicePrimaryCtxRelease_v2, "cuDevicePrimaryCtxRelease_v2")(device));
}

} // namespace fake_driver
