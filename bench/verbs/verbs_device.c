// SPDX-License-Identifier: BSD-3-Clause
/* The ports of this machine that speak RoCE v2. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verbs.h"

#define MAX_DEVICES 16
#define MAX_GIDS 64

static struct verbs_device devices[MAX_DEVICES];
static int n_devices;

static bool is_mapped(const union ibv_gid *gid)
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)gid->raw);
}

/* Link-local addresses do not: they say nothing of the interface that they are of. */
static bool usable(const struct ibv_gid_entry *entry, uint8_t port)
{
	return entry->port_num == port && entry->gid_type == IBV_GID_TYPE_ROCE_V2 &&
	       !IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)entry->gid.raw);
}

/* An IPv4 address rather than an IPv6 one. */
static bool choose_gid(struct verbs_device *device)
{
	struct ibv_gid_entry entries[MAX_GIDS];
	ssize_t n = ibv_query_gid_table(device->context, entries, MAX_GIDS, 0);
	bool found = false;

	for (ssize_t i = 0; i < n; i++) {
		if (!usable(&entries[i], device->port) || (found && !is_mapped(&entries[i].gid)))
			continue;
		device->gid = entries[i].gid;
		device->gid_index = (uint8_t)entries[i].gid_index;
		if (is_mapped(&device->gid))
			return true;
		found = true;
	}
	return found;
}

static bool take_port(struct ibv_context *context, uint8_t port, uint64_t guid)
{
	struct verbs_device *device = &devices[n_devices];
	const char *name = ibv_get_device_name(context->device);

	*device = (struct verbs_device){.context = context, .port = port, .guid = guid};
	if (ibv_query_port(context, port, &device->attr)) {
		WARN("%s: cannot ask port %u: %s", name, port, strerror(errno));
		return false;
	}
	if (device->attr.link_layer != IBV_LINK_LAYER_ETHERNET) {
		INFO("%s: port %u is no Ethernet, which is all that this plugin speaks", name,
		     port);
		return false;
	}
	if (device->attr.state != IBV_PORT_ACTIVE) {
		WARN("%s: port %u is not active: is its interface up? `rdma link show` tells", name,
		     port);
		return false;
	}
	if (!choose_gid(device)) {
		WARN("%s: port %u has no GID of RoCE v2 but link-local ones: give its interface an "
		     "IP address by `ip addr add`, `rdma link show` names it",
		     name, port);
		return false;
	}
	INFO("%s: port %u, GID %u", name, port, device->gid_index);
	return true;
}

/* Of a device none of whose ports is taken, the context is closed again. */
static void take_device(struct ibv_device *ibv)
{
	struct ibv_context *context = ibv_open_device(ibv);
	struct ibv_device_attr attr;
	int before = n_devices;

	if (!context || ibv_query_device(context, &attr)) {
		WARN("cannot open RDMA device %s: %s", ibv_get_device_name(ibv), strerror(errno));
		attr.phys_port_cnt = 0;
	}
	for (uint8_t port = 1; port <= attr.phys_port_cnt && n_devices < MAX_DEVICES; port++)
		n_devices += take_port(context, port, be64toh(attr.node_guid) + port - 1);
	if (context && n_devices == before)
		ibv_close_device(context);
}

ncclResult_t verbs_devices_open(void)
{
	int n = 0;
	struct ibv_device **list = ibv_get_device_list(&n);

	if (!list || n == 0) {
		WARN("no RDMA device%s%s: `rdma link show` lists them; `rdma link add rxe0 type "
		     "rxe netdev IF` makes one of software (packages ibverbs-providers, iproute2; "
		     "kernel option RDMA_RXE)",
		     list ? "" : ": ", list ? "" : strerror(errno));
		if (list)
			ibv_free_device_list(list);
		return ncclSystemError;
	}
	for (int i = 0; i < n; i++)
		take_device(list[i]);
	ibv_free_device_list(list);
	return n_devices ? ncclSuccess : ncclSystemError;
}

/* Ports of one device follow each other. */
void verbs_devices_close(void)
{
	for (int i = 0; i < n_devices; i++)
		if (i + 1 == n_devices || devices[i + 1].context != devices[i].context)
			ibv_close_device(devices[i].context);
	n_devices = 0;
}

int verbs_devices_count(void)
{
	return n_devices;
}

struct verbs_device *verbs_device_get(int dev)
{
	if (dev >= 0 && dev < n_devices)
		return &devices[dev];
	WARN("there is no device %d: devices() said %d", dev, n_devices);
	return NULL;
}

int verbs_device_speed(const struct verbs_device *device)
{
	/* Of a lane, and lanes: by the position of the bit that the port sets. */
	static const int lane_mbits[] = {2500, 5000, 10000, 10000, 14000, 25000, 50000, 100000};
	static const int lanes[] = {1, 4, 8, 12, 2};
	int speed = __builtin_ffs(device->attr.active_speed) - 1;
	int width = __builtin_ffs(device->attr.active_width) - 1;

	if (speed < 0 || speed >= (int)(sizeof(lane_mbits) / sizeof(int)) || width < 0 ||
	    width >= (int)(sizeof(lanes) / sizeof(int)))
		return 0;
	return lane_mbits[speed] * lanes[width];
}
