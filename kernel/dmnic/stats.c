// SPDX-License-Identifier: GPL-2.0-only
/* Counters: read consistently, then shown per queue by ethtool -S and netlink, and in sum by ip -s.
 */
#include <net/netdev_queues.h>

#include "dmnic.h"

void dmnic_rx_counts(const struct dmnic_rxq *q, struct dmnic_rx_counts *counts)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&q->stats.sync);
		counts->packets = u64_stats_read(&q->stats.packets);
		counts->bytes = u64_stats_read(&q->stats.bytes);
		counts->devmem_bytes = u64_stats_read(&q->stats.devmem_bytes);
		counts->linear_bytes = u64_stats_read(&q->stats.linear_bytes);
		counts->drops_nobuf = u64_stats_read(&q->stats.drops_nobuf);
		counts->csum_bad = u64_stats_read(&q->stats.csum_bad);
		counts->hw_ns = u64_stats_read(&q->stats.hw_ns);
	} while (u64_stats_fetch_retry(&q->stats.sync, start));
}

void dmnic_tx_counts(const struct dmnic_tx_stats *stats, struct dmnic_tx_counts *counts)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&stats->sync);
		counts->packets = u64_stats_read(&stats->packets);
		counts->bytes = u64_stats_read(&stats->bytes);
		counts->devmem_bytes = u64_stats_read(&stats->devmem_bytes);
		counts->drops = u64_stats_read(&stats->drops);
		counts->hw_ns = u64_stats_read(&stats->hw_ns);
	} while (u64_stats_fetch_retry(&stats->sync, start));
}

void dmnic_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *total)
{
	const struct dmnic *nic = netdev_priv(dev);
	struct dmnic_rx_counts rx;
	struct dmnic_tx_counts tx;
	unsigned int i;

	for (i = 0; i < dev->num_rx_queues; i++) {
		dmnic_rx_counts(&nic->rxq[i], &rx);
		total->rx_packets += rx.packets;
		total->rx_bytes += rx.bytes;
		total->rx_dropped += rx.drops_nobuf;
		total->rx_crc_errors += rx.csum_bad;
	}
	for (i = 0; i < dev->num_tx_queues; i++) {
		dmnic_tx_counts(&nic->txq[i], &tx);
		total->tx_packets += tx.packets;
		total->tx_bytes += tx.bytes;
		total->tx_dropped += tx.drops;
	}
}

static void queue_stats_rx(struct net_device *dev, int index, struct netdev_queue_stats_rx *stats)
{
	const struct dmnic *nic = netdev_priv(dev);
	struct dmnic_rx_counts counts;

	dmnic_rx_counts(&nic->rxq[index], &counts);
	stats->packets = counts.packets;
	stats->bytes = counts.bytes;
	stats->alloc_fail = counts.drops_nobuf;
	stats->csum_bad = counts.csum_bad;
}

static void queue_stats_tx(struct net_device *dev, int index, struct netdev_queue_stats_tx *stats)
{
	const struct dmnic *nic = netdev_priv(dev);
	struct dmnic_tx_counts counts;

	dmnic_tx_counts(&nic->txq[index], &counts);
	stats->packets = counts.packets;
	stats->bytes = counts.bytes;
}

static void base_stats(struct net_device *dev, struct netdev_queue_stats_rx *rx,
		       struct netdev_queue_stats_tx *tx)
{
	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	rx->csum_bad = 0;
	tx->packets = 0;
	tx->bytes = 0;
}

const struct netdev_stat_ops dmnic_stat_ops = {
	.get_queue_stats_rx = queue_stats_rx,
	.get_queue_stats_tx = queue_stats_tx,
	.get_base_stats = base_stats,
};

static const char rx_names[][ETH_GSTRING_LEN] = {
	"packets", "bytes", "devmem_bytes", "linear_bytes", "drops_nobuf", "csum_bad", "hw_ns",
};

static const char tx_names[][ETH_GSTRING_LEN] = {"packets", "bytes", "devmem_bytes", "drops",
						 "hw_ns"};

int dmnic_get_sset_count(struct net_device *dev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return dev->num_rx_queues * ARRAY_SIZE(rx_names) +
	       dev->num_tx_queues * ARRAY_SIZE(tx_names) + DMNIC_N_FAULTS;
}

void dmnic_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	unsigned int i, n;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < dev->num_rx_queues; i++)
		for (n = 0; n < ARRAY_SIZE(rx_names); n++)
			ethtool_sprintf(&data, "rx%u_%s", i, rx_names[n]);
	for (i = 0; i < dev->num_tx_queues; i++)
		for (n = 0; n < ARRAY_SIZE(tx_names); n++)
			ethtool_sprintf(&data, "tx%u_%s", i, tx_names[n]);
	for (n = 0; n < DMNIC_N_FAULTS; n++)
		ethtool_sprintf(&data, "fault_%s", dmnic_fault_names[n]);
}

void dmnic_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	const struct dmnic *nic = netdev_priv(dev);
	unsigned int i;

	BUILD_BUG_ON(sizeof(struct dmnic_rx_counts) != ARRAY_SIZE(rx_names) * sizeof(u64));
	BUILD_BUG_ON(sizeof(struct dmnic_tx_counts) != ARRAY_SIZE(tx_names) * sizeof(u64));
	for (i = 0; i < dev->num_rx_queues; i++, data += ARRAY_SIZE(rx_names))
		dmnic_rx_counts(&nic->rxq[i], (struct dmnic_rx_counts *)data);
	for (i = 0; i < dev->num_tx_queues; i++, data += ARRAY_SIZE(tx_names))
		dmnic_tx_counts(&nic->txq[i], (struct dmnic_tx_counts *)data);
	for (i = 0; i < DMNIC_N_FAULTS; i++)
		*data++ = atomic64_read(&nic->fault_hits[i]);
}
