// SPDX-License-Identifier: GPL-2.0-only
/* Receive queues: their page pools, and stopping, exchanging and starting each alone, as binding
 * device memory asks for. */
#include <linux/bitmap.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/page_pool/helpers.h>

#include "dmnic.h"

/* What the core carries from one incarnation of a queue to the next. */
struct dmnic_queue_mem {
	struct page_pool *pool;
	bool devmem;
};

static bool queue_bound(const struct net_device *dev, unsigned int index)
{
	return dev->_rx[index].mp_params.mp_priv;
}

/* Of the queue's buffers, as whoever bound its memory asked for. */
static unsigned int buffer_order(const struct net_device *dev, unsigned int index)
{
#ifdef DMNIC_HAVE_RX_PAGE_SIZE
	if (queue_bound(dev, index))
		return get_order(dev->_rx[index].mp_params.rx_page_size);
#endif
	return 0;
}

bool dmnic_any_queue_bound(const struct net_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->real_num_rx_queues; i++)
		if (queue_bound(dev, i))
			return true;
	return false;
}

static int queue_mem_alloc(struct net_device *dev, void *per_queue_mem, int index)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_queue_mem *mem = per_queue_mem;
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.order = buffer_order(dev, index),
		.pool_size = queue_bound(dev, index) ? DMNIC_POOL_DEVMEM : DMNIC_POOL_HOST,
		.nid = NUMA_NO_NODE,
		.dev = dev->dev.parent,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE << buffer_order(dev, index),
		.netdev = dev,
		.queue_idx = index,
	};

	mem->pool = NULL;
	if (!netif_running(dev))
		return -ENETDOWN;
	if (dmnic_fault(nic, DMNIC_FAULT_RESTART) ||
	    (queue_bound(dev, index) && dmnic_fault(nic, DMNIC_FAULT_BIND)))
		return -ENOMEM;
	/* Without header split the NIC would put headers where the stack cannot read them: the core
	 * then refuses to bind. */
	if (nic->header_split)
		params.flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;
	mem->pool = page_pool_create(&params);
	if (IS_ERR(mem->pool)) {
		int err = PTR_ERR(mem->pool);

		mem->pool = NULL;
		return err;
	}
	mem->devmem = queue_bound(dev, index) && nic->header_split;
	return 0;
}

static void queue_mem_free(struct net_device *dev, void *per_queue_mem)
{
	struct dmnic_queue_mem *mem = per_queue_mem;

	if (mem->pool)
		page_pool_destroy(mem->pool);
}

static int queue_start(struct net_device *dev, void *per_queue_mem, int index)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_queue_mem *mem = per_queue_mem;
	struct dmnic_rxq *q = &nic->rxq[index];

	q->pool = mem->pool;
	q->devmem = mem->devmem;
	mem->pool = NULL;
	napi_enable(&q->napi);
	/* Packets may have come while the queue was stopped. */
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
	return 0;
}

static int queue_stop(struct net_device *dev, void *per_queue_mem, int index)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_queue_mem *mem = per_queue_mem;
	struct dmnic_rxq *q = &nic->rxq[index];

	if (!q->pool)
		return -ENETDOWN;
	napi_disable(&q->napi);
	WRITE_ONCE(q->paced, false);
	kfree_skb(q->held);
	q->held = NULL;
	mem->pool = q->pool;
	mem->devmem = q->devmem;
	q->pool = NULL;
	return 0;
}

const struct netdev_queue_mgmt_ops dmnic_queue_mgmt_ops = {
	.ndo_queue_mem_size = sizeof(struct dmnic_queue_mem),
	.ndo_queue_mem_alloc = queue_mem_alloc,
	.ndo_queue_mem_free = queue_mem_free,
	.ndo_queue_start = queue_start,
	.ndo_queue_stop = queue_stop,
};

static void wire_purge(struct dmnic_rxq *q)
{
	__skb_queue_purge(&q->wire);
	kfree_skb(q->cursor.skb);
	q->cursor = (struct dmnic_cursor){};
}

/* Called by ndo_open and when all queues change at once. */
int dmnic_queues_start(struct dmnic *nic)
{
	struct dmnic_queue_mem mem;
	unsigned int i;
	int err;

	for (i = 0; i < nic->dev->real_num_rx_queues; i++) {
		err = queue_mem_alloc(nic->dev, &mem, i);
		if (err)
			goto err_stop;
		queue_start(nic->dev, &mem, i);
		netif_queue_set_napi(nic->dev, i, NETDEV_QUEUE_TYPE_RX, &nic->rxq[i].napi);
	}
	return 0;

err_stop:
	dmnic_queues_stop(nic);
	return err;
}

void dmnic_queues_stop(struct dmnic *nic)
{
	struct dmnic_queue_mem mem;
	unsigned int i;

	for (i = 0; i < nic->dev->num_rx_queues; i++) {
		if (queue_stop(nic->dev, &mem, i))
			continue;
		netif_queue_set_napi(nic->dev, i, NETDEV_QUEUE_TYPE_RX, NULL);
		queue_mem_free(nic->dev, &mem);
		spin_lock_bh(&nic->rxq[i].wire.lock);
		wire_purge(&nic->rxq[i]);
		spin_unlock_bh(&nic->rxq[i].wire.lock);
	}
}

int dmnic_queues_init(struct dmnic *nic)
{
	unsigned int i;

	nic->rxq = kvcalloc(nic->dev->num_rx_queues, sizeof(*nic->rxq), GFP_KERNEL_ACCOUNT);
	nic->txq = kvcalloc(nic->dev->num_tx_queues, sizeof(*nic->txq), GFP_KERNEL_ACCOUNT);
	if (!nic->rxq || !nic->txq)
		goto err_free;
	for (i = 0; i < nic->dev->num_rx_queues; i++) {
		/* The peer has its own number of tx queues: room for the most that a link may have.
		 */
		nic->rxq[i].waiting = bitmap_zalloc(4096, GFP_KERNEL_ACCOUNT);
		if (!nic->rxq[i].waiting)
			goto err_free;
	}
	for (i = 0; i < nic->dev->num_rx_queues; i++) {
		struct dmnic_rxq *q = &nic->rxq[i];

		q->dev = nic->dev;
		q->index = i;
		skb_queue_head_init(&q->wire);
		u64_stats_init(&q->stats.sync);
		netif_napi_add(nic->dev, &q->napi, dmnic_poll);
	}
	for (i = 0; i < nic->dev->num_tx_queues; i++)
		u64_stats_init(&nic->txq[i].sync);
	return 0;

err_free:
	for (i = 0; nic->rxq && i < nic->dev->num_rx_queues; i++)
		bitmap_free(nic->rxq[i].waiting);
	kvfree(nic->rxq);
	kvfree(nic->txq);
	nic->rxq = NULL;
	nic->txq = NULL;
	return -ENOMEM;
}

void dmnic_queues_free(struct dmnic *nic)
{
	unsigned int i;

	if (!nic->rxq)
		return;
	for (i = 0; i < nic->dev->num_rx_queues; i++) {
		netif_napi_del(&nic->rxq[i].napi);
		wire_purge(&nic->rxq[i]);
		bitmap_free(nic->rxq[i].waiting);
	}
	kvfree(nic->rxq);
	kvfree(nic->txq);
}
