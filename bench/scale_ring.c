// SPDX-License-Identifier: BSD-3-Clause
/* The model's ring all-reduce: the longest path through the messages of one loop, and loops one
 * after another. */
#include <math.h>

#include "scale.h"

#define SLICES (SCALE_RING_CHUNK_STEPS / SCALE_RING_SLICE_STEPS)
#define IN_FLIGHT (SCALE_STEPS / SCALE_RING_SLICE_STEPS)
#define CHUNK_BYTES (SCALE_STEP_BYTES * SCALE_RING_CHUNK_STEPS)

/*
 * Message q of a rank waits for message q - 1 of its own, for q - SLICES of the rank before, whose
 * bytes it passes on, and for room, which q - IN_FLIGHT leaves behind. The loop takes as long as
 * the longest chain of such waits.
 */
struct loop {
	long steps; /* chunks that a rank sends in a loop */
	long gpus;
	double busy, hop, turn, local;
};

static double chain_s(const struct loop *loop, long network, long local)
{
	long waits = (loop->steps - network - local) * SLICES + SLICES - 1;

	return (double)network * (loop->busy + loop->hop) + (double)local * loop->local +
	       scale_wait_s(loop->busy, loop->turn, (unsigned long)waits, IN_FLIGHT);
}

/* Between two hops over the network lie those inside a host; before the first and after the last
 * may be some more. */
static double longest_of_s(const struct loop *loop, long network)
{
	long inside = loop->gpus - 1, first = (network - 1) * inside;
	long last = (network + 1) * inside;
	double longest = 0;

	if (last > loop->steps - network)
		last = loop->steps - network;
	for (long local = first; local <= last; local++)
		longest = fmax(longest, chain_s(loop, network, local));
	return longest;
}

double scale_ring_loop_s(const struct scale_system *system, double chunk)
{
	double busy = scale_busy_s(system, chunk / SLICES), longest = 0;
	struct loop loop = {
		.steps = 2 * ((long)system->hosts * system->gpus - 1),
		.gpus = system->gpus,
		.busy = busy,
		.hop = system->rtt_s / 2,
		.turn = busy + system->rtt_s,
		.local = system->local_s,
	};

	for (long network = 1; (network - 1) * loop.gpus < loop.steps; network++)
		longest = fmax(longest, longest_of_s(&loop, network));
	return longest;
}

double scale_ring_s(const struct scale_system *system, double bytes)
{
	double ranks = (double)system->hosts * system->gpus;
	double loop = ranks * CHUNK_BYTES, rest = bytes / system->channels;
	double loops = floor(rest / loop), seconds = 0;

	if (system->hosts < 2)
		return 0;
	rest -= loops * loop;
	if (loops > 0)
		seconds = loops * scale_ring_loop_s(system, CHUNK_BYTES);
	if (rest > 0)
		seconds += scale_ring_loop_s(system, rest / ranks);
	return seconds;
}
