// SPDX-License-Identifier: BSD-3-Clause
// The kernel's interface for device memory: what it refuses and how it says so, and what happens when things go away in use.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/udmabuf.h>
#include <net/if.h>
#include <poll.h>
#include <random>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "testnet.h"
#include "uapi/devmem_uapi.h"

namespace {

constexpr unsigned int kQueue = 3;

int bind_rx(int host, int dmabuf, unsigned int queue, devmem_binding **binding, devmem_error *err)
{
	return devmem_bind_rx(dm0_index(host), dmabuf, &queue, 1, binding, err);
}

// sendmsg as a program writes it by hand, so that each part can be wrong. Returns bytes or -errno.
struct RawSend {
	int fd;
	uint32_t id;
	int flags = MSG_ZEROCOPY | MSG_DONTWAIT | MSG_NOSIGNAL;
	size_t control_len = CMSG_LEN(sizeof(uint32_t));

	ssize_t operator()(std::vector<iovec> pieces) const
	{
		alignas(cmsghdr) uint8_t control[CMSG_SPACE(64)] = {};
		msghdr msg = {};
		msg.msg_iov = pieces.data();
		msg.msg_iovlen = pieces.size();
		msg.msg_control = control;
		msg.msg_controllen = CMSG_ALIGN(control_len);
		cmsghdr *header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_DEVMEM_DMABUF;
		header->cmsg_len = control_len;
		memcpy(CMSG_DATA(header), &id, sizeof(id));
		ssize_t sent = sendmsg(fd, &msg, flags);
		return sent < 0 ? -errno : sent;
	}
	ssize_t operator()(uint64_t offset, size_t len) const { return (*this)({piece(offset, len)}); }
	static iovec piece(uint64_t offset, size_t len) { return {reinterpret_cast<void *>(offset), len}; }
};

std::string read_all(int fd, size_t want)
{
	std::string bytes(want, '\0');
	size_t got = 0;

	fcntl(fd, F_SETFL, 0);
	timeval limit = {10, 0};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while (got < want) {
		ssize_t n = recv(fd, &bytes[got], want - got, 0);
		if (n <= 0)
			break;
		got += static_cast<size_t>(n);
	}
	bytes.resize(got);
	return bytes;
}

class BindRx : public testing::Test {
protected:
	DeviceMemory memory{1 << 20};
	devmem_binding *binding = nullptr;
	devmem_error err = {};
	void TearDown() override { devmem_binding_release(binding); }
};

TEST_F(BindRx, RefusesAQueueOutOfRange)
{
	EXPECT_EQ(-ERANGE, bind_rx(1, memory.mem->dmabuf_fd, 100, &binding, &err));
	EXPECT_NE(nullptr, strstr(err.text, "rx queue index out of range")) << err.text;
	EXPECT_NE(nullptr, strstr(err.text, "ethtool -l")) << err.text;
}

TEST_F(BindRx, RefusesAQueueThatIsBoundAlready)
{
	devmem_binding *second = nullptr;

	ASSERT_EQ(0, bind_rx(1, memory.mem->dmabuf_fd, kQueue, &binding, &err)) << err.text;
	EXPECT_EQ(-EEXIST, bind_rx(1, memory.mem->dmabuf_fd, kQueue, &second, &err));
	EXPECT_NE(nullptr, strstr(err.text, "already memory provider bound")) << err.text;
}

TEST_F(BindRx, RefusesWithoutHeaderSplit)
{
	enter_host(1);
	ASSERT_EQ(0, devmem_nic_set_header_split("dm0", false, &err)) << err.text;
	EXPECT_EQ(-EINVAL, bind_rx(1, memory.mem->dmabuf_fd, kQueue, &binding, &err));
	EXPECT_NE(nullptr, strstr(err.text, "tcp-data-split is disabled")) << err.text;
	EXPECT_NE(nullptr, strstr(err.text, "header split")) << err.text;
	ASSERT_EQ(0, devmem_nic_set_header_split("dm0", true, &err)) << err.text;
}

TEST_F(BindRx, KeepsHeaderSplitOnWhileAQueueIsBound)
{
	ASSERT_EQ(0, bind_rx(1, memory.mem->dmabuf_fd, kQueue, &binding, &err)) << err.text;
	EXPECT_EQ(-EINVAL, devmem_nic_set_header_split("dm0", false, &err));
	EXPECT_NE(nullptr, strstr(err.text, "tcp-data-split")) << err.text;
}

TEST_F(BindRx, IsFoundPossibleWithoutBindingAnything)
{
	auto count = [](unsigned int, unsigned int, uint32_t, void *n) { ++*static_cast<int *>(n); };
	int bound = 0;

	EXPECT_TRUE(bind_rx_possible(dm0_index(1)));
	EXPECT_EQ(0, binding_list(count, &bound));
	EXPECT_EQ(0, bound);
}

TEST_F(BindRx, RefusesWhatIsNoDmabuf)
{
	int null = open("/dev/null", O_RDWR);

	EXPECT_EQ(-EINVAL, bind_rx(1, null, kQueue, &binding, &err));
	close(null);
	EXPECT_EQ(-EBADF, bind_rx(1, 999, kQueue, &binding, &err));
	EXPECT_NE(nullptr, strstr(err.text, "no dmabuf")) << err.text;
}

TEST_F(BindRx, RefusesADeviceThatDoesNoDma)
{
	unsigned int queue = 0;

	enter_host(1);
	EXPECT_EQ(-EINVAL, devmem_bind_rx(if_nametoindex("lo"), memory.mem->dmabuf_fd, &queue, 1, &binding, &err));
	EXPECT_NE(nullptr, strstr(err.text, "no parent")) << err.text;
	EXPECT_EQ(-ENODEV, devmem_bind_rx(12345, memory.mem->dmabuf_fd, &queue, 1, &binding, &err));
}

TEST_F(BindRx, RefusesAProcessWithoutPrivilegeThatMaySendAllTheSame)
{
	pid_t child = fork();

	if (child == 0) {
		unsigned int ifindex = dm0_index(1), queue = kQueue;
		if (setgid(65534) || setuid(65534))
			_exit(1);
		if (devmem_bind_rx(ifindex, memory.mem->dmabuf_fd, &queue, 1, &binding, &err) != -EPERM ||
		    !strstr(err.text, "CAP_NET_ADMIN"))
			_exit(2);
		_exit(devmem_bind_tx(ifindex, memory.mem->dmabuf_fd, &binding, &err) ? 3 : 0);
	}
	int status;
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child ended with status " << status;
}

TEST_F(BindRx, EndsWithTheProcessThatMadeIt)
{
	unsigned int ifindex = dm0_index(1);
	int ready[2];
	ASSERT_EQ(0, pipe(ready));
	pid_t child = fork();

	if (child == 0) {
		bind_rx(1, memory.mem->dmabuf_fd, kQueue, &binding, &err);
		if (write(ready[1], "", 1) == 1)
			pause();
	}
	char byte;
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	uint32_t id = 0;
	EXPECT_EQ(0, devmem_queue_binding(ifindex, kQueue, &id, nullptr));
	EXPECT_NE(0u, id);
	kill(child, SIGKILL);
	waitpid(child, nullptr, 0);
	EXPECT_EQ(0, devmem_queue_binding(ifindex, kQueue, &id, nullptr));
	EXPECT_EQ(0u, id);
}

// Bytes of the receive buffers that a megabyte of a kind of memory is divided in.
size_t buffer_of(devmem_mem_kind kind, size_t wanted)
{
	DeviceMemory memory(1 << 20, kind);
	unsigned int queue = kQueue;
	devmem_binding *binding = nullptr;
	devmem_error err = {};

	EXPECT_EQ(0, bind_rx(dm0_index(1), memory.mem->dmabuf_fd, &queue, 1, &wanted, &binding, &err)) << err.text;
	devmem_binding_release(binding);
	return wanted;
}

TEST(ReceiveBuffers, AreAsLargeAsWantedAndAsTheMemoryIsContiguous)
{
	for (size_t wanted = 4096; wanted <= 1 << 20; wanted *= 2) {
		EXPECT_EQ(wanted, buffer_of(DEVMEM_MEM_DMVRAM, wanted));
		EXPECT_EQ(4096u, buffer_of(DEVMEM_MEM_UDMABUF, wanted)) << "of single pages";
	}
	EXPECT_EQ(size_t(1) << 20, buffer_of(DEVMEM_MEM_DMVRAM, 16 << 20)) << "no more than there is";
}

TEST(Udmabuf, IsWholePagesOrRefused)
{
	devmem_exporter *exporter;
	devmem_mem *mem;
	devmem_error err;

	ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_UDMABUF, 0, &exporter, &err));
	ASSERT_EQ(0, devmem_mem_alloc(exporter, 5000, &mem, &err));
	EXPECT_EQ(8192u, mem->size) << "rounded up to whole pages";
	devmem_mem_free(mem);
	EXPECT_EQ(-EINVAL, devmem_mem_alloc(exporter, size_t(1) << 40, &mem, &err));
	EXPECT_NE(nullptr, strstr(err.text, "size_limit_mb")) << err.text;
	devmem_exporter_close(exporter);
}

// No exporter of this kernel makes a dmabuf of broken pages: the last place where one could come from says no itself.
TEST(Udmabuf, RefusesSizesAndOffsetsThatAreNotWholePages)
{
	int device = open("/dev/udmabuf", O_RDWR), memfd = memfd_create("x", MFD_ALLOW_SEALING);

	ASSERT_GE(device, 0);
	ASSERT_EQ(0, ftruncate(memfd, 16384));
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	for (auto [offset, size] : {std::pair<uint64_t, uint64_t>{0, 5000}, {100, 4096}, {100, 5000}}) {
		udmabuf_create create = {static_cast<uint32_t>(memfd), 0, offset, size};
		EXPECT_EQ(-1, ioctl(device, UDMABUF_CREATE, &create)) << offset << "+" << size;
		EXPECT_EQ(EINVAL, errno);
	}
	close(memfd);
	close(device);
}

// A connected pair of ordinary sockets from host 0 to host 1, with memory bound for transmit on host 0.
class SendDevice : public testing::Test {
protected:
	static constexpr size_t kSize = 1 << 20;

	SendDevice()
	{
		for (size_t i = 0; i < kSize; i++)
			memory.addr()[i] = pattern(i);
		EXPECT_EQ(0, devmem_bind_tx(dm0_index(0), memory.mem->dmabuf_fd, &binding, &err)) << err.text;
		listener = listen_on(1, AF_INET, &address);
		sender = connect_from(0, address);
		receiver = accept_nonblocking(listener);
		int one = 1;
		EXPECT_EQ(0, setsockopt(sender, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	}
	~SendDevice() override
	{
		devmem_binding_release(binding);
		for (int fd : {listener, sender, receiver})
			close(fd);
	}
	RawSend raw() const { return RawSend{sender, devmem_binding_id(binding)}; }
	// Sends all of a piece, however often the socket is full.
	void send_all(uint64_t offset, size_t len) { send_all(raw(), offset, len); }
	void send_all(const RawSend &send, uint64_t offset, size_t len)
	{
		while (len) {
			ssize_t n = send(offset, std::min<size_t>(len, 60'000));
			if (n == -EAGAIN) {
				usleep(1000);
				continue;
			}
			ASSERT_GT(n, 0) << strerror(static_cast<int>(-n));
			offset += static_cast<uint64_t>(n);
			len -= static_cast<size_t>(n);
		}
	}
	void expect_pattern(const std::string &got, size_t at, uint64_t offset, size_t len)
	{
		ASSERT_GE(got.size(), at + len);
		for (size_t i = 0; i < len; i++)
			ASSERT_EQ(pattern(offset + i), static_cast<uint8_t>(got[at + i])) << "at " << at + i;
	}

	DeviceMemory memory{kSize};
	devmem_binding *binding = nullptr;
	devmem_error err = {};
	sockaddr_storage address;
	int listener, sender, receiver;
};

TEST_F(SendDevice, RefusesOffsetsOutsideTheDmabuf)
{
	EXPECT_EQ(-EFAULT, raw()(kSize, 1));
	EXPECT_EQ(-EFAULT, raw()(kSize + 12345, 100));
	EXPECT_EQ(-EFAULT, raw()(UINT64_MAX - 100, 50));
	ssize_t partly = raw()(kSize - 10, 100);
	EXPECT_TRUE(partly == -EFAULT || partly == 10) << partly;
	send_all(5, 100);
	std::string got = read_all(receiver, 100 + (partly > 0 ? 10u : 0u));
	expect_pattern(got, partly > 0 ? 10 : 0, 5, 100);
}

TEST_F(SendDevice, RefusesWithoutMsgZerocopy)
{
	RawSend send = raw();
	send.flags &= ~MSG_ZEROCOPY;
	EXPECT_EQ(-EINVAL, send(0, 100));
}

TEST_F(SendDevice, RefusesWithoutSoZerocopy)
{
	int zero = 0;
	ASSERT_EQ(0, setsockopt(sender, SOL_SOCKET, SO_ZEROCOPY, &zero, sizeof(zero)));
	EXPECT_EQ(-EINVAL, raw()(0, 100));
}

TEST_F(SendDevice, RefusesAnUnknownId)
{
	EXPECT_EQ(-EINVAL, (RawSend{sender, 0x7fffffff}(0, 100)));
}

TEST_F(SendDevice, RefusesTheIdOfAReceiveBinding)
{
	DeviceMemory pool(1 << 20);
	devmem_binding *rx;
	ASSERT_EQ(0, bind_rx(0, pool.mem->dmabuf_fd, kQueue, &rx, &err)) << err.text;
	EXPECT_EQ(-EINVAL, (RawSend{sender, devmem_binding_id(rx)}(0, 100)));
	devmem_binding_release(rx);
}

TEST_F(SendDevice, RefusesAControlMessageOfAnotherLength)
{
	RawSend send = raw();
	send.control_len = CMSG_LEN(8);
	EXPECT_EQ(-EINVAL, send(0, 100));
}

TEST_F(SendDevice, RefusesOtherProtocols)
{
	enter_host(0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	sockaddr_storage to = host_address(1, AF_INET, 9);
	ASSERT_EQ(0, connect(udp, reinterpret_cast<sockaddr *>(&to), address_length(to)));
	ASSERT_EQ(0, setsockopt(udp, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	EXPECT_EQ(-EINVAL, (RawSend{udp, devmem_binding_id(binding)}(0, 100)));
	close(udp);
}

TEST_F(SendDevice, RefusesADeviceOtherThanTheBoundOne)
{
	devmem_binding *other;
	// The same memory, bound to the NIC of host 1: its packets would leave by a device that it is not mapped for.
	ASSERT_EQ(0, devmem_bind_tx(dm0_index(1), memory.mem->dmabuf_fd, &other, &err)) << err.text;
	EXPECT_EQ(-ENODEV, (RawSend{sender, devmem_binding_id(other)}(0, 100)));
	devmem_binding_release(other);
}

TEST_F(SendDevice, TakesManyPiecesAndEmptyOnes)
{
	std::vector<iovec> pieces;
	size_t total = 0;
	for (size_t i = 0; i < 40; i++) {
		pieces.push_back(RawSend::piece(i * 5000 + 3, 700 + i));
		pieces.push_back(RawSend::piece(i, 0));
		total += 700 + i;
	}
	ASSERT_EQ(static_cast<ssize_t>(total), raw()(pieces));
	std::string got = read_all(receiver, total);
	size_t at = 0;
	for (size_t i = 0; i < 40; i++) {
		expect_pattern(got, at, i * 5000 + 3, 700 + i);
		at += 700 + i;
	}
}

TEST_F(SendDevice, MixesWithPlainSendsOnOneSocket)
{
	std::string plain(3000, 'p'), got;
	pid_t child = fork();
	if (child)
		got = read_all(receiver, 50 * 12999);
	else
	for (int round = 0; round < 50; round++) {
		for (size_t sent = 0; sent < plain.size();) {
			ssize_t n = send(sender, plain.data() + sent, plain.size() - sent, MSG_NOSIGNAL);
			ASSERT_TRUE(n > 0 || errno == EAGAIN);
			if (n > 0)
				sent += static_cast<size_t>(n);
			else
				usleep(1000);
		}
		send_all(static_cast<uint64_t>(round) * 10, 9999);
	}
	if (!child)
		_exit(HasFailure());
	int status;
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	ASSERT_EQ(50u * 12999, got.size());
	for (size_t round = 0; round < 50; round++) {
		ASSERT_EQ(plain, got.substr(round * 12999, 3000));
		expect_pattern(got, round * 12999 + 3000, round * 10, 9999);
	}
}

TEST_F(SendDevice, TakesSeveralBindingsOnOneSocket)
{
	DeviceMemory second(kSize);
	devmem_binding *other;
	for (size_t i = 0; i < kSize; i++)
		second.addr()[i] = static_cast<uint8_t>(~pattern(i));
	ASSERT_EQ(0, devmem_bind_tx(dm0_index(0), second.mem->dmabuf_fd, &other, &err)) << err.text;
	for (int round = 0; round < 10; round++) {
		send_all(0, 5000);
		send_all(RawSend{sender, devmem_binding_id(other)}, 0, 5000);
	}
	std::string got = read_all(receiver, 100'000);
	ASSERT_EQ(100'000u, got.size());
	for (size_t i = 0; i < got.size(); i++) {
		uint8_t want = pattern(i % 5000);
		ASSERT_EQ(i / 5000 % 2 ? static_cast<uint8_t>(~want) : want, static_cast<uint8_t>(got[i])) << i;
	}
	devmem_binding_release(other);
}

TEST_F(SendDevice, ServesSeveralSocketsWithOneBinding)
{
	constexpr int kSockets = 5;
	constexpr size_t kEach = 30'000;
	int senders[kSockets], receivers[kSockets], one = 1;

	for (int i = 0; i < kSockets; i++) {
		senders[i] = connect_from(0, address);
		receivers[i] = accept_nonblocking(listener);
		ASSERT_EQ(0, setsockopt(senders[i], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	}
	// In turns, so that their packets mix.
	for (size_t at = 0; at < kEach; at += 5000)
		for (int i = 0; i < kSockets; i++)
			send_all(RawSend{senders[i], devmem_binding_id(binding)}, static_cast<size_t>(i) * 1000 + at, 5000);
	for (int i = 0; i < kSockets; i++) {
		expect_pattern(read_all(receivers[i], kEach), 0, static_cast<size_t>(i) * 1000, kEach);
		close(senders[i]);
		close(receivers[i]);
	}
}

TEST_F(SendDevice, ArrivesWithoutSegmentationOffloadAndIsRefusedWithoutScatterGather)
{
	on_host(0, "ethtool -K dm0 tso off");
	send_all(100, 50'000);
	expect_pattern(read_all(receiver, 50'000), 0, 100, 50'000);
	// Without scatter-gather the stack would have to copy what it cannot read.
	on_host(0, "ethtool -K dm0 sg off");
	int late = connect_from(0, address), one = 1;
	ASSERT_EQ(0, setsockopt(late, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	EXPECT_EQ(-EOPNOTSUPP, (RawSend{late, devmem_binding_id(binding)}(0, 1000)));
	close(late);
	on_host(0, "ethtool -K dm0 sg on tso on");
}

TEST_F(SendDevice, DeliversWhatWasQueuedWhenTheBindingIsReleased)
{
	uint32_t id = devmem_binding_id(binding);
	ssize_t queued = raw()(0, 300'000);
	ASSERT_GT(queued, 0);
	devmem_binding_release(binding);
	binding = nullptr;
	EXPECT_EQ(-EINVAL, (RawSend{sender, id}(0, 100)));
	std::string got = read_all(receiver, static_cast<size_t>(queued));
	expect_pattern(got, 0, 0, static_cast<size_t>(queued));
}

TEST_F(SendDevice, SurvivesLoss)
{
	ASSERT_EQ(0, system("on host0 tc qdisc add dev dm0 root netem loss 3%"));
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++)
			send_all(0, kSize);
		_exit(HasFailure());
	}
	close(sender);
	sender = -1;
	std::string got = read_all(receiver, 5 * kSize);
	int status;
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	ASSERT_EQ(5 * kSize, got.size());
	for (size_t i = 0; i < 5; i++)
		expect_pattern(got, i * kSize, 0, kSize);
	ASSERT_EQ(0, system("on host0 tc qdisc del dev dm0 root"));
}

// An ordinary sender on host 0, and a stream on host 1 whose bytes lie in device memory.
class ReceiveDevice : public testing::Test {
protected:
	ReceiveDevice() : sender(connect_from(0, to.address)), fd(accept_nonblocking(to.listener)) {}
	~ReceiveDevice() override
	{
		devmem_stream_close(stream);
		close(sender);
	}
	void open() { ASSERT_EQ(0, devmem_stream_open(fd, 64 * 1024, &stream, nullptr)); }
	void send_pattern(size_t from, size_t len)
	{
		std::string bytes(len, '\0');
		for (size_t i = 0; i < len; i++)
			bytes[i] = static_cast<char>(pattern(from + i));
		ASSERT_EQ(static_cast<ssize_t>(len), send(sender, bytes.data(), len, MSG_NOSIGNAL));
	}
	bool await(int timeout_ms = 10'000)
	{
		pollfd poll_fd = {fd, POLLIN, 0};
		return poll(&poll_fd, 1, timeout_ms) == 1;
	}
	// One receive; the fragments in frags.
	ssize_t receive(size_t want = 100'000)
	{
		frags.resize(512);
		unsigned int n = 512;
		ssize_t got = devmem_stream_recv(stream, want, frags.data(), &n);
		frags.resize(n);
		return got;
	}

	DeviceReceiver to{1, AF_INET, kQueue, 4 << 20};
	int sender, fd;
	devmem_stream *stream = nullptr;
	std::vector<devmem_frag> frags;
};

TEST_F(ReceiveDevice, PlainRecvIsRefusedAndLosesNothing)
{
	char byte;
	send_pattern(0, 10'000);
	ASSERT_TRUE(await());
	EXPECT_EQ(-1, recv(fd, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(EFAULT, errno);
	open();
	size_t got = 0;
	while (got < 10'000 && await())
		got += static_cast<size_t>(std::max<ssize_t>(0, receive()));
	EXPECT_EQ(10'000u, got);
}

TEST_F(ReceiveDevice, AControlBufferForNoFragmentGivesError525)
{
	char buffer[100], control[16];
	iovec iov = {buffer, sizeof(buffer)};
	msghdr msg = {};
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	send_pattern(0, 100);
	ASSERT_TRUE(await());
	EXPECT_EQ(-1, recvmsg(fd, &msg, MSG_SOCK_DEVMEM | MSG_DONTWAIT));
	EXPECT_EQ(DEVMEM_UAPI_ETOOSMALL, errno);
}

TEST_F(ReceiveDevice, TokensAreTakenBackOnceOnly)
{
	open();
	send_pattern(0, 100);
	ASSERT_TRUE(await());
	ASSERT_EQ(100, receive());
	ASSERT_EQ(1u, frags.size());
	EXPECT_EQ(1u, devmem_stream_tokens_out(stream));
	EXPECT_EQ(-EINVAL, devmem_stream_token_put(stream, frags[0].token + 1)) << "never given";
	EXPECT_EQ(0, devmem_stream_token_put(stream, frags[0].token));
	EXPECT_EQ(-EINVAL, devmem_stream_token_put(stream, frags[0].token)) << "put back twice";
	EXPECT_EQ(0, devmem_stream_token_flush(stream));
	EXPECT_EQ(0u, devmem_stream_tokens_out(stream));
}

TEST_F(ReceiveDevice, TheKernelCountsWhatItTakesBack)
{
	open();
	send_pattern(0, 100);
	ASSERT_TRUE(await());
	ASSERT_EQ(100, receive());
	devmem_uapi_token token = {frags[0].token, 1};
	EXPECT_EQ(1, setsockopt(fd, SOL_SOCKET, SO_DEVMEM_DONTNEED, &token, sizeof(token)));
	EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_DEVMEM_DONTNEED, &token, sizeof(token))) << "twice";
	token = {12345, 1};
	EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_DEVMEM_DONTNEED, &token, sizeof(token))) << "never given";
	std::vector<devmem_uapi_token> many(129, token);
	EXPECT_EQ(-1, setsockopt(fd, SOL_SOCKET, SO_DEVMEM_DONTNEED, many.data(), static_cast<socklen_t>(129 * sizeof(token))));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(ReceiveDevice, AnEmptyPoolDropsUntilTokensComeBack)
{
	open();
	int buffer = 64 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	constexpr size_t kTotal = 8 << 20;	// twice the pool
	pid_t child = fork();
	if (child == 0) {
		fcntl(sender, F_SETFL, 0);
		for (size_t at = 0; at < kTotal; at += 65536)
			send_pattern(at, 65536);
		_exit(HasFailure());
	}
	std::vector<uint32_t> held;
	size_t got = 0;
	uint64_t wrong = 0;
	auto take = [&](bool hold) {
		ssize_t n = receive();
		for (const devmem_frag &frag : frags) {
			for (uint32_t i = 0; i < frag.len; i++)
				wrong += to.pool.addr()[frag.offset + i] != pattern(got + i);
			got += frag.len;
			if (hold)
				held.push_back(frag.token);
			else
				EXPECT_EQ(0, devmem_stream_token_put(stream, frag.token));
		}
		return n;
	};
	while (nic_counter(1, "rx_drops_nobuf") == 0 && await(5000))
		take(true);
	EXPECT_GT(nic_counter(1, "rx_drops_nobuf"), 0u);
	for (uint32_t token : held)
		ASSERT_EQ(0, devmem_stream_token_put(stream, token));
	ASSERT_EQ(0, devmem_stream_token_flush(stream));
	while (got < kTotal && await(20'000)) {
		take(false);
		ASSERT_EQ(0, devmem_stream_token_flush(stream));
	}
	EXPECT_EQ(kTotal, got);
	EXPECT_EQ(0u, wrong);
	int status;
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
}

TEST_F(ReceiveDevice, AfterUnbindingTheRestComesAsPlainBytes)
{
	open();
	send_pattern(0, 5000);
	ASSERT_TRUE(await());
	size_t got = 0;
	while (got < 5000 && await())
		got += static_cast<size_t>(std::max<ssize_t>(0, receive()));
	devmem_binding_release(to.binding);
	to.binding = nullptr;
	send_pattern(5000, 5000);
	while (got < 10'000 && await(5000)) {
		ssize_t n = receive();
		if (n <= 0)
			continue;
		ASSERT_EQ(1u, frags.size());
		ASSERT_EQ(DEVMEM_FRAG_PLAIN, frags[0].where);
		for (size_t i = 0; i < static_cast<size_t>(n); i++)
			ASSERT_EQ(pattern(got + i), devmem_stream_bounce(stream)[i]);
		got += static_cast<size_t>(n);
	}
	EXPECT_EQ(10'000u, got);
}

TEST(Removal, OfTheNicWhileBoundAndInUse)
{
	DeviceMemory pool(1 << 20), memory(1 << 20);
	devmem_binding *rx, *tx;
	devmem_error err;
	unsigned int queue = 1;

	ASSERT_EQ(0, system("ip netns add gone0 && ip netns add gone1 && ip link add x0 netns gone0 numrxqueues 4 numtxqueues 4 type dmnic peer name x0 netns gone1 && "
			    "for n in 0 1; do ip -n gone$n addr add 10.9.0.$((n + 1))/24 dev x0; ip -n gone$n link set x0 up; done && "
			    "ip netns exec gone0 header-split x0 on && ip netns exec gone1 header-split x0 on"));
	int home = open("/proc/thread-self/ns/net", O_RDONLY), ns = open("/run/netns/gone0", O_RDONLY);
	ASSERT_EQ(0, setns(ns, CLONE_NEWNET));
	unsigned int ifindex = if_nametoindex("x0");
	ASSERT_EQ(0, devmem_bind_rx(ifindex, pool.mem->dmabuf_fd, &queue, 1, &rx, &err)) << err.text;
	ASSERT_EQ(0, devmem_bind_tx(ifindex, memory.mem->dmabuf_fd, &tx, &err)) << err.text;
	// Nobody listens there: the SYN and its retransmissions are all the traffic that a removal meets here.
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	sockaddr_in peer = {};
	peer.sin_family = AF_INET;
	peer.sin_port = htons(9);
	peer.sin_addr.s_addr = htonl(0x0a090002);
	connect(fd, reinterpret_cast<sockaddr *>(&peer), sizeof(peer));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_EQ(0, system("ip -n gone0 link del x0"));
	devmem_binding_release(rx);
	devmem_binding_release(tx);
	close(fd);
	close(ns);
	close(home);
	EXPECT_EQ(0, system("ip netns del gone0; ip netns del gone1"));
}

} // namespace
