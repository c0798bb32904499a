// SPDX-License-Identifier: GPL-2.0-only
/* What ethtool shows and sets of rings with header split, channels and the driver's name. */
#include <linux/ethtool_netlink.h>

#include "dmnic.h"

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "dmnic", sizeof(info->driver));
}

static void get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_rx = dev->num_rx_queues;
	channels->max_tx = dev->num_tx_queues;
	channels->rx_count = dev->real_num_rx_queues;
	channels->tx_count = dev->real_num_tx_queues;
}

static void get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
	const struct dmnic *nic = netdev_priv(dev);

	ring->rx_max_pending = DMNIC_MAX_RING;
	ring->tx_max_pending = DMNIC_MAX_RING;
	ring->rx_pending = nic->ring;
	ring->tx_pending = nic->ring;
	kernel_ring->tcp_data_split = nic->header_split ? ETHTOOL_TCP_DATA_SPLIT_ENABLED
							: ETHTOOL_TCP_DATA_SPLIT_DISABLED;
}

/* Header split decides what the pools may hold, so all of them are made anew. */
static int set_header_split(struct net_device *dev, bool on)
{
	struct dmnic *nic = netdev_priv(dev);
	int err;

	if (!netif_running(dev)) {
		nic->header_split = on;
		return 0;
	}
	dmnic_queues_stop(nic);
	nic->header_split = on;
	err = dmnic_queues_start(nic);
	if (!err)
		return 0;
	nic->header_split = !on;
	if (dmnic_queues_start(nic))
		netdev_err(dev,
			   "no memory to restart the receive queues: set the link down and up\n");
	return err;
}

static int set_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			 struct kernel_ethtool_ringparam *kernel_ring,
			 struct netlink_ext_ack *extack)
{
	struct dmnic *nic = netdev_priv(dev);
	bool split = nic->header_split;
	int err;

	if (ring->rx_pending != ring->tx_pending && ring->tx_pending != nic->ring) {
		NL_SET_ERR_MSG(extack, "rx and tx rings are two ends of one wire: set rx");
		return -EINVAL;
	}
	if (!ring->rx_pending)
		return -EINVAL;
	if (kernel_ring->tcp_data_split != ETHTOOL_TCP_DATA_SPLIT_UNKNOWN)
		split = kernel_ring->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	if (!split && dmnic_any_queue_bound(dev)) {
		NL_SET_ERR_MSG(
			extack,
			"can't disable tcp-data-split while device has memory provider enabled");
		return -EINVAL;
	}
	if (split != nic->header_split) {
		err = set_header_split(dev, split);
		if (err)
			return err;
	}
	nic->ring = ring->rx_pending;
	return 0;
}

const struct ethtool_ops dmnic_ethtool_ops = {
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT,
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_channels = get_channels,
	.get_ringparam = get_ringparam,
	.set_ringparam = set_ringparam,
	.get_rxnfc = dmnic_get_rxnfc,
	.set_rxnfc = dmnic_set_rxnfc,
	.get_sset_count = dmnic_get_sset_count,
	.get_strings = dmnic_get_strings,
	.get_ethtool_stats = dmnic_get_ethtool_stats,
	.get_ts_info = ethtool_op_get_ts_info,
};
