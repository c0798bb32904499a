/* SPDX-License-Identifier: GPL-2.0-only */
/* dmnic: a software NIC for device memory TCP. The structures that its files share. */
#ifndef _DMNIC_H
#define _DMNIC_H

#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <net/page_pool/types.h>
#include <net/rtnetlink.h>

#include "dmnic_uapi.h"

#define DMNIC_MAX_RULES 1024
#define DMNIC_DEFAULT_QUEUES 8
#define DMNIC_DEFAULT_RING 256
#define DMNIC_MAX_USECS 100000
#define DMNIC_MAX_RING 4096
#define DMNIC_MAX_MTU 16384
#define DMNIC_MAX_HDS_THRESH 1023
/* RSS: entries of an indirection table, bytes of a Toeplitz key, contexts with the main one. */
#define DMNIC_RSS_TABLE 128
#define DMNIC_RSS_KEY 40
#define DMNIC_RSS_CONTEXTS 64
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
	u64_stats_t hw_ns; /* time spent on what hardware would have done: DMA, checksums */
	struct u64_stats_sync sync;
};

/* Counters of one tx queue, written under its xmit lock. */
struct dmnic_tx_stats {
	u64_stats_t packets; /* on the wire, after segmentation */
	u64_stats_t bytes;
	u64_stats_t devmem_bytes; /* payload read from device memory */
	u64_stats_t drops;
	u64_stats_t hw_ns;
	struct u64_stats_sync sync;
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

/* Where segmentation of a packet on the wire stands. */
struct dmnic_cursor {
	struct sk_buff *skb;	 /* as the sender's stack gave it; NULL: take the next */
	unsigned int header_len; /* Ethernet to TCP options; 0: not TCP */
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
	struct sk_buff *held;  /* a received packet that the next one overtakes: a fault */
	bool paced;	       /* has more to receive when the port is free */
	unsigned long
		*waiting; /* bit t: the peer's tx queue t is stopped until the wire has room */
	struct dmnic_rx_stats stats;
};

struct dmnic_rule {
	struct list_head list; /* by location */
	struct rcu_head rcu;
	struct ethtool_rx_flow_spec spec;
	u32 context; /* RSS context, with FLOW_RSS in spec.flow_type */
};

/* An RSS context: which queue a hash leads to. Replaced as a whole, read under RCU. */
struct dmnic_rss {
	struct rcu_head rcu;
	u8 key[DMNIC_RSS_KEY];
	u16 table[DMNIC_RSS_TABLE];
};

/* One direction of a port of limited speed. */
struct dmnic_pace {
	spinlock_t lock; /* for free_ns */
	u64 free_ns;	 /* when the port has sent all that was given to it, by ktime_get_ns() */
	unsigned int turn;     /* the queue that goes first when the port is free */
	struct hrtimer resume; /* lets the queues go on then */
	u32 usecs; /* it waits so much longer, to do more at once (interrupt moderation) */
};

struct dmnic {
	struct net_device *dev;
	struct net_device __rcu *peer;	/* of a pair: the other end */
	struct net_device __rcu *lower; /* when stacked: the device below */
	struct dmnic_rxq *rxq;
	struct dmnic_tx_stats *txq;
	struct list_head rules; /* changed under rtnl, read under RCU */
	unsigned int n_rules;
	struct dmnic_rss __rcu *rss[DMNIC_RSS_CONTEXTS];
	unsigned int ring; /* packets that the wire of a queue holds */
	bool header_split;
	u32 hds_thresh; /* payload of at most so many bytes stays with the headers */
	bool unplugged; /* the cable is out, on request */
	u32 speed;	/* Mb/s of the port in each direction; 0: as fast as it goes */
	struct dmnic_pace rx_pace, tx_pace;
	u32 faults[DMNIC_N_FAULTS]; /* each happens to one in so many; 0: never */
	atomic64_t fault_hits[DMNIC_N_FAULTS];
};

static inline bool dmnic_stacked(const struct dmnic *nic)
{
	return rcu_access_pointer(nic->lower);
}

/* dma.c */
int dmnic_dma_copy(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		   dma_addr_t to, unsigned int len, __wsum *csum);
int dmnic_dma_fetch(struct device *dma_dev, const struct sk_buff *skb, unsigned int offset,
		    void *to, unsigned int len, __wsum *csum);

/* segment.c */
bool dmnic_parse_tcp(const struct sk_buff *skb, struct dmnic_flow *flow, unsigned int *header_len);
unsigned int dmnic_segments(const struct sk_buff *skb, unsigned int header_len);
void dmnic_segment_header(const struct dmnic_cursor *cursor, void *header, unsigned int payload,
			  bool last);
bool dmnic_segment_checksum(const struct dmnic_cursor *cursor, void *header, unsigned int payload,
			    __wsum csum);
void dmnic_coalesced(struct sk_buff *skb, const struct dmnic_cursor *cursor, unsigned int payload);

/* queue.c */
extern const struct netdev_queue_mgmt_ops dmnic_queue_mgmt_ops;
int dmnic_queues_init(struct dmnic *nic);
void dmnic_queues_free(struct dmnic *nic);
int dmnic_queues_start(struct dmnic *nic);
void dmnic_queues_stop(struct dmnic *nic);
bool dmnic_any_queue_bound(const struct net_device *dev);

/* buffer.c, rx.c, tx.c */
struct dmnic_arrival;
int dmnic_fill(struct dmnic_rxq *q, struct sk_buff *skb, struct dmnic_arrival *arrival,
	       __wsum *csum);
int dmnic_poll(struct napi_struct *napi, int budget);
netdev_tx_t dmnic_xmit(struct sk_buff *skb, struct net_device *dev);
void dmnic_tx_wake(struct dmnic_rxq *q);

/* pace.c */
u64 dmnic_pace_wait(struct dmnic_pace *pace, u32 speed);
void dmnic_pace_charge(struct dmnic_pace *pace, u32 speed, unsigned int queue, u64 bytes,
		       unsigned int packets);
void dmnic_pace_init(struct dmnic *nic);
void dmnic_pace_rx(struct dmnic_rxq *q, u64 wait);
void dmnic_pace_tx(struct dmnic *nic);
void dmnic_pace_stop(struct dmnic *nic);

/* fault.c */
bool dmnic_fault(struct dmnic *nic, enum dmnic_fault fault);
extern const char dmnic_fault_names[DMNIC_N_FAULTS][ETH_GSTRING_LEN];

/* stack.c */
int dmnic_stack_attach(struct net_device *dev, struct net_device *lower,
		       struct netlink_ext_ack *extack);
void dmnic_stack_detach(struct net_device *dev);
int dmnic_stack_open(struct net_device *dev);
void dmnic_stack_stop(struct net_device *dev);
void dmnic_set_rx_mode(struct net_device *dev);
int dmnic_stack_xmit(struct sk_buff *skb, struct net_device *dev, struct net_device *lower,
		     u64 *hw_ns);
int dmnic_stack_init(void);
void dmnic_stack_exit(void);

/* steer.c, rss.c */
unsigned int dmnic_steer(struct dmnic *nic, struct sk_buff *skb);
int dmnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd, u32 *locations);
int dmnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd);
bool dmnic_rules_use_queue_from(const struct dmnic *nic, unsigned int first);
bool dmnic_rules_use_context(const struct dmnic *nic, u32 context);
void dmnic_rules_free(struct dmnic *nic);
int dmnic_rss_init(struct dmnic *nic);
void dmnic_rss_free(struct dmnic *nic);
int dmnic_rss_default(struct dmnic *nic, unsigned int queues);
unsigned int dmnic_rss_queue(const struct dmnic *nic, u32 context, const struct dmnic_flow *flow,
			     struct sk_buff *skb);
u32 dmnic_get_rxfh_indir_size(struct net_device *dev);
u32 dmnic_get_rxfh_key_size(struct net_device *dev);
int dmnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh);
int dmnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		   struct netlink_ext_ack *extack);
int dmnic_create_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			      const struct ethtool_rxfh_param *rxfh,
			      struct netlink_ext_ack *extack);
int dmnic_modify_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			      const struct ethtool_rxfh_param *rxfh,
			      struct netlink_ext_ack *extack);
int dmnic_remove_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			      u32 rss_context, struct netlink_ext_ack *extack);

/* stats.c */
struct dmnic_rx_counts {
	u64 packets, bytes, devmem_bytes, linear_bytes, drops_nobuf, csum_bad, hw_ns;
};

struct dmnic_tx_counts {
	u64 packets, bytes, devmem_bytes, drops, hw_ns;
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
void dmnic_update_carrier(struct net_device *dev);
extern const struct ethtool_ops dmnic_ethtool_ops;
extern struct rtnl_link_ops dmnic_link_ops;
struct device *dmnic_dma_device(void);

#endif
