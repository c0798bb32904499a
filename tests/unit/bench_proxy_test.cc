// SPDX-License-Identifier: BSD-3-Clause
// The proxy's contract with a plugin, seen by a plugin that writes down every call and does what the test tells it.
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>

extern "C" {
#include "proxy.h"
}

namespace {

// One per test; the plugin's functions have no other way to find it.
struct Plugin {
	std::string calls;		// one letter for each call that did something: s(end) r(ecv) f(lush) c(onsumed)
	bool full = false;		// isend and irecv give no request
	bool flush_waits = false;	// iflush gives a request
	ncclResult_t result = ncclSuccess;
	std::map<uintptr_t, int> done;	// by request: the size that test tells
	uintptr_t requests = 0;
	uintptr_t tested = 0, consumed = 0;
	size_t recv_size = 0;
};
Plugin *plugin;

ncclResult_t post(char letter, void **request)
{
	*request = plugin->full ? nullptr : reinterpret_cast<void *>(++plugin->requests);
	if (!plugin->full)
		plugin->calls += letter;
	return plugin->result;
}

ncclResult_t isend(void *, void *, size_t, int, void *, void *, void **request)
{
	return post('s', request);
}

ncclResult_t irecv(void *, int n, void **, size_t *sizes, int *, void **, void **, void **request)
{
	EXPECT_EQ(1, n);
	plugin->recv_size = sizes[0];
	return post('r', request);
}

ncclResult_t iflush(void *, int n, void **, int *sizes, void **, void **request)
{
	EXPECT_EQ(1, n);
	EXPECT_GT(sizes[0], 0);
	plugin->calls += 'f';
	if (plugin->flush_waits)
		*request = reinterpret_cast<void *>(1000 + plugin->requests);
	return ncclSuccess;
}

ncclResult_t test(void *request, int *done, int *sizes)
{
	plugin->tested = reinterpret_cast<uintptr_t>(request);
	auto found = plugin->done.find(plugin->tested);
	*done = found != plugin->done.end();
	if (*done && sizes)
		*sizes = found->second;
	return plugin->result;
}

ncclResult_t irecv_consumed(void *, int n, void *request)
{
	EXPECT_EQ(1, n);
	EXPECT_EQ(plugin->consumed + 1, reinterpret_cast<uintptr_t>(request)) << "out of order";
	plugin->consumed++;
	plugin->calls += 'c';
	return ncclSuccess;
}

class Proxy : public testing::Test {
protected:
	void SetUp() override
	{
		plugin = &plugin_;
		net_.ops.isend = isend;
		net_.ops.irecv = irecv;
		net_.ops.iflush = iflush;
		net_.ops.test = test;
		send_.net = recv_.net = &net_;
		send_.fifo.shape = recv_.fifo.shape = &fifo_shapes[0];
		send_.fifo.data = recv_.fifo.data = memory_.get();
	}

	void produce(int bytes)
	{
		send_.fifo.size[send_.fifo.tail % FIFO_STEPS] = bytes;
		send_.fifo.tail += fifo_shapes[0].slice_steps;
		send_.goal += fifo_shapes[0].slice_steps;
	}

	// Until nothing moves any more.
	void go()
	{
		while (proxy_send_step(&send_, &failure_) > 0 || proxy_recv_step(&recv_, &failure_) > 0)
			;
	}

	Plugin plugin_;
	net net_{};
	std::unique_ptr<uint8_t[]> memory_{new uint8_t[4 << 20]};
	proxy_send send_{};
	proxy_recv recv_{};
	failure failure_{};
};

TEST_F(Proxy, SendsAtMostFourSlicesAheadOfTheirCompletion)
{
	for (int i = 0; i < 4; i++)
		produce(100);
	go();
	EXPECT_EQ("ssss", plugin_.calls);
	EXPECT_EQ(0u, send_.fifo.head) << "a slot is free only when its send is done";
	plugin_.done[1] = 100;
	go();
	EXPECT_EQ(2u, send_.fifo.head);
	produce(100);
	go();
	EXPECT_EQ("sssss", plugin_.calls);
}

TEST_F(Proxy, AsksAboutTheOldestRequestOnly)
{
	produce(1);
	produce(2);
	plugin_.done[2] = 2;
	go();
	EXPECT_EQ(1u, plugin_.tested);
	EXPECT_EQ(0u, send_.done);
	plugin_.done[1] = 1;
	go();
	EXPECT_TRUE(proxy_send_idle(&send_));
	EXPECT_EQ(3u, send_.bytes);
}

TEST_F(Proxy, ComesAgainWhenItGetsNoRequest)
{
	plugin_.full = true;
	produce(0);
	recv_.goal = 2;
	go();
	EXPECT_EQ("", plugin_.calls);
	char text[256];
	proxy_send_describe(&send_, text, sizeof(text));
	EXPECT_NE(nullptr, strstr(text, "isend gives no request"));
	proxy_recv_describe(&recv_, text, sizeof(text));
	EXPECT_NE(nullptr, strstr(text, "irecv gives no request"));
	plugin_.full = false;
	go();
	EXPECT_EQ("sr", plugin_.calls);
	EXPECT_EQ(1u, send_.empty) << "an empty slice is a message like any other";
}

TEST_F(Proxy, PostsReceivesOfAWholeSliceAsFarAsTheFifoReaches)
{
	recv_.goal = 100;
	go();
	EXPECT_EQ("rrrr", plugin_.calls);
	EXPECT_EQ(fifo_slice_bytes(&fifo_shapes[0]), plugin_.recv_size);
	plugin_.done[1] = 7;
	go();
	EXPECT_EQ(2u, recv_.fifo.tail);
	EXPECT_EQ(7, recv_.fifo.size[0]);
	EXPECT_EQ("rrrr", plugin_.calls) << "the slot is in use until the kernel is done with it";
	recv_.fifo.head = 2;
	go();
	EXPECT_EQ("rrrrr", plugin_.calls);
}

TEST_F(Proxy, FlushesReceivesThatBroughtBytesBeforeTheKernelMayReadThem)
{
	recv_.flush = true;
	plugin_.flush_waits = true;
	recv_.goal = 4;
	plugin_.done[1] = 5;
	plugin_.done[2] = 0;
	go();
	EXPECT_EQ("rfr", plugin_.calls.substr(0, 3)) << "posted, received and flushed, posted";
	EXPECT_EQ(std::string::npos, plugin_.calls.find('f', 2)) << "an empty receive was flushed";
	EXPECT_EQ(0u, recv_.fifo.tail) << "the flush is not done";
	plugin_.done[1001] = 0;
	go();
	EXPECT_EQ(4u, recv_.fifo.tail);
}

TEST_F(Proxy, TellsOfConsumedReceivesInOrderWhereThePluginWantsIt)
{
	net_.ops.irecvConsumed = irecv_consumed;
	recv_.goal = 4;
	plugin_.done[1] = 1;
	plugin_.done[2] = 2;
	go();
	EXPECT_EQ(0u, plugin_.consumed) << "before the kernel has used them";
	recv_.fifo.head = 4;
	go();
	EXPECT_EQ(2u, plugin_.consumed);
	EXPECT_TRUE(proxy_recv_idle(&recv_));
}

TEST_F(Proxy, FailsWithTheCallTheResultAndTheMessage)
{
	send_.channel = 3;
	send_.peer = 1;
	produce(1);
	plugin_.result = ncclRemoteError;
	EXPECT_EQ(-1, proxy_send_step(&send_, &failure_));
	EXPECT_STREQ("isend returned 6 (ncclRemoteError) for message 0 of channel 3 to rank 1", failure_.text);
}

}  // namespace
