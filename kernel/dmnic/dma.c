// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine: moves payload by DMA address, as a NIC does, and so never by a page or a virtual
 * address of the stack.
 *
 * What is at an address is dmbus's to know: RAM, or the memory of another device made of software.
 * Memory of real devices is not there; what is sent from it or received to it is dropped.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <net/checksum.h>
#include <net/netmem.h>

#include "../dmbus/dmbus.h"
#include "dmnic.h"

static int copy(dma_addr_t to, dma_addr_t from, unsigned int len, unsigned int done, __wsum *csum)
{
	__wsum part = 0;
	int err = dmbus_copy(to + done, from, len, &part);

	*csum = csum_block_add(*csum, part, done);
	return err;
}

static int read_linear(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		       dma_addr_t to, unsigned int len, unsigned int done, __wsum *csum)
{
	dma_addr_t addr = dma_map_single(dma_dev, skb->data + offset, len, DMA_TO_DEVICE);
	int err;

	if (dma_mapping_error(dma_dev, addr))
		return -ENOMEM;
	err = copy(to, addr, len, done, csum);
	dma_unmap_single(dma_dev, addr, len, DMA_TO_DEVICE);
	return err;
}

static int read_frag(struct device *dma_dev, const skb_frag_t *frag, unsigned int offset,
		     dma_addr_t to, unsigned int len, unsigned int done, __wsum *csum)
{
	bool devmem = netmem_is_net_iov(skb_frag_netmem(frag));
	dma_addr_t addr = skb_frag_dma_map(dma_dev, frag, offset, len, DMA_TO_DEVICE);
	int err;

	if (!devmem && dma_mapping_error(dma_dev, addr))
		return -ENOMEM;
	err = copy(to, addr, len, done, csum);
	if (!devmem)
		dma_unmap_page(dma_dev, addr, len, DMA_TO_DEVICE);
	return err;
}

static int read_list(struct device *dma_dev, const struct sk_buff *list, unsigned int start,
		     unsigned int offset, dma_addr_t to, unsigned int len, __wsum *csum)
{
	unsigned int done = 0;
	int err = 0;

	for (; list && !err && done < len; list = list->next) {
		unsigned int end = start + list->len;

		if (offset + done < end) {
			unsigned int piece = min(len - done, end - offset - done);
			__wsum part = 0;

			err = dmnic_dma_copy(dma_dev, list, offset + done - start, to + done, piece,
					     &part);
			*csum = csum_block_add(*csum, part, done);
			done += piece;
		}
		start = end;
	}
	if (err)
		return err;
	return done == len ? 0 : -EINVAL;
}

/*
 * Moves @len bytes at @offset of @skb to the DMA address @to and adds them to @csum, which starts
 * at an even byte. -EFAULT when an address is nowhere.
 */
int dmnic_dma_copy(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		   dma_addr_t to, unsigned int len, __wsum *csum)
{
	unsigned int start = skb_headlen(skb), done = 0, piece;
	int i, err;

	if (offset < start) {
		piece = min(len, start - offset);
		err = read_linear(dma_dev, skb, offset, to, piece, 0, csum);
		if (err)
			return err;
		done = piece;
	}
	for (i = 0; done < len && i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		unsigned int end = start + skb_frag_size(frag);

		if (offset + done < end) {
			piece = min(len - done, end - offset - done);
			err = read_frag(dma_dev, frag, offset + done - start, to, piece, done,
					csum);
			if (err)
				return err;
			done += piece;
		}
		start = end;
	}
	if (done < len) {
		__wsum rest = 0;

		err = read_list(dma_dev, skb_shinfo(skb)->frag_list, start, offset + done,
				to + done, len - done, &rest);
		*csum = csum_block_add(*csum, rest, done);
		return err;
	}
	return 0;
}

/* The same to host memory at @to. */
int dmnic_dma_fetch(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		    void *to, unsigned int len, __wsum *csum)
{
	dma_addr_t addr = dma_map_single(dma_dev, to, len, DMA_FROM_DEVICE);
	int err;

	if (dma_mapping_error(dma_dev, addr))
		return -ENOMEM;
	err = dmnic_dma_copy(dma_dev, skb, offset, addr, len, csum);
	dma_unmap_single(dma_dev, addr, len, DMA_FROM_DEVICE);
	return err;
}
