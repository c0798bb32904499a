// SPDX-License-Identifier: BSD-3-Clause
/* Binds a dmabuf to a NIC, for receive or for transmit, by the kernel's "netdev" netlink family. */
#include "bind.h"
#include "nl.h"
#include "uapi/devmem_uapi.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel keeps the binding as long as its netlink socket is open. */
struct devmem_binding {
	struct nl_call call;
	int adopted; /* a copy of the socket of another process, instead of call; else -1 */
	uint32_t id;
};

/* What an error number of bind-rx or bind-tx means, and what to do (net/core/netdev-genl.c,
 * net/core/devmem.c). */
static const char *bind_advice(int code, bool rx)
{
	switch (-code) {
	case EPERM:
		return "binding rx queues needs CAP_NET_ADMIN in the initial user namespace: run "
		       "with it";
	case EEXIST:
		return "another process holds the queue, or XDP the device: choose another queue, "
		       "or end that process";
	case ERANGE:
		return "the NIC has fewer rx queues: see ethtool -l";
	case EBUSY:
		return "the queue is in use by AF_XDP: choose another queue";
	case ENODATA:
		return "the driver did not take device memory: switch header split on (ethtool -G "
		       "DEV tcp-data-split on)";
	case EOPNOTSUPP:
		return rx ? "the NIC's driver cannot receive to device memory: see docs/hardware.md"
			  : "the kernel or the NIC's driver cannot send device memory: needs Linux "
			    "6.16 or this project's series";
	case EINVAL:
		return "the dmabuf must be whole pages, header split on for all packets (ethtool "
		       "-G DEV tcp-data-split on hds-thresh 0), and the device a real one with a "
		       "DMA parent";
	case EBADF:
		return "the file descriptor is no dmabuf";
	case ENODEV:
		return "the network device is gone or down";
	case EPROTONOSUPPORT:
	case ENOENT:
		return "the kernel has no netdev netlink family: needs Linux 6.12 or later";
	default:
		return "see the kernel log (dmesg)";
	}
}

static int bind_error(struct devmem_error *err, int code, const struct nl_call *call,
		      unsigned int ifindex, bool rx)
{
	char name[IF_NAMESIZE] = "?";
	const char *text = call && call->extack[0] ? call->extack : NULL;

	if_indextoname(ifindex, name);
	return devmem_error_set(err, code, "bind-%s of a dmabuf to %s failed: %s%s%s%s; %s",
				rx ? "rx" : "tx", name, strerror(-code), text ? " (kernel: " : "",
				text ? text : "", text ? ")" : "", bind_advice(code, rx));
}

static int put_queues(struct nl_msg *msg, const unsigned int *queues, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct nlattr *nest = nla_nest_start(msg,
						     DEVMEM_NETDEV_A_DMABUF_QUEUES | NLA_F_NESTED);

		if (!nest || nla_put_u32(msg, DEVMEM_NETDEV_A_QUEUE_ID, queues[i]) ||
		    nla_put_u32(msg, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX))
			return -ENOMEM;
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int take_id(struct nlattr **attrs, void *arg)
{
	struct nlattr *id = attrs[DEVMEM_NETDEV_A_DMABUF_ID];

	if (!id)
		return -EPROTO;
	*(uint32_t *)arg = nla_get_u32(id);
	return 0;
}

/* What is to be bound to what. */
struct wish {
	uint8_t command;
	unsigned int ifindex;
	int dmabuf_fd;
	const unsigned int *queues;
	unsigned int n_queues;
	size_t buffer; /* bytes */
};

/* 0 with the binding's *@id, or -errno. */
static int ask(struct nl_call *call, const struct wish *wish, uint32_t *id)
{
	struct nl_msg *msg = nl_call_request(call, wish->command, 1);

	/* Kernels that have pages only do not know the attribute. */
	if (!msg || nla_put_u32(msg, DEVMEM_NETDEV_A_DMABUF_IFINDEX, wish->ifindex) ||
	    nla_put_u32(msg, DEVMEM_NETDEV_A_DMABUF_FD, (uint32_t)wish->dmabuf_fd) ||
	    put_queues(msg, wish->queues, wish->n_queues) ||
	    (wish->buffer > BIND_PAGE_BYTES &&
	     nla_put_u32(msg, DEVMEM_NETDEV_A_DMABUF_RX_BUF_SIZE, (uint32_t)wish->buffer))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nl_call_ask(call, msg, DEVMEM_NETDEV_A_DMABUF_ID, take_id, id);
}

/*
 * The kernel does not know of sizes, or not of this one; the memory has smaller parts; or the
 * driver cannot: all said before a queue is stopped. The same numbers have other causes, too, which
 * pages then meet again.
 */
static bool refuses_size(int ret)
{
	return ret == -EINVAL || ret == -ERANGE || ret == -E2BIG || ret == -EOPNOTSUPP;
}

static int ask_for_most(struct nl_call *call, struct wish *wish, uint32_t *id)
{
	int ret = ask(call, wish, id);

	while (refuses_size(ret) && wish->buffer > BIND_PAGE_BYTES) {
		wish->buffer /= 2;
		ret = ask(call, wish, id);
	}
	return ret;
}

static int bind_dmabuf(struct wish *wish, struct devmem_binding **binding, struct devmem_error *err)
{
	bool rx = wish->command == DEVMEM_NETDEV_CMD_BIND_RX;
	unsigned int ifindex = wish->ifindex;
	struct devmem_binding *new;
	int ret;

	*binding = NULL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->adopted = -1;
	ret = nl_call_open(&new->call, DEVMEM_NETDEV_FAMILY);
	if (ret) {
		free(new);
		return bind_error(err, ret, NULL, ifindex, rx);
	}
	ret = ask_for_most(&new->call, wish, &new->id);
	if (ret) {
		bind_error(err, ret, &new->call, ifindex, rx);
		devmem_binding_release(new);
		return ret;
	}
	*binding = new;
	return 0;
}

/* What the kernel says to a request that binds nothing. */
static int ask_for_nothing(unsigned int ifindex, size_t buffer)
{
	const unsigned int queue = 0;
	const struct wish nothing = {
		.command = DEVMEM_NETDEV_CMD_BIND_RX,
		.ifindex = ifindex,
		.dmabuf_fd = -1,
		.queues = &queue,
		.n_queues = 1,
		.buffer = buffer,
	};
	struct nl_call call;
	uint32_t id;
	int ret = nl_call_open(&call, DEVMEM_NETDEV_FAMILY);

	if (ret)
		return ret;
	ret = ask(&call, &nothing, &id);
	nl_call_close(&call);
	return ret;
}

bool bind_rx_possible(unsigned int ifindex)
{
	return ask_for_nothing(ifindex, BIND_PAGE_BYTES) != -EOPNOTSUPP;
}

bool bind_rx_takes_buffers(unsigned int ifindex)
{
	return ask_for_nothing(ifindex, 2 * BIND_PAGE_BYTES) == -EBADF;
}

int bind_rx(unsigned int ifindex, int dmabuf_fd, const unsigned int *queues, unsigned int n,
	    size_t *buffer, struct devmem_binding **binding, struct devmem_error *err)
{
	struct wish wish = {
		.command = DEVMEM_NETDEV_CMD_BIND_RX,
		.ifindex = ifindex,
		.dmabuf_fd = dmabuf_fd,
		.queues = queues,
		.n_queues = n,
		.buffer = *buffer,
	};
	int ret = bind_dmabuf(&wish, binding, err);

	*buffer = wish.buffer;
	return ret;
}

int devmem_bind_rx(unsigned int ifindex, int dmabuf_fd, const unsigned int *queues, unsigned int n,
		   struct devmem_binding **binding, struct devmem_error *err)
{
	size_t buffer = BIND_PAGE_BYTES;

	return bind_rx(ifindex, dmabuf_fd, queues, n, &buffer, binding, err);
}

int devmem_bind_tx(unsigned int ifindex, int dmabuf_fd, struct devmem_binding **binding,
		   struct devmem_error *err)
{
	struct wish wish = {
		.command = DEVMEM_NETDEV_CMD_BIND_TX,
		.ifindex = ifindex,
		.dmabuf_fd = dmabuf_fd,
	};

	return bind_dmabuf(&wish, binding, err);
}

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->id;
}

void devmem_binding_release(struct devmem_binding *binding)
{
	if (!binding)
		return;
	if (binding->adopted >= 0)
		close(binding->adopted);
	else
		nl_call_close(&binding->call);
	free(binding);
}

int binding_adopt(int fd, uint32_t id, struct devmem_binding **binding)
{
	*binding = calloc(1, sizeof(**binding));
	if (!*binding)
		return -ENOMEM;
	(*binding)->adopted = fd;
	(*binding)->id = id;
	return 0;
}

int binding_fd(const struct devmem_binding *binding)
{
	return binding->adopted >= 0 ? binding->adopted : nl_socket_get_fd(binding->call.sock);
}

static int take_queue_dmabuf(struct nlattr **attrs, void *arg)
{
	struct nlattr *id = attrs[DEVMEM_NETDEV_A_QUEUE_DMABUF];

	*(uint32_t *)arg = id ? nla_get_u32(id) : 0;
	return 0;
}

int devmem_queue_binding(unsigned int ifindex, unsigned int queue, uint32_t *dmabuf_id,
			 struct devmem_error *err)
{
	struct nl_call call;
	struct nl_msg *msg;
	int ret = nl_call_open(&call, DEVMEM_NETDEV_FAMILY);

	if (ret)
		return devmem_error_set(
			err, ret,
			"the kernel has no netdev netlink family: needs Linux 6.12 or later");
	msg = nl_call_request(&call, DEVMEM_NETDEV_CMD_QUEUE_GET, 1);
	if (!msg || nla_put_u32(msg, DEVMEM_NETDEV_A_QUEUE_ID, queue) ||
	    nla_put_u32(msg, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX) ||
	    nla_put_u32(msg, DEVMEM_NETDEV_A_QUEUE_IFINDEX, ifindex)) {
		nlmsg_free(msg);
		ret = -ENOMEM;
	} else {
		ret = nl_call_ask(&call, msg, DEVMEM_NETDEV_A_QUEUE_DMABUF, take_queue_dmabuf,
				  dmabuf_id);
	}
	if (ret)
		devmem_error_set(err, ret, "queue-get of rx queue %u of interface %u: %s %s", queue,
				 ifindex, strerror(-ret), call.extack);
	nl_call_close(&call);
	return ret;
}

struct binding_look {
	binding_seen_fn seen;
	void *arg;
};

static int see_queue(struct nlattr **attrs, void *arg)
{
	const struct binding_look *look = arg;
	struct nlattr *id = attrs[DEVMEM_NETDEV_A_QUEUE_ID];
	struct nlattr *ifindex = attrs[DEVMEM_NETDEV_A_QUEUE_IFINDEX];
	struct nlattr *dmabuf = attrs[DEVMEM_NETDEV_A_QUEUE_DMABUF];

	if (!id || !ifindex)
		return -EPROTO;
	if (dmabuf)
		look->seen(nla_get_u32(ifindex), nla_get_u32(id), nla_get_u32(dmabuf), look->arg);
	return 0;
}

int binding_list(binding_seen_fn seen, void *arg)
{
	struct binding_look look = {.seen = seen, .arg = arg};
	struct nl_call call;
	struct nl_msg *msg;
	int ret = nl_call_open(&call, DEVMEM_NETDEV_FAMILY);

	if (ret)
		return ret;
	msg = nl_call_request(&call, DEVMEM_NETDEV_CMD_QUEUE_GET, 1);
	if (msg)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	ret = msg ? nl_call_ask(&call, msg, DEVMEM_NETDEV_A_QUEUE_DMABUF, see_queue, &look)
		  : -ENOMEM;
	nl_call_close(&call);
	return ret;
}
