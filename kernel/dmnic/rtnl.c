// SPDX-License-Identifier: GPL-2.0-only
/* The link type: `ip link add dm0 type dmnic peer name dm1` makes two connected interfaces;
 * deleting one deletes both. */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/veth.h>
#include <net/netdev_queues.h>

#include "dmnic.h"

#ifdef DMNIC_HAVE_NETMEM_TX
static bool netmem_tx = true;
module_param(netmem_tx, bool, 0444);
MODULE_PARM_DESC(
	netmem_tx,
	"interfaces can transmit device memory (default Y); N behaves like a driver without it");
#endif

static void dmnic_free(struct net_device *dev)
{
	dmnic_queues_free(netdev_priv(dev));
}

static void dmnic_setup(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);

	ether_setup(dev);
	nic->dev = dev;
	nic->ring = DMNIC_DEFAULT_RING;
	INIT_LIST_HEAD(&nic->rules);
	SET_NETDEV_DEV(dev, dmnic_dma_device());
	dev->netdev_ops = &dmnic_netdev_ops;
	dev->ethtool_ops = &dmnic_ethtool_ops;
	dev->queue_mgmt_ops = &dmnic_queue_mgmt_ops;
	dev->stat_ops = &dmnic_stat_ops;
	dev->max_mtu = DMNIC_MAX_MTU;
	dev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_RXCSUM | NETIF_F_TSO |
			   NETIF_F_TSO6 | NETIF_F_HIGHDMA | NETIF_F_NTUPLE;
	dev->features = dev->hw_features;
	dev->vlan_features = dev->hw_features & ~NETIF_F_NTUPLE;
	dev->needs_free_netdev = true;
	dev->priv_destructor = dmnic_free;
#ifdef DMNIC_HAVE_NETMEM_TX
	dev->netmem_tx = netmem_tx;
#endif
}

static unsigned int default_queues(void)
{
	return DMNIC_DEFAULT_QUEUES;
}

static int dmnic_validate(struct nlattr *tb[], struct nlattr *data[],
			  struct netlink_ext_ack *extack)
{
	if (tb[IFLA_ADDRESS] && (nla_len(tb[IFLA_ADDRESS]) != ETH_ALEN ||
				 !is_valid_ether_addr(nla_data(tb[IFLA_ADDRESS])))) {
		NL_SET_ERR_MSG(extack, "invalid Ethernet address");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

/* What the request says about the peer; the number of queues is the first end's unless said
 * otherwise. */
static int parse_peer(struct nlattr *tb[], struct nlattr *data[], struct nlattr *peer_tb[],
		      struct ifinfomsg **info, struct netlink_ext_ack *extack)
{
	int err;

	*info = NULL;
	memset(peer_tb, 0, (IFLA_MAX + 1) * sizeof(*peer_tb));
	if (data && data[VETH_INFO_PEER]) {
		*info = nla_data(data[VETH_INFO_PEER]);
		err = rtnl_nla_parse_ifinfomsg(peer_tb, data[VETH_INFO_PEER], extack);
		if (!err)
			err = dmnic_validate(peer_tb, NULL, extack);
		if (err)
			return err;
	}
	if (!peer_tb[IFLA_NUM_RX_QUEUES])
		peer_tb[IFLA_NUM_RX_QUEUES] = tb[IFLA_NUM_RX_QUEUES];
	if (!peer_tb[IFLA_NUM_TX_QUEUES])
		peer_tb[IFLA_NUM_TX_QUEUES] = tb[IFLA_NUM_TX_QUEUES];
	return 0;
}

static struct net_device *make_peer(struct net *src_net, struct nlattr *peer_tb[],
				    const struct ifinfomsg *info, struct netlink_ext_ack *extack)
{
	unsigned char assign = peer_tb[IFLA_IFNAME] ? NET_NAME_USER : NET_NAME_ENUM;
	struct net_device *peer;
	char name[IFNAMSIZ] = "dmnic%d";
	struct net *net;
	int err;

	if (peer_tb[IFLA_IFNAME])
		nla_strscpy(name, peer_tb[IFLA_IFNAME], IFNAMSIZ);
	net = rtnl_link_get_net(src_net, peer_tb);
	if (IS_ERR(net))
		return ERR_CAST(net);
	peer = rtnl_create_link(net, name, assign, &dmnic_link_ops, peer_tb, extack);
	if (IS_ERR(peer)) {
		put_net(net);
		return peer;
	}
	if (!peer_tb[IFLA_ADDRESS])
		eth_hw_addr_random(peer);
	if (info && info->ifi_index)
		peer->ifindex = info->ifi_index;
	err = register_netdevice(peer);
	put_net(net);
	if (err) {
		free_netdev(peer);
		return ERR_PTR(err);
	}
	netif_carrier_off(peer);
	return peer;
}

static int dmnic_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct nlattr *peer_tb[IFLA_MAX + 1];
	struct net_device *peer;
	struct ifinfomsg *info;
	int err;

	err = parse_peer(tb, data, peer_tb, &info, extack);
	if (err)
		return err;
	peer = make_peer(src_net, peer_tb, info, extack);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	err = rtnl_configure_link(peer, info, 0, NULL);
	if (err)
		goto err_peer;

	if (!tb[IFLA_ADDRESS])
		eth_hw_addr_random(dev);
	if (!tb[IFLA_IFNAME])
		strscpy(dev->name, "dmnic%d", IFNAMSIZ);
	err = register_netdevice(dev);
	if (err)
		goto err_peer;
	netif_carrier_off(dev);

	rcu_assign_pointer(((struct dmnic *)netdev_priv(dev))->peer, peer);
	rcu_assign_pointer(((struct dmnic *)netdev_priv(peer))->peer, dev);
	return 0;

err_peer:
	unregister_netdevice(peer);
	return err;
}

/* Neither end is freed before a grace period has passed, so a transmit under way still finds its
 * peer. */
static void dmnic_dellink(struct net_device *dev, struct list_head *head)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *peer = rtnl_dereference(nic->peer);

	RCU_INIT_POINTER(nic->peer, NULL);
	unregister_netdevice_queue(dev, head);
	if (!peer)
		return;
	nic = netdev_priv(peer);
	RCU_INIT_POINTER(nic->peer, NULL);
	unregister_netdevice_queue(peer, head);
}

static const struct nla_policy dmnic_policy[VETH_INFO_MAX + 1] = {
	[VETH_INFO_PEER] = {.len = sizeof(struct ifinfomsg)},
};

static struct net *get_link_net(const struct net_device *dev)
{
	const struct dmnic *nic = netdev_priv(dev);
	const struct net_device *peer = rtnl_dereference(nic->peer);

	return peer ? dev_net(peer) : dev_net(dev);
}

struct rtnl_link_ops dmnic_link_ops __read_mostly = {
	.kind = "dmnic",
	.priv_size = sizeof(struct dmnic),
	.setup = dmnic_setup,
	.validate = dmnic_validate,
	.newlink = dmnic_newlink,
	.dellink = dmnic_dellink,
	.policy = dmnic_policy,
	.maxtype = VETH_INFO_MAX,
	.get_link_net = get_link_net,
	.get_num_tx_queues = default_queues,
	.get_num_rx_queues = default_queues,
};
