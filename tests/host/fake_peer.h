// SPDX-License-Identifier: BSD-3-Clause
// Peers that are no devmem: they speak the handshake by hand, then whatever the test wants.
#pragma once

#include <arpa/inet.h>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "devmem_wire.h"
#include "plugin_harness.h"

namespace harness {

inline sockaddr_in control_address(const char *handle)
{
	wire_handle wire = {};
	sockaddr_in address = {};

	EXPECT_EQ(0, wire_get_handle(reinterpret_cast<const uint8_t *>(handle), NCCL_NET_HANDLE_MAXSIZE, &wire, nullptr));
	memcpy(&address, &wire.control, sizeof(address));
	return address;
}

inline int knock(const char *handle)
{
	sockaddr_in address = control_address(handle);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT_EQ(0, connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
	return fd;
}

inline std::vector<uint8_t> record(uint8_t type, uint8_t via, uint32_t seq, uint64_t len)
{
	wire_record record = {type, via, 0, seq, len};
	std::vector<uint8_t> bytes(WIRE_RECORD_BYTES);

	wire_put_record(bytes.data(), &record);
	return bytes;
}

// A sender to `b`.
struct FakeSender {
	explicit FakeSender(Side &b_) : b(b_)
	{
		alignas(8) char handle[NCCL_NET_HANDLE_MAXSIZE];
		wire_handle wire;
		wire_hello hello = {};
		uint8_t bytes[WIRE_HELLO_BYTES];

		EXPECT_EQ(ncclSuccess, b.listen(handle, &listener));
		fd = knock(handle);
		wire_get_handle(reinterpret_cast<const uint8_t *>(handle), NCCL_NET_HANDLE_MAXSIZE, &wire, nullptr);
		memcpy(hello.nonce, wire.nonce, WIRE_NONCE);
		wire_put_hello(bytes, &hello);
		EXPECT_EQ(WIRE_HELLO_BYTES, write(fd, bytes, sizeof(bytes)));
		double deadline = now() + 5;
		while (!recv && now() < deadline)
			EXPECT_EQ(ncclSuccess, b.accept(listener, &recv));
		EXPECT_NE(nullptr, recv);
	}
	~FakeSender()
	{
		EXPECT_EQ(ncclSuccess, b.net->closeRecv(recv));
		close(fd);
		EXPECT_EQ(ncclSuccess, b.net->closeListen(listener));
	}
	// What `b` receives into.
	void *post(void *data, size_t size)
	{
		void *request = nullptr, *mhandle = nullptr;
		int tag = 0;

		EXPECT_EQ(ncclSuccess, b.net->irecv(recv, 1, &data, &size, &tag, &mhandle, nullptr, &request));
		return request;
	}
	Side &b;
	int fd;
	void *recv = nullptr;

private:
	void *listener = nullptr;
};

// A receiver that has accepted a connection of `a`.
struct FakeReceiver {
	explicit FakeReceiver(Side &a)
	{
		wire_handle wire = {};
		sockaddr_in *address = reinterpret_cast<sockaddr_in *>(&wire.control);
		socklen_t length = sizeof(*address);
		alignas(8) uint8_t handle[NCCL_NET_HANDLE_MAXSIZE] = {};
		uint8_t hello[WIRE_HELLO_BYTES], answer[WIRE_READY_BYTES];
		wire_ready ready = {WIRE_OK, 0};
		int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(0, bind(listener, reinterpret_cast<sockaddr *>(address), length));
		EXPECT_EQ(0, listen(listener, 1));
		EXPECT_EQ(0, getsockname(listener, reinterpret_cast<sockaddr *>(address), &length));
		wire_put_handle(handle, &wire);
		EXPECT_EQ(ncclSuccess, a.connect(handle, &send));
		fd = accept(listener, nullptr, nullptr);
		close(listener);
		double deadline = now() + 5;
		while (recv(fd, hello, sizeof(hello), MSG_PEEK | MSG_DONTWAIT) < static_cast<ssize_t>(sizeof(hello)) && now() < deadline)
			EXPECT_EQ(ncclSuccess, a.connect(handle, &send));
		EXPECT_EQ(WIRE_HELLO_BYTES, recv(fd, hello, sizeof(hello), 0));
		wire_put_ready(answer, &ready);
		EXPECT_EQ(WIRE_READY_BYTES, write(fd, answer, sizeof(answer)));
		while (!send && now() < deadline)
			EXPECT_EQ(ncclSuccess, a.connect(handle, &send));
		EXPECT_NE(nullptr, send);
	}
	~FakeReceiver() { hang_up(); }
	void hang_up()
	{
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	int fd;
	void *send = nullptr;
};

} // namespace harness
