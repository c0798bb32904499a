// SPDX-License-Identifier: BSD-3-Clause
/* Lists the network devices that can carry traffic, with what NCCL wants to know of each. */
#include "nic.h"
#include "error.h"
#include "ethtool.h"
#include "steer.h"

#include <errno.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_SPEED_MBPS 10000

/* By the device's address on its bus, since /sys/class/net shows the network namespace that sysfs
 * was mounted in, not the thread's. */
static void find_pci_path(struct devmem_nic *nic)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	char link[64 + sizeof(info.bus_info)], real[PATH_MAX];

	if (ethtool_ioctl(nic->name, &info) || !info.bus_info[0] || strchr(info.bus_info, '/'))
		return;
	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s", info.bus_info);
	if (realpath(link, real) && strlen(real) < sizeof(nic->pci_path))
		strcpy(nic->pci_path, real);
}

/*
 * Reads a number of the NIC's folder in sysfs; @fallback when it is absent or negative, or when the
 * folder is another network namespace's device of that name.
 */
static unsigned int sysfs_number(const struct devmem_nic *nic, const char *file,
				 unsigned int fallback)
{
	char path[128];
	long value = -1;
	FILE *stream;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", nic->name, file);
	stream = fopen(path, "re");
	if (!stream)
		return fallback;
	if (fscanf(stream, "%li", &value) != 1)
		value = -1;
	fclose(stream);
	return value < 0 || value > INT_MAX ? fallback : (unsigned int)value;
}

static unsigned int read_port(const struct devmem_nic *nic)
{
	return sysfs_number(nic, "ifindex", 0) == nic->ifindex ? sysfs_number(nic, "dev_port", 0)
							       : 0;
}

static unsigned int read_speed(const char *name)
{
	struct {
		struct ethtool_link_settings head;
		uint32_t masks[3 * SCHAR_MAX];
	} settings = {.head.cmd = ETHTOOL_GLINKSETTINGS};

	/* The first answer is the number of words that the kernel wants, negated. */
	if (ethtool_ioctl(name, &settings) || settings.head.link_mode_masks_nwords >= 0)
		return DEFAULT_SPEED_MBPS;
	settings.head.cmd = ETHTOOL_GLINKSETTINGS;
	settings.head.link_mode_masks_nwords = (int8_t)-settings.head.link_mode_masks_nwords;
	if (ethtool_ioctl(name, &settings) || !settings.head.speed || settings.head.speed > INT_MAX)
		return DEFAULT_SPEED_MBPS;
	return settings.head.speed;
}

/* Ports of one adapter share the PCI path up to the function; NICs that are no PCI device count by
 * ifindex. Interfaces on top of one NIC have its guid, since they share its bandwidth. */
static uint64_t guid_of(const struct devmem_nic *nic)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	if (!nic->pci_path[0])
		return nic->ifindex;
	for (const char *c = nic->pci_path; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	return hash + nic->port;
}

unsigned int nic_mtu(const char *name)
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

/* An interface that stands on no single NIC is taken for one, and lacks what a NIC has. */
static void find_nic(struct devmem_nic *nic, const struct nic_link *links, unsigned int n)
{
	const struct nic_link *lowest;

	nic->ifindex = if_nametoindex(nic->ifname);
	strcpy(nic->name, nic->ifname);
	lowest = nic_lowest(links, n, nic->ifindex);
	nic->spread = n && !lowest;
	if (!lowest)
		return;
	nic->ifindex = lowest->ifindex;
	strcpy(nic->name, lowest->name);
}

int nic_resolve(struct devmem_nic *nic)
{
	struct nic_link *links;
	int n = nic_links(&links);

	if (n < 0)
		return n;
	find_nic(nic, links, (unsigned int)n);
	free(links);
	return nic->ifindex ? 0 : -ENODEV;
}

static void describe(struct devmem_nic *nic, const struct ifaddrs *ifa,
		     const struct nic_link *links, unsigned int n)
{
	*nic = (struct devmem_nic){0};
	/* An address may have a label, as in "eth0:1". */
	snprintf(nic->ifname, sizeof(nic->ifname), "%.*s", (int)strcspn(ifa->ifa_name, ":"),
		 ifa->ifa_name);
	memcpy(&nic->addr, ifa->ifa_addr,
	       ifa->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						   : sizeof(struct sockaddr_in6));
	find_nic(nic, links, n);
	nic->speed_mbps = read_speed(nic->name);
	nic->port = read_port(nic);
	nic->mtu = nic_mtu(nic->ifname);
	nic->rx_queues = steer_rx_queues(nic->name);
	find_pci_path(nic);
	nic->guid = guid_of(nic);
}

int nic_list(const struct nic_wish *wish, struct devmem_nic *nics, unsigned int max,
	     struct devmem_error *err)
{
	const struct ifaddrs *chosen[max + 1];
	struct nic_link *links;
	struct ifaddrs *list;
	int n_links = nic_links(&links);
	unsigned int n;

	if (n_links < 0)
		return devmem_error_set(err, n_links,
					"cannot list network interfaces by rtnetlink: %s; %s",
					strerror(-n_links), error_advice(n_links));
	if (getifaddrs(&list)) {
		free(links);
		return devmem_error_set(err, -errno,
					"cannot list the addresses of network "
					"interfaces: %s",
					strerror(errno));
	}
	n = nic_choose(list, wish, chosen, max);
	for (unsigned int i = 0; i < n; i++)
		describe(&nics[i], chosen[i], links, (unsigned int)n_links);
	freeifaddrs(list);
	free(links);
	if (!n)
		return devmem_error_set(err, -ENODEV,
					"no running network interface with an address%s matches "
					"'%s': see ip -br addr, set NCCL_DEVMEM_IFNAME",
					wish->family == AF_INET	   ? " of IPv4"
					: wish->family == AF_INET6 ? " of IPv6"
								   : "",
					wish->filter && wish->filter[0] ? wish->filter : "(any)");
	return (int)n;
}

int devmem_nic_list(const char *filter, int family, struct devmem_nic *nics, unsigned int max,
		    struct devmem_error *err)
{
	struct nic_wish wish = {.filter = filter, .family = family};

	return nic_list(&wish, nics, max, err);
}
