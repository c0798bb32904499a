// SPDX-License-Identifier: BSD-3-Clause
// Two ends of a TCP connection over loopback.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

// The test closes here, or gives it to somebody who does.
struct TcpPair {
	int there, here;
	// `prepare` is given the listener first.
	explicit TcpPair(void (*prepare)(int) = nullptr)
	{
		int listener = socket(AF_INET, SOCK_STREAM, 0);
		sockaddr_in address = {};
		socklen_t length = sizeof(address);

		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(0, bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
		if (prepare)
			prepare(listener);
		EXPECT_EQ(0, listen(listener, 1));
		EXPECT_EQ(0, getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length));
		here = socket(AF_INET, SOCK_STREAM, 0);
		EXPECT_EQ(0, connect(here, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
		there = accept(listener, nullptr, nullptr);
		close(listener);
	}
	// Sends until nothing more fits, returns how much.
	size_t fill()
	{
		std::vector<char> bytes(1 << 16, 'x');
		size_t sum = 0;
		for (ssize_t n; (n = send(here, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;)
			sum += static_cast<size_t>(n);
		return sum;
	}
	size_t read_all()
	{
		std::vector<char> bytes(1 << 16);
		size_t sum = 0;
		ssize_t n;
		while ((n = read(there, bytes.data(), bytes.size())) > 0)
			sum += static_cast<size_t>(n);
		EXPECT_EQ(0, n) << "reset: " << strerror(errno);
		return sum;
	}
	~TcpPair() { close(there); }
};
