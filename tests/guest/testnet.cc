// SPDX-License-Identifier: BSD-3-Clause
// What guest tests share: moving between hosts, connected sockets across the dmnic wire, device memory with a known pattern.
#include "bind.h"
#include "testnet.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

void enter_host(int host)
{
	std::string path = "/run/netns/host" + std::to_string(host);
	int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);

	ASSERT_GE(fd, 0) << path << ": is this running in the guest?";
	ASSERT_EQ(0, setns(fd, CLONE_NEWNET));
	close(fd);
}

sockaddr_storage host_address(int host, int family, uint16_t port)
{
	sockaddr_storage storage = {};

	if (family == AF_INET) {
		auto *v4 = reinterpret_cast<sockaddr_in *>(&storage);
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = htonl(0x0a000001u + static_cast<uint32_t>(host));
	} else {
		auto *v6 = reinterpret_cast<sockaddr_in6 *>(&storage);
		std::string text = "fd00:0::" + std::to_string(host + 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
	}
	return storage;
}

socklen_t address_length(const sockaddr_storage &address)
{
	return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

int listen_on(int host, int family, sockaddr_storage *address, int receive_buffer)
{
	enter_host(host);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*address = host_address(host, family, 0);
	if (receive_buffer) {
		EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)));
	}
	EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(address), address_length(*address))) << strerror(errno);
	EXPECT_EQ(0, listen(fd, 64));
	socklen_t length = sizeof(*address);
	EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(address), &length));
	return fd;
}

int connect_from(int host, const sockaddr_storage &to, int send_buffer)
{
	enter_host(host);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (send_buffer) {
		EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)));
	}
	EXPECT_EQ(0, connect(fd, reinterpret_cast<const sockaddr *>(&to), address_length(to))) << strerror(errno);
	EXPECT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	return fd;
}

int accept_nonblocking(int listener)
{
	int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);

	EXPECT_GE(fd, 0) << strerror(errno);
	return fd;
}

unsigned int dm0_index(int host)
{
	enter_host(host);
	return if_nametoindex("dm0");
}

static bool ethtool(void *data)
{
	ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(request.ifr_name, "dm0");
	request.ifr_data = static_cast<char *>(data);
	bool good = ioctl(fd, SIOCETHTOOL, &request) == 0;
	close(fd);
	return good;
}

std::string on_host(int host, const std::string &command, int *status)
{
	std::string line = "exec 2>&1; on host" + std::to_string(host) + " " + command, text;
	FILE *pipe = popen(line.c_str(), "re");
	char piece[4096];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), pipe)) > 0)
		text.append(piece, n);
	int ended = pclose(pipe);
	if (status)
		*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
	else
		EXPECT_EQ(0, ended) << line << ": " << text;
	return text;
}

static uint64_t sum_counters(int host, const std::function<bool(const std::string &)> &wanted)
{
	enter_host(host);
	std::vector<uint32_t> query((sizeof(ethtool_sset_info) + sizeof(uint32_t)) / sizeof(uint32_t));
	auto *info = reinterpret_cast<ethtool_sset_info *>(query.data());
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1u << ETH_SS_STATS;
	EXPECT_TRUE(ethtool(info));
	uint32_t count = info->data[0];
	std::vector<uint8_t> names(sizeof(ethtool_gstrings) + count * ETH_GSTRING_LEN);
	std::vector<uint64_t> values(1 + count);
	auto *strings = reinterpret_cast<ethtool_gstrings *>(names.data());
	auto *stats = reinterpret_cast<ethtool_stats *>(values.data());
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_STATS;
	strings->len = count;
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = count;
	EXPECT_TRUE(ethtool(strings));
	EXPECT_TRUE(ethtool(stats));
	uint64_t sum = 0;
	for (uint32_t i = 0; i < count; i++) {
		std::string name(reinterpret_cast<char *>(strings->data) + i * ETH_GSTRING_LEN);
		if (wanted(name))
			sum += stats->data[i];
	}
	return sum;
}

uint64_t nic_counter(int host, const std::string &suffix)
{
	return sum_counters(host, [&](const std::string &name) {
		return name.substr(0, 2) + name.substr(name.find('_')) == suffix;
	});
}

uint64_t nic_counter_named(int host, const std::string &name)
{
	return sum_counters(host, [&](const std::string &counter) { return counter == name; });
}

devmem_mem_kind test_memory()
{
	const char *name = getenv("DEVMEM_TEST_MEMORY");

	if (!name || strcmp(name, "udmabuf") == 0)
		return DEVMEM_MEM_UDMABUF;
	if (strcmp(name, "cuda") == 0)
		return DEVMEM_MEM_CUDA;
	EXPECT_STREQ("dmvram", name) << "DEVMEM_TEST_MEMORY names no memory for tests";
	return DEVMEM_MEM_DMVRAM;
}

DeviceMemory::DeviceMemory(size_t size, devmem_mem_kind kind, int ordinal)
{
	devmem_error err = {};

	EXPECT_EQ(0, devmem_exporter_open(kind, ordinal, &exporter, &err)) << err.text;
	if (exporter) {
		EXPECT_EQ(0, devmem_mem_alloc(exporter, size, &mem, &err)) << err.text;
	}
}

DeviceMemory::~DeviceMemory()
{
	devmem_mem_free(mem);
	devmem_exporter_close(exporter);
}

void DeviceMemory::copy(void *dst, const void *src, size_t len)
{
	if (len)
		copy({{dst, src, len}});
}

void DeviceMemory::copy(const std::vector<devmem_copy> &pieces)
{
	constexpr size_t kBatch = 256;
	uint64_t fence = 0;
	time_t deadline = time(nullptr) + 20;
	int ret = -EAGAIN;

	for (size_t i = 0; i < pieces.size(); i += ret == 0 ? kBatch : 0) {
		ret = devmem_copy_start(exporter, &pieces[i], static_cast<unsigned int>(std::min(kBatch, pieces.size() - i)), &fence);
		ASSERT_TRUE(ret == 0 || (ret == -EAGAIN && time(nullptr) < deadline)) << ret;
	}
	while ((ret = devmem_copy_done(exporter, fence)) == 0 && time(nullptr) < deadline)
		sched_yield();
	ASSERT_EQ(1, ret);
}

std::vector<uint8_t> DeviceMemory::get(size_t offset, size_t len)
{
	std::vector<uint8_t> bytes(len);

	copy(bytes.data(), addr() + offset, len);
	return bytes;
}

void DeviceMemory::put_pattern(size_t offset, uint64_t position, size_t len)
{
	std::vector<uint8_t> bytes(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(position + i);
	copy(addr() + offset, bytes.data(), len);
}

uint64_t DeviceMemory::wrong(size_t offset, uint64_t position, size_t len)
{
	std::vector<uint8_t> bytes = get(offset, len);
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += bytes[i] != pattern(position + i);
	return n;
}

DeviceReceiver::DeviceReceiver(int host, int family, unsigned int queue, size_t pool_bytes, int receive_buffer, size_t buffer,
			       devmem_mem_kind kind)
	: host(host), pool(pool_bytes, kind), buffer(buffer)
{
	devmem_error err = {};
	unsigned int ifindex = dm0_index(host);

	EXPECT_EQ(0, bind_rx(ifindex, pool.mem->dmabuf_fd, &queue, 1, &this->buffer, &binding, &err)) << err.text;
	listener = listen_on(host, family, &address, receive_buffer);
	rule.dst = address;
	rule.queue = queue;
	EXPECT_EQ(0, devmem_rule_add("dm0", &rule, &err)) << err.text;
}

DeviceReceiver::~DeviceReceiver()
{
	enter_host(host);
	EXPECT_EQ(0, devmem_rule_del("dm0", rule.location, nullptr));
	close(listener);
	devmem_binding_release(binding);
}
