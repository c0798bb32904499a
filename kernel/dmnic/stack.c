// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stacked shape: a dmnic on top of any Ethernet device, so that machines that have no such NIC
 * can speak device memory TCP over the network that they have.
 *
 * It takes the frames to its own address from the device below, and copies of those to many. What
 * it sends is copied out of device memory first, as its DMA would have done.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "dmnic.h"

/* Ethernet, IPv6 or IPv4 with options, TCP with options. */
#define MOST_HEADERS (VLAN_ETH_HLEN + 60 + 60)

static void receive_frame(struct net_device *dev, struct sk_buff *skb)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_rxq *q;

	skb_push(skb, ETH_HLEN);
	if (skb_vlan_tag_present(skb))
		skb = __vlan_hwaccel_push_inside(skb);
	if (!skb)
		return;
	if (!netif_running(dev) || !netif_carrier_ok(dev) ||
	    !pskb_may_pull(skb, min(skb->len, MOST_HEADERS))) {
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
		return;
	}
	skb_orphan(skb);
	q = &nic->rxq[dmnic_steer(nic, skb)];
	if (skb_queue_len_lockless(&q->wire) >= nic->ring) {
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
		return;
	}
	skb_queue_tail(&q->wire, skb);
	napi_schedule(&q->napi);
}

static rx_handler_result_t from_lower(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct net_device *dev = rcu_dereference(skb->dev->rx_handler_data);

	if (skb->pkt_type == PACKET_LOOPBACK)
		return RX_HANDLER_PASS;
	if (is_multicast_ether_addr(eth_hdr(skb)->h_dest)) {
		skb = skb_copy(skb, GFP_ATOMIC);
		if (skb)
			receive_frame(dev, skb);
		return RX_HANDLER_PASS;
	}
	if (!ether_addr_equal(eth_hdr(skb)->h_dest, dev->dev_addr))
		return RX_HANDLER_PASS;
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (skb)
		receive_frame(dev, skb);
	return RX_HANDLER_CONSUMED;
}

/* Lets the sender's socket know, when the copy has left, that it may send more. */
static void release_original(struct sk_buff *copy)
{
	consume_skb(skb_shinfo(copy)->destructor_arg);
}

static int copy_payload(struct net_device *dev, const struct sk_buff *skb, struct sk_buff *copy,
			unsigned int header_len)
{
	unsigned int done = 0;
	int i, err = 0;

	for (i = 0; !err && i < skb_shinfo(copy)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(copy)->frags[i];
		__wsum unused = 0;

		err = dmnic_dma_fetch(dev->dev.parent, skb, header_len + done,
				      skb_frag_address(frag), skb_frag_size(frag), &unused);
		done += skb_frag_size(frag);
	}
	return err;
}

/* A packet in host memory that says what @skb, with payload in device memory, says. */
static struct sk_buff *host_copy(struct net_device *dev, struct sk_buff *skb, u64 *hw_ns)
{
	unsigned int header_len = skb_headlen(skb);
	struct sk_buff *copy;
	u64 start;
	int err;

	copy = alloc_skb_with_frags(LL_RESERVED_SPACE(dev) + header_len, skb->data_len,
				    PAGE_ALLOC_COSTLY_ORDER, &err, GFP_ATOMIC);
	if (!copy)
		return NULL;
	skb_reserve(copy, LL_RESERVED_SPACE(dev));
	skb_put_data(copy, skb->data, header_len);
	copy->data_len = skb->data_len;
	copy->len += skb->data_len;
	start = ktime_get_ns();
	err = copy_payload(dev, skb, copy, header_len);
	*hw_ns += ktime_get_ns() - start;
	if (err) {
		kfree_skb(copy);
		return NULL;
	}
	skb_reset_mac_header(copy);
	skb_set_network_header(copy, skb_network_offset(skb));
	skb_set_transport_header(copy, skb_transport_offset(skb));
	copy->ip_summed = skb->ip_summed;
	copy->csum_start = skb_headroom(copy) + skb_checksum_start_offset(skb);
	copy->csum_offset = skb->csum_offset;
	copy->protocol = skb->protocol;
	copy->priority = skb->priority;
	skb_shinfo(copy)->gso_size = skb_shinfo(skb)->gso_size;
	skb_shinfo(copy)->gso_segs = skb_shinfo(skb)->gso_segs;
	skb_shinfo(copy)->gso_type = skb_shinfo(skb)->gso_type;
	skb_shinfo(copy)->destructor_arg = skb;
	copy->destructor = release_original;
	return copy;
}

/* Consumes @skb. Not 0: it was dropped. */
int dmnic_stack_xmit(struct sk_buff *skb, struct net_device *dev, struct net_device *lower,
		     u64 *hw_ns)
{
	int sent;

	if (!skb_frags_readable(skb)) {
		struct sk_buff *copy = host_copy(dev, skb, hw_ns);

		if (!copy) {
			kfree_skb(skb);
			return -ENOMEM;
		}
		skb = copy;
	}
	skb->dev = lower;
	sent = dev_queue_xmit(skb);
	return net_xmit_eval(sent); /* a macro that evaluates its argument twice */
}

int dmnic_stack_open(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);

	return dev_uc_add(rtnl_dereference(nic->lower), dev->dev_addr);
}

void dmnic_stack_stop(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *lower = rtnl_dereference(nic->lower);

	dev_mc_unsync(lower, dev);
	dev_uc_unsync(lower, dev);
	dev_uc_del(lower, dev->dev_addr);
}

/* The device below listens to the addresses of the one above as well. */
void dmnic_set_rx_mode(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *lower;

	rcu_read_lock();
	lower = rcu_dereference(nic->lower);
	if (lower) {
		dev_mc_sync(lower, dev);
		dev_uc_sync(lower, dev);
	}
	rcu_read_unlock();
}

int dmnic_stack_attach(struct net_device *dev, struct net_device *lower,
		       struct netlink_ext_ack *extack)
{
	struct dmnic *nic = netdev_priv(dev);
	int err;

	err = netdev_rx_handler_register(lower, from_lower, dev);
	if (err) {
		NL_SET_ERR_MSG(extack, "the device below is in use: by a bridge, a bond, a macvlan "
				       "or another dmnic");
		return err;
	}
	err = netdev_upper_dev_link(lower, dev, extack);
	if (err) {
		netdev_rx_handler_unregister(lower);
		return err;
	}
	rcu_assign_pointer(nic->lower, lower);
	return 0;
}

void dmnic_stack_detach(struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	struct net_device *lower = rtnl_dereference(nic->lower);

	if (!lower)
		return;
	RCU_INIT_POINTER(nic->lower, NULL);
	netdev_upper_dev_unlink(lower, dev);
	netdev_rx_handler_unregister(lower);
}

static struct net_device *dmnic_above(struct net_device *lower)
{
	if (rtnl_dereference(lower->rx_handler) != from_lower)
		return NULL;
	return rtnl_dereference(lower->rx_handler_data);
}

/* The link goes up and down, and away, with the device below. */
static int lower_event(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *dev = dmnic_above(netdev_notifier_info_to_dev(info));
	LIST_HEAD(gone);

	if (!dev)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		dmnic_update_carrier(dev);
		break;
	case NETDEV_UNREGISTER:
		/* Not when it only moves to another network namespace. */
		if (netdev_notifier_info_to_dev(info)->reg_state != NETREG_UNREGISTERING)
			break;
		dmnic_link_ops.dellink(dev, &gone);
		unregister_netdevice_many(&gone);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block lower_notifier = {.notifier_call = lower_event};

int dmnic_stack_init(void)
{
	return register_netdevice_notifier(&lower_notifier);
}

void dmnic_stack_exit(void)
{
	unregister_netdevice_notifier(&lower_notifier);
}
