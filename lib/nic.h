/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing network devices by name and address, as NCCL does, and finding the NIC below them. */
#ifndef DEVMEM_NIC_H
#define DEVMEM_NIC_H

#include <ifaddrs.h>
#include <stdbool.h>

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nic_wish {
	const char *filter; /* see devmem_nic_list(); NULL or one character: by NCCL's order */
	int family;	    /* AF_INET, AF_INET6 or AF_UNSPEC */
	/* An address of the job (NCCL_COMM_ID), or NULL: without a filter, an interface in its
	 * subnet is better than any but ib*. */
	const struct sockaddr_storage *near;
};

/* True when @filter (see devmem_nic_list) takes the interface @name. An empty filter takes
 * everything. */
bool nic_filter_match(const char *filter, const char *name);

/*
 * Chooses among the addresses in @list, at most one of each interface and @max in all, in the
 * list's order. Returns how many were stored in @chosen, which point into @list.
 */
unsigned int nic_choose(const struct ifaddrs *list, const struct nic_wish *wish,
			const struct ifaddrs **chosen, unsigned int max);

/* Sets name, ifindex and spread of @nic, whose ifname is set. 0 or -errno. */
int nic_resolve(struct devmem_nic *nic);

/* Bytes of a packet on interface @name. */
unsigned int nic_mtu(const char *name);

/* devmem_nic_list() with all that can be wished for. */
int nic_list(const struct nic_wish *wish, struct devmem_nic *nics, unsigned int max,
	     struct devmem_error *err);

/* An interface as rtnetlink describes it. */
struct nic_link {
	unsigned int ifindex;
	char name[DEVMEM_NIC_NAME];
	char kind[16];	      /* "vlan", "bond" and so on; "" for most NICs */
	unsigned int below;   /* IFLA_LINK; 0: none */
	bool below_elsewhere; /* ... in another network namespace */
	unsigned int master;  /* the bond, bridge or team that it belongs to; 0: none */
	unsigned int active;  /* a bond's active member; 0: none, or all of them */
};

/*
 * The device whose queues receive what comes to @ifindex: that of a VLAN, macvlan or ipvlan, the
 * active or only member of a bond or team, the only port of a bridge that is no virtual one. NULL
 * when there is not exactly one such device in @links; the interface itself when it is on top of
 * none.
 */
const struct nic_link *nic_lowest(const struct nic_link *links, unsigned int n,
				  unsigned int ifindex);

/* All interfaces of the thread's network namespace. Returns their number and stores an array in
 * *@links for free(), or -errno. */
int nic_links(struct nic_link **links);

#ifdef __cplusplus
}
#endif

#endif
