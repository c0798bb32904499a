// SPDX-License-Identifier: BSD-3-Clause
/* The NIC below a VLAN, bond, bridge and the like: the one whose queues a dmabuf can be bound to.
 */
#include "nic.h"

#include <string.h>

#define MAX_LEVELS 8 /* the kernel's own limit of stacked devices (MAX_NEST_DEV) */

static const struct nic_link *find(const struct nic_link *links, unsigned int n,
				   unsigned int ifindex)
{
	for (unsigned int i = 0; i < n; i++)
		if (links[i].ifindex == ifindex)
			return &links[i];
	return NULL;
}

static bool is_one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (!strcmp(kind, *kinds))
			return true;
	return false;
}

/* A container's or a virtual machine's end is a port of a bridge like the NIC that leads outside.
 */
static bool is_virtual(const struct nic_link *link)
{
	static const char *const kinds[] = {"veth", "tun", "dummy", "ifb", NULL};

	return is_one_of(link->kind, kinds);
}

/* The only member of @master; NULL when there are none or several. */
static const struct nic_link *only_member(const struct nic_link *links, unsigned int n,
					  const struct nic_link *master)
{
	const struct nic_link *member = NULL;

	for (unsigned int i = 0; i < n; i++) {
		if (links[i].master != master->ifindex || is_virtual(&links[i]))
			continue;
		if (member)
			return NULL;
		member = &links[i];
	}
	return member;
}

static const struct nic_link *one_down(const struct nic_link *links, unsigned int n,
				       const struct nic_link *link)
{
	static const char *const on_top[] = {"vlan", "macvlan", "ipvlan", NULL};
	static const char *const masters[] = {"bond", "team", "bridge", NULL};

	if (is_one_of(link->kind, on_top))
		return link->below_elsewhere ? NULL : find(links, n, link->below);
	if (!is_one_of(link->kind, masters))
		return link;
	return link->active ? find(links, n, link->active) : only_member(links, n, link);
}

const struct nic_link *nic_lowest(const struct nic_link *links, unsigned int n,
				  unsigned int ifindex)
{
	const struct nic_link *link = find(links, n, ifindex);

	for (unsigned int level = 0; link && level < MAX_LEVELS; level++) {
		const struct nic_link *down = one_down(links, n, link);

		if (down == link)
			return link;
		link = down;
	}
	return NULL;
}
