// SPDX-License-Identifier: BSD-3-Clause
/* The time that a software NIC spends on what hardware would do. */
#include "nic_hw.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int fd, const char *nic, void *command)
{
	struct ifreq request = {.ifr_data = command};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", nic);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

static int count_stats(int fd, const char *nic, uint32_t *n)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int ret = ask(fd, nic, &info);

	*n = info.n_stats;
	return ret ? ret : *n ? 0 : -ENODEV;
}

static bool is_hw_ns(const char *name)
{
	static const char end[] = "_hw_ns";
	size_t len = strnlen(name, ETH_GSTRING_LEN);

	return len >= sizeof(end) - 1 &&
	       memcmp(name + len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

static int sum_stats(int fd, const char *nic, struct ethtool_gstrings *names,
		     struct ethtool_stats *stats, uint64_t *ns)
{
	bool known = false;
	int ret = ask(fd, nic, names);

	if (!ret)
		ret = ask(fd, nic, stats);
	*ns = 0;
	for (uint32_t i = 0; !ret && i < names->len && i < stats->n_stats; i++) {
		if (!is_hw_ns((const char *)names->data + (size_t)i * ETH_GSTRING_LEN))
			continue;
		known = true;
		*ns += stats->data[i];
	}
	return ret ? ret : known ? 0 : -ENODEV;
}

int nic_hw_ns(const char *nic, uint64_t *ns)
{
	struct ethtool_gstrings *names;
	struct ethtool_stats *stats;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t n;
	int ret;

	if (fd < 0)
		return -errno;
	ret = count_stats(fd, nic, &n);
	if (ret)
		goto close_socket;
	names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof(*stats) + n * sizeof(stats->data[0]));
	ret = -ENOMEM;
	if (names && stats) {
		*names = (struct ethtool_gstrings){
			.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = n};
		*stats = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = n};
		ret = sum_stats(fd, nic, names, stats, ns);
	}
	free(names);
	free(stats);
close_socket:
	close(fd);
	return ret;
}
