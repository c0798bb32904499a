// SPDX-License-Identifier: GPL-2.0-only
/* Receive side scaling: a Toeplitz hash of addresses and ports chooses the queue by the indirection
 * table of a context. */
#include <linux/unaligned.h>

#include "dmnic.h"

/* The hash function that Microsoft published for RSS and NICs implement; its test vectors are in
 * the guest tests. */
static u32 toeplitz(const u8 *key, const u8 *input, unsigned int len)
{
	u64 window = get_unaligned_be64(key);
	unsigned int i, bit;
	u32 hash = 0;

	for (i = 0; i < len; i++) {
		for (bit = 0; bit < 8; bit++) {
			if (input[i] & (0x80 >> bit))
				hash ^= (window << bit) >> 32;
		}
		window = window << 8 | (i + 8 < DMNIC_RSS_KEY ? key[i + 8] : 0);
	}
	return hash;
}

static u32 flow_hash(const u8 *key, const struct dmnic_flow *flow)
{
	u8 input[2 * sizeof(struct in6_addr) + 2 * sizeof(__be16)];
	unsigned int len = 0;

	if (flow->v6) {
		memcpy(input, &flow->v6addr, sizeof(flow->v6addr));
		len = sizeof(flow->v6addr);
	} else {
		memcpy(input, &flow->v4, sizeof(flow->v4));
		len = sizeof(flow->v4);
	}
	memcpy(input + len, &flow->sport, sizeof(flow->sport));
	memcpy(input + len + sizeof(flow->sport), &flow->dport, sizeof(flow->dport));
	return toeplitz(key, input, len + 2 * sizeof(__be16));
}

/* The queue for @flow by the table of @context, which a rule may have outlived: then the main one.
 * Called under RCU. */
unsigned int dmnic_rss_queue(const struct dmnic *nic, u32 context, const struct dmnic_flow *flow,
			     struct sk_buff *skb)
{
	const struct dmnic_rss *rss = rcu_dereference(nic->rss[context]);
	u32 hash;

	if (!rss)
		rss = rcu_dereference(nic->rss[0]);
	hash = flow_hash(rss->key, flow);
	if (nic->dev->features & NETIF_F_RXHASH)
		skb_set_hash(skb, hash, PKT_HASH_TYPE_L4);
	return rss->table[hash % DMNIC_RSS_TABLE];
}

static struct dmnic_rss *rss_of(const struct dmnic *nic, u32 context)
{
	return rtnl_dereference(nic->rss[context]);
}

/* Puts a copy of context @context with the changes that @rxfh asks for in its place. */
static int rss_change(struct dmnic *nic, u32 context, const struct ethtool_rxfh_param *rxfh)
{
	struct dmnic_rss *old = rss_of(nic, context), *new;
	unsigned int i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE && rxfh->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	/* A new context begins as the main one is. */
	new = kmemdup(old ?: rss_of(nic, 0), sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	if (rxfh->indir)
		for (i = 0; i < DMNIC_RSS_TABLE; i++)
			new->table[i] = rxfh->indir[i];
	if (rxfh->key)
		memcpy(new->key, rxfh->key, sizeof(new->key));
	rcu_assign_pointer(nic->rss[context], new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

u32 dmnic_get_rxfh_indir_size(struct net_device *dev)
{
	return DMNIC_RSS_TABLE;
}

u32 dmnic_get_rxfh_key_size(struct net_device *dev)
{
	return DMNIC_RSS_KEY;
}

int dmnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh)
{
	const struct dmnic_rss *rss = rss_of(netdev_priv(dev), 0);
	unsigned int i;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->indir)
		for (i = 0; i < DMNIC_RSS_TABLE; i++)
			rxfh->indir[i] = rss->table[i];
	if (rxfh->key)
		memcpy(rxfh->key, rss->key, sizeof(rss->key));
	return 0;
}

int dmnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		   struct netlink_ext_ack *extack)
{
	return rss_change(netdev_priv(dev), 0, rxfh);
}

/* The core shows what is in its own copy of a context, @ctx. */
static void tell_core(const struct dmnic *nic, struct ethtool_rxfh_context *ctx, u32 context)
{
	const struct dmnic_rss *rss = rss_of(nic, context);
	unsigned int i;

	ctx->hfunc = ETH_RSS_HASH_TOP;
	for (i = 0; i < DMNIC_RSS_TABLE; i++)
		ethtool_rxfh_context_indir(ctx)[i] = rss->table[i];
	memcpy(ethtool_rxfh_context_key(ctx), rss->key, sizeof(rss->key));
}

int dmnic_create_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			      const struct ethtool_rxfh_param *rxfh, struct netlink_ext_ack *extack)
{
	struct dmnic *nic = netdev_priv(dev);
	int err = rss_change(nic, rxfh->rss_context, rxfh);

	if (!err)
		tell_core(nic, ctx, rxfh->rss_context);
	return err;
}

int dmnic_modify_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			      const struct ethtool_rxfh_param *rxfh, struct netlink_ext_ack *extack)
{
	return rss_change(netdev_priv(dev), rxfh->rss_context, rxfh);
}

int dmnic_remove_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			      u32 rss_context, struct netlink_ext_ack *extack)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_rss *old = rss_of(nic, rss_context);

	if (dmnic_rules_use_context(nic, rss_context)) {
		NL_SET_ERR_MSG(extack, "a flow steering rule uses this context: delete it first");
		return -EBUSY;
	}
	RCU_INIT_POINTER(nic->rss[rss_context], NULL);
	kfree_rcu(old, rcu);
	return 0;
}

/* Spreads what no rule catches evenly over the first @queues queues. */
int dmnic_rss_default(struct dmnic *nic, unsigned int queues)
{
	u32 table[DMNIC_RSS_TABLE];
	struct ethtool_rxfh_param rxfh = {.indir = table};
	unsigned int i;

	for (i = 0; i < DMNIC_RSS_TABLE; i++)
		table[i] = ethtool_rxfh_indir_default(i, queues);
	return rss_change(nic, 0, &rxfh);
}

int dmnic_rss_init(struct dmnic *nic)
{
	struct dmnic_rss *rss = kzalloc(sizeof(*rss), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!rss)
		return -ENOMEM;
	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	for (i = 0; i < DMNIC_RSS_TABLE; i++)
		rss->table[i] = ethtool_rxfh_indir_default(i, nic->dev->real_num_rx_queues);
	rcu_assign_pointer(nic->rss[0], rss);
	return 0;
}

/* Called when no packet can come any more. */
void dmnic_rss_free(struct dmnic *nic)
{
	unsigned int i;

	for (i = 0; i < DMNIC_RSS_CONTEXTS; i++)
		kfree(rcu_dereference_protected(nic->rss[i], true));
}
