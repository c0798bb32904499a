// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmit path: puts packets on the wire to the peer's receive queue, or gives them to the
 * device below.
 *
 * The wire loses nothing: when it is full the tx queue stops, like a link with flow control. The
 * packet itself lies on it, not a copy, so that the sender's socket is charged until the peer has
 * received it, as with hardware until its completion.
 */
#include <linux/etherdevice.h>

#include "dmnic.h"

static unsigned int devmem_bytes(const struct sk_buff *skb)
{
	return skb_frags_readable(skb) ? 0 : skb->data_len;
}

static void count(struct dmnic *nic, struct dmnic_tx_stats *stats, const struct sk_buff *skb)
{
	struct dmnic_flow flow;
	unsigned int header_len = 0, packets = 1, bytes;

	if (skb_is_gso(skb) && dmnic_parse_tcp(skb, &flow, &header_len))
		packets = dmnic_segments(skb, header_len);
	bytes = skb->len + (packets - 1) * header_len;
	dmnic_pace_charge(&nic->tx_pace, nic->speed, skb_get_queue_mapping(skb), bytes, packets);
	u64_stats_update_begin(&stats->sync);
	u64_stats_add(&stats->packets, packets);
	u64_stats_add(&stats->bytes, bytes);
	u64_stats_add(&stats->devmem_bytes, devmem_bytes(skb));
	u64_stats_update_end(&stats->sync);
}

static void count_drop(struct dmnic_tx_stats *stats)
{
	u64_stats_update_begin(&stats->sync);
	u64_stats_inc(&stats->drops);
	u64_stats_update_end(&stats->sync);
}

static bool wire_full(const struct dmnic *peer, const struct dmnic_rxq *q)
{
	return skb_queue_len_lockless(&q->wire) >= peer->ring;
}

/* Stops tx queue @index until @q has room again; checks again, since room may have come meanwhile.
 */
static void stop_when_full(struct net_device *dev, unsigned int index, const struct dmnic *peer,
			   struct dmnic_rxq *q)
{
	if (!wire_full(peer, q))
		return;
	netif_tx_stop_queue(netdev_get_tx_queue(dev, index));
	set_bit(index, q->waiting);
	smp_mb__after_atomic(); /* pairs with that in dmnic_tx_wake */
	if (!wire_full(peer, q) && test_and_clear_bit(index, q->waiting))
		netif_tx_wake_queue(netdev_get_tx_queue(dev, index));
}

/* To the other end of a pair. */
static void xmit_to_peer(struct sk_buff *skb, struct net_device *dev, struct net_device *peer_dev,
			 struct dmnic_tx_stats *stats)
{
	struct dmnic *peer = netdev_priv(peer_dev);
	struct dmnic_rxq *q = &peer->rxq[dmnic_steer(peer, skb)];

	count(netdev_priv(dev), stats, skb);
	skb_tx_timestamp(skb);
	skb_queue_tail(&q->wire, skb);
	stop_when_full(dev, skb_get_queue_mapping(skb), peer, q);
	napi_schedule(&q->napi);
}

static void xmit_to_lower(struct sk_buff *skb, struct net_device *dev, struct net_device *lower,
			  struct dmnic_tx_stats *stats)
{
	u64 hw_ns = 0;

	count(netdev_priv(dev), stats, skb);
	if (dmnic_stack_xmit(skb, dev, lower, &hw_ns))
		count_drop(stats);
	u64_stats_update_begin(&stats->sync);
	u64_stats_add(&stats->hw_ns, hw_ns);
	u64_stats_update_end(&stats->sync);
}

netdev_tx_t dmnic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_tx_stats *stats = &nic->txq[skb_get_queue_mapping(skb)];
	struct net_device *peer, *lower;

	rcu_read_lock();
	peer = rcu_dereference(nic->peer);
	lower = rcu_dereference(nic->lower);
	if (lower && netif_carrier_ok(dev)) {
		xmit_to_lower(skb, dev, lower, stats);
	} else if (peer && netif_running(peer) && netif_carrier_ok(dev)) {
		xmit_to_peer(skb, dev, peer, stats);
	} else {
		count_drop(stats);
		kfree_skb(skb);
	}
	dmnic_pace_tx(nic);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

/* Called by the receiving side when it has taken packets off the wire. */
void dmnic_tx_wake(struct dmnic_rxq *q)
{
	struct dmnic *nic = netdev_priv(q->dev);
	struct net_device *peer_dev;
	unsigned int index;

	smp_mb(); /* pairs with that in stop_when_full */
	if (bitmap_empty(q->waiting, 4096) || skb_queue_len_lockless(&q->wire) > nic->ring / 2)
		return;
	rcu_read_lock();
	peer_dev = rcu_dereference(nic->peer);
	for_each_set_bit (index, q->waiting, 4096)
		if (test_and_clear_bit(index, q->waiting) && peer_dev &&
		    index < peer_dev->num_tx_queues)
			netif_tx_wake_queue(netdev_get_tx_queue(peer_dev, index));
	rcu_read_unlock();
}
