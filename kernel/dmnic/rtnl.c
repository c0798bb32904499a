// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link type. `ip link add dm0 type dmnic peer name dm1` makes two connected interfaces,
 * deleting one deletes both; `ip link add link eth0 name dm0 type dmnic` makes one on top of
 * another.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/module.h>
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
	dmnic_rss_free(netdev_priv(dev));
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
			   NETIF_F_TSO6 | NETIF_F_HIGHDMA | NETIF_F_NTUPLE | NETIF_F_RXHASH |
			   NETIF_F_GRO_HW;
	/* VLAN tags are kept apart from packets, always, so that what is split and steered starts
	 * with the IP header. */
	dev->features = (dev->hw_features & ~NETIF_F_GRO_HW) | NETIF_F_HW_VLAN_CTAG_TX |
			NETIF_F_HW_VLAN_CTAG_RX;
	dev->vlan_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 |
			     NETIF_F_HIGHDMA;
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
	if (data && data[IFLA_DMNIC_PEER]) {
		*info = nla_data(data[IFLA_DMNIC_PEER]);
		err = rtnl_nla_parse_ifinfomsg(peer_tb, data[IFLA_DMNIC_PEER], extack);
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

static int parse_faults(struct dmnic *nic, struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	int left;

	if (!data || !data[IFLA_DMNIC_FAULTS])
		return 0;
	nla_for_each_nested (attr, data[IFLA_DMNIC_FAULTS], left) {
		unsigned int fault = nla_type(attr) - 1;

		if (fault >= DMNIC_N_FAULTS || nla_len(attr) != sizeof(u32)) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "no such fault");
			return -EINVAL;
		}
		WRITE_ONCE(nic->faults[fault], nla_get_u32(attr));
	}
	return 0;
}

static int register_end(struct net_device *dev, struct nlattr *tb[])
{
	int err;

	if (!tb[IFLA_ADDRESS])
		eth_hw_addr_random(dev);
	if (!tb[IFLA_IFNAME])
		strscpy(dev->name, "dmnic%d", IFNAMSIZ);
	err = register_netdevice(dev);
	if (!err)
		netif_carrier_off(dev);
	return err;
}

static int newlink_pair(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
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
	if (!err)
		err = register_end(dev, tb);
	if (err) {
		unregister_netdevice(peer);
		return err;
	}
	rcu_assign_pointer(((struct dmnic *)netdev_priv(dev))->peer, peer);
	rcu_assign_pointer(((struct dmnic *)netdev_priv(peer))->peer, dev);
	return 0;
}

static int newlink_stacked(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			   struct netlink_ext_ack *extack)
{
	struct net_device *lower = __dev_get_by_index(src_net, nla_get_u32(tb[IFLA_LINK]));
	int err;

	if (!lower)
		return -ENODEV;
	if (lower->type != ARPHRD_ETHER || lower->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG(extack, "the device below must be an Ethernet device");
		return -EINVAL;
	}
	if (!tb[IFLA_MTU])
		dev->mtu = lower->mtu;
	err = register_end(dev, tb);
	if (err)
		return err;
	err = dmnic_stack_attach(dev, lower, extack);
	if (err)
		unregister_netdevice(dev);
	return err;
}

static int dmnic_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	int err = parse_faults(netdev_priv(dev), data, extack);

	if (err)
		return err;
	return tb[IFLA_LINK] ? newlink_stacked(src_net, dev, tb, extack)
			     : newlink_pair(src_net, dev, tb, data, extack);
}

static int dmnic_changelink(struct net_device *dev, struct nlattr *tb[], struct nlattr *data[],
			    struct netlink_ext_ack *extack)
{
	if (data && data[IFLA_DMNIC_PEER]) {
		NL_SET_ERR_MSG(extack, "the other end cannot be exchanged");
		return -EINVAL;
	}
	return parse_faults(netdev_priv(dev), data, extack);
}

static size_t get_size(const struct net_device *dev)
{
	return nla_total_size(DMNIC_N_FAULTS * nla_total_size(sizeof(u32)));
}

/* The faults that are on. */
static int fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct dmnic *nic = netdev_priv(dev);
	struct nlattr *nest = nla_nest_start(skb, IFLA_DMNIC_FAULTS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < DMNIC_N_FAULTS; i++) {
		if (nic->faults[i] && nla_put_u32(skb, i + 1, nic->faults[i]))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* Neither end is freed before a grace period has passed, so a transmit under way still finds its
 * peer. */
static void dmnic_dellink(struct net_device *dev, struct list_head *head)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *peer = rtnl_dereference(nic->peer);

	dmnic_stack_detach(dev);
	RCU_INIT_POINTER(nic->peer, NULL);
	unregister_netdevice_queue(dev, head);
	if (!peer)
		return;
	nic = netdev_priv(peer);
	RCU_INIT_POINTER(nic->peer, NULL);
	unregister_netdevice_queue(peer, head);
}

static const struct nla_policy dmnic_policy[IFLA_DMNIC_MAX + 1] = {
	[IFLA_DMNIC_PEER] = {.len = sizeof(struct ifinfomsg)},
	[IFLA_DMNIC_FAULTS] = {.type = NLA_NESTED},
};

static struct net *get_link_net(const struct net_device *dev)
{
	const struct dmnic *nic = netdev_priv(dev);
	const struct net_device *other = rtnl_dereference(nic->peer)
						 ?: rtnl_dereference(nic->lower);

	return dev_net(other ?: dev);
}

struct rtnl_link_ops dmnic_link_ops __read_mostly = {
	.kind = "dmnic",
	.priv_size = sizeof(struct dmnic),
	.setup = dmnic_setup,
	.validate = dmnic_validate,
	.newlink = dmnic_newlink,
	.changelink = dmnic_changelink,
	.get_size = get_size,
	.fill_info = fill_info,
	.dellink = dmnic_dellink,
	.policy = dmnic_policy,
	.maxtype = IFLA_DMNIC_MAX,
	.get_link_net = get_link_net,
	.get_num_tx_queues = default_queues,
	.get_num_rx_queues = default_queues,
};
