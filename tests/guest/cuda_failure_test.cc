// SPDX-License-Identifier: BSD-3-Clause
// What a failure of the CUDA driver under traffic ends, and what it must not: on the stand-in driver of tests/fake.
#include "cuda_link.h"

namespace {

using Failure = Cuda;

TEST_F(Failure, OfACopyEndsItsConnectionAndNoOther)
{
	Side a(on(0)), b(on(1));
	Link survivor(a, 0, b, 0);
	unsigned int ended = 0;
	for (long turn : {1, 2, 3, 8}) {
		Link victim(a, 0, b, 0);
		fake_driver::set(0, FAKE_COPY_ERROR, turn % 2 ? 1 : 2);
		ncclResult_t result = victim.ends_with([&] { fake_driver::set(0, FAKE_FAIL_COPY, turn); });
		bool failed = fake_driver::get(0, FAKE_FAIL_COPY) == 0; // else there were fewer copies
		fake_driver::set(0, FAKE_FAIL_COPY, 0);
		EXPECT_EQ(failed, result != ncclSuccess);
		ended += failed;
		survivor.transfer(200'000);
	}
	EXPECT_GT(ended, 0u);
	EXPECT_TRUE(warned("CUDA device 0: cuMemcpy")) << warnings();
	Link next(a, 0, b, 0);
	next.transfer(200'000);
}

TEST_F(Failure, OfAFlushEndsItsConnectionAndNoOther)
{
	fake_driver::set(0, FAKE_ORDERING, 0);
	Side a(on(0)), b(on(1));
	Link survivor(a, 0, b, 0), victim(a, 0, b, 0);
	ncclResult_t result = victim.ends_with([] { fake_driver::set(0, FAKE_FLUSH, 999); });
	EXPECT_NE(ncclSuccess, result);
	EXPECT_TRUE(warned("CUDA device 0: cuFlushGPUDirectRDMAWrites: unknown error (999)")) << warnings();
	fake_driver::set(0, FAKE_FLUSH, 0);
	survivor.transfer(200'000);
	EXPECT_EQ(0, fake_driver::count(0, FAKE_COUNT_UNFLUSHED));
}

// What a connection shares with NCCL's kernels cannot be had: NCCL must not get a connection that they would read nonsense of.
TEST_F(Failure, OfPageLockedMemoryForKernelsEndsTheAccept)
{
	setenv("NCCL_DEVMEM_PLACEMENT", "unpack", 1);
	{
		Side a(on(0)), b(on(1));
		alignas(8) char wire[NCCL_NET_HANDLE_MAXSIZE];
		ncclNetDeviceHandle_t device = {NCCL_NET_DEVICE_UNPACK, NCCL_NET_DEVICE_UNPACK_VERSION, nullptr, 0, 0};
		void *listener = nullptr, *send = nullptr, *recv = nullptr;
		ncclResult_t result = ncclSuccess;

		ASSERT_EQ(ncclSuccess, b.listen(wire, &listener));
		fake_driver::set(0, FAKE_FAIL_PIN, 1);
		for (double deadline = now() + 20; !recv && result == ncclSuccess && now() < deadline;) {
			if (!send)
				(void)a.connect(wire, &send);
			result = b.accept(listener, &recv, &device);
		}
		fake_driver::set(0, FAKE_FAIL_PIN, 0);
		EXPECT_EQ(ncclSystemError, result);
		EXPECT_EQ(nullptr, recv);
		EXPECT_EQ(nullptr, device.handle);
		EXPECT_TRUE(warned("bytes of page-locked host memory are left for a connection's metadata")) << warnings();
		if (send) {
			EXPECT_EQ(ncclSuccess, a.net->closeSend(send));
		}
		EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
		Pair next(a, b);
		EXPECT_NE(nullptr, next.device.handle);
	}
	unsetenv("NCCL_DEVMEM_PLACEMENT");
	for (const char *name : {"NCCL_PROTO", "NCCL_PAT_ENABLE", "NCCL_GRAPH_REGISTER", "NCCL_LOCAL_REGISTER", "NCCL_ALGO"})
		unsetenv(name);
}

TEST_F(Failure, OfTheContextEndsWhatCopiesOnThisDeviceOnly)
{
	Side a(on(0)), b(on(1));
	Link victim(a, 0, b, 0);
	Pair host(a, b);
	a.enter = on(0, 1);
	b.enter = on(1, 1);
	Link other(a, 1, b, 1);
	host_transfer(a, b, host);
	other.transfer(100'000);
	ncclResult_t result = victim.ends_with([] { fake_driver::set(0, FAKE_STICKY_COPY, 1); });
	EXPECT_EQ(ncclSystemError, result);
	EXPECT_TRUE(warned("illegal memory access was encountered (700); the process can copy nothing more on this device")) << warnings();
	host_transfer(a, b, host);
	other.transfer(1 << 20);
}

// Several messages under way on one connection, until all are done or one has failed.
struct Traffic {
	static constexpr size_t kMessages = 8, kSize = 200'000;
	Traffic(Side &a, Side &b, uint64_t position) : link(a, 0, b, 0, kMessages * kSize), position(position)
	{
		link.out.put_pattern(0, position, kMessages * kSize);
	}
	bool post(size_t m)
	{
		void *data = link.in.addr() + m * kSize;
		size_t size = kSize;
		int tag = 0;

		posted[m] = true;
		return link.b.net->irecv(link.pair.recv, 1, &data, &size, &tag, &link.in_handle, nullptr, &recvs[m]) == ncclSuccess &&
		       link.a.net->isend(link.pair.send, link.out.addr() + m * kSize, kSize, 0, link.out_handle, nullptr, &sends[m]) == ncclSuccess;
	}
	static bool test(Side &side, void **request, bool *done)
	{
		int now_done = 0;

		if (!*request)
			return true;
		bool good = side.net->test(*request, &now_done, nullptr) == ncclSuccess;
		if (now_done)
			*request = nullptr;
		*done |= now_done != 0;
		return good;
	}
	void step()
	{
		bool sent = false;

		for (size_t m = 0; m < kMessages && !failed; m++)
			failed = (!posted[m] && !post(m)) || !test(link.a, &sends[m], &sent) || !test(link.b, &recvs[m], &received[m]);
	}
	bool over() const
	{
		bool all = true;

		for (size_t m = 0; m < kMessages; m++)
			all &= received[m] && !sends[m];
		return all || failed;
	}
	// How many messages are called done; each is right.
	unsigned int right()
	{
		unsigned int n = 0;

		for (size_t m = 0; m < kMessages; m++) {
			if (!received[m])
				continue;
			EXPECT_EQ(0u, link.in.wrong(m * kSize, position + m * kSize, kSize)) << "message " << m;
			n++;
		}
		return n;
	}
	Link link;
	uint64_t position;
	void *sends[kMessages] = {}, *recvs[kMessages] = {};
	bool posted[kMessages] = {}, received[kMessages] = {}, failed = false;
};

// Each connection ends right or with an error, none hangs, and what was called done is right.
TEST_F(Failure, OfAnythingAtAnyTimeIsNoHangAndNoWrongByte)
{
	constexpr enum fake_knob knobs[] = {FAKE_FAIL_COPY, FAKE_FAIL_COPY, FAKE_FAIL_RECORD, FAKE_FAIL_QUERY, FAKE_FLUSH, FAKE_BATCH};
	unsigned int seed = 1, right = 0, ended = 0;

	environment("cuda", false);
	for (int round = 0; round < 40 && !HasFailure(); round++) {
		SCOPED_TRACE("round " + std::to_string(round));
		clear_logs();
		fake_driver::reset();
		fake_driver::set(0, FAKE_ORDERING, rand_r(&seed) % 2 ? 100 : 0);
		fake_driver::set(0, FAKE_COPY_ERROR, rand_r(&seed) % 2 + 1);
		fake_driver::set(0, FAKE_FAIL_PIN, rand_r(&seed) % 3);
		Side a(on(0)), b(on(1));
		alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
		void *listener;
		fake_driver::set(0, FAKE_EXPORT, rand_r(&seed) % 3 ? 0 : 801); // at times by way of host memory
		ASSERT_EQ(ncclSuccess, b.listen(handle, &listener));
		fake_driver::set(0, FAKE_EXPORT, 0);
		EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
		Traffic first(a, b, static_cast<uint64_t>(round) * 1000), second(a, b, static_cast<uint64_t>(round) * 1000 + 77);
		enum fake_knob knob = knobs[static_cast<size_t>(rand_r(&seed)) % std::size(knobs)];
		fake_driver::set(0, FAKE_DELAY_US, rand_r(&seed) % 500);
		fake_driver::set(0, knob, knob == FAKE_FLUSH || knob == FAKE_BATCH ? 999 : rand_r(&seed) % 12 + 1);
		for (double deadline = now() + 30; !first.over() || !second.over();) {
			first.step();
			second.step();
			ASSERT_LT(now(), deadline) << "a hang\n" << warnings();
		}
		fake_driver::set(0, knob, 0);
		right += first.right() + second.right();
		ended += first.failed + second.failed;
		if (first.failed || second.failed) {
			EXPECT_TRUE(warned("CUDA device 0: cu")) << warnings();
		}
	}
	EXPECT_GT(right, 100u);
	EXPECT_GT(ended, 5u);
}

TEST_F(Failure, OfEventsMakesNothingWrong)
{
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	fake_driver::set(-1, FAKE_DELAY_US, 1000);
	for (enum fake_knob knob : {FAKE_FAIL_RECORD, FAKE_FAIL_QUERY}) {
		for (long turn = 1; turn < 6; turn++) {
			fake_driver::set(0, knob, turn);
			link.transfer(300'000);
		}
	}
	EXPECT_EQ("", warnings());
}

TEST_F(Failure, OfBatchesIsMadeUpForBySingleCopies)
{
	fake_driver::set(-1, FAKE_BATCH, 801);
	Side a(on(0)), b(on(1));
	Link link(a, 0, b, 0);
	link.transfer(1 << 20);
	EXPECT_EQ("", warnings());
}

} // namespace
