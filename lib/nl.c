// SPDX-License-Identifier: BSD-3-Clause
/* Generic netlink in three calls: open a family, ask, and keep the kernel's error text. */
#include "nl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

/* State of one request while its answers are read; libnl's own error numbers lose the kernel's
 * errno. */
struct exchange {
	struct nl_call *call;
	int max;
	nl_reply_fn reply;
	void *arg;
	int result;
	bool done;
};

int nl_call_open(struct nl_call *call, const char *family)
{
	int one = 1;

	call->extack[0] = '\0';
	call->sock = nl_socket_alloc();
	if (!call->sock)
		return -ENOMEM;
	if (genl_connect(call->sock)) {
		nl_call_close(call);
		return -EPROTONOSUPPORT;
	}
	fcntl(nl_socket_get_fd(call->sock), F_SETFD, FD_CLOEXEC);
	/* Optional: kernels without it simply give no text. */
	(void)setsockopt(nl_socket_get_fd(call->sock), SOL_NETLINK, NETLINK_EXT_ACK, &one,
			 sizeof(one));
	call->family = genl_ctrl_resolve(call->sock, family);
	if (call->family < 0) {
		nl_call_close(call);
		return -ENOENT;
	}
	return 0;
}

void nl_call_close(struct nl_call *call)
{
	nl_socket_free(call->sock);
	call->sock = NULL;
}

struct nl_msg *nl_call_request(struct nl_call *call, uint8_t command, uint8_t version)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, call->family, 0, NLM_F_ACK, command,
				version)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* The extended acknowledgement follows the error number and, unless capped, a copy of the request.
 */
static void keep_extack(struct nl_call *call, struct nlmsghdr *header)
{
	struct nlmsgerr *error = nlmsg_data(header);
	int skip = sizeof(*error);
	struct nlattr *text;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += (int)(error->msg.nlmsg_len - sizeof(error->msg));
	if (nlmsg_datalen(header) <= skip)
		return;
	text = nla_find((struct nlattr *)((char *)error + NLMSG_ALIGN(skip)),
			nlmsg_datalen(header) - (int)NLMSG_ALIGN(skip), NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(call->extack, sizeof(call->extack), "%.*s", nla_len(text),
			 (const char *)nla_data(text));
}

static int on_error(struct sockaddr_nl *peer, struct nlmsgerr *error, void *arg)
{
	struct exchange *exchange = arg;

	exchange->result = error->error;
	exchange->done = true;
	keep_extack(exchange->call, (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN));
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	((struct exchange *)arg)->done = true;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct exchange *exchange = arg;
	struct nlattr *attrs[exchange->max + 1];
	int ret;

	if (!exchange->reply)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, exchange->max, NULL) < 0)
		ret = -EPROTO;
	else
		ret = exchange->reply(attrs, exchange->arg);
	if (ret < 0)
		exchange->result = ret;
	return NL_OK;
}

int nl_call_ask(struct nl_call *call, struct nl_msg *msg, int max, nl_reply_fn reply, void *arg)
{
	struct exchange exchange = {.call = call, .max = max, .reply = reply, .arg = arg};
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	call->extack[0] = '\0';
	if (!cb) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &exchange);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &exchange);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, &exchange); /* of a dump */
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
	ret = nl_send_auto(call->sock, msg);
	nlmsg_free(msg);
	while (ret >= 0 && !exchange.done)
		ret = nl_recvmsgs(call->sock, cb);
	nl_cb_put(cb);
	if (!exchange.done)
		return -EIO;
	return exchange.result;
}

struct command_search {
	uint32_t command;
	bool found;
};

static int find_command(struct nlattr **attrs, void *arg)
{
	struct command_search *search = arg;
	struct nlattr *op;
	int left;

	if (!attrs[CTRL_ATTR_OPS])
		return 0;
	nla_for_each_nested (op, attrs[CTRL_ATTR_OPS], left) {
		struct nlattr *id = nla_find(nla_data(op), nla_len(op), CTRL_ATTR_OP_ID);

		if (id && nla_get_u32(id) == search->command)
			search->found = true;
	}
	return 0;
}

int nl_call_has_command(const char *family, uint32_t command)
{
	struct command_search search = {.command = command};
	struct nl_call call;
	struct nl_msg *msg;
	int ret = nl_call_open(&call, "nlctrl");

	if (ret)
		return ret;
	msg = nl_call_request(&call, CTRL_CMD_GETFAMILY, 1);
	if (!msg || nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, family)) {
		nlmsg_free(msg);
		ret = -ENOMEM;
	} else {
		ret = nl_call_ask(&call, msg, CTRL_ATTR_MAX, find_command, &search);
	}
	nl_call_close(&call);
	if (ret == -ENOENT)
		return 0;
	return ret ? ret : search.found;
}
