// SPDX-License-Identifier: BSD-3-Clause
/* How large a pool is and how many rx queues it has, when the user does not say. */
#include "pool_size.h"

#define MIB (1024u * 1024)
#define QUEUE_MBPS 25000u
#define MAX_QUEUES 4u
#define PROCESSES 8 /* of a machine, that may share a NIC */
#define BURST_MS 2u
#define WAITING_BYTES ((size_t)16 * MIB)
#define TCP_BYTES 32u /* header with timestamps */
#define BUFFER_MOST ((size_t)32 * 1024)
#define BUFFERS_LEAST 2048u

unsigned int pool_size_queues(const struct devmem_nic *nic)
{
	unsigned int queues = (nic->speed_mbps + QUEUE_MBPS - 1) / QUEUE_MBPS;

	if (queues > MAX_QUEUES)
		queues = MAX_QUEUES;
	if (queues > nic->rx_queues / PROCESSES)
		queues = nic->rx_queues / PROCESSES;
	return queues ? queues : 1;
}

static size_t burst_of(const struct devmem_nic *nic)
{
	return (size_t)nic->speed_mbps * 1000 / 8 * BURST_MS;
}

size_t pool_size_bytes(const struct devmem_nic *nic, unsigned int queues, size_t ring, bool large)
{
	size_t bytes = 2 * ring * queues + burst_of(nic) + WAITING_BYTES;

	return (bytes + MIB - 1) / MIB * MIB * (large ? 2 : 1);
}

static size_t rings_of(unsigned int queues, size_t ring, size_t buffer)
{
	return ring / POOL_PAGE_BYTES * buffer * queues;
}

static bool leaves_enough(const struct devmem_nic *nic, size_t bytes, unsigned int queues,
			  size_t ring, size_t buffer)
{
	unsigned int budget = pool_size_budget(bytes, queues, ring, buffer);

	return 4 * rings_of(queues, ring, buffer) <= bytes && budget >= BUFFERS_LEAST &&
	       budget * pool_size_payload(nic, buffer) >= burst_of(nic);
}

size_t pool_size_buffer(const struct devmem_nic *nic, size_t bytes, unsigned int queues,
			size_t ring)
{
	size_t buffer = BUFFER_MOST;

	while (buffer > POOL_PAGE_BYTES && !leaves_enough(nic, bytes, queues, ring, buffer))
		buffer /= 2;
	return buffer;
}

size_t pool_size_payload(const struct devmem_nic *nic, size_t buffer)
{
	size_t ip = nic->addr.ss_family == AF_INET6 ? 40 : 20;
	size_t payload = nic->mtu > ip + TCP_BYTES ? nic->mtu - ip - TCP_BYTES : 1;
	size_t buffers = (payload + buffer - 1) / buffer;

	return payload / buffers;
}

unsigned int pool_size_budget(size_t bytes, unsigned int queues, size_t ring, size_t buffer)
{
	size_t rings = rings_of(queues, ring, buffer);

	return bytes <= rings ? 0 : (unsigned int)((bytes - rings) / buffer / 8 * 7);
}
