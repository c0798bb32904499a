// SPDX-License-Identifier: BSD-3-Clause
// What guest tests share: moving between hosts, connected sockets across the dmnic wire, device memory with a known pattern.
#pragma once

#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "devmem.h"

// Runs the calling thread in the network namespace of a host; sockets made meanwhile stay there.
void enter_host(int host);

// The address of `host` on network 0, with a port.
sockaddr_storage host_address(int host, int family, uint16_t port);
socklen_t address_length(const sockaddr_storage &address);

// A listening socket of `host`; port 0 lets the kernel choose. Returns the fd and sets address.
int listen_on(int host, int family, sockaddr_storage *address, int receive_buffer = 0);
// Connects from `host` to `to`, non-blocking afterwards. send_buffer 0: the kernel's default.
int connect_from(int host, const sockaddr_storage &to, int send_buffer = 0);
int accept_nonblocking(int listener);

unsigned int dm0_index(int host);

// Runs a command line on a host and returns what it prints, stderr too; `status` takes its exit status, which else must be 0.
std::string on_host(int host, const std::string &command, int *status = nullptr);

// Counters of `ethtool -S dm0` on a host whose names end in `suffix`, summed over queues.
uint64_t nic_counter(int host, const std::string &suffix);
// The counter of exactly that name.
uint64_t nic_counter_named(int host, const std::string &name);

// The byte at stream position p. 251 is prime, so shifts by any power of two show.
inline uint8_t pattern(uint64_t p) { return static_cast<uint8_t>(p % 251 + (p >> 16) % 5); }

// The kind of device memory that this run is about: $DEVMEM_TEST_MEMORY, udmabuf (the default), dmvram or cuda (a real GPU's, or the
// stand-in's of tests/fake).
devmem_mem_kind test_memory();

// Device memory, or nothing when the kernel refuses (then the test has failed already). What is in it goes by its copy engine.
struct DeviceMemory {
	explicit DeviceMemory(size_t size, devmem_mem_kind kind = test_memory(), int ordinal = 0);
	~DeviceMemory();
	// For the plugin, the kernel and the copy engine. Only a udmabuf may be read or written there.
	uint8_t *addr() { return static_cast<uint8_t *>(mem->addr); }
	// Copies and waits; either side may be this memory or host memory.
	void copy(void *dst, const void *src, size_t len);
	void copy(const std::vector<devmem_copy> &pieces);
	std::vector<uint8_t> get(size_t offset, size_t len);
	// The bytes of the stream from `position` on; how many of those there are not them.
	void put_pattern(size_t offset, uint64_t position, size_t len);
	uint64_t wrong(size_t offset, uint64_t position, size_t len);
	devmem_exporter *exporter = nullptr;
	devmem_mem *mem = nullptr;
};

// A receiver of device memory on a host: pool, binding, listener and steering rule, in the order that loses nothing.
struct DeviceReceiver {
	DeviceReceiver(int host, int family, unsigned int queue, size_t pool_bytes, int receive_buffer = 0, size_t buffer = 4096,
		       devmem_mem_kind kind = test_memory());
	~DeviceReceiver();
	int host;
	DeviceMemory pool;
	size_t buffer;	// bytes of each that the NIC fills: at most what was asked for
	devmem_binding *binding = nullptr;
	devmem_rule rule = {};
	sockaddr_storage address = {};
	int listener = -1;
};
