// SPDX-License-Identifier: GPL-2.0-only
/* Segmentation offload: finds the TCP header of a packet and makes the headers of its segments. */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "dmnic.h"

static bool parse_v4(const struct sk_buff *skb, struct dmnic_flow *flow, unsigned int *transport)
{
	const struct iphdr *ip = (void *)skb->data + ETH_HLEN;

	if (skb_headlen(skb) < ETH_HLEN + sizeof(*ip) || ip->version != 4 ||
	    ip->protocol != IPPROTO_TCP || ip_is_fragment(ip))
		return false;
	flow->v6 = false;
	flow->v4.saddr = ip->saddr;
	flow->v4.daddr = ip->daddr;
	*transport = ETH_HLEN + ip->ihl * 4;
	return true;
}

static bool parse_v6(const struct sk_buff *skb, struct dmnic_flow *flow, unsigned int *transport)
{
	const struct ipv6hdr *ip = (void *)skb->data + ETH_HLEN;

	if (skb_headlen(skb) < ETH_HLEN + sizeof(*ip) || ip->nexthdr != IPPROTO_TCP)
		return false;
	flow->v6 = true;
	flow->v6addr.saddr = ip->saddr;
	flow->v6addr.daddr = ip->daddr;
	*transport = ETH_HLEN + sizeof(*ip);
	return true;
}

/* True when @skb is TCP with all of its headers in the linear part: the only packets that are split
 * and steered. */
bool dmnic_parse_tcp(const struct sk_buff *skb, struct dmnic_flow *flow, unsigned int *header_len)
{
	const struct ethhdr *eth = (void *)skb->data;
	const struct tcphdr *tcp;
	unsigned int transport;

	if (eth->h_proto == htons(ETH_P_IP)) {
		if (!parse_v4(skb, flow, &transport))
			return false;
	} else if (eth->h_proto != htons(ETH_P_IPV6) || !parse_v6(skb, flow, &transport)) {
		return false;
	}
	if (skb_headlen(skb) < transport + sizeof(*tcp))
		return false;
	tcp = (void *)skb->data + transport;
	flow->sport = tcp->source;
	flow->dport = tcp->dest;
	*header_len = transport + tcp->doff * 4;
	return skb_headlen(skb) >= *header_len;
}

unsigned int dmnic_segments(const struct sk_buff *skb, unsigned int header_len)
{
	return skb_is_gso(skb) ? DIV_ROUND_UP(skb->len - header_len, skb_shinfo(skb)->gso_size) : 1;
}

static struct tcphdr *transport_of(void *header)
{
	const struct ethhdr *eth = header;
	const struct iphdr *ip = header + ETH_HLEN;

	return header + ETH_HLEN +
	       (eth->h_proto == htons(ETH_P_IP) ? ip->ihl * 4 : sizeof(struct ipv6hdr));
}

/* Makes @header, a copy of the packet's, that of the segment at @cursor with @payload bytes. */
void dmnic_segment_header(const struct dmnic_cursor *cursor, void *header, unsigned int payload,
			  bool last)
{
	const struct ethhdr *eth = header;
	struct tcphdr *tcp = transport_of(header);

	if (eth->h_proto == htons(ETH_P_IP)) {
		struct iphdr *ip = header + ETH_HLEN;

		ip->tot_len = htons(cursor->header_len - ETH_HLEN + payload);
		ip->id = htons(ntohs(ip->id) + cursor->index);
		ip->check = 0;
		ip->check = ip_fast_csum(ip, ip->ihl);
	} else {
		struct ipv6hdr *ip = header + ETH_HLEN;

		ip->payload_len = htons(cursor->header_len - ETH_HLEN - sizeof(*ip) + payload);
	}
	tcp->seq = htonl(ntohl(tcp->seq) + cursor->offset);
	if (!last) {
		tcp->fin = 0;
		tcp->psh = 0;
	}
	if (cursor->index)
		tcp->cwr = 0;
}

/*
 * Fills in the TCP checksum of a segment whose payload sums up to @csum, if the stack left that to
 * the NIC; else verifies what it wrote. False: the packet is damaged.
 */
bool dmnic_segment_checksum(const struct dmnic_cursor *cursor, void *header, unsigned int payload,
			    __wsum csum)
{
	const struct ethhdr *eth = header;
	struct tcphdr *tcp = transport_of(header);
	unsigned int tcp_len = header + cursor->header_len - (void *)tcp;
	__sum16 sent = tcp->check, sum;

	tcp->check = 0;
	csum = csum_block_add(csum_partial(tcp, tcp_len, 0), csum, tcp_len);
	if (eth->h_proto == htons(ETH_P_IP)) {
		const struct iphdr *ip = header + ETH_HLEN;

		sum = csum_tcpudp_magic(ip->saddr, ip->daddr, tcp_len + payload, IPPROTO_TCP, csum);
	} else {
		const struct ipv6hdr *ip = header + ETH_HLEN;

		sum = csum_ipv6_magic(&ip->saddr, &ip->daddr, tcp_len + payload, IPPROTO_TCP, csum);
	}
	tcp->check = sum;
	return cursor->skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(cursor->skb) || sent == sum;
}

/* Tells the stack that @skb, with @payload bytes, is what receive offload made of several segments.
 */
void dmnic_coalesced(struct sk_buff *skb, const struct dmnic_cursor *cursor, unsigned int payload)
{
	const struct ethhdr *eth = (void *)skb->data;
	bool v4 = eth->h_proto == htons(ETH_P_IP);
	struct tcphdr *tcp = transport_of(skb->data);

	skb_shinfo(skb)->gso_size = skb_shinfo(cursor->skb)->gso_size;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(payload, skb_shinfo(skb)->gso_size);
	skb_shinfo(skb)->gso_type = v4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	if (tcp->cwr)
		skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
	/* As GRO leaves it, for the case that the packet is forwarded: the sum of the pseudo
	 * header. */
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + ((void *)tcp - (void *)skb->data);
	skb->csum_offset = offsetof(struct tcphdr, check);
	if (v4) {
		const struct iphdr *ip = (void *)skb->data + ETH_HLEN;

		tcp->check = ~csum_tcpudp_magic(ip->saddr, ip->daddr,
						ntohs(ip->tot_len) - ip->ihl * 4, IPPROTO_TCP, 0);
	} else {
		const struct ipv6hdr *ip = (void *)skb->data + ETH_HLEN;

		tcp->check = ~csum_ipv6_magic(&ip->saddr, &ip->daddr, ntohs(ip->payload_len),
					      IPPROTO_TCP, 0);
	}
}
