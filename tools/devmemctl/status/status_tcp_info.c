// SPDX-License-Identifier: BSD-3-Clause
/* Reads the kernel's struct tcp_info, whose header gets on with no other. */
#include <linux/tcp.h>

#include "status.h"

#include <string.h>

void status_tcp_info(struct status_connection *connection, const void *data, size_t length)
{
	struct tcp_info info = {0};

	memcpy(&info, data, length < sizeof(info) ? length : sizeof(info));
	connection->received = info.tcpi_bytes_received;
	connection->sent = info.tcpi_bytes_acked;
	connection->rtt_us = info.tcpi_rtt;
	connection->retransmits = info.tcpi_total_retrans;
}
