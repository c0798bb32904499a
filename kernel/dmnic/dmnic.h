/* SPDX-License-Identifier: GPL-2.0-only */
/* dmnic: a software NIC for device memory TCP. The structures that its files share. */
#ifndef _DMNIC_H
#define _DMNIC_H

#include <linux/netdevice.h>
#include <linux/ethtool.h>
#include <linux/u64_stats_sync.h>
#include <net/page_pool/types.h>
#include <net/rtnetlink.h>

#define DMNIC_MAX_RULES 1024
#define DMNIC_DEFAULT_QUEUES 8
#define DMNIC_DEFAULT_RING 256
#define DMNIC_MAX_RING 4096
#define DMNIC_MAX_MTU 16384
/* Pages that a pool keeps for reuse: all of a dma-buf (the page pool's limit), or what ordinary
 * traffic needs. */
#define DMNIC_POOL_DEVMEM 16384
#define DMNIC_POOL_HOST 1024

/* Counters of one rx queue, written by its NAPI alone. */
struct dmnic_rx_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t devmem_bytes; /* payload written to device memory */
	u64_stats_t linear_bytes; /* TCP payload left in host memory on a queue bound to device
				     memory */
	u64_stats_t drops_nobuf;  /* packets dropped for want of a buffer */
	u64_stats_t csum_bad;
	struct u64_stats_sync sync;
};

/* Counters of one tx queue, written under its xmit lock. */
struct dmnic_tx_stats {
	u64_stats_t packets; /* on the wire, after segmentation */
	u64_stats_t bytes;
	u64_stats_t devmem_bytes; /* payload read from device memory */
	u64_stats_t drops;
	struct u64_stats_sync sync;
};

/* Where segmentation of a packet on the wire stands. */
struct dmnic_cursor {
	struct sk_buff *skb;	 /* as the sender's stack gave it; NULL: take the next */
	unsigned int header_len; /* Ethernet to TCP options */
	unsigned int offset;	 /* payload bytes done */
	unsigned int index;	 /* segments done */
};

struct dmnic_rxq {
	struct napi_struct napi;
	struct net_device *dev;
	unsigned int index;
	struct page_pool *pool; /* payload buffers; NULL while stopped */
	bool devmem;		/* the pool gives device memory */
	struct sk_buff_head
		wire; /* packets that the peer has sent and this queue has not received */
	struct dmnic_cursor cursor;
	unsigned long
		*waiting; /* bit t: the peer's tx queue t is stopped until the wire has room */
	struct dmnic_rx_stats stats;
};

struct dmnic_rule {
	struct list_head list; /* by location */
	struct rcu_head rcu;
	struct ethtool_rx_flow_spec spec;
};

struct dmnic {
	struct net_device *dev;
	struct net_device __rcu *peer;
	struct dmnic_rxq *rxq;
	struct dmnic_tx_stats *txq;
	struct list_head rules; /* changed under rtnl, read under RCU */
	unsigned int n_rules;
	unsigned int ring; /* packets that the wire of a queue holds */
	bool header_split;
};

/* What steering looks at, in the packet's own headers. */
struct dmnic_flow {
	bool v6;
	__be16 sport, dport;
	union {
		struct {
			__be32 saddr, daddr;
		} v4;
		struct {
			struct in6_addr saddr, daddr;
		} v6addr;
	};
};

/* dma.c */
int dmnic_dma_copy(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		   dma_addr_t to, unsigned int len, __wsum *csum);

/* segment.c */
bool dmnic_parse_tcp(const struct sk_buff *skb, struct dmnic_flow *flow, unsigned int *header_len);
unsigned int dmnic_segments(const struct sk_buff *skb, unsigned int header_len);
void dmnic_segment_header(const struct dmnic_cursor *cursor, void *header, unsigned int payload,
			  bool last);
bool dmnic_segment_checksum(const struct dmnic_cursor *cursor, void *header, unsigned int payload,
			    __wsum csum);

/* queue.c */
extern const struct netdev_queue_mgmt_ops dmnic_queue_mgmt_ops;
int dmnic_queues_init(struct dmnic *nic);
void dmnic_queues_free(struct dmnic *nic);
int dmnic_queues_start(struct dmnic *nic);
void dmnic_queues_stop(struct dmnic *nic);
bool dmnic_any_queue_bound(const struct net_device *dev);

/* rx.c, tx.c */
int dmnic_poll(struct napi_struct *napi, int budget);
netdev_tx_t dmnic_xmit(struct sk_buff *skb, struct net_device *dev);
void dmnic_tx_wake(struct dmnic_rxq *q);

/* steer.c */
unsigned int dmnic_steer(const struct dmnic *nic, const struct sk_buff *skb);
int dmnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd, u32 *locations);
int dmnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd);
void dmnic_rules_free(struct dmnic *nic);

/* stats.c */
struct dmnic_rx_counts {
	u64 packets, bytes, devmem_bytes, linear_bytes, drops_nobuf, csum_bad;
};

struct dmnic_tx_counts {
	u64 packets, bytes, devmem_bytes, drops;
};

void dmnic_rx_counts(const struct dmnic_rxq *q, struct dmnic_rx_counts *counts);
void dmnic_tx_counts(const struct dmnic_tx_stats *stats, struct dmnic_tx_counts *counts);
extern const struct netdev_stat_ops dmnic_stat_ops;
void dmnic_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *total);
int dmnic_get_sset_count(struct net_device *dev, int set);
void dmnic_get_strings(struct net_device *dev, u32 set, u8 *data);
void dmnic_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data);

/* netdev.c, ethtool.c, rtnl.c, main.c */
extern const struct net_device_ops dmnic_netdev_ops;
extern const struct ethtool_ops dmnic_ethtool_ops;
extern struct rtnl_link_ops dmnic_link_ops;
struct device *dmnic_dma_device(void);

#endif
