// SPDX-License-Identifier: BSD-3-Clause
// Batches of copies of one connection, over an engine that takes its time, is full or fails.
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "gather.h"
#include "mem_ops.h"
#include "stream.h"
#include "tcp_pair.h"

namespace {

// Copies a batch when told to.
struct SlowEngine {
	devmem_exporter base = {};
	devmem_exporter_ops ops = {};
	std::vector<std::vector<devmem_copy>> batches;
	std::vector<int> results; // of each: 0 until it is done
	int refuse = 0;		  // what starting is answered with

	static SlowEngine *of(devmem_exporter *exporter) { return reinterpret_cast<SlowEngine *>(exporter); }
	static int start(devmem_exporter *exporter, const devmem_copy *pieces, unsigned int n, uint64_t *fence)
	{
		SlowEngine *engine = of(exporter);
		if (engine->refuse)
			return engine->refuse;
		*fence = engine->batches.size();
		engine->batches.emplace_back(pieces, pieces + n);
		engine->results.push_back(0);
		return 0;
	}
	static int is_done(devmem_exporter *exporter, uint64_t fence) { return of(exporter)->results[fence]; }
	void finish(size_t batch)
	{
		for (auto &piece : batches[batch])
			memcpy(piece.dst, piece.src, piece.len);
		results[batch] = 1;
	}
	SlowEngine()
	{
		ops.copy_start = start;
		ops.copy_done = is_done;
		base.ops = &ops;
	}
};

struct HttpGather : testing::Test {
	SlowEngine engine;
	gather it = {};
	gather_owner one = {}, other = {};
	TcpPair pair;
	devmem_stream *stream = nullptr;
	char from[1000], to[1000] = {};

	HttpGather()
	{
		EXPECT_EQ(0, devmem_stream_open(pair.here, 4096, &stream, nullptr));
		for (size_t i = 0; i < sizeof(from); i++)
			from[i] = static_cast<char>(1 + i % 100);
	}
	~HttpGather() override { devmem_stream_close(stream); }
	int progress() { return gather_progress(&it, &engine.base, stream); }
	void add(size_t at, size_t len) { gather_add(&it, to + at, from + at, len); }
	void hold(uint32_t token)
	{
		ASSERT_EQ(0, token_take(&stream->tokens, token));
		gather_hold(&it, token);
	}
	unsigned int given() { return devmem_stream_tokens_batched(stream); }
	// A batch of one piece and one token that is with the engine.
	void begin_started(gather_owner *owner, size_t at, uint32_t token)
	{
		gather_begin(&it, owner);
		add(at, 10);
		hold(token);
		ASSERT_EQ(0, progress());
	}
};

TEST_F(HttpGather, NeighboursAreOnePiece)
{
	gather_begin(&it, &one);
	add(0, 10);
	add(10, 20);
	add(40, 5);				  // a gap on both sides
	gather_add(&it, to + 45, from + 60, 5);	  // a gap where it comes from
	gather_add(&it, to + 60, from + 65, 5);	  // a gap where it goes to
	gather_add(&it, to + 65, from + 70, 5);
	EXPECT_EQ(0, progress());
	ASSERT_EQ(1u, engine.batches.size());
	const auto &pieces = engine.batches[0];
	ASSERT_EQ(4u, pieces.size());
	EXPECT_EQ(30u, pieces[0].len);
	EXPECT_EQ(5u, pieces[1].len);
	EXPECT_EQ(5u, pieces[2].len);
	EXPECT_EQ(10u, pieces[3].len);
	engine.finish(0);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(0, memcmp(to, from, 30));
	EXPECT_EQ(0, memcmp(to + 60, from + 65, 10));
}

TEST_F(HttpGather, NothingToDo)
{
	EXPECT_TRUE(gather_ready(&it));
	EXPECT_EQ(1, progress());
	EXPECT_TRUE(engine.batches.empty());
}

TEST_F(HttpGather, TokensComeBackWhenTheirBatchIsThrough)
{
	begin_started(&one, 0, 7);
	EXPECT_EQ(1u, one.pending);
	EXPECT_EQ(0u, given());
	engine.finish(0);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(1u, given());
	EXPECT_EQ(0u, one.pending);
	EXPECT_EQ(0, one.failed);
	EXPECT_EQ(0, memcmp(to, from, 10));
}

TEST_F(HttpGather, OneBatchIsFilledWhileTheEngineIsAtAnother)
{
	begin_started(&one, 0, 1);
	EXPECT_TRUE(gather_ready(&it));
	gather_begin(&it, &other);
	EXPECT_FALSE(gather_ready(&it)) << "the one being filled is not with the engine";
	add(100, 10);
	hold(2);
	EXPECT_EQ(0, progress());
	EXPECT_EQ(2u, engine.batches.size()) << "both are with it";
	EXPECT_FALSE(gather_ready(&it)) << "there are two at most";
	engine.finish(1);
	EXPECT_EQ(0, progress());
	EXPECT_EQ(0u, given()) << "they are ended in order";
	engine.finish(0);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(2u, given());
	EXPECT_EQ(0u, one.pending);
	EXPECT_EQ(0u, other.pending);
}

TEST_F(HttpGather, BatchesGoRound)
{
	for (uint32_t i = 0; i < 9; i++) {
		begin_started(&one, i * 10, i);
		if (i)
			engine.finish(i - 1);
		EXPECT_EQ(0, progress());
		EXPECT_EQ(1u, one.pending);
	}
	engine.finish(8);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(0, memcmp(to, from, 90));
	EXPECT_EQ(9u, given());
}

TEST_F(HttpGather, AFullEngineLosesNothing)
{
	engine.refuse = -EAGAIN;
	gather_begin(&it, &one);
	add(0, 10);
	hold(1);
	EXPECT_EQ(0, progress());
	EXPECT_EQ(0, progress());
	EXPECT_FALSE(gather_ready(&it));
	EXPECT_EQ(1u, one.pending);
	EXPECT_EQ(0u, given());
	engine.refuse = 0;
	EXPECT_EQ(0, progress());
	EXPECT_TRUE(gather_ready(&it));
	engine.finish(0);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(1u, given());
	EXPECT_EQ(0, memcmp(to, from, 10));
}

TEST_F(HttpGather, TokensWithoutBytesComeBackAtOnce)
{
	gather_begin(&it, &one);
	hold(3);
	EXPECT_EQ(1, progress());
	EXPECT_TRUE(engine.batches.empty());
	EXPECT_EQ(1u, given());
	EXPECT_EQ(0u, one.pending);
}

TEST_F(HttpGather, TheBounceBufferIsFreeWhenAllIsThrough)
{
	begin_started(&one, 0, 1);
	gather_begin(&it, &one);
	add(100, 10);
	it.from_bounce = true;
	EXPECT_EQ(0, progress());
	engine.finish(0);
	EXPECT_EQ(0, progress());
	EXPECT_TRUE(it.from_bounce);
	engine.finish(1);
	EXPECT_EQ(1, progress());
	EXPECT_FALSE(it.from_bounce);
}

TEST_F(HttpGather, AnOwnerIsToldOfAFailureAndTokensComeBack)
{
	begin_started(&one, 0, 1);
	engine.results[0] = -EIO;
	EXPECT_EQ(-EIO, progress());
	EXPECT_EQ(-EIO, one.failed);
	EXPECT_EQ(0u, one.pending);
	EXPECT_EQ(1u, given());
	EXPECT_EQ(0u, it.n);
	EXPECT_EQ(1, progress());
}

// Its bytes would go to memory that somebody else has by then.
TEST_F(HttpGather, AFailureDoesNotEndTheBatchThatIsUnderWay)
{
	begin_started(&one, 0, 1);
	engine.refuse = -ENOMEM;
	gather_begin(&it, &other);
	add(100, 10);
	hold(2);
	EXPECT_EQ(0, progress());
	EXPECT_EQ(1u, one.pending);
	EXPECT_EQ(0u, given());
	engine.refuse = 0;
	engine.finish(0);
	EXPECT_EQ(-ENOMEM, progress()) << "the engine's own words";
	EXPECT_EQ(0, one.failed) << "its bytes are there";
	EXPECT_EQ(-ENOMEM, other.failed);
	EXPECT_EQ(0u, one.pending + other.pending);
	EXPECT_EQ(2u, given());
	EXPECT_EQ(1u, engine.batches.size()) << "what could not be started is not tried again";
	EXPECT_EQ(0, memcmp(to, from, 10));
}

TEST_F(HttpGather, AFailureDoesNotEndTheBatchBehindIt)
{
	begin_started(&one, 0, 1);
	begin_started(&other, 100, 2);
	engine.results[0] = -EIO;
	EXPECT_EQ(-EIO, progress());
	EXPECT_EQ(0u, one.pending);
	EXPECT_EQ(1u, other.pending) << "the engine may still be at it";
	engine.finish(1);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(0, other.failed);
	EXPECT_EQ(2u, given());
}

TEST_F(HttpGather, ATokenThatIsNotOutIsAnError)
{
	gather_begin(&it, &one);
	add(0, 10);
	gather_hold(&it, 5);
	EXPECT_EQ(0, progress());
	engine.finish(0);
	EXPECT_EQ(-EINVAL, progress());
	EXPECT_EQ(0, one.failed) << "its bytes are there";
	EXPECT_EQ(0u, one.pending);
}

TEST_F(HttpGather, AFullBatch)
{
	std::vector<char> bytes(2 * GATHER_PIECES, 'x'), there(2 * GATHER_PIECES);

	gather_begin(&it, &one);
	for (uint32_t i = 0; i < GATHER_PIECES; i++) {
		gather_add(&it, &there[2 * i], &bytes[2 * i], 1);
		hold(i);
	}
	EXPECT_EQ(0, progress());
	engine.finish(0);
	EXPECT_EQ(1, progress());
	EXPECT_EQ(GATHER_PIECES, std::count(there.begin(), there.end(), 'x'));
	EXPECT_EQ(0u, one.pending);
}

TEST_F(HttpGather, CopyTimeIsCountedWhereWished)
{
	uint64_t ns = 1;

	it.copy_ns = &ns;
	begin_started(&one, 0, 1);
	EXPECT_GT(ns, 1u);
	engine.finish(0);
	EXPECT_EQ(1, progress());
}

} // namespace
