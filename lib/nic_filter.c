// SPDX-License-Identifier: BSD-3-Clause
/* Which interfaces NCCL would take: NCCL_SOCKET_IFNAME's form, and the order when it is not set. */
#include "nic.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static bool one_match(const char *item, size_t length, const char *name, bool exact)
{
	if (exact)
		return strlen(name) == length && !strncmp(item, name, length);
	return !strncmp(item, name, length);
}

bool nic_filter_match(const char *filter, const char *name)
{
	bool exclude = false, exact = false, any = false, empty = true;

	if (!filter)
		return true;
	if (*filter == '^') {
		exclude = true;
		filter++;
	}
	if (*filter == '=') {
		exact = true;
		filter++;
	}
	while (*filter) {
		size_t item = strcspn(filter, ","), length = strcspn(filter, ",:");

		/* ":N" after a name is a port of an InfiniBand device, of no account here. */
		if (length) {
			empty = false;
			any |= one_match(filter, length, name, exact);
		}
		filter += item;
		filter += *filter == ',';
	}
	return (any || empty) != exclude;
}

/* Link-local addresses are left out: they mean nothing without the interface, which the other side
 * cannot know. So is ::1, as in NCCL. */
static bool address_usable(const struct ifaddrs *ifa, int family)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ifa->ifa_addr;
	int have = ifa->ifa_addr ? ifa->ifa_addr->sa_family : AF_UNSPEC;

	if ((have != AF_INET && have != AF_INET6) || (family != AF_UNSPEC && have != family))
		return false;
	return have == AF_INET ||
	       (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr));
}

static bool same_bits(const uint8_t *a, const uint8_t *b, const uint8_t *mask, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if ((a[i] ^ b[i]) & mask[i])
			return false;
	return true;
}

static bool in_subnet(const struct ifaddrs *ifa, const struct sockaddr_storage *near)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)ifa->ifa_addr;
	const struct sockaddr_in *m4 = (const struct sockaddr_in *)ifa->ifa_netmask;
	const struct sockaddr_in *b4 = (const struct sockaddr_in *)near;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)ifa->ifa_addr;
	const struct sockaddr_in6 *m6 = (const struct sockaddr_in6 *)ifa->ifa_netmask;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)near;

	if (!ifa->ifa_netmask || ifa->ifa_addr->sa_family != near->ss_family)
		return false;
	if (near->ss_family == AF_INET)
		return same_bits((const uint8_t *)&a4->sin_addr, (const uint8_t *)&b4->sin_addr,
				 (const uint8_t *)&m4->sin_addr, 4);
	return same_bits(a6->sin6_addr.s6_addr, b6->sin6_addr.s6_addr, m6->sin6_addr.s6_addr, 16);
}

static bool known(const struct ifaddrs **chosen, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(chosen[i]->ifa_name, name))
			return true;
	return false;
}

static unsigned int matching(const struct ifaddrs *list, const char *filter, int family,
			     const struct ifaddrs **chosen, unsigned int max)
{
	unsigned int n = 0;

	for (const struct ifaddrs *ifa = list; ifa && n < max; ifa = ifa->ifa_next)
		if (ifa->ifa_flags & IFF_RUNNING && address_usable(ifa, family) &&
		    nic_filter_match(filter, ifa->ifa_name) && !known(chosen, n, ifa->ifa_name))
			chosen[n++] = ifa;
	return n;
}

/* One interface: NCCL takes the first. */
static unsigned int in_subnet_of(const struct ifaddrs *list, const struct nic_wish *wish,
				 const struct ifaddrs **chosen)
{
	for (const struct ifaddrs *ifa = list; wish->near && ifa; ifa = ifa->ifa_next) {
		if (!(ifa->ifa_flags & IFF_RUNNING) || !address_usable(ifa, wish->family) ||
		    !in_subnet(ifa, wish->near))
			continue;
		*chosen = ifa;
		return 1;
	}
	return 0;
}

unsigned int nic_choose(const struct ifaddrs *list, const struct nic_wish *wish,
			const struct ifaddrs **chosen, unsigned int max)
{
	static const char *const order[] = {"^docker,lo,virbr", "docker", "lo", "virbr"};
	unsigned int n;

	if (!max)
		return 0;
	if (wish->filter && strlen(wish->filter) > 1)
		return matching(list, wish->filter, wish->family, chosen, max);
	n = matching(list, "ib", wish->family, chosen, max);
	if (!n)
		n = in_subnet_of(list, wish, chosen);
	for (unsigned int i = 0; !n && i < sizeof(order) / sizeof(order[0]); i++)
		n = matching(list, order[i], wish->family, chosen, max);
	return n;
}
