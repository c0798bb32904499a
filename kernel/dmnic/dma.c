// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine: moves payload by DMA address, as a NIC does, and so never by a page or a virtual
 * address of the stack.
 *
 * There is no IOMMU between this device and memory, so a DMA address is a physical one, and what
 * has a physical address in RAM is in the kernel's linear map. Memory of real devices is not;
 * binding it to this NIC is refused by its exporter.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <net/checksum.h>
#include <net/netmem.h>

#include "dmnic.h"

void *dmnic_dma_to_cpu(dma_addr_t addr)
{
	return phys_to_virt(addr);
}

static void fetch(dma_addr_t from, void *to, unsigned int len, unsigned int done, __wsum *csum)
{
	memcpy(to, dmnic_dma_to_cpu(from), len);
	*csum = csum_block_add(*csum, csum_partial(to, len, 0), done);
}

static int read_linear(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		       void *to, unsigned int len, unsigned int done, __wsum *csum)
{
	dma_addr_t addr = dma_map_single(dma_dev, skb->data + offset, len, DMA_TO_DEVICE);

	if (dma_mapping_error(dma_dev, addr))
		return -ENOMEM;
	fetch(addr, to, len, done, csum);
	dma_unmap_single(dma_dev, addr, len, DMA_TO_DEVICE);
	return 0;
}

static int read_frag(struct device *dma_dev, const skb_frag_t *frag, unsigned int offset, void *to,
		     unsigned int len, unsigned int done, __wsum *csum)
{
	bool devmem = netmem_is_net_iov(skb_frag_netmem(frag));
	dma_addr_t addr = skb_frag_dma_map(dma_dev, frag, offset, len, DMA_TO_DEVICE);

	if (!devmem && dma_mapping_error(dma_dev, addr))
		return -ENOMEM;
	fetch(addr, to, len, done, csum);
	if (!devmem)
		dma_unmap_page(dma_dev, addr, len, DMA_TO_DEVICE);
	return 0;
}

/* Reads @len bytes at @offset of @skb and adds them to @csum, which starts at an even byte. */
int dmnic_dma_read(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset, void *to,
		   unsigned int len, __wsum *csum)
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
			err = read_frag(dma_dev, frag, offset + done - start, to + done, piece,
					done, csum);
			if (err)
				return err;
			done += piece;
		}
		start = end;
	}
	return done == len ? 0 : -EINVAL;
}
