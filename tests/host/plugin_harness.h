// SPDX-License-Identifier: BSD-3-Clause
// Drives the plugin as NCCL does: loads it, connects two ends, moves messages, and keeps what it logged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nccl/net_v11.h"

namespace harness {

// One end: a copy of the plugin of its own (so that two ends in one process share nothing), and where it runs.
class Side {
public:
	// enter is called before anything that makes sockets; in the guest it changes to the host's network namespace.
	explicit Side(std::function<void()> enter = [] {}, ncclResult_t expect = ncclSuccess);
	~Side();
	Side(const Side &) = delete;

	const ncclNet_v11_t *net = nullptr;
	std::function<void()> enter;
	ncclNetProperties_v11_t properties(int dev = 0);
	// Calls that make or close sockets, in the right namespace.
	ncclResult_t listen(void *handle, void **comm);
	ncclResult_t connect(void *handle, void **comm);
	// With what NCCL's kernels are to be told of the connection, where they place what it receives.
	ncclResult_t accept(void *listen_comm, void **comm, ncclNetDeviceHandle_t *device = nullptr);
	void finalize();

private:
	std::string path;
	void *library = nullptr;
	void *context = nullptr;
	bool initialised = false;
};

// What init is given: keeps lines for warnings() and infos().
void logger(ncclDebugLogLevel level, unsigned long flags, const char *file, int line, const char *fmt, ...);

// Everything that any side has logged at WARN, or at INFO, one line each, since the last clear.
std::string warnings();
std::string infos();
void clear_logs();

// A connection from `from` to `to`, both ends open.
struct Pair {
	Pair(Side &from, Side &to);
	~Pair();
	void close_send();
	void close_recv();
	Side &from, &to;
	void *send = nullptr, *recv = nullptr;
	ncclNetDeviceHandle_t device = {};	// filled in where the receiver is of type UNPACK
};

// Polls connect and accept in turn until both are there, or 20 s have passed.
void establish(Side &from, Side &to, void *handle, void *listen_comm, void **send, void **recv, ncclNetDeviceHandle_t *device = nullptr);

// test() in a loop for at most `seconds`; the result, and the size in *size.
ncclResult_t wait_for(Side &side, void *request, int *size, double seconds = 20);
// Both until both are done.
void wait_both(Side &a, void *first, Side &b, void *second, int *size);

double now();

} // namespace harness
