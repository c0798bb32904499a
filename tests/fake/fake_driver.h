// SPDX-License-Identifier: BSD-3-Clause
// For tests that run on the stand-in for libcuda.so.1: its calls and settings, found in the library
// that LD_LIBRARY_PATH gives.
#pragma once

#include "fake_control.h"

namespace fake_driver
{

// The library, as libdevmem gets it; null where libcuda.so.1 is missing or is a real one.
void *library();

void *symbol(const char *name);
// FAKE_CALL(cuMemFree_v2)(addr): the function of that name, with the declared one's type; nothing
// is linked.
#define FAKE_CALL(name) (reinterpret_cast<decltype(&name)>(fake_driver::symbol(#name)))

void set(int device, fake_knob knob, long value);
long get(int device, fake_knob knob);
long count(int device, fake_count counter);
// Two devices, all else as the environment or the default has it.
void reset();

// While it lives, the calling thread's current context is that of `device`, as after
// cudaSetDevice().
class Current
{
      public:
	explicit Current(int device);
	~Current();
	Current(const Current &) = delete;

      private:
	int device;
};

} // namespace fake_driver
