// SPDX-License-Identifier: BSD-3-Clause
/* Which data stream takes the next chunk: the one that will have it delivered first. */
#include "chunk_sched.h"

#define PAGE_BYTES 4096u
#define MEMORY_BYTES (8e6) /* how much is remembered at full weight */

static void count_time(struct sched_load *load, uint64_t now_ns)
{
	if (load->under_way)
		load->busy_ns += (double)(now_ns - load->since_ns);
	load->since_ns = now_ns;
}

void sched_assigned(struct sched_load *load, size_t len, uint64_t now_ns)
{
	count_time(load, now_ns);
	load->under_way += len;
}

void sched_acknowledged(struct sched_load *load, size_t len, uint64_t now_ns)
{
	count_time(load, now_ns);
	load->under_way -= len < load->under_way ? len : load->under_way;
	load->acknowledged += (double)len;
	if (load->acknowledged > MEMORY_BYTES) {
		load->acknowledged /= 2;
		load->busy_ns /= 2;
	}
}

/* Time for a byte, or 0 when it is not known yet. */
static double slowness(const struct sched_load *load)
{
	return load->acknowledged >= SCHED_CHUNK_MIN ? load->busy_ns / load->acknowledged : 0;
}

/* Of a stream that nothing is known of, the best is expected. */
static double best_slowness(const struct sched_load *loads, unsigned int n)
{
	double best = 0;

	for (unsigned int i = 0; i < n; i++) {
		double one = slowness(&loads[i]);

		if (one > 0 && (best == 0 || one < best))
			best = one;
	}
	return best > 0 ? best : 1;
}

int sched_pick(const struct sched_load *loads, unsigned int n, unsigned int last, size_t len)
{
	double unknown = best_slowness(loads, n), first = 0;
	int best = -1;

	for (unsigned int i = 1; i <= n; i++) {
		unsigned int stream = (last + i) % n;
		double slow = slowness(&loads[stream]);
		double end = (double)(loads[stream].under_way + len) * (slow > 0 ? slow : unknown);

		if (loads[stream].waiting >= SCHED_WAITING)
			continue;
		if (best < 0 || end < first) {
			best = (int)stream;
			first = end;
		}
	}
	return best;
}

size_t sched_chunk(size_t len, unsigned int n)
{
	size_t even = (len / n + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;

	if (even < SCHED_CHUNK_MIN)
		even = SCHED_CHUNK_MIN;
	if (even > SCHED_CHUNK_MAX)
		even = SCHED_CHUNK_MAX;
	return even < len ? even : len;
}
