// SPDX-License-Identifier: BSD-3-Clause
/* Sends and receives between neighbours: every rank ends with the buffer of the rank before it. */
#include "collective.h"
#include "exchange.h"

static struct op op(const struct work *work, size_t index)
{
	return exchange_op(work, index, 0, 0);
}

static double bus_factor(double ranks)
{
	return 1;
}

static unsigned int sizes_sent(unsigned int ranks)
{
	return ranks;
}

static struct origin origin(unsigned int rank, unsigned int ranks, size_t block, unsigned int which)
{
	return (struct origin){.rank = (rank + ranks - 1) % ranks, .ranks = 1, .first = 0};
}

const struct collective sendrecv = {
	.name = "sendrecv",
	.title = "send-receive",
	.shape = "p2p",
	.bus_factor = bus_factor,
	.sizes_sent = sizes_sent,
	.ops = exchange_ops,
	.op = op,
	.origin = origin,
};
