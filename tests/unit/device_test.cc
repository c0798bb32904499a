// SPDX-License-Identifier: BSD-3-Clause
// What connections of a NIC share: registered regions, and the counters that tell where bytes went.
#include <cstdarg>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <string>
#include <unistd.h>

extern "C" {
#include "device.h"
}

namespace {

void no_log(log_level, const char *, int, const char *, ...) {}

struct DeviceTest : testing::Test {
	DeviceTest()
	{
		options.pool.bytes = 1 << 20;
		options.pool.lease_dir = "/tmp";
		EXPECT_EQ(1, devmem_nic_list("=lo", AF_INET, &nic, 1, &err)) << err.text;
		EXPECT_EQ(0, devmem_exporter_open(DEVMEM_MEM_HOST, 0, &exporter, &err)) << err.text;
		EXPECT_EQ(0, device_open(&nic, exporter, &options, &totals, no_log, &device, &err)) << err.text;
	}
	~DeviceTest() override
	{
		device_put(device);
		devmem_exporter_close(exporter);
	}
	region *add(void *addr, size_t size)
	{
		region *region = nullptr;
		EXPECT_EQ(0, device_register(device, addr, size, -1, 0, true, &region, &err)) << err.text;
		return region;
	}
	devmem_nic nic = {};
	devmem_error err = {};
	device_options options = timed();
	static device_options timed()
	{
		device_options options = {};
		options.times_copies = true;
		return options;
	}
	stat_totals totals = {};
	devmem_exporter *exporter = nullptr;
	struct device *device = nullptr;
	char memory[100];
};

TEST_F(DeviceTest, TheSameMemoryIsRegisteredOnce)
{
	region *first = add(memory, 50), *again = add(memory, 50), *longer = add(memory, 60), *other = add(memory + 1, 50);

	EXPECT_EQ(first, again);
	EXPECT_EQ(2u, first->refs);
	EXPECT_NE(first, longer);
	EXPECT_NE(first, other);
	device_deregister(device, first);
	EXPECT_EQ(first, add(memory, 50)) << "still held by the second";
	device_deregister(device, first);
	device_deregister(device, first);
	device_deregister(device, longer);
	device_deregister(device, other);
	EXPECT_EQ(nullptr, device->regions);
}

TEST_F(DeviceTest, RegionsThatWereForgottenGoWithTheDevice)
{
	add(memory, 50);
	add(memory, 60);
}

TEST_F(DeviceTest, TimeOfCopiesIsCounted)
{
	std::string from(1 << 20, 'x'), to(1 << 20, ' ');
	devmem_copy piece = {&to[0], from.data(), from.size()};
	uint64_t fence, first;

	EXPECT_EQ(0u, totals.copy_ns);
	ASSERT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
	first = totals.copy_ns;
	EXPECT_LT(0u, first);
	ASSERT_EQ(0, devmem_copy_start(exporter, &piece, 1, &fence));
	EXPECT_LT(first, totals.copy_ns);
	EXPECT_EQ(from, to);
}

TEST_F(DeviceTest, PlainTcpHasNoPool)
{
	pool *pool = reinterpret_cast<struct pool *>(1);
	EXPECT_EQ(0, device_pool(device, &pool, &err));
	EXPECT_EQ(nullptr, pool);
}

TEST(Stat, WritesPrometheusTextByRename)
{
	stat_totals totals = {};
	devmem_stream_stats stream = {};
	std::string path = "/tmp/devmem-" + std::to_string(getpid()) + ".prom", line, text;

	stream.rx_device = 11;
	stream.tokens_taken = 3;
	stat_add_received(&totals, &stream);
	stat_add_received(&totals, &stream);
	stat_add(&totals.tx_staged, 7);
	stat_add(&totals.copy_ns, 5);
	ASSERT_EQ(0, stat_write(&totals, "/tmp"));
	std::ifstream file(path);
	while (std::getline(file, line))
		text += line + "\n";
	unlink(path.c_str());
	EXPECT_NE(std::string::npos, text.find("devmem_rx_bytes_total{path=\"device\"} 22\n")) << text;
	EXPECT_NE(std::string::npos, text.find("devmem_tokens_taken_total 6\n")) << text;
	EXPECT_NE(std::string::npos, text.find("devmem_tx_bytes_total{path=\"staged\"} 7\n")) << text;
	EXPECT_NE(std::string::npos, text.find("devmem_copy_ns_total 5\n")) << text;
	EXPECT_NE(std::string::npos, text.find("# TYPE devmem_rx_bytes_total counter\n")) << text;
	EXPECT_EQ(-ENOENT, stat_write(&totals, "/nonexistent"));
}

TEST(Stat, ReadsWhatItWrites)
{
	stat_totals totals = {}, again;
	uint64_t *values = reinterpret_cast<uint64_t *>(&totals);
	std::string path = "/tmp/devmem-" + std::to_string(getpid()) + ".prom";

	for (size_t i = 0; i < sizeof(totals) / sizeof(uint64_t); i++)
		values[i] = UINT64_MAX - i;
	ASSERT_EQ(0, stat_write(&totals, "/tmp"));
	std::ifstream file(path);
	std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
	unlink(path.c_str());
	ASSERT_EQ(0, stat_parse(&text[0], &again));
	EXPECT_EQ(0, memcmp(&totals, &again, sizeof(totals))) << "every counter has a line of its own";
}

TEST(Stat, RefusesWhatIsNoMetricsFile)
{
	stat_totals totals;
	for (std::string text : {"devmem_frags_total", "devmem_frags_total x", "devmem_frags_total -1", "devmem_frags_total 1x", "devmem_frags_total 18446744073709551616"})
		EXPECT_EQ(-EPROTO, stat_parse(&text[0], &totals)) << text;
	for (std::string text : {"", "\n", "# TYPE x counter\n", "devmem_of_tomorrow 5\n"})
		EXPECT_EQ(0, stat_parse(&text[0], &totals)) << text;
	std::string two = "devmem_frags_total 7\ndevmem_rx_bytes_total{path=\"linear\"} 9";
	EXPECT_EQ(0, stat_parse(&two[0], &totals));
	EXPECT_EQ(7u, totals.frags);
	EXPECT_EQ(9u, totals.rx_linear);
}

TEST(Stat, AddsWhatHasChangedOnce)
{
	stat_totals totals = {}, told = {}, now = {};
	now.rx_device = 10;
	totals.pool_pages = 3;
	stat_add_change(&totals, &now, &told);
	stat_add_change(&totals, &now, &told);
	now.rx_device = 15;
	now.recvs = 1;
	stat_add_change(&totals, &now, &told);
	EXPECT_EQ(15u, totals.rx_device);
	EXPECT_EQ(1u, totals.recvs);
	EXPECT_EQ(3u, totals.pool_pages) << "no counter of connections";
}

TEST(Stat, TwoCopiesOfThePluginInAProcessMayWriteAtOnce)
{
	stat_totals totals[2] = {};
	std::vector<std::thread> threads;

	for (auto &one : totals)
		threads.emplace_back([&one] {
			for (int i = 0; i < 2000; i++)
				ASSERT_EQ(0, stat_write(&one, "/tmp"));
		});
	for (auto &thread : threads)
		thread.join();
	unlink(("/tmp/devmem-" + std::to_string(getpid()) + ".prom").c_str());
}

TEST(Stat, LowWaterOfPoolsIsTheLowest)
{
	stat_totals totals = {};

	stat_pool(&totals, 100, 50);
	stat_pool(&totals, 100, 70);
	EXPECT_EQ(50u, totals.pool_low_pages);
	stat_pool(&totals, 100, 0);
	EXPECT_EQ(0u, totals.pool_low_pages);
}

} // namespace
