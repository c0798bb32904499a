// SPDX-License-Identifier: BSD-3-Clause
// /dev/dmvram, device memory made of software: allocation, its copy engine, and what it refuses.
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testnet.h"
#include "uapi/dmvram_uapi.h"

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kSecond = 1'000'000'000;

class Dmvram : public testing::Test {
protected:
	Dmvram() : device(open_device()), descriptors(count_descriptors()), free_before(info().free) {}
	~Dmvram() override
	{
		for (int fd : fds)
			close(fd);
		EXPECT_EQ(descriptors, count_descriptors());
		EXPECT_EQ(free_before, await_free(free_before)) << "device memory is lost";
		close(device);
	}
	static int open_device()
	{
		int fd = open("/dev/dmvram", O_RDWR | O_CLOEXEC);
		EXPECT_GE(fd, 0) << strerror(errno);
		return fd;
	}
	static size_t count_descriptors()
	{
		DIR *dir = opendir("/proc/self/fd");
		size_t n = 0;
		while (readdir(dir))
			n++;
		closedir(dir);
		return n;
	}
	dmvram_info info() const
	{
		dmvram_info info = {};
		EXPECT_EQ(0, ioctl(device, DMVRAM_IOC_INFO, &info));
		return info;
	}
	// The engine lets go of a killed process's copies a moment later.
	uint64_t await_free(uint64_t want) const
	{
		for (int i = 0; i < 500 && info().free != want; i++)
			usleep(10'000);
		return info().free;
	}
	// The dmabuf or -errno.
	int alloc(uint64_t size, uint32_t flags = 0)
	{
		dmvram_alloc alloc = {size, flags, -1};
		if (ioctl(device, DMVRAM_IOC_ALLOC, &alloc))
			return -errno;
		fds.push_back(alloc.fd);
		return alloc.fd;
	}
	static dmvram_side host(const void *addr) { return {reinterpret_cast<uintptr_t>(addr), -1, 0}; }
	static dmvram_side at(int fd, uint64_t offset) { return {offset, fd, 0}; }
	// The fence or -errno.
	int64_t start(std::vector<dmvram_piece> pieces) const
	{
		dmvram_copy copy = {reinterpret_cast<uintptr_t>(pieces.data()), static_cast<uint32_t>(pieces.size()), 0, 0};
		return ioctl(device, DMVRAM_IOC_COPY, &copy) ? -errno : static_cast<int64_t>(copy.fence);
	}
	int wait(uint64_t fence, uint64_t timeout_ns = 20 * kSecond) const
	{
		dmvram_wait wait = {fence, timeout_ns};
		int ret = ioctl(device, DMVRAM_IOC_WAIT, &wait);
		return ret < 0 ? -errno : ret;
	}
	void copy(std::vector<dmvram_piece> pieces) const
	{
		int64_t fence = start(std::move(pieces));
		ASSERT_GT(fence, 0) << strerror(static_cast<int>(-fence));
		ASSERT_EQ(1, wait(static_cast<uint64_t>(fence)));
	}
	std::vector<uint8_t> contents(int fd, size_t size) const
	{
		std::vector<uint8_t> bytes(size);
		copy({{host(bytes.data()), at(fd, 0), size}});
		return bytes;
	}

	int device;
	size_t descriptors;
	uint64_t free_before;
	std::vector<int> fds;
};

TEST_F(Dmvram, AllocatesZeroedMemoryAndTakesItBack)
{
	int fd = alloc(3 * kPage);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(free_before - 3 * kPage, info().free);
	std::vector<uint8_t> ones(3 * kPage, 1);
	copy({{at(fd, 0), host(ones.data()), ones.size()}});
	EXPECT_EQ(ones, contents(fd, ones.size()));
	close(fd);
	fds.clear();
	EXPECT_EQ(free_before, info().free);
	fd = alloc(3 * kPage);
	EXPECT_EQ(std::vector<uint8_t>(3 * kPage), contents(fd, 3 * kPage)) << "of the one before";
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

TEST_F(Dmvram, RefusesWhatItCannotAllocate)
{
	EXPECT_EQ(-EINVAL, alloc(0));
	EXPECT_EQ(-EINVAL, alloc(kPage + 1));
	EXPECT_EQ(-EINVAL, alloc(kPage, 8));
	EXPECT_EQ(-ENOMEM, alloc(info().size + kPage));
	EXPECT_EQ(-ENOMEM, alloc(UINT64_MAX - kPage + 1));
}

TEST_F(Dmvram, RunsOutCleanlyAndGoesOn)
{
	std::vector<int> all;
	int fd;
	while ((fd = alloc(32 << 20)) >= 0)
		all.push_back(fd);
	EXPECT_EQ(-ENOMEM, fd);
	EXPECT_EQ(info().size / (32 << 20), all.size());
	close(fds.back());
	fds.pop_back();
	EXPECT_GE(alloc(1 << 20), 0);
}

TEST_F(Dmvram, LetsTheCpuMapOnlyWhatIsMadeForIt)
{
	int plain = alloc(2 * kPage), open = alloc(2 * kPage, DMVRAM_ALLOC_MMAP);

	EXPECT_EQ(MAP_FAILED, mmap(nullptr, 2 * kPage, PROT_READ, MAP_SHARED, plain, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, mmap(nullptr, 2 * kPage, PROT_READ, MAP_PRIVATE, open, 0));
	auto *bytes = static_cast<uint8_t *>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, open, 0));
	ASSERT_NE(MAP_FAILED, static_cast<void *>(bytes));
	bytes[0] = 7;
	bytes[2 * kPage - 1] = 9;
	std::vector<uint8_t> got = contents(open, 2 * kPage);
	EXPECT_EQ(7, got[0]);
	EXPECT_EQ(9, got[2 * kPage - 1]);
	std::vector<uint8_t> sevens(2 * kPage, 77);
	copy({{at(open, 0), host(sevens.data()), sevens.size()}});
	EXPECT_EQ(0, memcmp(sevens.data(), bytes, sevens.size()));
	munmap(bytes, 2 * kPage);
	int fd = alloc(2 * kPage);
	dmvram_buffer_info what = {open, 0, 0};
	EXPECT_EQ(0, ioctl(device, DMVRAM_IOC_BUFFER_INFO, &what));
	EXPECT_EQ(DMVRAM_ALLOC_MMAP, what.flags);
	EXPECT_EQ(2 * kPage, what.size);
	EXPECT_GE(fd, 0);
}

// Every direction, any offset and length, lists of many pieces: against a model made of memcpy.
TEST_F(Dmvram, CopiesAsMemcpyDoes)
{
	constexpr size_t kSize = 1 << 20;
	std::mt19937 random(1);
	// 0 and 1: device memory, 2 and 3: host memory. One piece never has one region on both sides.
	std::vector<std::vector<uint8_t>> model(4, std::vector<uint8_t>(kSize)), real(4, std::vector<uint8_t>(kSize));
	int buffers[2] = {alloc(kSize), alloc(kSize)};
	auto side = [&](size_t region, size_t offset) {
		return region < 2 ? at(buffers[region], offset) : host(real[region].data() + offset);
	};
	for (size_t region : {2, 3})
		for (size_t i = 0; i < kSize; i++)
			model[region][i] = real[region][i] = static_cast<uint8_t>(random());
	for (int round = 0; round < 60; round++) {
		std::vector<dmvram_piece> pieces;
		size_t most = round % 3 ? 9'000 : 300'000;
		for (size_t n = 1 + random() % 40; n; n--) {
			size_t to = random() % 4, from = (to + 1 + random() % 3) % 4;
			size_t len = 1 + random() % most, dst = random() % (kSize - len), src = random() % (kSize - len);
			pieces.push_back({side(to, dst), side(from, src), len});
			memcpy(&model[to][dst], &model[from][src], len);
		}
		copy(pieces);
	}
	real[0] = contents(buffers[0], kSize);
	real[1] = contents(buffers[1], kSize);
	for (size_t region = 0; region < 4; region++)
		EXPECT_TRUE(model[region] == real[region]) << "region " << region;
}

TEST_F(Dmvram, CountsWhatItsEngineDoes)
{
	int fd = alloc(1 << 20);
	std::vector<uint8_t> bytes(1 << 20);
	dmvram_info before = info();
	copy({{at(fd, 0), host(bytes.data()), bytes.size()}});
	dmvram_info after = info();
	EXPECT_EQ(before.copies + 1, after.copies);
	EXPECT_EQ(before.copy_bytes + bytes.size(), after.copy_bytes);
	EXPECT_GE(after.copy_ns, before.copy_ns);
}

TEST_F(Dmvram, GivesFencesInOrderAndSaysWhenItIsFull)
{
	int fd = alloc(16 << 20), second = alloc(16 << 20);
	int64_t fence, last = 0;
	bool full = false;
	for (int i = 0; i < 20'000 && !full; i++) {
		fence = start({{at(fd, 0), at(second, 0), 16 << 20}});
		if (fence < 0) {
			EXPECT_EQ(-EAGAIN, fence);
			full = true;
		} else {
			EXPECT_EQ(last + 1, fence);
			last = fence;
		}
	}
	EXPECT_TRUE(full);
	EXPECT_EQ(0, wait(static_cast<uint64_t>(last), 0)) << "the engine cannot be through with that already";
	EXPECT_EQ(-EINVAL, wait(static_cast<uint64_t>(last) + 1, 0));
	// Only this file has to wait for its copies.
	int other = open_device();
	std::swap(device, other);
	EXPECT_EQ(-EINVAL, wait(1, 0));
	std::swap(device, other);
	close(other);
	close(device);	// drops what has not begun
	device = open_device();
	char byte = 5;
	copy({{at(fd, 0), host(&byte), 1}});
}

TEST_F(Dmvram, ChecksAListBeforeItStartsIt)
{
	int fd = alloc(2 * kPage), null = open("/dev/null", O_RDWR);
	std::vector<uint8_t> bytes(2 * kPage, 1);
	auto *read_only = mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	dmvram_piece good = {at(fd, 0), host(bytes.data()), 100};
	uint64_t copies = info().copies;

	EXPECT_EQ(-EINVAL, start({}));
	EXPECT_EQ(-EINVAL, start(std::vector<dmvram_piece>(DMVRAM_MAX_PIECES + 1, good)));
	EXPECT_EQ(-EINVAL, start({good, {at(fd, 0), host(bytes.data()), 0}}));
	EXPECT_EQ(-EINVAL, start({good, {at(fd, 0), host(bytes.data()), DMVRAM_MAX_PIECE_BYTES + 1}}));
	EXPECT_EQ(-EINVAL, start({good, {{0, fd, 1}, host(bytes.data()), 1}}));
	EXPECT_EQ(-ERANGE, start({good, {at(fd, kPage + 1), host(bytes.data()), kPage}}));
	EXPECT_EQ(-ERANGE, start({good, {host(bytes.data()), at(fd, UINT64_MAX), 1}}));
	EXPECT_EQ(-EBADF, start({good, {at(999, 0), host(bytes.data()), 1}}));
	EXPECT_EQ(-EBADF, start({good, {at(null, 0), host(bytes.data()), 1}}));
	EXPECT_EQ(-EFAULT, start({good, {at(fd, 0), host(nullptr), 1}}));
	EXPECT_EQ(-EFAULT, start({good, {at(fd, 0), host(reinterpret_cast<void *>(UINT64_MAX - 10)), 100}}));
	EXPECT_EQ(-EFAULT, start({good, {host(read_only), at(fd, 0), 1}}));
	dmvram_copy copy_list = {8, 1, 0, 0};
	EXPECT_EQ(-1, ioctl(device, DMVRAM_IOC_COPY, &copy_list));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(device, _IO('V', 0xdf)));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(copies, info().copies);
	EXPECT_EQ(std::vector<uint8_t>(2 * kPage), contents(fd, 2 * kPage)) << "nothing was started";
	munmap(read_only, kPage);
	close(null);
}

TEST_F(Dmvram, RefusesADmabufOfAnotherExporter)
{
	DeviceMemory other(kPage, DEVMEM_MEM_UDMABUF);
	uint8_t byte;
	EXPECT_EQ(-EINVAL, start({{host(&byte), at(other.mem->dmabuf_fd, 0), 1}}));
	dmvram_buffer_info what = {other.mem->dmabuf_fd, 0, 0};
	EXPECT_EQ(-1, ioctl(device, DMVRAM_IOC_BUFFER_INFO, &what));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(Dmvram, StaysFailedAfterACopyFailedButOnlyForThatFile)
{
	int fd = alloc(kPage), other = open_device();
	uint8_t byte = 3, got = 0;
	int64_t good = start({{at(fd, 0), host(&byte), 1}});
	ASSERT_EQ(1, wait(static_cast<uint64_t>(good)));
	std::ofstream("/sys/kernel/debug/dmvram/fail_copies") << 1 << std::flush;
	int64_t bad = start({{at(fd, 1), host(&byte), 1}});
	ASSERT_EQ(good + 1, bad);
	EXPECT_EQ(-EIO, wait(static_cast<uint64_t>(bad)));
	EXPECT_EQ(1, wait(static_cast<uint64_t>(good))) << "what was done stays done";
	EXPECT_EQ(-EIO, start({{at(fd, 1), host(&byte), 1}}));
	EXPECT_EQ(-EIO, wait(static_cast<uint64_t>(bad), 0));
	std::swap(device, other);
	copy({{host(&got), at(fd, 0), 1}});
	EXPECT_EQ(3, got);
	close(other);
}

TEST_F(Dmvram, AKilledProcessLeavesNothing)
{
	for (int round = 0; round < 5; round++) {
		int ready[2];
		ASSERT_EQ(0, pipe(ready));
		pid_t child = fork();
		if (child == 0) {
			close(device);
			device = open_device();
			int fd = alloc(8 << 20);
			std::vector<uint8_t> bytes(8 << 20);
			for (int i = 0; i < 100; i++)
				start({{at(fd, 0), host(bytes.data()), bytes.size()}});
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
			pause();
		}
		char byte;
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		kill(child, SIGKILL);
		waitpid(child, nullptr, 0);
		EXPECT_EQ(free_before, await_free(free_before));
		close(ready[0]);
		close(ready[1]);
	}
}

TEST_F(Dmvram, BuffersOutliveTheFileThatMadeThem)
{
	int fd = alloc(kPage), other = open_device();
	uint8_t byte = 9, got = 0;
	copy({{at(fd, 5), host(&byte), 1}});
	close(device);
	device = other;
	copy({{host(&got), at(fd, 5), 1}});
	EXPECT_EQ(9, got);
}

TEST_F(Dmvram, CannotBeBoundInPartsOfBrokenPages)
{
	int fd = alloc(4 * kPage, DMVRAM_ALLOC_ODD);
	devmem_binding *binding = nullptr;
	devmem_error err = {};
	unsigned int queue = 3;

	EXPECT_EQ(-EINVAL, devmem_bind_rx(dm0_index(0), fd, &queue, 1, &binding, &err));
	EXPECT_NE(nullptr, strstr(err.text, "broken pages")) << err.text;
	err = {};
	EXPECT_EQ(-EINVAL, devmem_bind_tx(dm0_index(0), fd, &binding, &err));
	EXPECT_NE(nullptr, strstr(err.text, "broken pages")) << err.text;
}

// A NIC that is given an address where nothing is must lose the packet, and nothing else.
TEST_F(Dmvram, LostAddressesLosePackets)
{
	int fd = alloc(1 << 20, DMVRAM_ALLOC_LOST);
	devmem_binding *rx = nullptr, *tx = nullptr;
	devmem_error err = {};
	devmem_rule rule = {};
	devmem_stream *stream = nullptr;
	linger at_once = {1, 0};
	char bytes[3000] = {}, byte;
	uint32_t completion;
	rule.queue = 3;
	int listener = listen_on(1, AF_INET, &rule.dst);
	int sender = connect_from(0, rule.dst), receiver = accept_nonblocking(listener);
	ASSERT_EQ(0, setsockopt(sender, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
	auto expect_drop = [&] {
		uint64_t before = nic_counter(1, "rx_drops_nobuf");
		for (int i = 0; i < 500 && nic_counter(1, "rx_drops_nobuf") < before + 2; i++)
			usleep(10'000);
		EXPECT_GE(nic_counter(1, "rx_drops_nobuf"), before + 2) << "the first loss and one of a retransmission";
		EXPECT_EQ(-1, recv(receiver, &byte, 1, MSG_DONTWAIT));
		EXPECT_EQ(EAGAIN, errno);
	};

	ASSERT_EQ(0, devmem_bind_rx(dm0_index(1), fd, &rule.queue, 1, &rx, &err)) << err.text;
	ASSERT_EQ(0, devmem_rule_add("dm0", &rule, &err)) << err.text;
	ASSERT_EQ(3000, send(sender, bytes, sizeof(bytes), MSG_NOSIGNAL));
	expect_drop();
	EXPECT_EQ(0, devmem_rule_del("dm0", rule.location, nullptr));
	devmem_binding_release(rx);
	close(sender);
	close(receiver);

	sender = connect_from(0, rule.dst);
	receiver = accept_nonblocking(listener);
	ASSERT_EQ(0, setsockopt(sender, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
	ASSERT_EQ(0, devmem_bind_tx(dm0_index(0), fd, &tx, &err)) << err.text;
	ASSERT_EQ(0, devmem_stream_open(sender, 4096, &stream, &err)) << err.text;
	ASSERT_EQ(3000, devmem_stream_send_device(stream, devmem_binding_id(tx), 0, 3000, &completion));
	expect_drop();
	devmem_stream_close(stream);
	devmem_binding_release(tx);
	close(receiver);
	close(listener);
}

TEST_F(Dmvram, IsBoundForBothDirectionsAndUnbound)
{
	int fd = alloc(1 << 20);
	devmem_binding *rx = nullptr, *tx = nullptr;
	devmem_error err = {};
	unsigned int queue = 3;

	EXPECT_EQ(0, devmem_bind_rx(dm0_index(0), fd, &queue, 1, &rx, &err)) << err.text;
	EXPECT_EQ(0, devmem_bind_tx(dm0_index(0), fd, &tx, &err)) << err.text;
	close(fd);
	fds.clear();
	EXPECT_EQ(free_before - (1 << 20), info().free) << "a binding holds its memory";
	devmem_binding_release(rx);
	devmem_binding_release(tx);
}

// The library's exporter.
class DmvramExporter : public testing::Test {
protected:
	DeviceMemory memory{1 << 20, DEVMEM_MEM_DMVRAM};
	devmem_error err = {};
};

TEST_F(DmvramExporter, GivesAddressesThatTheCpuCannotTouch)
{
	EXPECT_FALSE(devmem_exporter_cpu_reaches(memory.exporter));
	pid_t child = fork();
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*static_cast<volatile uint8_t *>(memory.addr()));
	}
	int status;
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST_F(DmvramExporter, CopiesByAddress)
{
	DeviceMemory other(1 << 20, DEVMEM_MEM_DMVRAM);
	memory.put_pattern(13, 0, 500'000);
	EXPECT_EQ(0u, memory.wrong(13, 0, 500'000));
	devmem_mem *seen;
	// Memory of another exporter, known by its dmabuf, as NCCL hands it over.
	ASSERT_EQ(0, devmem_mem_wrap(memory.exporter, other.addr() + kPage, 600'000, other.mem->dmabuf_fd, kPage, &seen, &err)) << err.text;
	memory.copy(other.addr() + kPage + 7, memory.addr() + 13, 500'000);
	EXPECT_EQ(0u, other.wrong(kPage + 7, 0, 500'000));
	devmem_mem_free(seen);
	devmem_copy piece = {other.addr(), memory.addr(), 1};
	uint64_t fence;
	EXPECT_EQ(-EFAULT, devmem_copy_start(memory.exporter, &piece, 1, &fence)) << "forgotten";
}

TEST_F(DmvramExporter, ExportsWhatItKnows)
{
	devmem_mem *part;
	ASSERT_EQ(0, devmem_mem_wrap(memory.exporter, memory.addr() + 5000, 100, -1, 0, &part, &err)) << err.text;
	EXPECT_EQ(5000u, part->dmabuf_offset);
	EXPECT_NE(memory.mem->dmabuf_fd, part->dmabuf_fd);
	devmem_mem_free(part);
	EXPECT_EQ(-ENOTSUP, devmem_mem_wrap(memory.exporter, memory.addr() + (1 << 20) - 50, 100, -1, 0, &part, &err));
	EXPECT_NE(nullptr, strstr(err.text, "dmabuf fd")) << err.text;
	EXPECT_EQ(-ERANGE, devmem_mem_wrap(memory.exporter, memory.addr(), (1 << 20) + 1, memory.mem->dmabuf_fd, 0, &part, &err));
	DeviceMemory other(kPage, DEVMEM_MEM_UDMABUF);
	EXPECT_EQ(-EINVAL, devmem_mem_wrap(memory.exporter, other.addr(), kPage, other.mem->dmabuf_fd, 0, &part, &err));
	EXPECT_NE(nullptr, strstr(err.text, "/dev/dmvram")) << err.text;
	EXPECT_EQ(-ENOMEM, devmem_mem_alloc(memory.exporter, 1 << 30, &part, &err));
	EXPECT_NE(nullptr, strstr(err.text, "size_mb")) << err.text;
}

} // namespace
