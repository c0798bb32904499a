// SPDX-License-Identifier: BSD-3-Clause
// Every table that the plugin exports, used as the NCCL that looks it up does: properties, messages, traffic class, profiler.
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <netinet/in.h>
#include <sched.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "abi_table.h"
#include "nccl/profiler.h"
#include "plugin_harness.h"

using namespace harness;

namespace {

std::string plugin_path() { return std::string(getenv("DEVMEM_BUILD")) + "/lib/libnccl-net-devmem.so"; }

// What the profiler was told, in order.
struct Event {
	int type;
	void *parent;
	int64_t id;
	int fd, op;
	size_t length;
	void *event;
};
std::vector<Event> events;
bool profiler_declines;

ncclResult_t record_event(void **event, int type, void *parent, int64_t id, void *data)
{
	Event seen = {type, parent, id, -1, -1, 0, nullptr};

	if (type == NCCL_PROFILER_NET_START) {
		auto *description = static_cast<ncclProfilerNetSockDescr_v1_t *>(data);
		EXPECT_EQ(NCCL_PROFILE_SOCKET, description->type);
		seen.fd = description->sock.fd;
		seen.op = description->sock.op;
		seen.length = description->sock.length;
		EXPECT_EQ(nullptr, *event) << "started twice";
		if (!profiler_declines)
			*event = reinterpret_cast<void *>(events.size() + 1);
	} else {
		EXPECT_EQ(nullptr, data);
	}
	seen.event = *event;
	events.push_back(seen);
	return ncclSuccess;
}

// How many connected TCP sockets of this process send with each traffic class.
std::map<int, int> traffic_classes()
{
	std::map<int, int> classes;
	DIR *dir = opendir("/proc/self/fd");

	while (dirent *entry = readdir(dir)) {
		int fd = atoi(entry->d_name), value = 0;
		sockaddr_in peer = {};
		socklen_t length = sizeof(peer), size = sizeof(value);

		if (getpeername(fd, reinterpret_cast<sockaddr *>(&peer), &length) || peer.sin_family != AF_INET)
			continue;
		EXPECT_EQ(0, getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &size));
		classes[value]++;
	}
	closedir(dir);
	return classes;
}

template <int V> struct Number {
	static constexpr int value = V;
};

template <class N> class Abi : public testing::Test {
protected:
	static constexpr int V = N::value;
	void SetUp() override
	{
		clear_logs();
		events.clear();
		profiler_declines = false;
		setenv("NCCL_SOCKET_IFNAME", "=lo", 1);
		setenv("NCCL_SOCKET_FAMILY", "AF_INET", 1);
		setenv("NCCL_DEVMEM_MEMORY", "host", 1);
		unsetenv("NCCL_DEVMEM_TRAFFIC_CLASS");
		library = dlopen(plugin_path().c_str(), RTLD_NOW | RTLD_LOCAL);
		ASSERT_NE(nullptr, library) << dlerror();
	}
	void TearDown() override { EXPECT_EQ(0, dlclose(library)); }

	struct Ends {
		Ends(void *library, int traffic_class = NCCL_NET_TRAFFIC_CLASS_UNDEF) : table(library)
		{
			alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
			double deadline = now() + 20;

			EXPECT_EQ(ncclSuccess, table.init(traffic_class, logger, record_event)) << warnings();
			EXPECT_EQ(ncclSuccess, table.listen(handle, &listener)) << warnings();
			while ((!send || !recv) && now() < deadline) {
				if (!send) {
					EXPECT_EQ(ncclSuccess, table.connect(handle, &send)) << warnings();
				}
				if (!recv) {
					EXPECT_EQ(ncclSuccess, table.accept(listener, &recv)) << warnings();
				}
				sched_yield();
			}
			EXPECT_TRUE(send && recv);
		}
		~Ends()
		{
			EXPECT_EQ(ncclSuccess, table.net->closeSend(send));
			EXPECT_EQ(ncclSuccess, table.net->closeRecv(recv));
			EXPECT_EQ(ncclSuccess, table.net->closeListen(listener));
			EXPECT_EQ(ncclSuccess, table.finalize());
		}
		void transfer(size_t size, size_t room)
		{
			std::vector<uint8_t> out(size + 1), in(room + 1);
			void *requests[2] = {}, *mhandles[2] = {}, *flush = this;
			int done[2] = {}, got[2] = {-1, -1};
			double deadline = now() + 20;

			for (size_t i = 0; i < size; i++)
				out[i] = static_cast<uint8_t>(i * 7 + size);
			ASSERT_EQ(ncclSuccess, table.register_host(send, out.data(), out.size(), &mhandles[0]));
			ASSERT_EQ(ncclSuccess, table.register_host(recv, in.data(), in.size(), &mhandles[1]));
			ASSERT_EQ(ncclSuccess, table.irecv(recv, in.data(), room, mhandles[1], &in_parent, &requests[1]));
			ASSERT_EQ(ncclSuccess, table.isend(send, out.data(), size, mhandles[0], &out_parent, &requests[0]));
			ASSERT_TRUE(requests[0] && requests[1]);
			while ((!done[0] || !done[1]) && now() < deadline)
				for (int i = 0; i < 2; i++) {
					if (!done[i]) {
						ASSERT_EQ(ncclSuccess, table.net->test(requests[i], &done[i], &got[i])) << warnings();
					}
				}
			ASSERT_TRUE(done[0] && done[1]);
			EXPECT_EQ(static_cast<int>(size), got[1]);
			EXPECT_EQ(0, memcmp(out.data(), in.data(), size));
			EXPECT_EQ(ncclSuccess, table.iflush(recv, in.data(), size, mhandles[1], &flush));
			EXPECT_EQ(nullptr, flush) << "nothing to wait for";
			EXPECT_EQ(ncclSuccess, table.net->deregMr(send, mhandles[0]));
			EXPECT_EQ(ncclSuccess, table.net->deregMr(recv, mhandles[1]));
		}
		versions::Table<V> table;
		void *listener = nullptr, *send = nullptr, *recv = nullptr;
		char in_parent = 0, out_parent = 0;
	};
	void *library = nullptr;
};

using Versions = testing::Types<Number<6>, Number<7>, Number<8>, Number<9>, Number<10>, Number<11>, Number<12>>;
TYPED_TEST_SUITE(Abi, Versions);

TYPED_TEST(Abi, WritesEveryByteOfTheProperties)
{
	constexpr int V = TypeParam::value;
	versions::Table<V> table(this->library);
	typename versions::Types<V>::Properties a, b;
	int n = 0;

	ASSERT_NE(nullptr, table.net);
	EXPECT_STREQ("devmem", table.net->name);
	ASSERT_EQ(ncclSuccess, table.init(NCCL_NET_TRAFFIC_CLASS_UNDEF, logger, nullptr)) << warnings();
	EXPECT_EQ(ncclSuccess, table.net->devices(&n));
	EXPECT_EQ(1, n);
	memset(&a, 0x5a, sizeof(a));
	memset(&b, 0xa5, sizeof(b));
	ASSERT_EQ(ncclSuccess, table.net->getProperties(0, &a));
	ASSERT_EQ(ncclSuccess, table.net->getProperties(0, &b));
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a))) << "some byte is whatever was there before";
	EXPECT_STREQ("lo", a.name);
	EXPECT_EQ(nullptr, a.pciPath);
	EXPECT_NE(0u, a.guid);
	EXPECT_EQ(NCCL_PTR_HOST, a.ptrSupport);
	EXPECT_EQ(10000, a.speed);
	EXPECT_EQ(0, a.port);
	EXPECT_EQ(0.0f, a.latency);
	EXPECT_EQ(65536, a.maxComms);
	EXPECT_EQ(1, a.maxRecvs);
	if constexpr (V >= 7) {
		EXPECT_EQ(NCCL_NET_DEVICE_HOST, a.netDeviceType);
		EXPECT_EQ(NCCL_NET_DEVICE_INVALID_VERSION, a.netDeviceVersion);
		EXPECT_EQ(nullptr, table.net->irecvConsumed) << "NCCL would keep receives until it is called";
		EXPECT_EQ(nullptr, table.net->getDeviceMr);
	}
	if constexpr (V >= 8) {
		EXPECT_EQ(0, a.regIsGlobal);
	}
	if constexpr (V >= 9) {
		EXPECT_EQ(0, a.forceFlush);
		EXPECT_EQ(1, a.vProps.ndevs);
		EXPECT_EQ(0, a.vProps.devs[0]);
		EXPECT_EQ(NCCL_MAX_NET_SIZE_BYTES, a.maxP2pBytes);
		EXPECT_EQ(NCCL_MAX_NET_SIZE_BYTES, a.maxCollBytes);
		EXPECT_EQ(nullptr, table.net->makeVDevice);
	}
	if constexpr (V >= 11) {
		EXPECT_EQ(1, a.maxMultiRequestSize);
		EXPECT_EQ(nullptr, table.net->setNetAttr);
	}
	if constexpr (V >= 12) {
		EXPECT_EQ(-1, a.railId);
		EXPECT_EQ(-1, a.planeId);
	}
	EXPECT_EQ(ncclInvalidArgument, table.net->getProperties(1, &a));
	EXPECT_EQ(ncclSuccess, table.finalize());
}

TYPED_TEST(Abi, HintsAtTheVariableThatLetsItBeLoadedAgain)
{
	constexpr int V = TypeParam::value;
	const std::string hint = "NCCL_NET_PLUGIN_REF_COUNT=1";

	for (const char *count : {"0", "1"}) {
		versions::Table<V> table(this->library);
		setenv("NCCL_NET_PLUGIN_REF_COUNT", count, 1);
		clear_logs();
		ASSERT_EQ(ncclSuccess, table.init(NCCL_NET_TRAFFIC_CLASS_UNDEF, logger, nullptr)) << warnings();
		EXPECT_EQ(ncclSuccess, table.finalize());
		// Version 11 is the highest that NCCL 2.28 and 2.29 know.
		EXPECT_EQ(V == 11 && *count == '0', infos().find(hint) != std::string::npos) << infos();
	}
	unsetenv("NCCL_NET_PLUGIN_REF_COUNT");
	EXPECT_EQ("", warnings());
}

TYPED_TEST(Abi, CarriesMessages)
{
	typename TestFixture::Ends ends(this->library);

	for (size_t size : {size_t(0), size_t(1), size_t(4097), size_t(1) << 20})
		ends.transfer(size, size + 100);
	EXPECT_EQ("", warnings());
}

TYPED_TEST(Abi, RefusesNegativeSizes)
{
	if constexpr (TypeParam::value <= 8) {
		typename TestFixture::Ends ends(this->library);
		char byte = 0;
		void *request = &byte, *data = &byte;
		int size = -1, tag = 0;

		EXPECT_EQ(ncclInvalidArgument, ends.table.net->isend(ends.send, &byte, -1, 0, nullptr, &request));
		EXPECT_EQ(nullptr, request);
		request = &byte;
		void *mhandle = nullptr;
		EXPECT_EQ(ncclInvalidArgument, ends.table.net->irecv(ends.recv, 1, &data, &size, &tag, &mhandle, &request));
		EXPECT_EQ(nullptr, request);
		if constexpr (TypeParam::value <= 7) {
			EXPECT_EQ(ncclInvalidArgument, ends.table.net->regMr(ends.recv, &byte, -1, NCCL_PTR_HOST, &mhandle));
		}
	}
}

TYPED_TEST(Abi, SendsWithTheCommunicatorsTrafficClass)
{
	constexpr int V = TypeParam::value;
	std::map<int, int> before = traffic_classes();
	typename TestFixture::Ends ends(this->library, 0x68 | 3);

	ends.transfer(1000, 1000);
	std::map<int, int> after = traffic_classes();
	// The two lowest bits are TCP's. Version 10 tells the sender alone, earlier ones nobody.
	EXPECT_EQ(V >= 11 ? 2 : V == 10 ? 1 : 0, after[0x68] - before[0x68]);
	EXPECT_EQ(V >= 11 ? 0 : V == 10 ? 1 : 2, after[0] - before[0]);
}

TYPED_TEST(Abi, TheVariableGoesBeforeTheCommunicatorsTrafficClass)
{
	setenv("NCCL_DEVMEM_TRAFFIC_CLASS", "32", 1);
	std::map<int, int> before = traffic_classes();
	typename TestFixture::Ends ends(this->library, 0x68);

	ends.transfer(1000, 1000);
	EXPECT_EQ(2, traffic_classes()[32] - before[32]);
	unsetenv("NCCL_DEVMEM_TRAFFIC_CLASS");
}

TYPED_TEST(Abi, RefusesATrafficClassThatCannotBe)
{
	if constexpr (TypeParam::value >= 11) {
		versions::Table<TypeParam::value> table(this->library);
		char handle[NCCL_NET_HANDLE_MAXSIZE] = "";
		void *comm;

		ASSERT_EQ(ncclSuccess, table.init(256, logger, nullptr));
		EXPECT_EQ(ncclInvalidArgument, table.listen(handle, &comm));
		EXPECT_EQ(nullptr, comm);
		EXPECT_NE(std::string::npos, warnings().find("256")) << warnings();
		EXPECT_EQ(ncclSuccess, table.finalize());
	}
}

TYPED_TEST(Abi, TellsTheProfilerOfEachMessageOnce)
{
	typename TestFixture::Ends ends(this->library);

	ends.transfer(100'000, 200'000);
	ends.transfer(0, 10);
	if (TypeParam::value < 10) {
		EXPECT_TRUE(events.empty()) << "no profiler is known to this version";
		return;
	}
	ASSERT_EQ(8u, events.size());
	size_t lengths[2] = {};
	for (const Event &event : events) {
		if (event.type != NCCL_PROFILER_NET_START)
			continue;
		bool sent = event.op == NCCL_PROFILE_SOCKET_SEND;
		int kind = 0;
		socklen_t size = sizeof(kind);

		EXPECT_TRUE(sent || event.op == NCCL_PROFILE_SOCKET_RECV);
		EXPECT_EQ(sent ? &ends.out_parent : &ends.in_parent, event.parent);
		EXPECT_EQ(0x20001, event.id) << "a socket's event, version 1";
		EXPECT_EQ(0, getsockopt(event.fd, SOL_SOCKET, SO_TYPE, &kind, &size));
		EXPECT_EQ(SOCK_STREAM, kind);
		lengths[event.op] += event.length;
		int stops = 0;
		for (const Event &other : events)
			stops += other.type == NCCL_PROFILER_NET_STOP && other.event == event.event;
		EXPECT_EQ(1, stops);
	}
	EXPECT_EQ(100'000u, lengths[0]);
	EXPECT_EQ(100'000u, lengths[1]) << "the message's length, not the buffer's";
}

TYPED_TEST(Abi, StopsNoEventThatTheProfilerDidNotWant)
{
	profiler_declines = true;
	typename TestFixture::Ends ends(this->library);

	ends.transfer(1000, 1000);
	EXPECT_EQ(TypeParam::value < 10 ? 0u : 2u, events.size());
	for (const Event &event : events)
		EXPECT_EQ(NCCL_PROFILER_NET_START, event.type);
}

TYPED_TEST(Abi, EndsTheEventOfAMessageWhoseConnectionBreaks)
{
	if constexpr (TypeParam::value >= 10) {
		typename TestFixture::Ends ends(this->library);
		std::vector<uint8_t> out(64 << 20), in(1000);
		void *send = nullptr, *recv = nullptr;
		int done = 0, size;
		ncclResult_t result = ncclSuccess;
		double deadline = now() + 20;

		ASSERT_EQ(ncclSuccess, ends.table.irecv(ends.recv, in.data(), in.size(), nullptr, &ends.in_parent, &recv));
		EXPECT_EQ(ncclSuccess, ends.table.net->test(recv, &done, &size));
		ASSERT_EQ(ncclSuccess, ends.table.isend(ends.send, out.data(), out.size(), nullptr, &ends.out_parent, &send));
		while (result == ncclSuccess && now() < deadline)
			result = ends.table.net->test(recv, &done, &size);
		EXPECT_EQ(ncclInvalidUsage, result);
		result = ncclSuccess;
		EXPECT_EQ(ncclSuccess, ends.table.net->closeRecv(ends.recv));
		ends.recv = nullptr;
		while (result == ncclSuccess && now() < deadline)
			result = ends.table.net->test(send, &done, &size);
		EXPECT_EQ(ncclRemoteError, result);
		ASSERT_EQ(2u, events.size()) << "what was never announced to the receiver's end has no event";
		EXPECT_EQ(NCCL_PROFILER_NET_START, events[0].type);
		EXPECT_EQ(NCCL_PROFILER_NET_STOP, events[1].type);
		EXPECT_EQ(events[0].event, events[1].event);
	}
}

// Names in the notes of the library, and in the table of docs/tracing.md.
std::set<std::string> noted_tracepoints()
{
	FILE *pipe = popen(("readelf -n " + plugin_path()).c_str(), "r");
	std::set<std::string> names;
	char line[256], name[64];
	bool ours = false;

	while (fgets(line, sizeof(line), pipe)) {
		if (strstr(line, "Provider:"))
			ours = strstr(line, "Provider: devmem\n") != nullptr;
		else if (ours && sscanf(line, " Name: %63s", name) == 1)
			names.insert(name);
	}
	EXPECT_EQ(0, pclose(pipe));
	return names;
}

std::set<std::string> documented_tracepoints()
{
	std::ifstream page(DEVMEM_SOURCE_DIR "/docs/tracing.md");
	std::set<std::string> names;
	std::string line;

	while (std::getline(page, line))
		if (line.compare(0, 3, "| `") == 0)
			names.insert(line.substr(3, line.find('`', 3) - 3));
	return names;
}

TEST(Tracepoints, AreThoseOfTheDocumentation)
{
#ifdef DEVMEM_HAVE_SDT
	EXPECT_EQ(documented_tracepoints(), noted_tracepoints());
	EXPECT_LE(8u, noted_tracepoints().size());
#else
	EXPECT_LE(8u, documented_tracepoints().size());
	EXPECT_TRUE(noted_tracepoints().empty());
	GTEST_SKIP() << "built without sys/sdt.h: apt-get install systemtap-sdt-dev";
#endif
}

} // namespace
