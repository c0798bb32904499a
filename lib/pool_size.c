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

unsigned int pool_size_queues(const struct devmem_nic *nic)
{
	unsigned int queues = (nic->speed_mbps + QUEUE_MBPS - 1) / QUEUE_MBPS;

	if (queues > MAX_QUEUES)
		queues = MAX_QUEUES;
	if (queues > nic->rx_queues / PROCESSES)
		queues = nic->rx_queues / PROCESSES;
	return queues ? queues : 1;
}

size_t pool_size_bytes(const struct devmem_nic *nic, unsigned int queues, size_t ring)
{
	size_t burst = (size_t)nic->speed_mbps * 1000 / 8 * BURST_MS;
	size_t bytes = 2 * ring * queues + burst + WAITING_BYTES;

	return (bytes + MIB - 1) / MIB * MIB;
}

size_t pool_size_page_payload(const struct devmem_nic *nic)
{
	size_t ip = nic->addr.ss_family == AF_INET6 ? 40 : 20;
	size_t payload = nic->mtu > ip + TCP_BYTES ? nic->mtu - ip - TCP_BYTES : 1;

	return payload < POOL_PAGE_BYTES ? payload : POOL_PAGE_BYTES;
}

unsigned int pool_size_budget(size_t bytes, unsigned int queues, size_t ring)
{
	size_t rings = ring * queues;

	return bytes <= rings ? 0 : (unsigned int)((bytes - rings) / POOL_PAGE_BYTES / 8 * 7);
}
