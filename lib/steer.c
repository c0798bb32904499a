// SPDX-License-Identifier: BSD-3-Clause
/* Flow steering rules (ntuple) by ethtool's ioctl, the only interface that the kernel has for them.
 */
#include "steer.h"
#include "devmem.h"
#include "ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAG_NTUPLE (1u << 27) /* ETH_FLAG_NTUPLE of the legacy flags */

unsigned int steer_rx_queues(const char *ifname)
{
	struct ethtool_rxnfc rings = {.cmd = ETHTOOL_GRXRINGS};

	return ethtool_ioctl(ifname, &rings) || !rings.data ? 1 : (unsigned int)rings.data;
}

static uint16_t port_of(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET ? ((const struct sockaddr_in *)addr)->sin_port
					  : ((const struct sockaddr_in6 *)addr)->sin6_port;
}

static void fill_tcp4(struct ethtool_rx_flow_spec *spec, const struct devmem_rule *rule)
{
	const struct sockaddr_in *dst = (const struct sockaddr_in *)&rule->dst;
	const struct sockaddr_in *src = (const struct sockaddr_in *)&rule->src;

	spec->flow_type = TCP_V4_FLOW;
	spec->h_u.tcp_ip4_spec.ip4dst = dst->sin_addr.s_addr;
	spec->m_u.tcp_ip4_spec.ip4dst = 0xffffffff;
	spec->h_u.tcp_ip4_spec.pdst = dst->sin_port;
	spec->m_u.tcp_ip4_spec.pdst = 0xffff;
	if (rule->src.ss_family == AF_UNSPEC)
		return;
	spec->h_u.tcp_ip4_spec.ip4src = src->sin_addr.s_addr;
	spec->m_u.tcp_ip4_spec.ip4src = 0xffffffff;
	spec->h_u.tcp_ip4_spec.psrc = src->sin_port;
	spec->m_u.tcp_ip4_spec.psrc = 0xffff;
}

static void fill_tcp6(struct ethtool_rx_flow_spec *spec, const struct devmem_rule *rule)
{
	const struct sockaddr_in6 *dst = (const struct sockaddr_in6 *)&rule->dst;
	const struct sockaddr_in6 *src = (const struct sockaddr_in6 *)&rule->src;

	spec->flow_type = TCP_V6_FLOW;
	memcpy(spec->h_u.tcp_ip6_spec.ip6dst, &dst->sin6_addr, 16);
	memset(spec->m_u.tcp_ip6_spec.ip6dst, 0xff, 16);
	spec->h_u.tcp_ip6_spec.pdst = dst->sin6_port;
	spec->m_u.tcp_ip6_spec.pdst = 0xffff;
	if (rule->src.ss_family == AF_UNSPEC)
		return;
	memcpy(spec->h_u.tcp_ip6_spec.ip6src, &src->sin6_addr, 16);
	memset(spec->m_u.tcp_ip6_spec.ip6src, 0xff, 16);
	spec->h_u.tcp_ip6_spec.psrc = src->sin6_port;
	spec->m_u.tcp_ip6_spec.psrc = 0xffff;
}

static int read_locations(const char *ifname, struct ethtool_rxnfc **all)
{
	struct ethtool_rxnfc count = {.cmd = ETHTOOL_GRXCLSRLCNT};
	struct ethtool_rxnfc *list;
	int ret = ethtool_ioctl(ifname, &count);

	*all = NULL;
	if (ret)
		return ret;
	list = calloc(1, sizeof(*list) + count.rule_cnt * sizeof(uint32_t));
	if (!list)
		return -ENOMEM;
	list->cmd = ETHTOOL_GRXCLSRLALL;
	list->rule_cnt = count.rule_cnt;
	ret = ethtool_ioctl(ifname, list);
	if (ret) {
		free(list);
		return ret;
	}
	*all = list;
	return 0;
}

void steer_look(const char *ifname, struct steer_table *table)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ethtool_rxnfc *all;

	*table = (struct steer_table){
		.on = !ethtool_ioctl(ifname, &flags) && (flags.data & FLAG_NTUPLE),
		.there = !read_locations(ifname, &all),
	};
	if (!table->there)
		return;
	table->rules = all->rule_cnt;
	table->slots = (uint32_t)all->data;
	for (uint32_t i = 0; i < all->rule_cnt; i++)
		if (all->rule_locs[i] > table->last)
			table->last = all->rule_locs[i];
	free(all);
}

bool steer_possible(const char *ifname)
{
	struct steer_table table;

	steer_look(ifname, &table);
	return table.there && table.on;
}

/* The highest free slot of the table: where drivers do not choose one themselves, low slots are for
 * the administrator. */
static int free_location(const char *ifname, uint32_t slots, uint32_t *location)
{
	struct ethtool_rxnfc *all;
	int ret = read_locations(ifname, &all);

	if (ret)
		return ret;
	ret = -ENOSPC;
	for (uint32_t slot = slots; ret && slot-- > 0;) {
		bool used = false;

		for (uint32_t i = 0; i < all->rule_cnt; i++)
			used |= all->rule_locs[i] == slot;
		if (!used) {
			*location = slot;
			ret = 0;
		}
	}
	free(all);
	return ret;
}

static int choose_location(const char *ifname, uint32_t *location)
{
	struct ethtool_rxnfc count = {.cmd = ETHTOOL_GRXCLSRLCNT};
	int ret = ethtool_ioctl(ifname, &count);

	if (ret)
		return ret;
	if (count.data & RX_CLS_LOC_SPECIAL) {
		*location = RX_CLS_LOC_ANY;
		return 0;
	}
	return free_location(ifname, (uint32_t)count.data, location);
}

static const char *rule_advice(int code)
{
	switch (-code) {
	case EPERM:
		return "needs CAP_NET_ADMIN";
	case EOPNOTSUPP:
		return "the driver has no flow steering, or it is off: ethtool -K DEV ntuple on";
	case ENOSPC:
		return "the table of rules is full: ethtool -n DEV lists it, ethtool -N DEV delete "
		       "ID removes a rule";
	case EINVAL:
		return "the driver refuses this kind of rule, or the queue does not exist: see "
		       "ethtool -l and -n";
	default:
		return "see ethtool -n and the kernel log";
	}
}

int devmem_rule_add(const char *ifname, struct devmem_rule *rule, struct devmem_error *err)
{
	struct ethtool_rxnfc insert = {.cmd = ETHTOOL_SRXCLSRLINS};
	int ret = choose_location(ifname, &insert.fs.location);

	if (rule->dst.ss_family == AF_INET)
		fill_tcp4(&insert.fs, rule);
	else
		fill_tcp6(&insert.fs, rule);
	insert.fs.ring_cookie = rule->queue;
	if (!ret)
		ret = ethtool_ioctl(ifname, &insert);
	if (ret)
		return devmem_error_set(err, ret,
					"cannot steer TCP port %u of %s to rx queue %u: %s; %s",
					ntohs(port_of(&rule->dst)), ifname, rule->queue,
					strerror(-ret), rule_advice(ret));
	rule->location = insert.fs.location;
	return 0;
}

int devmem_rule_del(const char *ifname, uint32_t location, struct devmem_error *err)
{
	struct ethtool_rxnfc remove = {.cmd = ETHTOOL_SRXCLSRLDEL, .fs.location = location};
	int ret = ethtool_ioctl(ifname, &remove);

	if (ret)
		return devmem_error_set(
			err, ret,
			"cannot delete steering rule %u of %s: %s; ethtool -n %s lists the "
			"rules",
			location, ifname, strerror(-ret), ifname);
	return 0;
}

static void read_tcp4(const struct ethtool_rx_flow_spec *spec, struct devmem_rule *rule)
{
	struct sockaddr_in *dst = (struct sockaddr_in *)&rule->dst,
			   *src = (struct sockaddr_in *)&rule->src;

	dst->sin_family = AF_INET;
	dst->sin_addr.s_addr = spec->h_u.tcp_ip4_spec.ip4dst;
	dst->sin_port = spec->h_u.tcp_ip4_spec.pdst;
	if (!spec->m_u.tcp_ip4_spec.ip4src)
		return;
	src->sin_family = AF_INET;
	src->sin_addr.s_addr = spec->h_u.tcp_ip4_spec.ip4src;
	src->sin_port = spec->h_u.tcp_ip4_spec.psrc;
}

static void read_tcp6(const struct ethtool_rx_flow_spec *spec, struct devmem_rule *rule)
{
	struct sockaddr_in6 *dst = (struct sockaddr_in6 *)&rule->dst,
			    *src = (struct sockaddr_in6 *)&rule->src;

	dst->sin6_family = AF_INET6;
	memcpy(&dst->sin6_addr, spec->h_u.tcp_ip6_spec.ip6dst, 16);
	dst->sin6_port = spec->h_u.tcp_ip6_spec.pdst;
	if (!spec->m_u.tcp_ip6_spec.ip6src[0])
		return;
	src->sin6_family = AF_INET6;
	memcpy(&src->sin6_addr, spec->h_u.tcp_ip6_spec.ip6src, 16);
	src->sin6_port = spec->h_u.tcp_ip6_spec.psrc;
}

int devmem_rule_get(const char *ifname, uint32_t location, struct devmem_rule *rule,
		    struct devmem_error *err)
{
	struct ethtool_rxnfc query = {.cmd = ETHTOOL_GRXCLSRULE, .fs.location = location};
	int ret = ethtool_ioctl(ifname, &query);

	if (ret)
		return devmem_error_set(err, ret, "no rule %u on %s: %s", location, ifname,
					strerror(-ret));
	*rule = (struct devmem_rule){.queue = (unsigned int)query.fs.ring_cookie,
				     .location = location};
	if ((query.fs.flow_type & ~FLOW_EXT) == TCP_V4_FLOW)
		read_tcp4(&query.fs, rule);
	else if ((query.fs.flow_type & ~FLOW_EXT) == TCP_V6_FLOW)
		read_tcp6(&query.fs, rule);
	return 0;
}

int devmem_rule_list(const char *ifname, uint32_t *locations, unsigned int max,
		     struct devmem_error *err)
{
	struct ethtool_rxnfc *all;
	int ret = read_locations(ifname, &all);

	if (ret)
		return devmem_error_set(
			err, ret,
			"cannot list the steering rules of %s: %s; is ntuple on (ethtool -k "
			"%s)?",
			ifname, strerror(-ret), ifname);
	ret = (int)all->rule_cnt;
	for (unsigned int i = 0; i < all->rule_cnt && i < max; i++)
		locations[i] = all->rule_locs[i];
	free(all);
	return ret;
}
