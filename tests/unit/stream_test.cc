// SPDX-License-Identifier: BSD-3-Clause
// A stream that sends host memory: without a copy where that works, with one where it does not.
#include <cstring>
#include <gtest/gtest.h>

#include "devmem.h"
#include "sockopt.h"
#include "tcp_pair.h"
#include "unpinnable.h"

namespace {

struct Stream {
	TcpPair pair;
	devmem_stream *stream = nullptr;
	Stream()
	{
		devmem_error err = {};
		EXPECT_EQ(0, devmem_stream_open(pair.here, 4096, &stream, &err)) << err.text;
	}
	~Stream() { devmem_stream_close(stream); }
	bool await(uint32_t completion)
	{
		for (int i = 0; i < 1000 && !devmem_stream_sent(stream, completion); i++) {
			EXPECT_GE(devmem_stream_reap(stream), 0);
			usleep(1000);
		}
		return devmem_stream_sent(stream, completion);
	}
};

TEST(StreamSend, TellsWhenTheKernelCopiedAfterAll)
{
	Stream s;
	std::vector<uint8_t> out(100'000, 5), in(100'000);
	uint32_t completion = 0;

	ASSERT_TRUE(devmem_stream_zerocopy_pays(s.stream));
	ssize_t sent = devmem_stream_send_host(s.stream, out.data(), out.size(), true, &completion);
	ASSERT_GT(sent, 0);
	EXPECT_EQ(sent, recv(s.pair.there, in.data(), static_cast<size_t>(sent), MSG_WAITALL));
	EXPECT_TRUE(s.await(completion));
	EXPECT_FALSE(devmem_stream_zerocopy_pays(s.stream)) << "loopback copies";
}

TEST(StreamSend, CopiesWhatCannotBePinned)
{
	const uint8_t *page = unpinnable();
	Stream s;
	uint8_t in[64];
	uint32_t completion = 7;

	if (!page)
		GTEST_SKIP() << "no [vvar] in /proc/self/maps";
	ASSERT_EQ(64, devmem_stream_send_host(s.stream, page, 64, true, &completion)) << strerror(errno);
	EXPECT_EQ(64, recv(s.pair.there, in, 64, MSG_WAITALL));
	EXPECT_FALSE(devmem_stream_zerocopy_pays(s.stream));
	EXPECT_EQ(7u, completion) << "nothing is under way";
	EXPECT_EQ(0, devmem_stream_reap(s.stream));
}

TEST(StreamSend, DetachGivesTheSocketBack)
{
	TcpPair pair;
	devmem_stream *stream = nullptr;

	ASSERT_EQ(0, devmem_stream_open(pair.here, 4096, &stream, nullptr));
	EXPECT_EQ(pair.here, devmem_stream_detach(stream));
	EXPECT_EQ(1, write(pair.here, "x", 1));
	close(pair.here);
}

int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	EXPECT_EQ(0, getsockopt(fd, level, name, &value, &length));
	return value;
}

TEST(Sockets, HaveFromTheirListenerWhatEndsThemWithASilentPeer)
{
	TcpPair pair([](int listener) {
		sockopt_peer_timeout(listener, 8);
		sockopt_probe_peer(listener, 8);
		sockopt_end_abruptly(listener);
	});
	linger end = {};
	socklen_t length = sizeof(end);

	EXPECT_NE(0, option(pair.there, IPPROTO_TCP, TCP_NODELAY));
	EXPECT_EQ(8000, option(pair.there, IPPROTO_TCP, TCP_USER_TIMEOUT));
	EXPECT_NE(0, option(pair.there, SOL_SOCKET, SO_KEEPALIVE));
	EXPECT_EQ(2, option(pair.there, IPPROTO_TCP, TCP_KEEPIDLE));
	EXPECT_EQ(2, option(pair.there, IPPROTO_TCP, TCP_KEEPINTVL));
	EXPECT_EQ(0, getsockopt(pair.there, SOL_SOCKET, SO_LINGER, &end, &length));
	EXPECT_EQ(1, end.l_onoff);
	EXPECT_EQ(0, end.l_linger);
	close(pair.here);
}

TEST(Port, RefusesWhatCannotBe)
{
	devmem_error err = {};
	devmem_exporter *host;
	devmem_mem *mem;
	devmem_nic nic = {};
	devmem_port *port = reinterpret_cast<devmem_port *>(&err);
	devmem_port_options many = {};

	strcpy(nic.name, "lo");
	strcpy(nic.ifname, "lo");
	many.queues = DEVMEM_PORT_QUEUES + 1;
	ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_HOST, 0, &host, &err));
	ASSERT_EQ(0, devmem_mem_alloc(host, 4096, &mem, &err));
	EXPECT_EQ(-EINVAL, devmem_port_open(&nic, mem, nullptr, &port, &err)) << "host memory has no dmabuf";
	EXPECT_EQ(nullptr, port);
	EXPECT_NE(nullptr, strstr(err.text, "dmabuf"));
	EXPECT_EQ(-EINVAL, devmem_port_open(&nic, mem, &many, &port, &err));
	devmem_port_close(nullptr);
	devmem_mem_free(mem);
	devmem_exporter_close(host);
}

} // namespace
