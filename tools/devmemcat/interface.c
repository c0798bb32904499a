// SPDX-License-Identifier: BSD-3-Clause
/* Which NIC a connection uses: by name, by local address, or the first that can be steered. */
#include "interface.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "nic.h"
#include "sockaddr.h"
#include "steer.h"

#define MAX_NICS 64

/* Only what receiving needs: devmem_nic_list() passes over interfaces with a link-local address
 * alone. */
static int describe(const char *name, struct devmem_nic *nic, struct devmem_error *err)
{
	int ret;

	*nic = (struct devmem_nic){0};
	snprintf(nic->ifname, sizeof(nic->ifname), "%s", name);
	ret = nic_resolve(nic);
	if (ret == -ENODEV)
		return devmem_error_set(err, ret,
					"there is no interface '%s': ip -br link lists them", name);
	if (ret)
		return devmem_error_set(err, ret, "cannot ask the kernel about '%s': %s", name,
					strerror(-ret));
	nic->rx_queues = steer_rx_queues(nic->name);
	nic->mtu = nic_mtu(nic->ifname);
	return 0;
}

/* How much an address of an interface is liked; 0: it does not serve. */
static int rank(const struct sockaddr *addr, int family)
{
	if (!addr || (family != AF_UNSPEC && addr->sa_family != family))
		return 0;
	if (addr->sa_family == AF_INET)
		return 3;
	if (addr->sa_family != AF_INET6)
		return 0;
	return IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)addr)->sin6_addr) ? 1 : 2;
}

static void keep_address(struct devmem_nic *nic, const struct sockaddr *addr)
{
	memset(&nic->addr, 0, sizeof(nic->addr));
	memcpy(&nic->addr, addr,
	       addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
}

int interface_by_name(const char *name, int family, struct devmem_nic *nic,
		      struct devmem_error *err)
{
	struct ifaddrs *list;
	int best = 0, ret = describe(name, nic, err);

	if (ret)
		return ret;
	if (getifaddrs(&list))
		return devmem_error_set(err, -errno, "cannot list addresses: %s", strerror(errno));
	for (const struct ifaddrs *ifa = list; ifa; ifa = ifa->ifa_next) {
		if (strcmp(ifa->ifa_name, name) || rank(ifa->ifa_addr, family) <= best)
			continue;
		best = rank(ifa->ifa_addr, family);
		keep_address(nic, ifa->ifa_addr);
	}
	freeifaddrs(list);
	if (best)
		return 0;
	return devmem_error_set(err, -EADDRNOTAVAIL,
				"interface '%s' has no %saddress: ip addr add ADDRESS dev %s", name,
				family == AF_INET    ? "IPv4 "
				: family == AF_INET6 ? "IPv6 "
						     : "",
				name);
}

static bool same_address(const struct sockaddr *addr, const struct sockaddr_storage *local)
{
	struct sockaddr_storage have = {0};

	if (!addr || addr->sa_family != local->ss_family)
		return false;
	memcpy(&have, addr, sockaddr_length(local));
	sockaddr_set_port(&have, sockaddr_port(local));
	return sockaddr_equal(&have, local);
}

int interface_by_address(const struct sockaddr_storage *local, struct devmem_nic *nic,
			 struct devmem_error *err)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)local;
	char name[IF_NAMESIZE] = "", text[SOCKADDR_TEXT];
	struct ifaddrs *list;
	int ret;

	if (getifaddrs(&list))
		return devmem_error_set(err, -errno, "cannot list addresses: %s", strerror(errno));
	if (local->ss_family == AF_INET6 && v6->sin6_scope_id)
		if_indextoname(v6->sin6_scope_id, name);
	for (const struct ifaddrs *ifa = list; ifa && !name[0]; ifa = ifa->ifa_next)
		if (same_address(ifa->ifa_addr, local))
			snprintf(name, sizeof(name), "%s", ifa->ifa_name);
	freeifaddrs(list);
	if (!name[0])
		return devmem_error_set(err, -EADDRNOTAVAIL,
					"no interface has the address of %s: give one that ip -br "
					"addr shows, or --interface",
					sockaddr_text(local, text));
	ret = describe(name, nic, err);
	nic->addr = *local;
	return ret;
}

int interface_steerable(int family, struct devmem_nic *nic, struct devmem_error *err)
{
	struct devmem_nic nics[MAX_NICS];
	int n = devmem_nic_list(NULL, family, nics, MAX_NICS, NULL);

	for (int i = 0; i < n; i++) {
		if (!steer_possible(nics[i].name))
			continue;
		*nic = nics[i];
		return 0;
	}
	return devmem_error_set(
		err, -ENODEV,
		"no interface with an address has flow steering switched on: choose "
		"one (ethtool -K IF ntuple on) and name it by --interface, or receive "
		"into host memory by --exporter host");
}
