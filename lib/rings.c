// SPDX-License-Identifier: BSD-3-Clause
/* Header split and ring sizes of a NIC, by ethtool's netlink rings messages. */
#include "rings.h"
#include "nl.h"
#include "pool_size.h"
#include "uapi/devmem_uapi.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <string.h>

#define DEFAULT_RING 1024 /* buffers */

static struct nl_msg *rings_request(struct nl_call *call, uint8_t command, const char *ifname)
{
	struct nl_msg *msg = nl_call_request(call, command, ETHTOOL_GENL_VERSION);
	struct nlattr *header;

	if (!msg)
		return NULL;
	header = nla_nest_start(msg, ETHTOOL_A_RINGS_HEADER | NLA_F_NESTED);
	if (!header || nla_put_string(msg, ETHTOOL_A_HEADER_DEV_NAME, ifname)) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, header);
	return msg;
}

static int take_rings(struct nlattr **attrs, void *arg)
{
	struct nic_rings *rings = arg;

	if (attrs[DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT])
		rings->tcp_data_split = nla_get_u8(attrs[DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT]);
	if (attrs[DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH]) {
		rings->has_hds_thresh = true;
		rings->hds_thresh = nla_get_u32(attrs[DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH]);
	}
	if (attrs[ETHTOOL_A_RINGS_RX])
		rings->rx = nla_get_u32(attrs[ETHTOOL_A_RINGS_RX]);
	return 0;
}

int nic_rings_get(const char *ifname, struct nic_rings *rings, struct devmem_error *err)
{
	struct nl_call call;
	struct nl_msg *msg;
	int ret = nl_call_open(&call, ETHTOOL_GENL_NAME);

	*rings = (struct nic_rings){.tcp_data_split = DEVMEM_TCP_DATA_SPLIT_UNKNOWN};
	if (ret)
		return devmem_error_set(
			err, ret,
			"the kernel has no ethtool netlink family (CONFIG_ETHTOOL_NETLINK)");
	msg = rings_request(&call, ETHTOOL_MSG_RINGS_GET, ifname);
	ret = msg ? nl_call_ask(&call, msg, DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH, take_rings, rings)
		  : -ENOMEM;
	if (ret)
		devmem_error_set(err, ret, "cannot read the rings of %s: %s %s; see ethtool -g %s",
				 ifname, strerror(-ret), call.extack, ifname);
	nl_call_close(&call);
	return ret;
}

size_t nic_ring_bytes(const char *ifname)
{
	struct nic_rings rings;

	if (nic_rings_get(ifname, &rings, NULL) || !rings.rx)
		rings.rx = DEFAULT_RING;
	return (size_t)rings.rx * POOL_PAGE_BYTES;
}

/* Device memory wants every packet split, so the threshold goes with the switch. */
static int put_header_split(struct nl_msg *msg, const char *ifname, bool on)
{
	uint8_t split = on ? DEVMEM_TCP_DATA_SPLIT_ENABLED : DEVMEM_TCP_DATA_SPLIT_DISABLED;
	struct nic_rings rings;

	if (nla_put_u8(msg, DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT, split))
		return -ENOMEM;
	if (on && !nic_rings_get(ifname, &rings, NULL) && rings.has_hds_thresh &&
	    nla_put_u32(msg, DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH, 0))
		return -ENOMEM;
	return 0;
}

int devmem_nic_set_header_split(const char *ifname, bool on, struct devmem_error *err)
{
	struct nl_call call;
	struct nl_msg *msg;
	int ret = nl_call_open(&call, ETHTOOL_GENL_NAME);

	if (ret)
		return devmem_error_set(
			err, ret,
			"the kernel has no ethtool netlink family (CONFIG_ETHTOOL_NETLINK)");
	msg = rings_request(&call, ETHTOOL_MSG_RINGS_SET, ifname);
	if (!msg || put_header_split(msg, ifname, on)) {
		nlmsg_free(msg);
		ret = -ENOMEM;
	} else {
		ret = nl_call_ask(&call, msg, DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH, NULL, NULL);
	}
	if (ret)
		devmem_error_set(err, ret, "cannot switch header split of %s %s: %s%s%s", ifname,
				 on ? "on" : "off", strerror(-ret),
				 call.extack[0] ? "; kernel: " : "", call.extack);
	nl_call_close(&call);
	return ret;
}
