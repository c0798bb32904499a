// SPDX-License-Identifier: BSD-3-Clause
// The switch between test kernels: what it learns, where a frame goes, and that no port stops another.
#include <gtest/gtest.h>
#include <array>
#include <numeric>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "queue.h"
#include "switch.h"
#include "table.h"

namespace {

using Frame = std::vector<uint8_t>;

constexpr uint8_t broadcast = 0xff, multicast = 0x33;

// A frame whose addresses are named by one byte; group addresses are those of `broadcast` and `multicast`.
Frame frame(uint8_t to, uint8_t from, size_t len = 64)
{
	Frame bytes(len);

	for (int i = 0; i < ETHER_ADDRESS; i++)
		bytes[i] = to == broadcast ? 0xff : i == 0 ? (to == multicast ? 0x33 : 0x02) : to;
	bytes[ETHER_ADDRESS] = 0x02;
	std::fill_n(bytes.begin() + ETHER_ADDRESS + 1, ETHER_ADDRESS - 1, from);
	std::iota(bytes.begin() + ETHER_HEADER, bytes.end(), from);
	return bytes;
}

struct MacTable : testing::Test {
	mac_table table = {};

	uint32_t forward(unsigned int from, const Frame &frame)
	{
		return mac_table_forward(&table, 4, from, frame.data(), frame.size());
	}
};

TEST_F(MacTable, FloodsWhatItDoesNotKnowToAllOtherPorts)
{
	EXPECT_EQ(0b1110u, forward(0, frame(2, 1)));
	EXPECT_EQ(0b1011u, forward(2, frame(9, 3)));
}

TEST_F(MacTable, FloodsBroadcastAndMulticastAlways)
{
	forward(1, frame(broadcast, 5));
	EXPECT_EQ(0b1110u, forward(0, frame(broadcast, 1)));
	EXPECT_EQ(0b0111u, forward(3, frame(multicast, 1)));
}

TEST_F(MacTable, SendsToThePortWhereTheAddressWasSeen)
{
	forward(2, frame(broadcast, 7));
	EXPECT_EQ(0b0100u, forward(0, frame(7, 1)));
	EXPECT_EQ(0b0001u, forward(2, frame(1, 7)));
}

TEST_F(MacTable, FollowsAnAddressThatMoves)
{
	forward(2, frame(broadcast, 7));
	forward(3, frame(broadcast, 7));
	EXPECT_EQ(0b1000u, forward(0, frame(7, 1)));
}

TEST_F(MacTable, KeepsFromAPortWhatCameFromIt)
{
	forward(2, frame(broadcast, 7));
	forward(2, frame(broadcast, 8));
	EXPECT_EQ(0u, forward(2, frame(7, 8)));
}

TEST_F(MacTable, TakesNoFrameThatIsNone)
{
	EXPECT_EQ(0u, forward(0, Frame(ETHER_HEADER - 1)));
	Frame from_group = frame(2, 1);
	from_group[ETHER_ADDRESS] |= 1;
	EXPECT_EQ(0u, forward(0, from_group));
}

// More addresses than places: some are flooded, none goes to a wrong port alone.
TEST_F(MacTable, IsRightWhenItIsFull)
{
	auto address = [](unsigned int n) {
		Frame bytes = frame(broadcast, 0);
		bytes[ETHER_ADDRESS + 4] = (uint8_t)(n >> 8);
		bytes[ETHER_ADDRESS + 5] = (uint8_t)n;
		return bytes;
	};

	for (unsigned int n = 0; n < 5000; n++)
		forward(n % 4, address(n));
	for (unsigned int n = 0; n < 5000; n++) {
		Frame sender = address(n), to = frame(2, 0xee);
		std::copy_n(sender.begin() + ETHER_ADDRESS, ETHER_ADDRESS, to.begin());
		unsigned int asker = (n + 1) % 4;
		EXPECT_TRUE(forward(asker, to) & 1u << n % 4) << n;
	}
}

TEST(FrameQueue, KeepsTheOrderAndDropsWhatExceedsItsLimit)
{
	frame_queue queue = {};
	queue.limit = 100;

	EXPECT_TRUE(frame_queue_add(&queue, frame(1, 2, 60).data(), 60));
	EXPECT_FALSE(frame_queue_add(&queue, frame(1, 3, 41).data(), 41));
	EXPECT_TRUE(frame_queue_add(&queue, frame(1, 4, 40).data(), 40));
	EXPECT_EQ(1u, queue.dropped);
	EXPECT_EQ(frame(1, 2, 60), Frame(queue.head->data, queue.head->data + queue.head->len));
	frame_queue_pop(&queue);
	EXPECT_EQ(frame(1, 4, 40), Frame(queue.head->data, queue.head->data + queue.head->len));
	frame_queue_clear(&queue);
	EXPECT_EQ(0u, queue.bytes);
	EXPECT_EQ(nullptr, queue.head);
}

struct Switch : testing::Test {
	std::array<int, 3> guest, port;
	std::thread runner;

	void SetUp() override
	{
		for (size_t i = 0; i < guest.size(); i++) {
			int ends[2];
			ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
			guest[i] = ends[0];
			port[i] = ends[1];
		}
		runner = std::thread([this] { switch_run(port.data(), 3, 0); });
	}

	// The switch ends with its guests.
	void TearDown() override
	{
		for (int fd : guest)
			close(fd);
		runner.join();
	}

	bool send(int from, const Frame &frame, int flags = 0)
	{
		return ::send(guest[from], frame.data(), frame.size(), flags) == (ssize_t)frame.size();
	}

	// What comes within a second, empty if nothing does.
	Frame take(int at, int wait_ms = 1000)
	{
		pollfd poll = {guest[at], POLLIN, 0};
		Frame bytes(1 << 17);

		if (::poll(&poll, 1, wait_ms) != 1)
			return {};
		bytes.resize(std::max<ssize_t>(0, recv(guest[at], bytes.data(), bytes.size(), 0)));
		return bytes;
	}
};

TEST_F(Switch, CarriesJumboFramesToTheirReceiverOnly)
{
	ASSERT_TRUE(send(1, frame(broadcast, 1)));
	EXPECT_EQ(frame(broadcast, 1), take(0));
	EXPECT_EQ(frame(broadcast, 1), take(2));
	ASSERT_TRUE(send(0, frame(1, 9, 9014)));
	EXPECT_EQ(frame(1, 9, 9014), take(1));
	EXPECT_EQ(Frame(), take(2, 50));
	EXPECT_EQ(Frame(), take(0, 50));
}

// Guest 2 takes nothing, while three times what its queue holds is flooded: guest 1 still has its frames, and guest 2 those that had room, in order.
TEST_F(Switch, IsNotStoppedByAPortThatTakesNothing)
{
	Frame large = frame(broadcast, 0, 9014);
	int sent = 3 * SWITCH_QUEUE / 9014, left = 0, last = -1;

	for (int i = 0; i < sent; i++) {
		large[20] = (uint8_t)(i >> 8);
		large[21] = (uint8_t)i;
		ASSERT_TRUE(send(0, large));
		ASSERT_EQ(large, take(1)) << i;
	}
	for (Frame got = take(2); !got.empty(); got = take(2, 200), left++) {
		int number = got[20] << 8 | got[21];
		ASSERT_LT(last, number);
		last = number;
	}
	EXPECT_GE(left, SWITCH_QUEUE / 9014);
	EXPECT_LT(left, sent);
}

TEST_F(Switch, GoesOnWhenAGuestHasEnded)
{
	close(guest[2]);
	guest[2] = -1;
	ASSERT_TRUE(send(0, frame(broadcast, 1)));
	EXPECT_EQ(frame(broadcast, 1), take(1));
	ASSERT_TRUE(send(1, frame(broadcast, 2)));
	EXPECT_EQ(frame(broadcast, 2), take(0));
}

} // namespace
