// SPDX-License-Identifier: BSD-3-Clause
// Every collective's list of operations: followed by hand, with a record for each element instead of its value, and by the kernels, with the network replaced by memcpy.
#include <deque>
#include <functional>
#include <string>

#include "bench_simulation.h"

namespace {

constexpr unsigned int kMaxRanks = 8;
// Two chunks of 64 floats are under way at once.
constexpr fifo_shape kTiny{"tiny", 512, 2, 2};

// Element @index of the buffers of a set of ranks, added up.
struct Value {
	size_t index;
	uint32_t ranks;		// mask; 0: nothing was written here
	bool operator==(const Value &other) const { return index == other.index && ranks == other.ranks; }
};

using Row = std::vector<Value>;

// What element @i of @rank's result must be; independent of the collective's own word.
using Expected = std::function<Value(unsigned int rank, unsigned int ranks, size_t block, size_t i)>;

struct Case {
	const collective *op;
	double bus_of_four;
	Expected expected;
};

void PrintTo(const Case &test, std::ostream *out) { *out << test.op->name; }

uint32_t all(unsigned int ranks) { return (1u << ranks) - 1; }

const Case cases[] = {
	{&allreduce, 1.5, [](unsigned, unsigned ranks, size_t, size_t i) { return Value{i, all(ranks)}; }},
	{&allgather, 0.75, [](unsigned, unsigned, size_t block, size_t i) { return Value{i % block, 1u << i / block}; }},
	{&reducescatter, 0.75, [](unsigned rank, unsigned ranks, size_t block, size_t i) { return Value{rank * block + i, all(ranks)}; }},
	{&broadcast, 1, [](unsigned, unsigned, size_t, size_t i) { return Value{i, 1}; }},
	{&sendrecv, 1, [](unsigned rank, unsigned ranks, size_t, size_t i) { return Value{i, 1u << (rank + ranks - 1) % ranks}; }},
	{&alltoall, 0.75, [](unsigned rank, unsigned, size_t block, size_t i) { return Value{rank * block + i % block, 1u << i / block}; }},
};

// One link of one rank, and what was sent to it and not yet taken.
struct Step {
	work todo;
	size_t next = 0;
	std::deque<Row> *in, *out;
};

// All ranks follow their lists; nobody sends more ahead than a FIFO holds.
class Lists {
public:
	Lists(const collective *op, unsigned int ranks, unsigned int channels, size_t block)
		: op_(op), ranks_(ranks), dst(ranks), src_(ranks), queues_(ranks * channels * kMaxRanks)
	{
		for (unsigned int r = 0; r < ranks; r++) {
			dst[r].resize(block * collective_dst_blocks(op, ranks));
			for (size_t i = 0; i < block * collective_src_blocks(op, ranks); i++)
				src_[r].push_back({i, 1u << r});
			for (unsigned int c = 0; c < channels; c++)
				for (unsigned int d = 1; d <= collective_links(op, ranks); d++)
					steps_.push_back({work_of(element_find("float"), &kTiny, r, ranks, c, channels, d, block), 0,
							  queue((r + ranks - d) % ranks, c, d), queue(r, c, d)});
		}
	}

	void run()
	{
		for (bool moved = true; moved;) {
			moved = false;
			for (Step &step : steps_)
				moved = go(step) || moved;
		}
		for (const Step &step : steps_)
			EXPECT_EQ(op_->ops(&step.todo), step.next) << "rank " << step.todo.rank << " waits for what does not come";
		for (const std::deque<Row> &queue : queues_)
			EXPECT_TRUE(queue.empty()) << "something was sent that nobody receives";
	}

	uint64_t sent = 0;	// elements

private:
	// Of the link by which @rank sends to the one at @distance.
	std::deque<Row> *queue(unsigned int rank, unsigned int channel, unsigned int distance)
	{
		return &queues_[(rank + channel * ranks_) * kMaxRanks + distance];
	}

	bool go(Step &step)
	{
		if (step.next == op_->ops(&step.todo))
			return false;
		const op op = op_->op(&step.todo, step.next);
		if (op.actions & OP_RECV && step.in->empty())
			return false;
		if (op.actions & OP_SEND && step.out->size() == FIFO_STEPS / (kTiny.slice_steps * kTiny.chunk_slices))
			return false;
		follow(step, op);
		step.next++;
		return true;
	}

	void follow(Step &step, const op &op)
	{
		Row row = op.actions & OP_RECV ? take(step, op) : own(step, op);
		if (op.actions & OP_REDUCE)
			add(row, own(step, op));
		if (op.actions & OP_COPY)
			keep(dst[step.todo.rank], op, row);
		if (op.actions & OP_SEND) {
			EXPECT_LE(op.count, work_chunk(&step.todo));
			sent += row.size();
			step.out->push_back(row);
		}
	}

	Row take(Step &step, const op &op)
	{
		Row row = step.in->front();
		step.in->pop_front();
		EXPECT_EQ(op.count, row.size()) << "the receive is not the one for this send";
		return row;
	}

	Row own(const Step &step, const op &op)
	{
		const Row &src = src_[step.todo.rank];
		EXPECT_LE(op.src + op.count, src.size()) << "beyond the buffer";
		return Row(src.begin() + static_cast<long>(op.src), src.begin() + static_cast<long>(op.src + op.count));
	}

	static void add(Row &row, const Row &other)
	{
		for (size_t i = 0; i < row.size(); i++) {
			EXPECT_EQ(row[i].index, other[i].index) << "different elements are added";
			EXPECT_EQ(0u, row[i].ranks & other[i].ranks) << "an element is added twice";
			row[i].ranks |= other[i].ranks;
		}
	}

	static void keep(Row &dst, const op &op, const Row &row)
	{
		ASSERT_LE(op.dst + op.count, dst.size()) << "beyond the result";
		for (size_t i = 0; i < row.size(); i++) {
			EXPECT_EQ(0u, dst[op.dst + i].ranks) << "a result is written twice";
			dst[op.dst + i] = row[i];
		}
	}

	const collective *op_;
	unsigned int ranks_;

public:
	std::vector<Row> dst;	// by rank

private:
	std::vector<Row> src_;
	std::vector<std::deque<Row>> queues_;
	std::vector<Step> steps_;
};

class Collective : public testing::TestWithParam<Case> {
};

TEST_P(Collective, BringsEveryElementWhereItMustBeAndSendsNothingInVain)
{
	const Case &test = GetParam();
	for (unsigned int ranks = 2; ranks <= kMaxRanks; ranks++)
		for (unsigned int channels = 1; channels <= 3; channels++)
			for (size_t block : {1, 63, 64, 65, 127, 129, 200, 1000}) {
				SCOPED_TRACE("ranks " + std::to_string(ranks) + " channels " + std::to_string(channels) + " block " + std::to_string(block));
				Lists lists(test.op, ranks, channels, block);
				lists.run();
				EXPECT_EQ(block * collective_blocks(test.op, ranks) * test.op->sizes_sent(ranks), lists.sent);
				for (unsigned int r = 0; r < ranks; r++)
					for (size_t i = 0; i < lists.dst[r].size(); i++)
						ASSERT_TRUE(lists.dst[r][i] == test.expected(r, ranks, block, i)) << "rank " << r << ", element " << i;
				if (HasFailure())
					return;
			}
}

TEST_P(Collective, SaysWhereEveryElementOfAResultComesFrom)
{
	const Case &test = GetParam();
	const size_t block = 10;
	for (unsigned int ranks = 2; ranks <= kMaxRanks; ranks++)
		for (unsigned int r = 0; r < ranks; r++)
			for (unsigned int b = 0; b < collective_dst_blocks(test.op, ranks); b++) {
				origin from = test.op->origin(r, ranks, block, b);
				for (size_t i = 0; i < block; i++) {
					Value value{from.first + i, all(from.ranks) << from.rank};
					EXPECT_TRUE(value == test.expected(r, ranks, block, b * block + i)) << "rank " << r << ", block " << b;
				}
			}
}

TEST_P(Collective, IsExactWithKernelsAndTheMessagesOfEveryProtocol)
{
	const Case &test = GetParam();
	for (unsigned int shape = 0; shape < fifo_n_shapes; shape++)
		for (unsigned int ranks = 2; ranks <= kMaxRanks; ranks += 3)
			for (const char *name : {"float", "uint8"})
				for (size_t block : {1, 129, 70'001}) {
					SCOPED_TRACE(std::string(fifo_shapes[shape].name) + " ranks " + std::to_string(ranks) + " " + name + " block " +
						     std::to_string(block));
					const element *type = element_find(name);
					Simulation simulation(test.op, type, ranks, 2, block, &fifo_shapes[shape]);
					Traffic traffic = simulation.run();
					simulation.check();
					EXPECT_EQ(block * type->size * collective_blocks(test.op, ranks) * test.op->sizes_sent(ranks), traffic.bytes);
					if (HasFailure())
						return;
				}
}

TEST(CollectiveRoot, IsRankZeroOfThoseThatCountFromIt)
{
	for (unsigned int ranks = 2; ranks <= kMaxRanks; ranks++)
		for (unsigned int root = 0; root < ranks; root++) {
			EXPECT_EQ(0u, collective_from_root(root, ranks, root));
			for (unsigned int rank = 0; rank < ranks; rank++) {
				const unsigned int counted = collective_from_root(rank, ranks, root);
				EXPECT_EQ(rank, collective_rank_of(counted, ranks, root));
				EXPECT_EQ(collective_from_root((rank + 1) % ranks, ranks, root), (counted + 1) % ranks) << "neighbours stay neighbours";
			}
		}
}

TEST_P(Collective, HasTheNameTheFifoAndTheBandwidthOfNccl)
{
	const Case &test = GetParam();
	EXPECT_EQ(test.op, collective_find(test.op->name));
	EXPECT_NE(nullptr, fifo_shape_find(test.op->shape));
	EXPECT_DOUBLE_EQ(test.bus_of_four, test.op->bus_factor(4));
}

INSTANTIATE_TEST_SUITE_P(All, Collective, testing::ValuesIn(cases), [](const auto &info) { return std::string(info.param.op->name); });

TEST(Exchange, SendsAsFarAheadAsTheFifoHoldsAndThenInTurns)
{
	work work = work_of(element_find("float"), &kTiny, 0, 2, 0, 1, 1, 5 * 64);
	std::string order;
	for (size_t i = 0; i < sendrecv.ops(&work); i++)
		order += sendrecv.op(&work, i).actions & OP_SEND ? 's' : 'r';
	EXPECT_EQ("ssrsrsrsrr", order);
}

TEST(CollectiveFind, KnowsNoOthers) { EXPECT_EQ(nullptr, collective_find("reduce")); }

}  // namespace
