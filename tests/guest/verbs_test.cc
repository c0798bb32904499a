// SPDX-License-Identifier: BSD-3-Clause
// The bench's plugin over RDMA's verbs as NCCL calls it, both ends in one process: sizes, order, and what its caller does wrong.
#include <chrono>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "nccl/net_v12.h"

namespace {

std::string said;

void logger(ncclDebugLogLevel, unsigned long, const char *, int, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	said += std::string(text) + "\n";
}

#define EXPECT_SAID(words) EXPECT_NE(std::string::npos, said.find(words)) << said

// A connection over Soft-RoCE on the guest's management bridge, and a buffer that is registered at either end.
class Verbs : public ::testing::Test {
protected:
	static constexpr size_t kBytes = 1 << 20;

	static void SetUpTestSuite()
	{
		ASSERT_EQ(0, system("rdma link add rxe0 type rxe netdev mgmt"));
		const std::string path = std::string(getenv("DEVMEM_BUILD")) + "/lib/libnccl-net-verbs.so";
		void *library = dlopen(path.c_str(), RTLD_NOW);
		ASSERT_NE(nullptr, library) << dlerror();
		net = static_cast<const ncclNet_v12_t *>(dlsym(library, "ncclNetPlugin_v12"));
		ASSERT_NE(nullptr, net);
	}

	void SetUp() override
	{
		char handle[NCCL_NET_HANDLE_MAXSIZE];
		void *listener = nullptr;
		said.clear();
		ASSERT_EQ(ncclSuccess, net->init(&ctx, 1, nullptr, logger, nullptr)) << said;
		ASSERT_EQ(ncclSuccess, net->listen(ctx, 0, handle, &listener)) << said;
		const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
		while ((!send || !recv) && std::chrono::steady_clock::now() < limit) {
			const ncclResult_t connected = send ? ncclSuccess : net->connect(ctx, 0, handle, &send, nullptr);
			const ncclResult_t accepted = recv ? ncclSuccess : net->accept(listener, &recv, nullptr);
			ASSERT_EQ(ncclSuccess, connected) << said;
			ASSERT_EQ(ncclSuccess, accepted) << said;
		}
		ASSERT_TRUE(send && recv) << "no connection after 20 s";
		net->closeListen(listener);
		ASSERT_EQ(ncclSuccess, net->regMr(send, from.data(), from.size(), NCCL_PTR_HOST, &from_mr)) << said;
		ASSERT_EQ(ncclSuccess, net->regMr(recv, to.data(), to.size(), NCCL_PTR_HOST, &to_mr)) << said;
		for (size_t i = 0; i < from.size(); i++)
			from[i] = static_cast<char>(i * 7 + i / 4096);
	}

	void TearDown() override
	{
		if (send) {
			net->deregMr(send, from_mr);
			net->closeSend(send);
		}
		if (recv) {
			net->deregMr(recv, to_mr);
			net->closeRecv(recv);
		}
		net->finalize(ctx);
	}

	void *receive(size_t offset, size_t size, int tag = 0)
	{
		void *data = to.data() + offset, *phandle = nullptr, *request = nullptr;
		EXPECT_EQ(ncclSuccess, net->irecv(recv, 1, &data, &size, &tag, &to_mr, &phandle, &request)) << said;
		return request;
	}

	// Until the receive that it goes to is known, or a call fails.
	ncclResult_t post(size_t offset, size_t size, void **request, int tag = 0)
	{
		const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
		ncclResult_t result;
		do
			result = net->isend(send, from.data() + offset, size, tag, from_mr, nullptr, request);
		while (result == ncclSuccess && !*request && std::chrono::steady_clock::now() < limit);
		return result;
	}

	// The size that test() tells when it is done, -1 when that takes longer than 20 s, or the result of a failed call, negative.
	int finish(void *request)
	{
		const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
		int done = 0, size = -1;
		while (!done && std::chrono::steady_clock::now() < limit) {
			ncclResult_t result = net->test(request, &done, &size);
			if (result != ncclSuccess)
				return -static_cast<int>(result);
		}
		return size;
	}

	static const ncclNet_v12_t *net;
	void *ctx = nullptr, *send = nullptr, *recv = nullptr, *from_mr = nullptr, *to_mr = nullptr;
	std::vector<char> from = std::vector<char>(kBytes), to = std::vector<char>(kBytes);
};

const ncclNet_v12_t *Verbs::net;

TEST_F(Verbs, ReceivesTellTheSizeThatWasSent)
{
	for (size_t size : {size_t(0), size_t(1), size_t(4095), size_t(4097), kBytes}) {
		void *request = nullptr, *arrival = receive(0, kBytes);
		ASSERT_EQ(ncclSuccess, post(0, size, &request)) << said;
		ASSERT_NE(nullptr, request);
		EXPECT_EQ(static_cast<int>(size), finish(arrival)) << said;
		EXPECT_EQ(static_cast<int>(size), finish(request)) << said;
		EXPECT_EQ(0, memcmp(from.data(), to.data(), size));
		memset(to.data(), 0, to.size());
	}
}

TEST_F(Verbs, KeepsTheOrderOfAllThatIsUnderway)
{
	constexpr size_t kPiece = kBytes / NCCL_NET_MAX_REQUESTS;
	for (int round = 0; round < 5; round++) {
		std::vector<void *> sends(NCCL_NET_MAX_REQUESTS), receives;
		for (size_t i = 0; i < NCCL_NET_MAX_REQUESTS; i++)
			receives.push_back(receive(i * kPiece, kPiece));
		EXPECT_EQ(nullptr, receive(0, kPiece)) << "more requests than NCCL asks for";
		for (size_t i = 0; i < sends.size(); i++)
			ASSERT_EQ(ncclSuccess, post(i * kPiece, kPiece - i, &sends[i])) << said;
		for (size_t i = 0; i < sends.size(); i++) {
			EXPECT_EQ(static_cast<int>(kPiece - i), finish(receives[i])) << said;
			EXPECT_EQ(static_cast<int>(kPiece - i), finish(sends[i])) << said;
			EXPECT_EQ(0, memcmp(from.data() + i * kPiece, to.data() + i * kPiece, kPiece - i));
		}
		memset(to.data(), 0, to.size());
	}
}

TEST_F(Verbs, GivesNoRequestForASendThatNobodyReceives)
{
	void *request = &request;
	EXPECT_EQ(ncclSuccess, net->isend(send, from.data(), 8, 0, from_mr, nullptr, &request));
	EXPECT_EQ(nullptr, request);
}

TEST_F(Verbs, RefusesASendThatIsLargerThanItsReceive)
{
	void *request = nullptr;
	receive(0, 100);
	EXPECT_EQ(ncclInvalidUsage, post(0, 101, &request));
	EXPECT_SAID("a send of 101 bytes meets a receive of 100");
}

TEST_F(Verbs, RefusesASendOfAnotherTag)
{
	void *request = nullptr;
	receive(0, 100, 3);
	EXPECT_EQ(ncclInvalidUsage, post(0, 100, &request, 4));
	EXPECT_SAID("a send with tag 4 meets a receive with tag 3");
}

TEST_F(Verbs, TellsTheReceiverThatItsPeerIsGone)
{
	void *arrival = receive(0, 100);
	net->deregMr(send, from_mr);
	net->closeSend(send);
	send = nullptr;
	EXPECT_EQ(-ncclRemoteError, finish(arrival));
	EXPECT_SAID("the peer has ended its connection");
}

TEST_F(Verbs, TellsTheSenderThatItsPeerIsGone)
{
	void *request = nullptr;
	receive(0, kBytes);
	receive(0, kBytes);
	ASSERT_EQ(ncclSuccess, post(0, 8, &request)) << said;
	EXPECT_EQ(8, finish(request)) << said;
	// The second receive was offered right behind the first.
	net->deregMr(recv, to_mr);
	net->closeRecv(recv);
	recv = nullptr;
	ASSERT_EQ(ncclSuccess, post(0, kBytes, &request)) << said;
	EXPECT_EQ(-ncclRemoteError, finish(request)) << said;
}

TEST_F(Verbs, RefusesMemoryOfDevicesAndDevicesThatAreNotThere)
{
	void *mr = nullptr, *listener = nullptr;
	char handle[NCCL_NET_HANDLE_MAXSIZE];
	EXPECT_EQ(ncclInvalidUsage, net->regMr(send, from.data(), 8, NCCL_PTR_CUDA, &mr));
	EXPECT_SAID("registers host memory alone");
	EXPECT_EQ(ncclInvalidArgument, net->listen(ctx, 7, handle, &listener));
	EXPECT_SAID("there is no device 7");
}

} // namespace
