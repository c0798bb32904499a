// SPDX-License-Identifier: GPL-2.0-only
/* What ethtool shows and sets of rings, channels, the port and the driver. */
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
#ifdef DMNIC_HAVE_HDS_THRESH
	kernel_ring->hds_thresh = nic->hds_thresh;
	kernel_ring->hds_thresh_max = DMNIC_MAX_HDS_THRESH;
#endif
}

static int set_hds_thresh(struct dmnic *nic, const struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
#ifdef DMNIC_HAVE_HDS_THRESH
	if (kernel_ring->hds_thresh && dmnic_any_queue_bound(nic->dev)) {
		NL_SET_ERR_MSG(extack, "device memory is bound: hds-thresh must stay 0");
		return -EINVAL;
	}
	WRITE_ONCE(nic->hds_thresh, kernel_ring->hds_thresh);
#endif
	return 0;
}

/* Stops all queues, lets @change with @arg alter what they are made by, and starts them again; as
 * before when that fails. */
static int restart_queues(struct dmnic *nic, int (*change)(struct dmnic *nic, unsigned int arg),
			  unsigned int arg, unsigned int old)
{
	int err;

	if (!netif_running(nic->dev))
		return change(nic, arg);
	dmnic_queues_stop(nic);
	err = change(nic, arg);
	if (!err) {
		err = dmnic_queues_start(nic);
		if (!err)
			return 0;
		change(nic, old);
	}
	if (dmnic_queues_start(nic))
		netdev_err(nic->dev,
			   "no memory to restart the receive queues: set the link down and up\n");
	return err;
}

static int change_rx_queues(struct dmnic *nic, unsigned int queues)
{
	return netif_set_real_num_rx_queues(nic->dev, queues);
}

static int set_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	struct dmnic *nic = netdev_priv(dev);
	int err;

	if (dmnic_rules_use_queue_from(nic, channels->rx_count)) {
		netdev_err(dev,
			   "a flow steering rule leads to a queue beyond %u: delete it first\n",
			   channels->rx_count);
		return -EBUSY;
	}
	if (channels->rx_count != dev->real_num_rx_queues) {
		err = restart_queues(nic, change_rx_queues, channels->rx_count,
				     dev->real_num_rx_queues);
		if (!err && !netif_is_rxfh_configured(dev))
			err = dmnic_rss_default(nic, channels->rx_count);
		if (err)
			return err;
	}
	return netif_set_real_num_tx_queues(dev, channels->tx_count);
}

/* Header split decides what the pools may hold, so all of them are made anew. */
static int change_header_split(struct dmnic *nic, unsigned int on)
{
	nic->header_split = on;
	return 0;
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
		err = restart_queues(nic, change_header_split, split, nic->header_split);
		if (err)
			return err;
	}
	nic->ring = ring->rx_pending;
	return set_hds_thresh(nic, kernel_ring, extack);
}

static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *link)
{
	const struct dmnic *nic = netdev_priv(dev);

	link->base.speed = nic->speed ?: SPEED_UNKNOWN;
	link->base.duplex = DUPLEX_FULL;
	link->base.port = PORT_OTHER;
	link->base.autoneg = nic->speed ? AUTONEG_DISABLE : AUTONEG_ENABLE;
	return 0;
}

/* `ethtool -s dm0 speed MBITS autoneg off` limits the port, `autoneg on` lets it go as fast as it
 * can. */
static int set_link_ksettings(struct net_device *dev, const struct ethtool_link_ksettings *link)
{
	struct dmnic *nic = netdev_priv(dev);

	if (link->base.autoneg == AUTONEG_DISABLE &&
	    (!link->base.speed || link->base.speed == (u32)SPEED_UNKNOWN))
		return -EINVAL;
	nic->speed = link->base.autoneg == AUTONEG_DISABLE ? link->base.speed : 0;
	return 0;
}

static int get_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	const struct dmnic *nic = netdev_priv(dev);

	coalesce->rx_coalesce_usecs = nic->rx_pace.usecs;
	coalesce->tx_coalesce_usecs = nic->tx_pace.usecs;
	return 0;
}

static int set_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	struct dmnic *nic = netdev_priv(dev);

	if (max(coalesce->rx_coalesce_usecs, coalesce->tx_coalesce_usecs) > DMNIC_MAX_USECS) {
		NL_SET_ERR_MSG(extack, "at most 100000 microseconds");
		return -ERANGE;
	}
	WRITE_ONCE(nic->rx_pace.usecs, coalesce->rx_coalesce_usecs);
	WRITE_ONCE(nic->tx_pace.usecs, coalesce->tx_coalesce_usecs);
	return 0;
}

const struct ethtool_ops dmnic_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS | ETHTOOL_COALESCE_TX_USECS,
#ifdef DMNIC_HAVE_HDS_THRESH
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT | ETHTOOL_RING_USE_HDS_THRS,
#else
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT,
#endif
	.rxfh_per_ctx_key = true,
	.rxfh_indir_space = DMNIC_RSS_TABLE,
	.rxfh_key_space = DMNIC_RSS_KEY,
	.rxfh_max_num_contexts = DMNIC_RSS_CONTEXTS,
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_channels = get_channels,
	.set_channels = set_channels,
	.get_link_ksettings = get_link_ksettings,
	.set_link_ksettings = set_link_ksettings,
	.get_ringparam = get_ringparam,
	.set_ringparam = set_ringparam,
	.get_coalesce = get_coalesce,
	.set_coalesce = set_coalesce,
	.get_rxnfc = dmnic_get_rxnfc,
	.set_rxnfc = dmnic_set_rxnfc,
	.get_rxfh_indir_size = dmnic_get_rxfh_indir_size,
	.get_rxfh_key_size = dmnic_get_rxfh_key_size,
	.get_rxfh = dmnic_get_rxfh,
	.set_rxfh = dmnic_set_rxfh,
	.create_rxfh_context = dmnic_create_rxfh_context,
	.modify_rxfh_context = dmnic_modify_rxfh_context,
	.remove_rxfh_context = dmnic_remove_rxfh_context,
	.get_sset_count = dmnic_get_sset_count,
	.get_strings = dmnic_get_strings,
	.get_ethtool_stats = dmnic_get_ethtool_stats,
	.get_ts_info = ethtool_op_get_ts_info,
};
