// SPDX-License-Identifier: BSD-3-Clause
// One set of calls over the tables of all versions, each called with its own types, as that version's NCCL does.
#pragma once

#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <string>

#include "nccl/net_v10.h"
#include "nccl/net_v11.h"
#include "nccl/net_v12.h"
#include "nccl/net_v6.h"
#include "nccl/net_v7.h"
#include "nccl/net_v8.h"
#include "nccl/net_v9.h"

namespace versions {

template <int V> struct Types;
#define TYPES(v)                                              \
	template <> struct Types<v> {                         \
		using Net = ncclNet_v##v##_t;                 \
		using Properties = ncclNetProperties_v##v##_t; \
	}
TYPES(6);
TYPES(7);
TYPES(8);
TYPES(9);
TYPES(10);
TYPES(11);
TYPES(12);
#undef TYPES

template <int V> struct Table {
	using Net = typename Types<V>::Net;
	using Properties = typename Types<V>::Properties;

	explicit Table(void *library)
		: net(static_cast<const Net *>(dlsym(library, ("ncclNetPlugin_v" + std::to_string(V)).c_str())))
	{
	}

	ncclResult_t init(int traffic_class, ncclDebugLogger_t logger, ncclProfilerCallback_t profiler)
	{
		config.trafficClass = traffic_class;
		if constexpr (V >= 11)
			return net->init(&context, 1, &config, logger, profiler);
		else if constexpr (V == 10)
			return net->init(logger, profiler);
		else
			return net->init(logger);
	}
	// Versions without finalize give all back when they are unloaded.
	ncclResult_t finalize()
	{
		if constexpr (V >= 11)
			return net->finalize(context);
		else
			return ncclSuccess;
	}
	ncclResult_t listen(void *handle, void **comm)
	{
		if constexpr (V >= 11)
			return net->listen(context, 0, handle, comm);
		else
			return net->listen(0, handle, comm);
	}
	ncclResult_t connect(void *handle, void **comm)
	{
		ncclNetDeviceHandle_t *device = nullptr;

		if constexpr (V >= 11)
			return net->connect(context, 0, handle, comm, &device);
		else if constexpr (V == 10)
			return net->connect(0, &config, handle, comm, &device);
		else if constexpr (V >= 7)
			return net->connect(0, handle, comm, &device);
		else
			return net->connect(0, handle, comm);
	}
	ncclResult_t accept(void *listener, void **comm)
	{
		ncclNetDeviceHandle_t *device = nullptr;

		if constexpr (V >= 7)
			return net->accept(listener, comm, &device);
		else
			return net->accept(listener, comm);
	}
	ncclResult_t register_host(void *comm, void *data, size_t size, void **mhandle)
	{
		if constexpr (V >= 8)
			return net->regMr(comm, data, size, NCCL_PTR_HOST, mhandle);
		else
			return net->regMr(comm, data, static_cast<int>(size), NCCL_PTR_HOST, mhandle);
	}
	ncclResult_t isend(void *comm, void *data, size_t size, void *mhandle, void *profiled, void **request)
	{
		if constexpr (V >= 10)
			return net->isend(comm, data, size, 0, mhandle, profiled, request);
		else if constexpr (V == 9)
			return net->isend(comm, data, size, 0, mhandle, request);
		else
			return net->isend(comm, data, static_cast<int>(size), 0, mhandle, request);
	}
	ncclResult_t irecv(void *comm, void *data, size_t size, void *mhandle, void *profiled, void **request)
	{
		int tag = 0, small = static_cast<int>(size);

		if constexpr (V >= 10)
			return net->irecv(comm, 1, &data, &size, &tag, &mhandle, &profiled, request);
		else if constexpr (V == 9)
			return net->irecv(comm, 1, &data, &size, &tag, &mhandle, request);
		else
			return net->irecv(comm, 1, &data, &small, &tag, &mhandle, request);
	}
	ncclResult_t iflush(void *comm, void *data, size_t size, void *mhandle, void **request)
	{
		int small = static_cast<int>(size);

		return net->iflush(comm, 1, &data, &small, &mhandle, request);
	}

	const Net *net;
	ncclNetCommConfig_t config = {};
	void *context = nullptr;
};

} // namespace versions
