/* SPDX-License-Identifier: BSD-3-Clause */
/* ethtool's ioctl, for what the kernel has no netlink message for. */
#ifndef DEVMEM_ETHTOOL_H
#define DEVMEM_ETHTOOL_H

/* SIOCETHTOOL with @data, which begins with a command. 0 or -errno. */
int ethtool_ioctl(const char *ifname, void *data);

#endif
