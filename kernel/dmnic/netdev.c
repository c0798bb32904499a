// SPDX-License-Identifier: GPL-2.0-only
/* The network device: open, stop, carrier. */
#include <linux/etherdevice.h>

#include "dmnic.h"

/* The link is up when both ends are. */
static void update_carrier(struct net_device *dev, struct net_device *peer)
{
	bool up = peer && netif_running(dev) && netif_running(peer);

	(up ? netif_carrier_on : netif_carrier_off)(dev);
	if (peer)
		(up ? netif_carrier_on : netif_carrier_off)(peer);
}

static int dmnic_init(struct net_device *dev)
{
	return dmnic_queues_init(netdev_priv(dev));
}

static void dmnic_uninit(struct net_device *dev)
{
	dmnic_rules_free(netdev_priv(dev));
}

static int dmnic_open(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	int err = dmnic_queues_start(nic);

	if (err)
		return err;
	netif_tx_start_all_queues(dev);
	update_carrier(dev, rtnl_dereference(nic->peer));
	return 0;
}

static int dmnic_stop(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *peer = rtnl_dereference(nic->peer);

	netif_carrier_off(dev);
	if (peer)
		netif_carrier_off(peer);
	netif_tx_stop_all_queues(dev);
	dmnic_queues_stop(nic);
	return 0;
}

const struct net_device_ops dmnic_netdev_ops = {
	.ndo_init = dmnic_init,
	.ndo_uninit = dmnic_uninit,
	.ndo_open = dmnic_open,
	.ndo_stop = dmnic_stop,
	.ndo_start_xmit = dmnic_xmit,
	.ndo_get_stats64 = dmnic_get_stats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};
