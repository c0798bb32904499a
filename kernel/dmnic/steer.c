// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flow steering: ntuple rules for TCP over IPv4 and IPv6, each to one queue or to an RSS context.
 * The rule at the lowest location that matches wins. TCP that none matches is spread by RSS; other
 * packets go to queue 0.
 */
#include <net/ipv6.h>
#include <net/netdev_queues.h>

#include "dmnic.h"

static bool match_v4(const struct ethtool_rx_flow_spec *spec, const struct dmnic_flow *flow)
{
	const struct ethtool_tcpip4_spec *want = &spec->h_u.tcp_ip4_spec,
					 *mask = &spec->m_u.tcp_ip4_spec;

	return !flow->v6 && !((want->ip4src ^ flow->v4.saddr) & mask->ip4src) &&
	       !((want->ip4dst ^ flow->v4.daddr) & mask->ip4dst) &&
	       !((want->psrc ^ flow->sport) & mask->psrc) &&
	       !((want->pdst ^ flow->dport) & mask->pdst);
}

static bool match_v6(const struct ethtool_rx_flow_spec *spec, const struct dmnic_flow *flow)
{
	const struct ethtool_tcpip6_spec *want = &spec->h_u.tcp_ip6_spec,
					 *mask = &spec->m_u.tcp_ip6_spec;

	return flow->v6 &&
	       !ipv6_masked_addr_cmp(&flow->v6addr.saddr, (const void *)mask->ip6src,
				     (const void *)want->ip6src) &&
	       !ipv6_masked_addr_cmp(&flow->v6addr.daddr, (const void *)mask->ip6dst,
				     (const void *)want->ip6dst) &&
	       !((want->psrc ^ flow->sport) & mask->psrc) &&
	       !((want->pdst ^ flow->dport) & mask->pdst);
}

static bool match(const struct dmnic_rule *rule, const struct dmnic_flow *flow)
{
	return (rule->spec.flow_type & ~FLOW_RSS) == TCP_V4_FLOW ? match_v4(&rule->spec, flow)
								 : match_v6(&rule->spec, flow);
}

static unsigned int steer_flow(const struct dmnic *nic, const struct dmnic_flow *flow,
			       struct sk_buff *skb)
{
	const struct dmnic_rule *rule;

	if (nic->dev->features & NETIF_F_NTUPLE) {
		list_for_each_entry_rcu (rule, &nic->rules, list) {
			if (!match(rule, flow))
				continue;
			if (rule->spec.flow_type & FLOW_RSS)
				return dmnic_rss_queue(nic, rule->context, flow, skb);
			return rule->spec.ring_cookie;
		}
	}
	return dmnic_rss_queue(nic, 0, flow, skb);
}

/* The receive queue for @skb, which comes from the wire. Called under RCU. */
unsigned int dmnic_steer(struct dmnic *nic, struct sk_buff *skb)
{
	unsigned int header_len, queue, queues = READ_ONCE(nic->dev->real_num_rx_queues);
	struct dmnic_flow flow;

	if (!dmnic_parse_tcp(skb, &flow, &header_len))
		return 0;
	queue = steer_flow(nic, &flow, skb);
	if (dmnic_fault(nic, DMNIC_FAULT_MISSTEER))
		queue++;
	return queue % queues;
}

static struct dmnic_rule *rule_find(const struct dmnic *nic, u32 location)
{
	struct dmnic_rule *rule;

	list_for_each_entry (rule, &nic->rules, list)
		if (rule->spec.location == location)
			return rule;
	return NULL;
}

bool dmnic_rules_use_queue_from(const struct dmnic *nic, unsigned int first)
{
	const struct dmnic_rule *rule;

	list_for_each_entry (rule, &nic->rules, list) {
		if (!(rule->spec.flow_type & FLOW_RSS) && rule->spec.ring_cookie >= first)
			return true;
	}
	return false;
}

bool dmnic_rules_use_context(const struct dmnic *nic, u32 context)
{
	const struct dmnic_rule *rule;

	list_for_each_entry (rule, &nic->rules, list) {
		if (rule->spec.flow_type & FLOW_RSS && rule->context == context)
			return true;
	}
	return false;
}

static int get_locations(const struct dmnic *nic, struct ethtool_rxnfc *cmd, u32 *locations)
{
	const struct dmnic_rule *rule;
	unsigned int n = 0;

	list_for_each_entry (rule, &nic->rules, list) {
		if (n == cmd->rule_cnt)
			return -EMSGSIZE;
		locations[n++] = rule->spec.location;
	}
	cmd->rule_cnt = n;
	cmd->data = DMNIC_MAX_RULES;
	return 0;
}

/* What the RSS hash of a flow type is made of: fixed. */
static u64 hash_fields(u32 flow_type)
{
	if (flow_type == TCP_V4_FLOW || flow_type == TCP_V6_FLOW)
		return RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 | RXH_L4_B_2_3;
	return 0;
}

int dmnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd, u32 *locations)
{
	const struct dmnic *nic = netdev_priv(dev);
	const struct dmnic_rule *rule;

	switch (cmd->cmd) {
	case ETHTOOL_GRXRINGS:
		cmd->data = dev->real_num_rx_queues;
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
		cmd->rule_cnt = nic->n_rules;
		cmd->data = DMNIC_MAX_RULES | RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		rule = rule_find(nic, cmd->fs.location);
		if (!rule)
			return -ENOENT;
		cmd->fs = rule->spec;
		cmd->rss_context = rule->context;
		return 0;
	case ETHTOOL_GRXFH:
		cmd->data = hash_fields(cmd->flow_type);
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		return get_locations(nic, cmd, locations);
	default:
		return -EOPNOTSUPP;
	}
}

static int target_check(const struct dmnic *nic, const struct ethtool_rx_flow_spec *spec,
			u32 context)
{
	if (!(spec->flow_type & FLOW_RSS))
		return spec->ring_cookie < nic->dev->real_num_rx_queues ? 0 : -EINVAL;
	if (context >= DMNIC_RSS_CONTEXTS || !rcu_access_pointer(nic->rss[context]))
		return -ENOENT;
	return spec->ring_cookie ? -EINVAL : 0;
}

static int spec_check(const struct dmnic *nic, const struct ethtool_rx_flow_spec *spec, u32 context)
{
	static const struct ethtool_tcpip4_spec no_v4;
	static const struct ethtool_tcpip6_spec no_v6;

	switch (spec->flow_type & ~FLOW_RSS) {
	case TCP_V4_FLOW:
		if (spec->m_u.tcp_ip4_spec.tos ||
		    !memcmp(&spec->m_u.tcp_ip4_spec, &no_v4, sizeof(no_v4)))
			return -EINVAL;
		break;
	case TCP_V6_FLOW:
		if (spec->m_u.tcp_ip6_spec.tclass ||
		    !memcmp(&spec->m_u.tcp_ip6_spec, &no_v6, sizeof(no_v6)))
			return -EINVAL;
		break;
	default:
		netdev_err(nic->dev,
			   "only rules for tcp4 and tcp6 without further fields are supported\n");
		return -EOPNOTSUPP;
	}
	return target_check(nic, spec, context);
}

static int choose_location(const struct dmnic *nic, u32 *location)
{
	const struct dmnic_rule *rule;
	u32 next = 0;

	if (*location < DMNIC_MAX_RULES)
		return 0;
	if (*location != RX_CLS_LOC_ANY)
		return -EINVAL;
	list_for_each_entry (rule, &nic->rules, list) {
		if (rule->spec.location != next)
			break;
		next++;
	}
	if (next == DMNIC_MAX_RULES)
		return -ENOSPC;
	*location = next;
	return 0;
}

static void rule_remove(struct dmnic *nic, struct dmnic_rule *rule)
{
	list_del_rcu(&rule->list);
	nic->n_rules--;
	kfree_rcu(rule, rcu);
}

static int rule_insert(struct dmnic *nic, struct ethtool_rx_flow_spec *spec, u32 context)
{
	struct dmnic_rule *rule, *old, *next;
	int err = spec_check(nic, spec, context);

	if (!err)
		err = choose_location(nic, &spec->location);
	if (err)
		return err;
	rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);
	if (!rule)
		return -ENOMEM;
	rule->spec = *spec;
	rule->context = spec->flow_type & FLOW_RSS ? context : 0;
	old = rule_find(nic, spec->location);
	if (old)
		rule_remove(nic, old);
	list_for_each_entry (next, &nic->rules, list)
		if (next->spec.location > spec->location)
			break;
	list_add_tail_rcu(&rule->list, &next->list);
	nic->n_rules++;
	return 0;
}

int dmnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd)
{
	struct dmnic *nic = netdev_priv(dev);
	struct dmnic_rule *rule;

	switch (cmd->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		if (!(dev->features & NETIF_F_NTUPLE))
			return -EOPNOTSUPP;
		return rule_insert(nic, &cmd->fs, cmd->rss_context);
	case ETHTOOL_SRXCLSRLDEL:
		rule = rule_find(nic, cmd->fs.location);
		if (!rule)
			return -ENOENT;
		rule_remove(nic, rule);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

void dmnic_rules_free(struct dmnic *nic)
{
	struct dmnic_rule *rule, *next;

	list_for_each_entry_safe (rule, next, &nic->rules, list)
		rule_remove(nic, rule);
}
