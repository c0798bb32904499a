// SPDX-License-Identifier: GPL-2.0-only
/* The receive path: takes packets off the wire, splits headers from payload, gives them to the
 * stack. */
#include <linux/etherdevice.h>
#include <linux/tcp.h>
#include <net/page_pool/helpers.h>
#include <net/tcp.h>

#include "dmnic.h"

struct segment_counts {
	unsigned int bytes;
	unsigned int devmem;
	unsigned int linear;
};

static void count(struct dmnic_rxq *q, const struct segment_counts *segment)
{
	u64_stats_update_begin(&q->stats.sync);
	u64_stats_inc(&q->stats.packets);
	u64_stats_add(&q->stats.bytes, segment->bytes);
	u64_stats_add(&q->stats.devmem_bytes, segment->devmem);
	u64_stats_add(&q->stats.linear_bytes, segment->linear);
	u64_stats_update_end(&q->stats.sync);
}

static void count_drop(struct dmnic_rxq *q, u64_stats_t *reason)
{
	u64_stats_update_begin(&q->stats.sync);
	u64_stats_inc(reason);
	u64_stats_update_end(&q->stats.sync);
}

/* One buffer of the pool, filled with @len bytes at @offset of the packet on the wire. */
static int add_payload(struct dmnic_rxq *q, struct sk_buff *skb, unsigned int offset,
		       unsigned int len, __wsum *csum, struct segment_counts *segment)
{
	netmem_ref netmem = page_pool_alloc_netmems(q->pool, GFP_ATOMIC | __GFP_NOWARN);
	__wsum part = 0;
	int err;

	if (!netmem)
		return -ENOBUFS;
	err = dmnic_dma_copy(q->dev->dev.parent, q->cursor.skb, offset,
			     page_pool_get_dma_addr_netmem(netmem), len, &part);
	if (err) {
		page_pool_put_full_netmem(q->pool, netmem, false);
		return err;
	}
	/* Every buffer but the last of a packet is a whole page, so parts start at even bytes. */
	*csum = csum_add(*csum, part);
	if (netmem_is_net_iov(netmem)) {
		segment->devmem += len;
	} else {
		page_pool_dma_sync_for_cpu(q->pool, netmem_to_page(netmem), 0, len);
		if (q->devmem)
			segment->linear += len;
	}
	skb_add_rx_frag_netmem(skb, skb_shinfo(skb)->nr_frags, netmem, 0, len, PAGE_SIZE);
	skb_mark_for_recycle(skb);
	return 0;
}

/* The next segment of the packet at the cursor as the stack will see it; NULL when it had to be
 * dropped. */
static struct sk_buff *receive_segment(struct dmnic_rxq *q, unsigned int payload, bool last)
{
	struct dmnic_cursor *cursor = &q->cursor;
	struct segment_counts segment = {.bytes = cursor->header_len + payload};
	unsigned int done = 0;
	struct sk_buff *skb;
	__wsum csum = 0;
	void *header;

	skb = napi_alloc_skb(&q->napi, cursor->header_len);
	if (!skb)
		goto no_buffer;
	header = skb_put_data(skb, cursor->skb->data, cursor->header_len);
	while (done < payload) {
		unsigned int len = min_t(unsigned int, payload - done, PAGE_SIZE);

		if (add_payload(q, skb, cursor->header_len + cursor->offset + done, len, &csum,
				&segment))
			goto no_buffer;
		done += len;
	}
	dmnic_segment_header(cursor, header, payload, last);
	if (dmnic_segment_checksum(cursor, header, payload, csum))
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	else
		count_drop(q, &q->stats.csum_bad);
	/* The stack would have to read the payload to judge the checksum itself. */
	if (skb->ip_summed == CHECKSUM_NONE && !skb_frags_readable(skb)) {
		kfree_skb(skb);
		return NULL;
	}
	count(q, &segment);
	return skb;

no_buffer:
	kfree_skb(skb);
	count_drop(q, &q->stats.drops_nobuf);
	return NULL;
}

/* A packet that is not TCP, whole in host memory whatever the queue is bound to. */
static struct sk_buff *receive_whole(struct dmnic_rxq *q)
{
	const struct sk_buff *sent = q->cursor.skb;
	struct segment_counts segment = {.bytes = sent->len};
	struct sk_buff *skb;

	skb = napi_alloc_skb(&q->napi, sent->len);
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
	count(q, &segment);
	return skb;

drop:
	kfree_skb(skb);
	count_drop(q, &q->stats.drops_nobuf);
	return NULL;
}

static void deliver(struct dmnic_rxq *q, struct sk_buff *skb)
{
	skb->protocol = eth_type_trans(skb, q->dev);
	skb_record_rx_queue(skb, q->index);
	napi_gro_receive(&q->napi, skb);
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

/* Receives one segment of the packet at the cursor. */
static void receive_next(struct dmnic_rxq *q)
{
	struct dmnic_cursor *cursor = &q->cursor;
	unsigned int left, payload;
	struct sk_buff *skb;
	bool last;

	if (!cursor->header_len) {
		skb = receive_whole(q);
		packet_done(q);
		if (skb)
			deliver(q, skb);
		return;
	}
	left = cursor->skb->len - cursor->header_len - cursor->offset;
	payload = skb_is_gso(cursor->skb)
			  ? min_t(unsigned int, left, skb_shinfo(cursor->skb)->gso_size)
			  : left;
	last = payload == left;
	skb = receive_segment(q, payload, last);
	cursor->offset += payload;
	cursor->index++;
	if (last)
		packet_done(q);
	if (skb)
		deliver(q, skb);
}

int dmnic_poll(struct napi_struct *napi, int budget)
{
	struct dmnic_rxq *q = container_of(napi, struct dmnic_rxq, napi);
	int done = 0;

	while (done < budget && (q->cursor.skb || next_packet(q))) {
		receive_next(q);
		done++;
	}
	dmnic_tx_wake(q);
	if (done < budget && napi_complete_done(napi, done) && !skb_queue_empty_lockless(&q->wire))
		napi_schedule(napi);
	return done;
}
