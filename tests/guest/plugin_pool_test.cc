// SPDX-License-Identifier: BSD-3-Clause
// Many connections on one pool, and many streams on one connection.
#include <algorithm>
#include <random>
#include <sys/resource.h>

#include "plugin_devmem.h"

namespace {

struct Flow {
	void *send = nullptr, *recv = nullptr; // requests
	size_t sent = 0, received = 0;	       // messages begun
	size_t done = 0;		       // messages received and checked
	double asleep_until = 0;
};

constexpr size_t kMaxMessage = 300'000;

size_t length_of(size_t flow, size_t message) { return (flow * 7919 + message * 104'729) % kMaxMessage; }

// Connections from host 0 to host 1, each with a buffer at both ends, one message at a time on each.
struct Crowd {
	Crowd(size_t n) : a(on(0)), b(on(1)), flows(n)
	{
		for (size_t i = 0; i < n; i++)
			pairs.push_back(std::make_unique<Pair>(a, b));
		out = std::make_unique<Buffer>(a, pairs[0]->send, 2 * kMaxMessage);
		in = std::make_unique<Buffer>(b, pairs[0]->recv, n * kMaxMessage);
		out->memory.put_pattern(0, 0, 2 * kMaxMessage);
	}
	~Crowd()
	{
		out->deregister();
		in->deregister();
	}
	bool test(Side &side, void **request, int *size)
	{
		int done = 0;

		if (*request) {
			EXPECT_EQ(ncclSuccess, side.net->test(*request, &done, size)) << warnings();
		}
		if (done)
			*request = nullptr;
		return done != 0;
	}
	// Flows of which sleepy says so receive nothing for a while after each message.
	void run(size_t messages, const std::function<bool(size_t)> &sleepy, double limit = 100)
	{
		double deadline = now() + limit;
		size_t left = flows.size() * messages;

		while (left && !testing::Test::HasFailure()) {
			for (size_t i = 0; i < flows.size(); i++)
				left -= step(i, messages, sleepy(i));
			if (now() > deadline)
				FAIL() << left << " messages have not come in " << limit << " s: " << warnings();
		}
	}
	size_t step(size_t i, size_t messages, bool sleepy)
	{
		Flow &flow = flows[i];
		uint8_t *place = in->memory.addr() + i * kMaxMessage;
		void *data = place;
		size_t room = kMaxMessage, len = length_of(i, flow.sent);
		int tag = 0, got = 0;

		if (!flow.send && flow.sent < messages) {
			EXPECT_EQ(ncclSuccess, a.net->isend(pairs[i]->send, out->memory.addr() + flow.sent % 1000, len, 0, out->mhandle, nullptr,
							    &flow.send));
			flow.sent += flow.send != nullptr;
		}
		test(a, &flow.send, &got);
		if (flow.asleep_until > now())
			return 0;
		if (!flow.recv && flow.received < messages) {
			EXPECT_EQ(ncclSuccess, b.net->irecv(pairs[i]->recv, 1, &data, &room, &tag, &in->mhandle, nullptr, &flow.recv));
			flow.received += flow.recv != nullptr;
		}
		if (!flow.recv || !test(b, &flow.recv, &got))
			return 0;
		EXPECT_EQ(length_of(i, flow.done), static_cast<size_t>(got));
		EXPECT_EQ(0u, in->memory.wrong(i * kMaxMessage, flow.done % 1000, static_cast<size_t>(got))) << "flow " << i << " message " << flow.done;
		flow.done++;
		if (sleepy)
			flow.asleep_until = now() + 0.05;
		return 1;
	}
	Side a, b;
	std::vector<std::unique_ptr<Pair>> pairs;
	std::unique_ptr<Buffer> out, in;
	std::vector<Flow> flows;
};

void shorten_ring(unsigned int entries)
{
	enter_host(1);
	ASSERT_EQ(0, system(("ethtool -G dm0 rx " + std::to_string(entries)).c_str()));
}

class Pool : public Devmem {
protected:
	void TearDown() override
	{
		for (const char *name : {"QUEUES", "STREAMS", "POOL_MB"})
			unsetenv((std::string("NCCL_DEVMEM_") + name).c_str());
		shorten_ring(1024);
	}
};

// What remains beside the ring of a pool of 1 MiB is 448 KiB.
TEST_F(Pool, SixtyFourConnectionsAndSlowConsumersShareAFewHundredKiB)
{
	shorten_ring(128);
	setenv("NCCL_DEVMEM_POOL_MB", "1", 1);
	{
		Crowd crowd(64);
		crowd.run(6, [](size_t flow) { return flow % 3 == 0; });
	}
	std::string said = warnings();
	EXPECT_EQ(1, std::count(said.begin(), said.end(), '\n')) << said;
	EXPECT_NE(std::string::npos, said.find("share the pool of 1 MiB on dm0, less than 64 KiB for each")) << said;
	EXPECT_EQ(112, metric("receiver", "devmem_pool_pages"));
	EXPECT_LT(metric("receiver", "devmem_pool_pages_low"), 20);
	EXPECT_EQ(0, metric("receiver", "devmem_rx_bytes_total{path=\"plain\"}"));
	EXPECT_EQ(metric("receiver", "devmem_tokens_taken_total"), metric("receiver", "devmem_tokens_returned_total"));
}

TEST_F(Pool, OneThatDoesNotReceiveStopsNobody)
{
	shorten_ring(128);
	setenv("NCCL_DEVMEM_POOL_MB", "1", 1);
	Crowd crowd(8);
	std::vector<void *> stuck;

	// Flow 0 sends all that it can; nobody receives it.
	for (int i = 0; i < 8; i++) {
		void *request = nullptr;
		ASSERT_EQ(ncclSuccess, crowd.a.net->isend(crowd.pairs[0]->send, crowd.out->memory.addr(), kMaxMessage, 0, crowd.out->mhandle, nullptr,
							  &request));
		stuck.push_back(request);
	}
	crowd.flows.front().sent = crowd.flows.front().received = 20;
	double deadline = now() + 60;
	for (size_t left = 7 * 20; left && !HasFailure();) {
		for (size_t i = 1; i < 8; i++)
			left -= crowd.step(i, 20, false);
		int done = 0, size;
		ASSERT_EQ(ncclSuccess, crowd.a.net->test(stuck.front(), &done, &size));
		EXPECT_EQ(0, done);
		ASSERT_LT(now(), deadline) << left;
	}
}

TEST_F(Pool, ConnectionsThatThePoolCannotFeedGoByHostMemory)
{
	shorten_ring(128);
	setenv("NCCL_DEVMEM_POOL_MB", "1", 1);
	set_environment(false);
	setenv("NCCL_DEVMEM_POOL_MB", "1", 1);
	{
		Crowd crowd(130); // 112 pages
		crowd.run(1, [](size_t) { return false; });
	}
	EXPECT_NE(std::string::npos, warnings().find("it cannot feed one more")) << warnings();
	EXPECT_NE(std::string::npos, warnings().find("set NCCL_DEVMEM_POOL_MB to 2 or more"));
	EXPECT_GT(metric("receiver", "devmem_rx_bytes_total{path=\"plain\"}"), 0);
	EXPECT_EQ(metric("receiver", "devmem_tokens_taken_total"), metric("receiver", "devmem_tokens_returned_total"));
}

TEST_F(Pool, ManyStreamsOverManyQueuesCarryEveryByteToItsPlace)
{
	for (auto [queues, streams] : {std::pair{"4", "4"}, std::pair{"2", "8"}, std::pair{"3", "1"}, std::pair{"1", "5"}}) {
		SCOPED_TRACE(std::string(queues) + " queues, " + streams + " streams");
		setenv("NCCL_DEVMEM_QUEUES", queues, 1);
		setenv("NCCL_DEVMEM_STREAMS", streams, 1);
		setenv("NCCL_DEVMEM_POOL_MB", "48", 1);
		{
			DevicePair pair(4 << 20);
			for (size_t size : {size_t(0), size_t(1), size_t(65537), size_t(1) << 20, (size_t(1) << 20) + 1, size_t(0), (size_t(4) << 20) - 13})
				pair.transfer(size, size, 13);
			EXPECT_EQ(static_cast<unsigned int>(atoi(queues)), bound_queues(1));
			EXPECT_EQ(atoi(queues), rules(1)) << "a rule for each queue, none for a connection";
		}
		EXPECT_EQ(0u, bound_queues(1));
		EXPECT_EQ(0, rules(1));
		{
			Crowd crowd(8);
			crowd.run(10, [](size_t) { return false; });
		}
		EXPECT_EQ("", warnings());
		EXPECT_EQ(0, metric("receiver", "devmem_rx_bytes_total{path=\"plain\"}"));
	}
}

// Messages of a connection lie in both kinds of memory, as NCCL's protocols do, in any order and several at once.
TEST_F(Pool, EachMessageGoesToTheMemoryThatItIsFor)
{
	setenv("NCCL_DEVMEM_QUEUES", "2", 1);
	setenv("NCCL_DEVMEM_POOL_MB", "48", 1);
	Side a(on(0)), b(on(1));
	Pair pair(a, b);
	constexpr size_t kSize = 50'000, kMessages = 200;
	Buffer out(a, pair.send, kSize), in(b, pair.recv, kSize * kMessages);
	std::vector<uint8_t> host_out(kSize), host_in(kSize * kMessages);
	std::mt19937 random(5);
	size_t bytes_of_host = 0, bytes_of_device = 0;
	struct Message {
		bool from_device, to_device;
		size_t size;
		void *send, *recv;
	};
	std::vector<Message> messages(kMessages);
	void *host_mhandle = nullptr, *host_out_mhandle = nullptr;

	ASSERT_EQ(ncclSuccess, a.net->regMr(pair.send, host_out.data(), kSize, NCCL_PTR_HOST, &host_out_mhandle));
	ASSERT_EQ(ncclSuccess, b.net->regMr(pair.recv, host_in.data(), host_in.size(), NCCL_PTR_HOST, &host_mhandle));
	out.memory.put_pattern(0, 0, kSize);
	for (size_t i = 0; i < kSize; i++)
		host_out[i] = pattern(i);
	for (size_t i = 0, oldest = 0; oldest < kMessages; ) {
		if (i < kMessages && i < oldest + 20) {
			Message &m = messages[i];
			m = {random() % 2 == 0, random() % 2 == 0, random() % 5 ? random() % kSize : 0, nullptr, nullptr};
			void *to = m.to_device ? in.memory.addr() + i * kSize : host_in.data() + i * kSize;
			size_t room = kSize;
			int tag = 0;
			ASSERT_EQ(ncclSuccess, b.net->irecv(pair.recv, 1, &to, &room, &tag, m.to_device ? &in.mhandle : &host_mhandle, nullptr, &m.recv));
			ASSERT_EQ(ncclSuccess, a.net->isend(pair.send, m.from_device ? out.memory.addr() : host_out.data(), m.size, 0,
							    m.from_device ? out.mhandle : host_out_mhandle, nullptr, &m.send));
			ASSERT_NE(nullptr, m.recv);
			ASSERT_NE(nullptr, m.send);
			(m.to_device ? bytes_of_device : bytes_of_host) += m.size;
			i++;
			continue;
		}
		Message &m = messages[oldest];
		int got;
		wait_both(a, m.send, b, m.recv, &got);
		ASSERT_EQ(m.size, static_cast<size_t>(got));
		if (m.to_device) {
			ASSERT_EQ(0u, in.memory.wrong(oldest * kSize, 0, m.size)) << oldest;
		} else {
			ASSERT_EQ(0, memcmp(host_out.data(), host_in.data() + oldest * kSize, m.size)) << oldest;
		}
		oldest++;
	}
	out.deregister();
	in.deregister();
	pair.close_send();
	pair.close_recv();
	EXPECT_EQ(static_cast<double>(bytes_of_device), metric("receiver", "devmem_rx_bytes_total{path=\"device\"}"));
	EXPECT_EQ(static_cast<double>(bytes_of_host), metric("receiver", "devmem_rx_bytes_total{path=\"plain\"}"));
}

// One in so many packets; chunks of a message then come late, doubled, out of order, beside the headers or by the wrong queue.
TEST_F(Pool, ManyStreamsOverANicThatFailsCarryEveryByteToItsPlace)
{
	setenv("NCCL_DEVMEM_QUEUES", "3", 1);
	setenv("NCCL_DEVMEM_STREAMS", "5", 1);
	setenv("NCCL_DEVMEM_POOL_MB", "48", 1);
	for (const char *fault : {"linear 20", "split 3", "loss 60", "duplicate 20", "reorder 20", "corrupt 60", "nobuf 60", "missteer 10"}) {
		SCOPED_TRACE(fault);
		std::string name(fault, strcspn(fault, " "));
		on_host(1, "ip link set dm0 type dmnic " + std::string(fault));
		uint64_t before = nic_counter_named(1, "fault_" + name);
		{
			Crowd crowd(4);
			crowd.run(12, [](size_t) { return false; });
		}
		EXPECT_GT(nic_counter_named(1, "fault_" + name), before) << "nothing was amiss";
		on_host(1, "ip link set dm0 type dmnic " + name + " 0");
		EXPECT_EQ(metric("receiver", "devmem_tokens_taken_total"), metric("receiver", "devmem_tokens_returned_total"));
	}
	EXPECT_EQ("", warnings());
}

TEST_F(Pool, AThousandConnectionsNeedNoRuleOfTheirOwn)
{
	setenv("NCCL_DEVMEM_POOL_MB", "64", 1);
	rlimit descriptors = {20'000, 20'000}; // both ends are in this process
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &descriptors));
	double begin = now();
	Crowd crowd(1024);
	printf("1,024 connections in %.2f s\n", now() - begin);
	EXPECT_EQ(1, rules(1));
	crowd.run(1, [](size_t) { return false; });
	std::string said = warnings();
	EXPECT_EQ(1, std::count(said.begin(), said.end(), '\n')) << said;
	EXPECT_NE(std::string::npos, said.find("less than 64 KiB for each")) << said;
}

} // namespace
