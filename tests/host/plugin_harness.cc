// SPDX-License-Identifier: BSD-3-Clause
// Drives the plugin as NCCL does: loads it, connects two ends, moves messages, and keeps what it logged.
#include "plugin_harness.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <gtest/gtest.h>
#include <mutex>
#include <sched.h>
#include <time.h>
#include <unistd.h>

namespace harness {

namespace {
std::mutex log_lock;
std::string logged_warnings, logged_infos;

std::string copy_of_plugin()
{
	static int number = 0;
	std::string from = std::string(getenv("DEVMEM_BUILD") ? getenv("DEVMEM_BUILD") : ".") + "/lib/libnccl-net-devmem.so";
	std::string to = "/tmp/devmem-test-" + std::to_string(getpid()) + "-" + std::to_string(number++) + ".so";
	std::ifstream in(from, std::ios::binary);
	std::ofstream out(to, std::ios::binary);

	EXPECT_TRUE(in.good()) << from;
	out << in.rdbuf();
	return to;
}
} // namespace

void logger(ncclDebugLogLevel level, unsigned long, const char *, int, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	std::lock_guard<std::mutex> guard(log_lock);
	(level == NCCL_LOG_WARN ? logged_warnings : logged_infos) += std::string(text) + "\n";
}

std::string warnings()
{
	std::lock_guard<std::mutex> guard(log_lock);
	return logged_warnings;
}

std::string infos()
{
	std::lock_guard<std::mutex> guard(log_lock);
	return logged_infos;
}

void clear_logs()
{
	std::lock_guard<std::mutex> guard(log_lock);
	logged_warnings.clear();
	logged_infos.clear();
}

Side::Side(std::function<void()> enter_, ncclResult_t expect) : enter(std::move(enter_)), path(copy_of_plugin())
{
	library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
	EXPECT_NE(nullptr, library) << dlerror();
	net = static_cast<const ncclNet_v11_t *>(dlsym(library, "ncclNetPlugin_v11"));
	EXPECT_NE(nullptr, net);
	ncclNetCommConfig_t config = {NCCL_NET_TRAFFIC_CLASS_UNDEF};
	enter();
	EXPECT_EQ(expect, net->init(&context, 1, &config, logger, nullptr)) << warnings();
	initialised = expect == ncclSuccess;
}

Side::~Side()
{
	finalize();
	dlclose(library);
	unlink(path.c_str());
}

void Side::finalize()
{
	if (!initialised)
		return;
	enter();
	EXPECT_EQ(ncclSuccess, net->finalize(context));
	initialised = false;
}

ncclNetProperties_v11_t Side::properties(int dev)
{
	ncclNetProperties_v11_t properties;

	memset(&properties, 0xa5, sizeof(properties));
	EXPECT_EQ(ncclSuccess, net->getProperties(dev, &properties));
	return properties;
}

ncclResult_t Side::listen(void *handle, void **comm)
{
	enter();
	return net->listen(context, 0, handle, comm);
}

ncclResult_t Side::connect(void *handle, void **comm)
{
	ncclNetDeviceHandle_t *device = nullptr;

	enter();
	return net->connect(context, 0, handle, comm, &device);
}

ncclResult_t Side::accept(void *listen_comm, void **comm, ncclNetDeviceHandle_t *device)
{
	enter();
	return net->accept(listen_comm, comm, &device);
}

double now()
{
	timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void establish(Side &from, Side &to, void *handle, void *listen_comm, void **send, void **recv, ncclNetDeviceHandle_t *device)
{
	double deadline = now() + 20;

	*send = *recv = nullptr;
	while (!*send || !*recv) {
		if (!*send) {
			ASSERT_EQ(ncclSuccess, from.connect(handle, send)) << warnings();
		}
		if (!*recv) {
			ASSERT_EQ(ncclSuccess, to.accept(listen_comm, recv, device)) << warnings();
		}
		ASSERT_LT(now(), deadline) << "not connected after 20 s\n" << warnings() << infos();
		sched_yield();
	}
}

Pair::Pair(Side &from_, Side &to_) : from(from_), to(to_)
{
	alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
	void *listen_comm = nullptr;

	ncclNetProperties_v11_t properties = to.properties();

	device.netDeviceType = properties.netDeviceType;
	device.netDeviceVersion = properties.netDeviceVersion;
	EXPECT_EQ(ncclSuccess, to.listen(handle, &listen_comm)) << warnings();
	if (listen_comm) {
		establish(from, to, handle, listen_comm, &send, &recv, device.netDeviceType == NCCL_NET_DEVICE_UNPACK ? &device : nullptr);
		EXPECT_EQ(ncclSuccess, to.net->closeListen(listen_comm));
	}
}

void Pair::close_send()
{
	from.enter();
	if (send) {
		EXPECT_EQ(ncclSuccess, from.net->closeSend(send));
	}
	send = nullptr;
}

void Pair::close_recv()
{
	to.enter();
	if (recv) {
		EXPECT_EQ(ncclSuccess, to.net->closeRecv(recv));
	}
	recv = nullptr;
}

Pair::~Pair()
{
	close_send();
	close_recv();
}

ncclResult_t wait_for(Side &side, void *request, int *size, double seconds)
{
	double deadline = now() + seconds;
	int done = 0;

	while (!done) {
		ncclResult_t result = side.net->test(request, &done, size);

		if (result != ncclSuccess)
			return result;
		if (now() > deadline) {
			ADD_FAILURE() << "not done after " << seconds << " s\n" << warnings();
			return ncclInternalError;
		}
		sched_yield();
	}
	return ncclSuccess;
}

void wait_both(Side &a, void *first, Side &b, void *second, int *size)
{
	double deadline = now() + 20;
	int first_done = 0, second_done = 0;

	while (!first_done || !second_done) {
		if (!first_done) {
			ASSERT_EQ(ncclSuccess, a.net->test(first, &first_done, nullptr)) << warnings();
		}
		if (!second_done) {
			ASSERT_EQ(ncclSuccess, b.net->test(second, &second_done, size)) << warnings();
		}
		ASSERT_LT(now(), deadline) << "not done after 20 s\n" << warnings();
		sched_yield();
	}
}

} // namespace harness
