// SPDX-License-Identifier: GPL-2.0-only
/* Where received payload goes: buffers of the queue's pool, filled by DMA. */
#include <linux/random.h>
#include <net/page_pool/helpers.h>

#include "arrival.h"

/* The DMA of @len bytes of payload from byte @from of it. */
static int fill_buffer(struct dmnic_rxq *q, struct dmnic_arrival *arrival, unsigned int from,
		       dma_addr_t to, unsigned int len, __wsum *csum)
{
	const struct dmnic_cursor *cursor = &q->cursor;
	u64 start = ktime_get_ns();
	__wsum part = 0;
	int err;

	err = dmnic_dma_copy(q->dev->dev.parent, cursor->skb,
			     cursor->header_len + cursor->offset + from, to, len, &part);
	*csum = csum_block_add(*csum, part, from);
	arrival->hw_ns += ktime_get_ns() - start;
	return err;
}

static unsigned int buffer_bytes(const struct dmnic_rxq *q)
{
	return PAGE_SIZE << q->pool->p.order;
}

/*
 * Room for *@len bytes, at *@at. A page takes one piece of payload; what does not fill a larger
 * buffer shares it with what comes next. *@len becomes what it takes of the pool.
 */
static netmem_ref take_buffer(struct dmnic_rxq *q, unsigned int *at, unsigned int *len)
{
	*at = 0;
	if (q->pool->p.order && *len < buffer_bytes(q))
		return page_pool_alloc_frag_netmem(q->pool, at, *len, GFP_ATOMIC | __GFP_NOWARN);
	*len = buffer_bytes(q);
	return page_pool_alloc_netmems(q->pool, GFP_ATOMIC | __GFP_NOWARN);
}

/* Adds a buffer of the pool with @len bytes of payload, from byte @from of it, after a @gap. */
static int add_buffer(struct dmnic_rxq *q, struct sk_buff *skb, struct dmnic_arrival *arrival,
		      unsigned int from, unsigned int gap, unsigned int len, __wsum *csum)
{
	unsigned int at, room = gap + len;
	netmem_ref netmem;
	int err;

	if (dmnic_fault(netdev_priv(q->dev), DMNIC_FAULT_NOBUF))
		return -ENOBUFS;
	netmem = take_buffer(q, &at, &room);
	at += gap;
	if (!netmem)
		return -ENOBUFS;
	err = fill_buffer(q, arrival, from, page_pool_get_dma_addr_netmem(netmem) + at, len, csum);
	if (err) {
		page_pool_put_full_netmem(q->pool, netmem, false);
		return err;
	}
	if (!netmem_is_net_iov(netmem))
		page_pool_dma_sync_for_cpu(q->pool, netmem_to_page(netmem), at, len);
	skb_add_rx_frag_netmem(skb, skb_shinfo(skb)->nr_frags, netmem, at, len, room);
	skb_mark_for_recycle(skb);
	return 0;
}

/* The same for payload that stays with the headers of @skb. */
static int add_linear(struct dmnic_rxq *q, struct sk_buff *skb, struct dmnic_arrival *arrival,
		      __wsum *csum)
{
	const struct dmnic_cursor *cursor = &q->cursor;
	u64 start = ktime_get_ns();
	int err;

	err = dmnic_dma_fetch(q->dev->dev.parent, cursor->skb, cursor->header_len + cursor->offset,
			      skb_put(skb, arrival->linear), arrival->linear, csum);
	arrival->hw_ns += ktime_get_ns() - start;
	return err;
}

static bool room_for_odd_pieces(const struct sk_buff *skb, unsigned int left)
{
	return skb_shinfo(skb)->nr_frags + DIV_ROUND_UP(left, PAGE_SIZE) + 1 < MAX_SKB_FRAGS;
}

/*
 * Fills @skb, which holds the headers, with the payload of @arrival and stores its checksum.
 * Payload beside the headers comes first.
 * -ENOBUFS: the queue has no buffer left.
 */
int dmnic_fill(struct dmnic_rxq *q, struct sk_buff *skb, struct dmnic_arrival *arrival,
	       __wsum *csum)
{
	unsigned int done = arrival->linear;
	int err = 0;

	*csum = 0;
	if (arrival->linear)
		err = add_linear(q, skb, arrival, csum);
	while (!err && done < arrival->payload) {
		unsigned int left = arrival->payload - done, gap = 0;
		unsigned int len = min(left, buffer_bytes(q));

		if (arrival->split && room_for_odd_pieces(skb, left)) {
			gap = get_random_u32_below(PAGE_SIZE / 4) * 2 + 1;
			len = min_t(unsigned int, left,
				    get_random_u32_below(PAGE_SIZE / 4) * 2 + 1);
		}
		err = add_buffer(q, skb, arrival, done, gap, len, csum);
		done += len;
	}
	return err;
}
