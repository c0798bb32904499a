// SPDX-License-Identifier: BSD-3-Clause
/* Writes the process' counters to a file while connections move, and at their end. */
#include "metrics.h"
#include "clock.h"
#include "net_state.h"
#include "plugin_log.h"

#include <string.h>

#define TICKS 256 /* calls between looks at the clock */
#define EVERY_MS 1000

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static int64_t written_ms; /* under the mutex */
static bool said;	   /* that it cannot be written: once is enough */

static bool wanted(void)
{
	return net.params.metrics && *net.params.metrics;
}

static void write_file(void)
{
	int ret = stat_write(&net.totals, net.params.metrics);

	written_ms = clock_ms();
	if (ret && !said)
		plugin_log(
			LOG_LEVEL_WARN, __func__, __LINE__,
			"cannot write counters to NCCL_DEVMEM_METRICS=%s: %s; it must be a folder "
			"that this job may write to: mkdir -p",
			net.params.metrics, strerror(-ret));
	said = ret;
}

void metrics_write(void)
{
	if (!wanted())
		return;
	pthread_mutex_lock(&writing);
	write_file();
	pthread_mutex_unlock(&writing);
}

void metrics_tick(struct conn *conn)
{
	int64_t now;

	if (!wanted() || ++conn->ticks % TICKS)
		return;
	now = clock_ms();
	if (now - conn->told_ms < EVERY_MS)
		return;
	conn->told_ms = now;
	conn_tell(conn);
	/* Another thread that writes just now does so for all. */
	if (pthread_mutex_trylock(&writing))
		return;
	if (now - written_ms >= EVERY_MS)
		write_file();
	pthread_mutex_unlock(&writing);
}
