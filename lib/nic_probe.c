// SPDX-License-Identifier: BSD-3-Clause
/* Finds what the kernel and a NIC can do for device memory TCP, without changing anything. */
#include "bind.h"
#include "error.h"
#include "nl.h"
#include "rings.h"
#include "steer.h"
#include "uapi/devmem_uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool have_net_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

/* /proc/self/uid_map of the initial user namespace is the whole identity map; bind-rx counts
 * capabilities only there. */
static bool in_initial_user_namespace(void)
{
	char text[64];
	ssize_t n;
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true; /* no user namespaces in this kernel */
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return true;
	text[n] = '\0';
	return strstr(text, "4294967295") != NULL;
}

/* bind-tx looks at the driver before it looks at the dmabuf, so none is needed to ask. */
static bool driver_sends(const struct devmem_nic *nic)
{
	struct devmem_binding *none = NULL;

	return devmem_bind_tx(nic->ifindex, -1, &none, NULL) != -EOPNOTSUPP;
}

int devmem_nic_probe(const struct devmem_nic *nic, struct devmem_nic_caps *caps,
		     struct devmem_error *err)
{
	struct nic_rings rings;
	int rx = nl_call_has_command(DEVMEM_NETDEV_FAMILY, DEVMEM_NETDEV_CMD_BIND_RX);
	int tx = nl_call_has_command(DEVMEM_NETDEV_FAMILY, DEVMEM_NETDEV_CMD_BIND_TX);

	*caps = (struct devmem_nic_caps){
		.spread = nic->spread,
		.on_top = strcmp(nic->name, nic->ifname) != 0,
		.net_admin = have_net_admin() && in_initial_user_namespace(),
		.bind_rx = rx > 0,
		.netmem_rx = rx > 0 && bind_rx_possible(nic->ifindex),
		.bind_tx = tx > 0,
	};
	if (rx < 0)
		return devmem_error_set(err, rx,
					"cannot ask the kernel for its netlink families: %s; %s",
					strerror(-rx), error_advice(rx));
	if (!nic_rings_get(nic->name, &rings, NULL))
		caps->header_split = rings.tcp_data_split == DEVMEM_TCP_DATA_SPLIT_ENABLED &&
				     !rings.hds_thresh;
	caps->ntuple = steer_possible(nic->name);
	caps->netmem_tx = caps->bind_tx && driver_sends(nic);
	return 0;
}
