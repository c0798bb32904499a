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

void set(int device, fake_knob knob, long value) { FAKE_CALL(fake_cuda_set)(device, knob, value); }
long get(int device, fake_knob knob) { return FAKE_CALL(fake_cuda_get)(device, knob); }
long count(int device, fake_count counter) { return FAKE_CALL(fake_cuda_count)(device, counter); }

void reset()
{
	FAKE_CALL(fake_cuda_reset)();
	set(-1, FAKE_DEVICES, 2);
}

Current::Current(int device_) : device(device_)
{
	void *context = nullptr;

	EXPECT_EQ(0, FAKE_CALL(cuInit)(0));
	EXPECT_EQ(0, FAKE_CALL(cuDevicePrimaryCtxRetain)(&context, device));
	EXPECT_EQ(0, FAKE_CALL(cuCtxPushCurrent_v2)(context));
}

Current::~Current()
{
	void *context;

	EXPECT_EQ(0, FAKE_CALL(cuCtxPopCurrent_v2)(&context));
	EXPECT_EQ(0, FAKE_CALL(cuDevicePrimaryCtxRelease_v2)(device));
}

} // namespace fake_driver
