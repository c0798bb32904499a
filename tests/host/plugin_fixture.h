// SPDX-License-Identifier: BSD-3-Clause
// The plugin over loopback on plain TCP, and messages between its two ends.
#pragma once

#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "plugin_harness.h"

namespace harness {

class Plugin : public testing::Test {
protected:
	void SetUp() override
	{
		clear_logs();
		setenv("NCCL_SOCKET_IFNAME", "=lo", 1);
		setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
		setenv("NCCL_DEVMEM_MEMORY", "host", 1);
	}
};

inline void *post_send(Pair &pair, const void *data, size_t size)
{
	void *request = nullptr;

	EXPECT_EQ(ncclSuccess, pair.from.net->isend(pair.send, const_cast<void *>(data), size, 0, nullptr, nullptr, &request)) << warnings();
	return request;
}

inline void *post_recv(Pair &pair, void *data, size_t size)
{
	void *request = nullptr, *handle = nullptr;
	int tag = 0;

	EXPECT_EQ(ncclSuccess, pair.to.net->irecv(pair.recv, 1, &data, &size, &tag, &handle, nullptr, &request)) << warnings();
	return request;
}

inline void transfer(Pair &pair, size_t size, size_t room)
{
	std::vector<uint8_t> out(size + 1), in(room + 1, 0xee);
	int got = -1;

	for (size_t i = 0; i < size; i++)
		out[i] = static_cast<uint8_t>(i * 7 + size);
	void *recv = post_recv(pair, in.data(), room);
	void *send = post_send(pair, out.data(), size);
	ASSERT_NE(nullptr, recv);
	ASSERT_NE(nullptr, send);
	wait_both(pair.from, send, pair.to, recv, &got);
	EXPECT_EQ(static_cast<int>(size), got);
	EXPECT_EQ(0, memcmp(out.data(), in.data(), size));
	for (size_t i = size; i < in.size(); i++)
		ASSERT_EQ(0xee, in[i]) << "written beyond the message";
}

} // namespace harness
