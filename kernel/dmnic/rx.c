// SPDX-License-Identifier: GPL-2.0-only
/* The receive path: takes packets off the wire, splits headers from payload, gives them to the
 * stack. */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/random.h>
#include <linux/tcp.h>
#include <net/gro.h>
#include <net/page_pool/helpers.h>

#include "arrival.h"

/* A coalesced packet has at most so many fragments of a page, if buffers are pages. */
#define COALESCE_BYTES (16 * PAGE_SIZE)

static void count_one(struct dmnic_rxq *q, u64_stats_t *what)
{
	u64_stats_update_begin(&q->stats.sync);
	u64_stats_inc(what);
	u64_stats_update_end(&q->stats.sync);
}

/* @headers: bytes of the headers of one segment. */
static void count(struct dmnic_rxq *q, const struct sk_buff *skb, unsigned int headers,
		  unsigned int segments, u64 hw_ns)
{
	unsigned int payload = skb->len - headers;
	unsigned int devmem = skb_frags_readable(skb) ? 0 : skb->data_len;

	u64_stats_update_begin(&q->stats.sync);
	u64_stats_add(&q->stats.packets, segments);
	u64_stats_add(&q->stats.bytes, payload + segments * headers);
	u64_stats_add(&q->stats.devmem_bytes, devmem);
	if (q->devmem && headers)
		u64_stats_add(&q->stats.linear_bytes, payload - devmem);
	u64_stats_add(&q->stats.hw_ns, hw_ns);
	u64_stats_update_end(&q->stats.sync);
}

/* Packets with payload beside the headers, on a queue of device memory. */
struct rx_cb {
	bool past_gro;
};

static struct rx_cb *rx_cb(struct sk_buff *skb)
{
	return (struct rx_cb *)skb->cb;
}

static void deliver_now(struct dmnic_rxq *q, struct sk_buff *skb)
{
	bool past_gro = rx_cb(skb)->past_gro;

	skb->protocol = eth_type_trans(skb, q->dev);
	skb_record_rx_queue(skb, q->index);
	if (past_gro) {
		/* After what GRO holds of this flow, so that the order stays. */
		napi_gro_flush(&q->napi, false);
		netif_receive_skb(skb);
		return;
	}
	napi_gro_receive(&q->napi, skb);
}

static void deliver_held(struct dmnic_rxq *q)
{
	struct sk_buff *skb = q->held;

	q->held = NULL;
	if (skb)
		deliver_now(q, skb);
}

static void deliver(struct dmnic_rxq *q, struct sk_buff *skb)
{
	if (!q->held && dmnic_fault(netdev_priv(q->dev), DMNIC_FAULT_REORDER)) {
		q->held = skb;
		return;
	}
	deliver_now(q, skb);
	deliver_held(q);
}

/*
 * A checksum that is wrong. What the stack can read it may judge for itself; device memory it
 * cannot, so the NIC drops it.
 */
static bool bad_checksum(struct dmnic_rxq *q, struct sk_buff *skb,
			 const struct dmnic_arrival *arrival)
{
	const unsigned int at = q->cursor.header_len;
	u8 byte;

	count_one(q, &q->stats.csum_bad);
	if (!skb_frags_readable(skb))
		return false;
	if (arrival->corrupt && !skb_copy_bits(skb, at, &byte, 1)) {
		byte ^= 1;
		skb_store_bits(skb, at, &byte, 1);
	}
	return true;
}

/* A VLAN tag travels beside the packet, as NICs hand it over that strip it. */
static void copy_vlan_tag(struct sk_buff *skb, const struct sk_buff *sent)
{
	if (skb_vlan_tag_present(sent))
		__vlan_hwaccel_put_tag(skb, sent->vlan_proto, skb_vlan_tag_get(sent));
}

/* What arrives, with the headers of the segment at the cursor; NULL when it had to be dropped. */
static struct sk_buff *receive(struct dmnic_rxq *q, struct dmnic_arrival *arrival)
{
	const struct dmnic_cursor *cursor = &q->cursor;
	struct sk_buff *skb;
	__wsum csum;
	u64 start;

	skb = napi_alloc_skb(&q->napi, cursor->header_len + arrival->linear);
	if (!skb)
		goto no_buffer;
	skb_put_data(skb, cursor->skb->data, cursor->header_len);
	if (dmnic_fill(q, skb, arrival, &csum))
		goto no_buffer;
	start = ktime_get_ns();
	dmnic_segment_header(cursor, skb->data, arrival->payload, arrival->last);
	if (dmnic_segment_checksum(cursor, skb->data, arrival->payload, csum) && !arrival->corrupt)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	else if (!bad_checksum(q, skb, arrival))
		goto drop;
	arrival->hw_ns += ktime_get_ns() - start;
	if (arrival->segments > 1)
		dmnic_coalesced(skb, cursor, arrival->payload);
	skb_copy_hash(skb, cursor->skb);
	copy_vlan_tag(skb, cursor->skb);
	count(q, skb, cursor->header_len, arrival->segments, arrival->hw_ns);
	/* GRO in kernels without this project's series merges what the CPU can read with what it
	 * cannot. */
	rx_cb(skb)->past_gro = q->devmem && skb_headlen(skb) > cursor->header_len;
	return skb;

no_buffer:
	count_one(q, &q->stats.drops_nobuf);
drop:
	kfree_skb(skb);
	return NULL;
}

/* A packet that is not TCP, whole in host memory whatever the queue is bound to. */
static struct sk_buff *receive_whole(struct dmnic_rxq *q)
{
	const struct sk_buff *sent = q->cursor.skb;
	struct sk_buff *skb;
	u64 start;

	skb = napi_alloc_skb(&q->napi, sent->len);
	start = ktime_get_ns();
	if (!skb || skb_copy_bits(sent, 0, skb_put(skb, sent->len), sent->len))
		goto drop;
	if (sent->ip_summed == CHECKSUM_PARTIAL) {
		skb->csum_start = skb_headroom(skb) + skb_checksum_start_offset(sent);
		skb->csum_offset = sent->csum_offset;
		skb->ip_summed = CHECKSUM_PARTIAL;
		if (skb_checksum_help(skb))
			goto drop;
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	}
	copy_vlan_tag(skb, sent);
	count(q, skb, 0, 1, ktime_get_ns() - start);
	rx_cb(skb)->past_gro = false;
	return skb;

drop:
	kfree_skb(skb);
	count_one(q, &q->stats.drops_nobuf);
	return NULL;
}

static bool next_packet(struct dmnic_rxq *q)
{
	struct dmnic_flow flow;
	unsigned int header_len = 0;
	struct sk_buff *skb = skb_dequeue(&q->wire);

	if (!skb)
		return false;
	if (!dmnic_parse_tcp(skb, &flow, &header_len))
		header_len = 0;
	q->cursor = (struct dmnic_cursor){.skb = skb, .header_len = header_len};
	return true;
}

static void packet_done(struct dmnic_rxq *q)
{
	napi_consume_skb(q->cursor.skb, 1);
	q->cursor = (struct dmnic_cursor){};
}

/* How many bytes of the packet at the cursor become one packet for the stack. */
static unsigned int arriving_bytes(const struct dmnic_rxq *q, unsigned int left)
{
	unsigned int segment = skb_shinfo(q->cursor.skb)->gso_size;

	if (!skb_is_gso(q->cursor.skb))
		return left;
	if (q->dev->features & NETIF_F_GRO_HW && segment < COALESCE_BYTES)
		segment = rounddown(COALESCE_BYTES, segment);
	return min(left, segment);
}

static struct dmnic_arrival next_arrival(struct dmnic_rxq *q)
{
	const struct dmnic_cursor *cursor = &q->cursor;
	unsigned int left = cursor->skb->len - cursor->header_len - cursor->offset;
	struct dmnic_arrival arrival = {.payload = arriving_bytes(q, left), .segments = 1};
	struct dmnic *nic = netdev_priv(q->dev);

	arrival.last = arrival.payload == left;
	if (skb_is_gso(cursor->skb))
		arrival.segments = DIV_ROUND_UP(arrival.payload, skb_shinfo(cursor->skb)->gso_size);
	if (!arrival.payload || arrival.segments > 1)
		return arrival;
	arrival.corrupt = dmnic_fault(nic, DMNIC_FAULT_CORRUPT);
	arrival.split = dmnic_fault(nic, DMNIC_FAULT_SPLIT);
	if ((nic->header_split && arrival.payload <= READ_ONCE(nic->hds_thresh)) ||
	    dmnic_fault(nic, DMNIC_FAULT_LINEAR))
		arrival.linear = arrival.payload;
	else if (dmnic_fault(nic, DMNIC_FAULT_PARTIAL))
		arrival.linear = get_random_u32_inclusive(1, arrival.payload);
	return arrival;
}

static void receive_and_deliver(struct dmnic_rxq *q, struct dmnic_arrival *arrival)
{
	struct sk_buff *skb = receive(q, arrival);

	if (skb)
		deliver(q, skb);
}

/* Receives what comes next of the packet at the cursor. */
static void receive_next(struct dmnic_rxq *q)
{
	struct dmnic *nic = netdev_priv(q->dev);
	struct dmnic_cursor *cursor = &q->cursor;
	struct dmnic_arrival arrival;

	if (!cursor->header_len) {
		struct sk_buff *skb = receive_whole(q);

		dmnic_pace_charge(&nic->rx_pace, nic->speed, q->index, cursor->skb->len, 1);
		if (skb)
			deliver(q, skb);
		packet_done(q);
		return;
	}
	arrival = next_arrival(q);
	dmnic_pace_charge(&nic->rx_pace, nic->speed, q->index,
			  arrival.payload + arrival.segments * cursor->header_len,
			  arrival.segments);
	if (!dmnic_fault(nic, DMNIC_FAULT_LOSS)) {
		receive_and_deliver(q, &arrival);
		if (dmnic_fault(nic, DMNIC_FAULT_DUPLICATE))
			receive_and_deliver(q, &arrival);
	}
	cursor->offset += arrival.payload;
	cursor->index += arrival.segments;
	if (arrival.last)
		packet_done(q);
}

int dmnic_poll(struct napi_struct *napi, int budget)
{
	struct dmnic_rxq *q = container_of(napi, struct dmnic_rxq, napi);
	struct dmnic *nic = netdev_priv(q->dev);
	int done = 0;
	u64 wait = 0;

	while (done < budget && (q->cursor.skb || next_packet(q))) {
		wait = dmnic_pace_wait(&nic->rx_pace, nic->speed);
		if (wait)
			break;
		receive_next(q);
		done++;
	}
	if (done < budget)
		deliver_held(q);
	dmnic_tx_wake(q);
	if (done == budget || !napi_complete_done(napi, done))
		return done;
	if (wait)
		dmnic_pace_rx(q, wait);
	else if (!skb_queue_empty_lockless(&q->wire))
		napi_schedule(napi);
	return done;
}
