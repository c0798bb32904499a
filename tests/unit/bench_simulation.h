// SPDX-License-Identifier: BSD-3-Clause
// Kernels of all ranks, with the network between them replaced by memcpy.
#pragma once

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

extern "C" {
#include "collective.h"
#include "element.h"
#include "kernel.h"
}

constexpr uint32_t kRound = 3;
constexpr uint8_t kPoison = 0x5a;
constexpr size_t kMaxFifo = 5 << 20;

struct Link {
	std::unique_ptr<uint8_t[]> sent{new uint8_t[kMaxFifo]}, received{new uint8_t[kMaxFifo]};
	fifo send{}, recv{};	// of the rank that sends, of the rank that receives
	uint64_t slices = 0, empty = 0, bytes = 0;
	explicit Link(const fifo_shape *shape)
	{
		send.shape = recv.shape = shape;
		send.data = sent.get();
		recv.data = received.get();
	}

	// What the proxies and the network do: one slice at most.
	bool carry()
	{
		if (recv.tail == send.tail || recv.tail == recv.head + FIFO_STEPS)
			return false;
		size_t slot = recv.tail % FIFO_STEPS;
		memcpy(fifo_slot(&recv, recv.tail), fifo_slot(&send, recv.tail), static_cast<size_t>(send.size[slot]));
		recv.size[slot] = send.size[slot];
		slices++;
		empty += send.size[slot] == 0;
		bytes += static_cast<uint64_t>(send.size[slot]);
		recv.tail += recv.shape->slice_steps;
		send.head = recv.tail;
		return true;
	}
};

struct Traffic {
	uint64_t slices, empty, bytes;
};

struct Buffers {
	std::vector<uint8_t> src, dst; // of one rank; after the result 64 bytes that must stay as they are
};

// The work of @rank's link of @channel and @distance.
inline work work_of(const element *type, const fifo_shape *shape, unsigned int rank, unsigned int ranks, unsigned int channel, unsigned int channels,
		    unsigned int distance, size_t block)
{
	work work{};
	work.rank = rank;
	work.ranks = ranks;
	work.distance = distance;
	work.shape = shape;
	work.element_size = type->size;
	work.block = block;
	work_split(&work, channel, channels);
	return work;
}

class Simulation {
public:
	// @block is elements, as struct work has it.
	Simulation(const collective *op, const element *type, unsigned int ranks, unsigned int channels, size_t block, const fifo_shape *shape)
		: op_(op), type_(type), ranks_(ranks), channels_(channels), distances_(collective_links(op, ranks)), block_(block), buffers(ranks),
		  kernels_(ranks * channels * distances_)
	{
		for (size_t i = 0; i < kernels_.size(); i++)
			links_.emplace_back(shape);
		for (unsigned int r = 0; r < ranks; r++) {
			buffers[r].src.resize(block * collective_src_blocks(op, ranks) * type->size);
			buffers[r].dst.assign(block * collective_dst_blocks(op, ranks) * type->size + 64, kPoison);
			type->fill(buffers[r].src.data(), block * collective_src_blocks(op, ranks), r, kRound);
			for (unsigned int c = 0; c < channels; c++)
				for (unsigned int d = 1; d <= distances_; d++)
					start(r, c, d, shape);
		}
	}

	// Until nothing moves any more; then all must be done, and every sender's and receiver's steps as announced to its proxy.
	Traffic run()
	{
		while (step())
			;
		Traffic traffic{};
		for (kernel &k : kernels_) {
			EXPECT_TRUE(kernel_done(&k)) << "rank " << k.work.rank << " is stuck in operation " << k.op;
			EXPECT_EQ(collective_steps(op_, &k.work, OP_SEND), k.send->tail);
			EXPECT_EQ(collective_steps(op_, &k.work, OP_RECV), k.recv->head);
			EXPECT_EQ(k.recv->tail, k.recv->head) << "something came that nobody takes";
		}
		for (const Link &link : links_) {
			traffic.slices += link.slices;
			traffic.empty += link.empty;
			traffic.bytes += link.bytes;
		}
		return traffic;
	}

	// By the collective's own word on where elements come from.
	void check()
	{
		for (unsigned int r = 0; r < ranks_; r++) {
			const std::vector<uint8_t> &dst = buffers[r].dst;
			for (unsigned int b = 0; b < collective_dst_blocks(op_, ranks_); b++) {
				origin from = op_->origin(r, ranks_, block_, b);
				size_t first = 0;
				EXPECT_EQ(0u, type_->wrong(&dst[b * block_ * type_->size], block_, &from, kRound, &first))
					<< "rank " << r << ", block " << b << ", first " << first;
			}
			for (size_t i = dst.size() - 64; i < dst.size(); i++)
				EXPECT_EQ(kPoison, dst[i]) << "rank " << r << " wrote beyond its result";
		}
	}

private:
	Link &link(unsigned int rank, unsigned int channel, unsigned int distance)
	{
		return links_[(rank * channels_ + channel) * distances_ + distance - 1];
	}

	void start(unsigned int r, unsigned int c, unsigned int d, const fifo_shape *shape)
	{
		kernel &k = kernels_[(r * channels_ + c) * distances_ + d - 1];
		k = {};
		k.collective = op_;
		k.work = work_of(type_, shape, r, ranks_, c, channels_, d, block_);
		k.element = type_;
		k.src = buffers[r].src.data();
		k.dst = buffers[r].dst.data();
		k.recv = &link((r + ranks_ - d) % ranks_, c, d).recv;
		k.send = &link(r, c, d).send;
	}

	bool step()
	{
		bool moved = false;
		failure why{};
		for (kernel &k : kernels_) {
			int ret = kernel_step(&k, &why);
			EXPECT_GE(ret, 0) << why.text;
			moved = moved || ret > 0;
		}
		for (Link &link : links_)
			moved = link.carry() || moved;
		return moved;
	}

	const collective *op_;
	const element *type_;
	unsigned int ranks_, channels_, distances_;
	size_t block_;

public:
	std::vector<Buffers> buffers; // by rank

private:
	std::vector<Link> links_;
	std::vector<kernel> kernels_;
};
