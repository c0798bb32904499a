// SPDX-License-Identifier: BSD-3-Clause
/* Where bytes went: the counters of a process, and their form for Prometheus' text file collector.
 */
#include "stat.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

void stat_add_received(struct stat_totals *totals, const struct devmem_stream_stats *stream)
{
	stat_add(&totals->rx_device, stream->rx_device);
	stat_add(&totals->rx_linear, stream->rx_linear);
	stat_add(&totals->rx_plain, stream->rx_plain);
	stat_add(&totals->frags, stream->frags);
	stat_add(&totals->tokens_taken, stream->tokens_taken);
	stat_add(&totals->tokens_returned, stream->tokens_returned);
}

void stat_pool(struct stat_totals *totals, uint64_t pages, uint64_t low)
{
	uint64_t least = __atomic_load_n(&totals->pool_low_pages, __ATOMIC_RELAXED);

	if (!__atomic_exchange_n(&totals->pool_pages, pages, __ATOMIC_RELAXED) || low < least)
		__atomic_store_n(&totals->pool_low_pages, low, __ATOMIC_RELAXED);
}

static void print(FILE *file, const char *name, const uint64_t *counter)
{
	fprintf(file, "%s %" PRIu64 "\n", name, __atomic_load_n(counter, __ATOMIC_RELAXED));
}

static void print_all(FILE *file, const struct stat_totals *totals)
{
	fputs("# TYPE devmem_rx_bytes_total counter\n", file);
	print(file, "devmem_rx_bytes_total{path=\"device\"}", &totals->rx_device);
	print(file, "devmem_rx_bytes_total{path=\"linear\"}", &totals->rx_linear);
	print(file, "devmem_rx_bytes_total{path=\"plain\"}", &totals->rx_plain);
	fputs("# TYPE devmem_tx_bytes_total counter\n", file);
	print(file, "devmem_tx_bytes_total{path=\"device\"}", &totals->tx_device);
	print(file, "devmem_tx_bytes_total{path=\"copied\"}", &totals->tx_copied);
	print(file, "devmem_tx_bytes_total{path=\"staged\"}", &totals->tx_staged);
	fputs("# TYPE devmem_placed_bytes_total counter\n", file);
	print(file, "devmem_placed_bytes_total", &totals->placed);
	fputs("# TYPE devmem_unpacked_bytes_total counter\n", file);
	print(file, "devmem_unpacked_bytes_total", &totals->unpacked);
	fputs("# TYPE devmem_copy_ns_total counter\n", file);
	print(file, "devmem_copy_ns_total", &totals->copy_ns);
	fputs("# TYPE devmem_frags_total counter\n", file);
	print(file, "devmem_frags_total", &totals->frags);
	fputs("# TYPE devmem_tokens_taken_total counter\n", file);
	print(file, "devmem_tokens_taken_total", &totals->tokens_taken);
	fputs("# TYPE devmem_tokens_returned_total counter\n", file);
	print(file, "devmem_tokens_returned_total", &totals->tokens_returned);
	fputs("# TYPE devmem_requests_total counter\n", file);
	print(file, "devmem_requests_total{kind=\"send\"}", &totals->sends);
	print(file, "devmem_requests_total{kind=\"recv\"}", &totals->recvs);
	fputs("# TYPE devmem_fallbacks_total counter\n", file);
	print(file, "devmem_fallbacks_total", &totals->fallbacks);
	fputs("# TYPE devmem_pool_pages gauge\n", file);
	print(file, "devmem_pool_pages", &totals->pool_pages);
	fputs("# TYPE devmem_pool_pages_low gauge\n", file);
	print(file, "devmem_pool_pages_low", &totals->pool_low_pages);
}

int stat_write(const struct stat_totals *totals, const char *dir)
{
	char path[PATH_MAX], final[PATH_MAX];
	FILE *file;
	int ret = 0;

	if (snprintf(final, sizeof(final), "%s/devmem-%d.prom", dir, (int)getpid()) >=
		    (int)sizeof(final) ||
	    /* Of its own, since a process may have loaded the plugin twice. */
	    snprintf(path, sizeof(path), "%s/.devmem-%d-%p.new", dir, (int)getpid(),
		     (const void *)totals) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "we");
	if (!file)
		return -errno;
	print_all(file, totals);
	if (ferror(file))
		ret = -EIO;
	if (fclose(file) && !ret)
		ret = -errno;
	if (!ret && rename(path, final))
		ret = -errno;
	return ret;
}
