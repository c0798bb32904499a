// SPDX-License-Identifier: BSD-3-Clause
// Transfers whose every byte is known: senders and receivers of the pattern, by device memory or by ordinary sockets.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <poll.h>
#include <random>
#include <unistd.h>
#include <vector>

#include "testnet.h"

// One end of a transfer, moved along by step() without blocking.
struct End {
	virtual ~End() = default;
	virtual bool step() = 0;	// true when something moved
	virtual bool done() const = 0;
	virtual int fd() const = 0;
	virtual short events() const = 0;
};

inline void run(End &sender, End &receiver)
{
	while (!sender.done() || !receiver.done()) {
		bool moved = sender.step();
		moved = receiver.step() || moved;
		if (testing::Test::HasFailure())
			return;
		if (moved)
			continue;
		pollfd fds[2] = {{sender.fd(), sender.events(), 0}, {receiver.fd(), receiver.events(), 0}};
		ASSERT_GT(poll(fds, 2, 10'000), 0) << "nothing moved for 10 s";
	}
}

struct PlainSender : End {
	PlainSender(int fd, uint64_t total, unsigned int seed) : fd_(fd), total(total), random(seed), buffer(200'000) {}
	~PlainSender() override { close(fd_); }
	bool step() override
	{
		if (done())
			return false;
		size_t want = std::min<uint64_t>(1 + random() % buffer.size(), total - sent);
		for (size_t i = 0; i < want; i++)
			buffer[i] = pattern(sent + i);
		ssize_t n = send(fd_, buffer.data(), want, MSG_NOSIGNAL);
		if (n < 0) {
			EXPECT_EQ(EAGAIN, errno);
			return false;
		}
		sent += static_cast<uint64_t>(n);
		return true;
	}
	bool done() const override { return sent == total; }
	int fd() const override { return fd_; }
	short events() const override { return done() ? 0 : POLLOUT; }

	int fd_;
	uint64_t total, sent = 0;
	std::mt19937 random;
	std::vector<uint8_t> buffer;
};

struct PlainReceiver : End {
	PlainReceiver(int fd, uint64_t total) : fd_(fd), total(total), buffer(256 * 1024) {}
	~PlainReceiver() override { close(fd_); }
	bool step() override
	{
		ssize_t n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
		if (n < 0) {
			EXPECT_EQ(EAGAIN, errno);
			return false;
		}
		for (ssize_t i = 0; i < n; i++)
			wrong += buffer[static_cast<size_t>(i)] != pattern(received + static_cast<uint64_t>(i));
		received += static_cast<uint64_t>(n);
		EXPECT_EQ(0u, wrong);
		return n > 0;
	}
	bool done() const override { return received == total; }
	int fd() const override { return fd_; }
	short events() const override { return POLLIN; }

	int fd_;
	uint64_t total, received = 0, wrong = 0;
	std::vector<uint8_t> buffer;
};

// Sends odd pieces at odd offsets; a byte of the buffer is not written again before its send is complete.
struct DeviceSender : End {
	DeviceSender(int fd, uint64_t total, uint32_t id, DeviceMemory &memory, unsigned int seed)
		: total(total), id(id), memory(memory), random(seed)
	{
		EXPECT_EQ(0, devmem_stream_open(fd, 4096, &stream, nullptr));
	}
	~DeviceSender() override { devmem_stream_close(stream); }
	bool step() override
	{
		int reaped = devmem_stream_reap(stream);
		EXPECT_TRUE(reaped >= 0 || may_end) << reaped;
		if (in_flight && devmem_stream_sent(stream, last))
			in_flight = false;
		if (piece == 0 && sent < total && !in_flight)
			next_piece();
		if (piece == 0)
			return reaped > 0;
		ssize_t n = devmem_stream_send_device(stream, id, offset, piece, &last);
		if (n < 0) {
			ended = n != -EAGAIN;
			EXPECT_TRUE(!ended || may_end) << "error " << n << " after " << sent << " bytes";
			return reaped > 0;
		}
		offset += static_cast<uint64_t>(n);
		piece -= static_cast<size_t>(n);
		sent += static_cast<uint64_t>(n);
		in_flight = true;
		return true;
	}
	void next_piece()
	{
		offset = random() % 5000;
		piece = std::min<uint64_t>(1 + random() % (memory.mem->size - offset), total - sent);
		if (random() % 4 == 0)
			piece = std::min<uint64_t>(piece, 1 + random() % 7000);
		memory.put_pattern(offset, sent, piece);
	}
	bool done() const override { return sent == total && !in_flight; }
	int fd() const override { return devmem_stream_fd(stream); }
	short events() const override { return piece ? POLLOUT : 0; }

	devmem_stream *stream = nullptr;
	uint64_t total, sent = 0, offset = 0;
	size_t piece = 0;
	uint32_t id, last = 0;
	bool in_flight = false;
	bool may_end = false, ended = false;	// by the peer's death
	DeviceMemory &memory;
	std::mt19937 random;
};

// Wherever a fragment lies, its bytes must be right. Strict: all of them must lie in device memory.
struct DeviceEndReceiver : End {
	DeviceEndReceiver(int fd, uint64_t total, DeviceMemory &pool, uint32_t id, unsigned int seed, bool strict = true)
		: total(total), pool(pool), id(id), strict(strict), random(seed)
	{
		EXPECT_EQ(0, devmem_stream_open(fd, 256 * 1024, &stream, nullptr));
	}
	~DeviceEndReceiver() override
	{
		EXPECT_EQ(0, devmem_stream_token_flush(stream));
		devmem_stream_stats stats = statistics();
		EXPECT_EQ(total, stats.rx_device + stats.rx_linear + stats.rx_plain);
		if (strict) {
			EXPECT_EQ(total, stats.rx_device);
		}
		EXPECT_EQ(stats.tokens_taken, stats.tokens_returned);
		devmem_stream_close(stream);
	}
	bool step() override
	{
		devmem_frag frags[512];
		unsigned int n = 1 + random() % 512;
		ssize_t got = devmem_stream_recv(stream, 1 + random() % 300'000, frags, &n);
		if (got <= 0) {
			ended = got != -EAGAIN;
			EXPECT_TRUE(!ended || may_end) << "error " << got << " after " << received << " bytes";
			EXPECT_EQ(0, devmem_stream_token_flush(stream));
			return false;
		}
		for (unsigned int i = 0; i < n; i++)
			check(frags[i]);
		return true;
	}
	void check(const devmem_frag &frag)
	{
		if (strict) {
			ASSERT_EQ(DEVMEM_FRAG_DEVICE, frag.where);
		}
		if (frag.where == DEVMEM_FRAG_DEVICE) {
			ASSERT_EQ(id, frag.dmabuf_id);
			ASSERT_LE(frag.offset + frag.len, pool.mem->size);
			wrong = pool.wrong(frag.offset, received, frag.len);
		} else {
			const uint8_t *bytes = devmem_stream_bounce(stream) + frag.offset;
			for (uint32_t i = 0; i < frag.len; i++)
				wrong += bytes[i] != pattern(received + i);
		}
		ASSERT_EQ(0u, wrong) << "before position " << received + frag.len;
		received += frag.len;
		if (frag.where == DEVMEM_FRAG_DEVICE) {
			ASSERT_EQ(0, devmem_stream_token_put(stream, frag.token));
		}
	}
	devmem_stream_stats statistics() const
	{
		devmem_stream_stats stats;
		devmem_stream_stats_get(stream, &stats);
		return stats;
	}
	bool done() const override { return received == total; }
	int fd() const override { return devmem_stream_fd(stream); }
	short events() const override { return POLLIN; }

	devmem_stream *stream = nullptr;
	uint64_t total, received = 0, wrong = 0;
	DeviceMemory &pool;
	uint32_t id;
	bool strict;
	bool may_end = false, ended = false;	// before all bytes have come: by the peer's end or its death
	std::mt19937 random;
};

struct TxBinding {
	explicit TxBinding(DeviceMemory &memory)
	{
		devmem_error err = {};
		EXPECT_EQ(0, devmem_bind_tx(dm0_index(0), memory.mem->dmabuf_fd, &binding, &err)) << err.text;
	}
	~TxBinding() { devmem_binding_release(binding); }
	uint32_t id() const { return devmem_binding_id(binding); }
	devmem_binding *binding = nullptr;
};
