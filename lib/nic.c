// SPDX-License-Identifier: BSD-3-Clause
/* Lists the network devices that can carry traffic, with what NCCL wants to know of each. */
#include "nic.h"
#include "devmem.h"
#include "steer.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_SPEED_MBPS 10000

/*
 * Reads a number from a file of /sys/class/net/<name>/; @fallback when it is absent or negative.
 * sysfs shows the network namespace that it was mounted in, so nothing that the data path depends
 * on comes from it.
 */
static unsigned int sysfs_number(const char *name, const char *file, unsigned int fallback)
{
	char path[128];
	long value = -1;
	FILE *stream;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
	stream = fopen(path, "re");
	if (!stream)
		return fallback;
	if (fscanf(stream, "%li", &value) != 1)
		value = -1;
	fclose(stream);
	return value < 0 || value > INT_MAX ? fallback : (unsigned int)value;
}

static void find_pci_path(struct devmem_nic *nic)
{
	char link[128], real[PATH_MAX];

	snprintf(link, sizeof(link), "/sys/class/net/%s/device", nic->name);
	if (realpath(link, real) && strstr(real, "/pci") && strlen(real) < sizeof(nic->pci_path))
		strcpy(nic->pci_path, real);
}

/* Ports of one adapter share the PCI path up to the function; NICs that are no PCI device count by
 * ifindex. */
static uint64_t guid_of(const struct devmem_nic *nic)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	if (!nic->pci_path[0])
		return nic->ifindex;
	for (const char *c = nic->pci_path; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	return hash + nic->port;
}

static unsigned int read_mtu(const char *name)
{
	struct ifreq request = {.ifr_mtu = 1500};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 1500;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	(void)ioctl(fd, SIOCGIFMTU, &request);
	close(fd);
	return (unsigned int)request.ifr_mtu;
}

static bool address_usable(const struct ifaddrs *ifa, int family)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ifa->ifa_addr;
	int have = ifa->ifa_addr ? ifa->ifa_addr->sa_family : AF_UNSPEC;

	if ((have != AF_INET && have != AF_INET6) || (family != AF_UNSPEC && have != family))
		return false;
	return have == AF_INET || !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
}

static void set_address(struct devmem_nic *nic, const struct sockaddr *addr)
{
	memset(&nic->addr, 0, sizeof(nic->addr));
	memcpy(&nic->addr, addr,
	       addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
}

static void describe(struct devmem_nic *nic, const char *name)
{
	snprintf(nic->name, sizeof(nic->name), "%s", name);
	nic->ifindex = if_nametoindex(name);
	nic->speed_mbps = sysfs_number(name, "speed", DEFAULT_SPEED_MBPS);
	if (!nic->speed_mbps)
		nic->speed_mbps = DEFAULT_SPEED_MBPS;
	nic->port = sysfs_number(name, "dev_port", 0);
	nic->mtu = read_mtu(name);
	nic->rx_queues = steer_rx_queues(name);
	find_pci_path(nic);
	nic->guid = guid_of(nic);
}

static struct devmem_nic *find_nic(struct devmem_nic *nics, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(nics[i].name, name))
			return &nics[i];
	return NULL;
}

/* One pass over the addresses; @last_resort chooses between ordinary interfaces and those of
 * nic_is_last_resort(). */
static unsigned int collect(const struct ifaddrs *list, const char *filter, int family,
			    bool last_resort, struct devmem_nic *nics, unsigned int max)
{
	bool chosen_by_name = filter && *filter;
	unsigned int n = 0;

	for (const struct ifaddrs *ifa = list; ifa; ifa = ifa->ifa_next) {
		struct devmem_nic *known;

		if (!(ifa->ifa_flags & IFF_RUNNING) || !address_usable(ifa, family) ||
		    !nic_filter_match(filter, ifa->ifa_name))
			continue;
		if (!chosen_by_name && nic_is_last_resort(ifa->ifa_name) != last_resort)
			continue;
		known = find_nic(nics, n, ifa->ifa_name);
		if (known) {
			if (known->addr.ss_family == AF_INET6 &&
			    ifa->ifa_addr->sa_family == AF_INET)
				set_address(known, ifa->ifa_addr);
			continue;
		}
		if (n == max)
			continue;
		nics[n] = (struct devmem_nic){0};
		describe(&nics[n], ifa->ifa_name);
		set_address(&nics[n++], ifa->ifa_addr);
	}
	return n;
}

int devmem_nic_list(const char *filter, int family, struct devmem_nic *nics, unsigned int max,
		    struct devmem_error *err)
{
	struct ifaddrs *list;
	unsigned int n;

	if (getifaddrs(&list))
		return devmem_error_set(err, -errno, "cannot list network interfaces: %s",
					strerror(errno));
	n = collect(list, filter, family, false, nics, max);
	if (!n && !(filter && *filter))
		n = collect(list, filter, family, true, nics, max);
	freeifaddrs(list);
	if (!n)
		return devmem_error_set(err, -ENODEV,
					"no running network interface with an address matches "
					"'%s': see ip -br addr, set NCCL_DEVMEM_IFNAME",
					filter && *filter ? filter : "(any)");
	return (int)n;
}
