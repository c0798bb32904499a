// SPDX-License-Identifier: GPL-2.0-only
/* The network device: open, stop, carrier, addresses. */
#include <linux/etherdevice.h>

#include "dmnic.h"

static bool link_up(const struct dmnic *nic)
{
	const struct net_device *peer = rtnl_dereference(nic->peer);
	const struct net_device *lower = rtnl_dereference(nic->lower);

	if (!netif_running(nic->dev) || nic->unplugged)
		return false;
	if (lower)
		return netif_running(lower) && netif_carrier_ok(lower);
	return peer && netif_running(peer) && !((struct dmnic *)netdev_priv(peer))->unplugged;
}

static void set_carrier(struct net_device *dev)
{
	if (link_up(netdev_priv(dev)))
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

/* The link is up when both ends are; a cable that is pulled out at one end is out for both. */
void dmnic_update_carrier(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *peer = rtnl_dereference(nic->peer);

	set_carrier(dev);
	if (peer)
		set_carrier(peer);
}

/* `ip link set dm0 carrier off` pulls the cable. */
static int dmnic_change_carrier(struct net_device *dev, bool on)
{
	struct dmnic *nic = netdev_priv(dev);

	nic->unplugged = !on;
	dmnic_update_carrier(dev);
	return 0;
}

static int dmnic_init(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	int err;

	/* Stacked, it sends from within its own transmit lock. */
	netdev_lockdep_set_classes(dev);
	dmnic_pace_init(nic);
	err = dmnic_rss_init(nic);
	return err ?: dmnic_queues_init(nic);
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
	if (dmnic_stacked(nic))
		err = dmnic_stack_open(dev);
	if (err) {
		dmnic_queues_stop(nic);
		return err;
	}
	netif_tx_start_all_queues(dev);
	dmnic_update_carrier(dev);
	return 0;
}

static int dmnic_stop(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);

	dmnic_update_carrier(dev);
	netif_carrier_off(dev);
	if (dmnic_stacked(nic))
		dmnic_stack_stop(dev);
	netif_tx_stop_all_queues(dev);
	dmnic_queues_stop(nic);
	dmnic_pace_stop(nic);
	return 0;
}

static int dmnic_get_iflink(const struct net_device *dev)
{
	const struct dmnic *nic = netdev_priv(dev);
	const struct net_device *other;
	int ifindex;

	rcu_read_lock();
	other = rcu_dereference(nic->lower) ?: rcu_dereference(nic->peer);
	ifindex = other ? READ_ONCE(other->ifindex) : READ_ONCE(dev->ifindex);
	rcu_read_unlock();
	return ifindex;
}

/* A stacked device takes the frames to its own address from the one below. */
static int dmnic_set_mac_address(struct net_device *dev, void *address)
{
	const struct dmnic *nic = netdev_priv(dev);

	if (dmnic_stacked(nic) && netif_running(dev))
		return -EBUSY;
	return eth_mac_addr(dev, address);
}

const struct net_device_ops dmnic_netdev_ops = {
	.ndo_init = dmnic_init,
	.ndo_uninit = dmnic_uninit,
	.ndo_open = dmnic_open,
	.ndo_stop = dmnic_stop,
	.ndo_start_xmit = dmnic_xmit,
	.ndo_get_stats64 = dmnic_get_stats64,
	.ndo_set_rx_mode = dmnic_set_rx_mode,
	.ndo_set_mac_address = dmnic_set_mac_address,
	.ndo_change_carrier = dmnic_change_carrier,
	.ndo_get_iflink = dmnic_get_iflink,
	.ndo_validate_addr = eth_validate_addr,
};
