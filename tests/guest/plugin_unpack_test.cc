// SPDX-License-Identifier: BSD-3-Clause
// Received payload that is left to NCCL's kernels, here on the CPU: they read what the plugin tells them, and say when they have done.
#include <algorithm>
#include <deque>
#include <random>

#include "nccl/unpack.h"
#include "plugin_devmem.h"

namespace {

constexpr size_t kMiB = 1 << 20;

// What NCCL's kernels, or its proxy, would do wrong with if it were there from before.
void forget_settings()
{
	for (const char *name : {"NCCL_PROTO", "NCCL_PAT_ENABLE", "NCCL_GRAPH_REGISTER", "NCCL_LOCAL_REGISTER", "NCCL_ALGO"})
		unsetenv(name);
}

struct Message {
	void *request = nullptr;
	size_t len = 0, offset = 0; // of the destination in its buffer
	uint64_t position = 0;	    // of its pattern
	bool done = false;
};

// A connection whose receiver has a kernel.
struct Channel {
	Channel(Side &a, Side &b, size_t room, size_t depth)
		: a(a), b(b), pair(a, b), out(a, pair.send, room * depth), in(b, pair.recv, room * depth), room(room), depth(depth),
		  handle(static_cast<nccl_unpack_handle *>(pair.device.handle))
	{
	}
	~Channel()
	{
		out.deregister();
		in.deregister();
	}
	// isend and irecv of one message; false when one of them has no request free.
	bool post(size_t len)
	{
		Message message;
		int tag = 0;
		size_t space = room;
		void *data;

		message.len = len;
		message.offset = posted % depth * room;
		message.position = posted * 7919;
		data = in.memory.addr() + message.offset;
		EXPECT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &space, &tag, &in.mhandle, nullptr, &message.request)) << warnings();
		if (!message.request)
			return false;
		out.memory.put_pattern(message.offset, message.position, len);
		void *send = nullptr;
		EXPECT_EQ(ncclSuccess, a.net->isend(pair.send, out.memory.addr() + message.offset, len, 0, out.mhandle, nullptr, &send)) << warnings();
		EXPECT_NE(nullptr, send);
		sends.push_back(send);
		messages.push_back(message);
		posted++;
		return true;
	}
	// The oldest send and the oldest receive that are not done, as NCCL asks. True when the receive is done.
	bool step()
	{
		int done = 0, size = -1;
		auto next = std::find_if(messages.begin(), messages.end(), [](const Message &message) { return !message.done; });

		if (!sends.empty()) {
			EXPECT_EQ(ncclSuccess, a.net->test(sends.front(), &done, nullptr)) << warnings();
			if (done)
				sends.pop_front();
		}
		if (next == messages.end())
			return false;
		done = 0;
		EXPECT_EQ(ncclSuccess, b.net->test(next->request, &done, &size)) << warnings();
		if (!done)
			return false;
		EXPECT_EQ(static_cast<int>(next->len), size);
		return next->done = true;
	}
	// What the kernel does with the oldest message: looks it up, moves it, and lets go of it.
	void consume()
	{
		unpack();
		release();
	}
	void unpack()
	{
		const Message &message = messages.front();
		std::vector<devmem_copy> pieces;
		uint64_t slot = ++handle->head % NCCL_UNPACK_SLOTS, count = handle->meta->count[slot];

		ASSERT_LE(count, static_cast<uint64_t>(NCCL_UNPACK_LOADS));
		for (uint64_t i = 0; i < count; i++) {
			const nccl_unpack_load &load = handle->meta->loads[slot][i];
			ASSERT_LE(load.dst_off + load.len, message.len);
			pieces.push_back({in.memory.addr() + message.offset + load.dst_off, static_cast<uint8_t *>(handle->bounce_buf) + load.src_off,
					  load.len});
			told += load.len;
		}
		in.memory.copy(pieces);
		ASSERT_EQ(0u, in.memory.wrong(message.offset, message.position, message.len)) << "message of " << message.len << " bytes";
	}
	void release()
	{
		ASSERT_EQ(ncclSuccess, b.net->irecvConsumed(pair.recv, 1, messages.front().request)) << warnings();
		messages.pop_front();
		consumed++;
	}
	void drain(double seconds = 20)
	{
		double deadline = now() + seconds;

		while ((!messages.empty() || !sends.empty()) && !testing::Test::HasFailure()) {
			step();
			while (!messages.empty() && messages.front().done)
				consume();
			ASSERT_LT(now(), deadline) << messages.size() << " messages and " << sends.size() << " sends are left\n" << warnings();
		}
	}
	Side &a, &b;
	Pair pair;
	Buffer out, in;
	size_t room, depth;
	nccl_unpack_handle *handle;
	std::deque<Message> messages; // posted and not consumed
	std::deque<void *> sends;
	size_t posted = 0, consumed = 0;
	uint64_t told = 0; // bytes that the kernel moved
};

class Unpack : public Devmem {
protected:
	void SetUp() override
	{
		Devmem::SetUp();
		forget_settings();
		setenv("NCCL_DEVMEM_PLACEMENT", "unpack", 1);
		setenv("NCCL_DEVMEM_POOL_MB", "32", 1);
	}
	void TearDown() override
	{
		unsetenv("NCCL_DEVMEM_PLACEMENT");
		forget_settings();
	}
	// Ends both sides and checks that every token came back; how many bytes went which way.
	void finish(std::unique_ptr<Channel> channel, Side &a, Side &b)
	{
		channel.reset();
		finish(a, b);
	}
	void finish(Side &a, Side &b)
	{
		a.finalize();
		b.finalize();
		EXPECT_EQ(metric("receiver", "devmem_tokens_taken_total"), metric("receiver", "devmem_tokens_returned_total"));
		unpacked = metric("receiver", "devmem_unpacked_bytes_total");
		placed = metric("receiver", "devmem_placed_bytes_total");
	}
	double unpacked = 0, placed = 0;
};

TEST_F(Unpack, SaysSoAndSetsWhatNcclNeeds)
{
	Side side(on(1));
	ncclNetProperties_v11_t properties = side.properties();

	EXPECT_EQ(NCCL_NET_DEVICE_UNPACK, properties.netDeviceType);
	EXPECT_EQ(NCCL_NET_DEVICE_UNPACK_VERSION, properties.netDeviceVersion);
	EXPECT_NE(nullptr, side.net->irecvConsumed);
	EXPECT_NE(nullptr, side.net->getDeviceMr);
	EXPECT_STREQ("Simple", getenv("NCCL_PROTO"));
	EXPECT_STREQ("0", getenv("NCCL_PAT_ENABLE"));
	EXPECT_STREQ("0", getenv("NCCL_GRAPH_REGISTER"));
	EXPECT_STREQ("0", getenv("NCCL_LOCAL_REGISTER"));
	EXPECT_STREQ("Ring", getenv("NCCL_ALGO"));
	EXPECT_NE(std::string::npos, infos().find("NCCL_PROTO=Simple set"));
}

TEST_F(Unpack, IsNotThereByDefault)
{
	unsetenv("NCCL_DEVMEM_PLACEMENT");
	Side side(on(1));

	EXPECT_EQ(NCCL_NET_DEVICE_HOST, side.properties().netDeviceType);
	EXPECT_EQ(nullptr, side.net->irecvConsumed);
	EXPECT_EQ(nullptr, getenv("NCCL_PROTO"));
}

TEST_F(Unpack, CopiesWhereTheUserHasSetSomethingElse)
{
	setenv("NCCL_PROTO", "LL128", 1);
	{
		Side refused(on(1), ncclInvalidArgument);
	}
	EXPECT_NE(std::string::npos, warnings().find("takes NCCL_PROTO=Simple, and it is 'LL128'")) << warnings();
	EXPECT_EQ(nullptr, getenv("NCCL_PAT_ENABLE")) << "nothing is changed for nothing";
	setenv("NCCL_DEVMEM_REQUIRE", "0", 1);
	clear_logs();
	DevicePair pair(kMiB);
	EXPECT_EQ(NCCL_NET_DEVICE_HOST, pair.b.properties().netDeviceType);
	EXPECT_NE(std::string::npos, warnings().find("unset NCCL_PROTO, or NCCL_DEVMEM_PLACEMENT; received data is copied")) << warnings();
	pair.transfer(100'000, kMiB, 0);
}

TEST_F(Unpack, TakesTheUsersWordsForTheSame)
{
	setenv("NCCL_PROTO", "^LL,LL128", 1);
	setenv("NCCL_ALGO", "Tree", 1);
	Side side(on(1));

	EXPECT_EQ(NCCL_NET_DEVICE_UNPACK, side.properties().netDeviceType);
	EXPECT_STREQ("Tree", getenv("NCCL_ALGO"));
}

TEST_F(Unpack, EverySizeArrives)
{
	Side a(on(0)), b(on(1));
	auto channel = std::make_unique<Channel>(a, b, kMiB, 4);
	std::mt19937 random(4);
	double bytes = 0;

	ASSERT_NE(nullptr, channel->handle);
	ASSERT_EQ(sizeof(nccl_unpack_handle), channel->pair.device.size);
	ASSERT_EQ(1, channel->pair.device.needsProxyProgress);
	for (int i = 0; i < 400 && !HasFailure(); i++) {
		static const size_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, kMiB};
		size_t len = random() % 2 ? sizes[random() % 10] : random() % kMiB;
		ASSERT_TRUE(channel->post(len));
		bytes += static_cast<double>(len);
		while (channel->messages.size() == 4 && !HasFailure()) {
			channel->step();
			if (channel->messages.front().done)
				channel->consume();
		}
	}
	channel->drain();
	double told = static_cast<double>(channel->told);
	finish(std::move(channel), a, b);
	EXPECT_EQ(told, unpacked);
	EXPECT_EQ(bytes, unpacked + placed);
	EXPECT_EQ(0, placed) << "the pool had room for all of it";
}

TEST_F(Unpack, WaitsWhenAllSlotsAreTaken)
{
	Side a(on(0)), b(on(1));
	auto channel = std::make_unique<Channel>(a, b, 10'000, 32);

	for (int i = 0; i < NCCL_UNPACK_SLOTS; i++)
		ASSERT_TRUE(channel->post(10'000)) << i;
	EXPECT_FALSE(channel->post(10'000));
	for (double deadline = now() + 20; !channel->messages.back().done && now() < deadline;)
		channel->step();
	ASSERT_TRUE(channel->messages.back().done);
	EXPECT_FALSE(channel->post(10'000)) << "done, and not consumed";
	channel->consume();
	EXPECT_TRUE(channel->post(10'000));
	EXPECT_FALSE(channel->post(10'000));
	channel->drain();
	finish(std::move(channel), a, b);
	EXPECT_EQ(0, placed);
}

TEST_F(Unpack, RefusesToForgetWhatIsNotTheOldest)
{
	Side a(on(0)), b(on(1));
	auto channel = std::make_unique<Channel>(a, b, 10'000, 4);

	ASSERT_TRUE(channel->post(100));
	ASSERT_TRUE(channel->post(100));
	EXPECT_EQ(ncclInternalError, b.net->irecvConsumed(channel->pair.recv, 1, channel->messages[1].request));
	EXPECT_NE(std::string::npos, warnings().find("which is not the oldest one that is done")) << warnings();
	channel->drain();
	finish(std::move(channel), a, b);
}

// At this MTU a message of 4 MiB has nearly 3,000 fragments, and no two of them are neighbours.
TEST_F(Unpack, CopiesWhatIsTooMuchToTell)
{
	for (int host : {0, 1})
		on_host(host, "ip link set dm0 mtu 1500");
	{
		Side a(on(0)), b(on(1));
		auto channel = std::make_unique<Channel>(a, b, 4 * kMiB, 1);

		for (int i = 0; i < 3; i++) {
			ASSERT_TRUE(channel->post(4 * kMiB - static_cast<size_t>(i)));
			channel->drain();
		}
		finish(std::move(channel), a, b);
		EXPECT_GT(unpacked, 0);
		EXPECT_GT(placed, 0);
		EXPECT_EQ(3.0 * 4 * kMiB - 3, unpacked + placed);
	}
	for (int host : {0, 1})
		on_host(host, "ip link set dm0 mtu 4148");
}

TEST_F(Unpack, CopiesWhatIsInHostMemory)
{
	for (const char *fault : {"linear 10", "split 3", "missteer 10"}) {
		SCOPED_TRACE(fault);
		std::string name(fault, strcspn(fault, " "));
		Side a(on(0)), b(on(1));
		auto channel = std::make_unique<Channel>(a, b, kMiB, 4);

		on_host(1, "ip link set dm0 type dmnic " + std::string(fault));
		for (size_t i = 0; i < 12; i++) {
			ASSERT_TRUE(channel->post(kMiB - i));
			channel->drain(60);
		}
		on_host(1, "ip link set dm0 type dmnic " + name + " 0");
		finish(std::move(channel), a, b);
		EXPECT_GT(unpacked, 0);
		EXPECT_EQ(name != "split", placed > 0) << placed;
	}
}

// Each message of a connection is consumed when the next connection's is: what kernels that wait for several peers do.
TEST_F(Unpack, ChainsOfConsumersNeverStall)
{
	constexpr size_t kChannels = 8, kMessages = 60, kBytes = 100'000;

	setenv("NCCL_DEVMEM_POOL_MB", "1", 1);
	setenv("NCCL_DEVMEM_QUEUES", "1", 1);
	on_host(1, "ethtool -G dm0 rx 128");
	{
		Side a(on(0)), b(on(1));
		std::vector<std::unique_ptr<Channel>> channels;
		double deadline = now() + 60;

		for (size_t c = 0; c < kChannels; c++)
			channels.push_back(std::make_unique<Channel>(a, b, kBytes, 4));
		while (channels[0]->consumed < kMessages && !HasFailure()) {
			for (size_t c = 0; c < kChannels; c++) {
				Channel &channel = *channels[c];

				while (channel.posted < kMessages && channel.messages.size() < 4 && channel.post(kBytes))
					;
				channel.step();
				if (!channel.messages.empty() && channel.messages.front().done &&
				    (c + 1 == kChannels || channels[c + 1]->consumed > channel.consumed))
					channel.consume();
			}
			ASSERT_LT(now(), deadline) << channels[0]->consumed << " of " << kMessages << " messages\n" << warnings();
		}
		for (auto &channel : channels)
			channel->drain();
		channels.clear();
		finish(a, b);
		EXPECT_GT(unpacked, 0);
		EXPECT_GT(placed, 0);
		EXPECT_EQ(static_cast<double>(kChannels * kMessages * kBytes), unpacked + placed);
	}
	on_host(1, "ethtool -G dm0 rx 256");
	unsetenv("NCCL_DEVMEM_QUEUES");
}

TEST_F(Unpack, HostBuffersAreReceivedInPlace)
{
	Side a(on(0)), b(on(1));
	{
		Pair pair(a, b);
		auto *handle = static_cast<nccl_unpack_handle *>(pair.device.handle);
		std::vector<uint8_t> from(300'000), to(300'000);
		void *send_mr = nullptr, *recv_mr = nullptr, *send = nullptr, *recv = nullptr, *data = to.data();
		size_t room = to.size();
		int tag = 0, size = 0;

		for (size_t i = 0; i < from.size(); i++)
			from[i] = pattern(i);
		ASSERT_EQ(ncclSuccess, a.net->regMr(pair.send, from.data(), from.size(), NCCL_PTR_HOST, &send_mr));
		ASSERT_EQ(ncclSuccess, b.net->regMr(pair.recv, to.data(), to.size(), NCCL_PTR_HOST, &recv_mr));
		handle->meta->count[0] = 77; // from a message long ago
		ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &data, &room, &tag, &recv_mr, nullptr, &recv));
		ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, from.data(), from.size(), 0, send_mr, nullptr, &send));
		wait_both(a, send, b, recv, &size);
		EXPECT_EQ(0u, handle->meta->count[0]);
		EXPECT_EQ(from, to);
		EXPECT_EQ(ncclSuccess, b.net->irecvConsumed(pair.recv, 1, recv));
	}
	finish(a, b);
}

// NCCL's bootstrap accepts without a handle, and never says that anything was consumed.
TEST_F(Unpack, ConnectionsWithoutKernelsAreCopiedTo)
{
	Side a(on(0)), b(on(1));
	alignas(8) char wire[NCCL_NET_HANDLE_MAXSIZE];
	void *listener = nullptr, *send = nullptr, *recv = nullptr;

	ASSERT_EQ(ncclSuccess, b.listen(wire, &listener));
	establish(a, b, wire, listener, &send, &recv);
	ASSERT_EQ(ncclSuccess, b.net->closeListen(listener));
	{
		Buffer out(a, send, 100'000), in(b, recv, 100'000);

		for (size_t i = 0; i < 40; i++) {
			void *sent = nullptr, *received = nullptr, *data = in.memory.addr();
			size_t room = 100'000;
			int tag = 0, size = 0;

			out.memory.put_pattern(0, i, 100'000);
			ASSERT_EQ(ncclSuccess, b.net->irecv(recv, 1, &data, &room, &tag, &in.mhandle, nullptr, &received));
			ASSERT_NE(nullptr, received);
			ASSERT_EQ(ncclSuccess, a.net->isend(send, out.memory.addr(), 100'000, 0, out.mhandle, nullptr, &sent));
			wait_both(a, sent, b, received, &size);
			ASSERT_EQ(0u, in.memory.wrong(0, i, 100'000));
		}
		out.deregister();
		in.deregister();
	}
	EXPECT_EQ(ncclSuccess, a.net->closeSend(send));
	EXPECT_EQ(ncclSuccess, b.net->closeRecv(recv));
	finish(a, b);
	EXPECT_EQ(0, unpacked);
}

TEST_F(Unpack, ClosingWithMessagesThatNobodyConsumedLeavesNothing)
{
	for (int i = 0; i < 5; i++) {
		Side a(on(0)), b(on(1));
		Channel channel(a, b, kMiB, 4);

		for (int m = 0; m < 4; m++)
			ASSERT_TRUE(channel.post(kMiB));
		for (double deadline = now() + 20; !channel.messages[2].done && now() < deadline;)
			channel.step();
		ASSERT_TRUE(channel.messages[2].done);
		channel.consume();
	}
	EXPECT_EQ(0u, bound_queues(1));
	EXPECT_EQ(0, rules(1));
}

} // namespace
