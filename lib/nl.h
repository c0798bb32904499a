/* SPDX-License-Identifier: BSD-3-Clause */
/* Generic netlink in three calls: open a family, ask, and keep the kernel's error text. */
#ifndef DEVMEM_NL_H
#define DEVMEM_NL_H

#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "devmem.h"

struct nl_call {
	struct nl_sock *sock;
	int family;
	char extack[256]; /* the kernel's text for the last failed request, "" when it gave none */
};

/* Called once for each reply; a negative value becomes the result of nl_call_ask(). */
typedef int (*nl_reply_fn)(struct nlattr **attrs, void *arg);

/* -ENOENT: the kernel has no such family. */
int nl_call_open(struct nl_call *call, const char *family);
void nl_call_close(struct nl_call *call);
/* Starts a request; the caller adds attributes, then hands it to nl_call_ask(). NULL when out of
 * memory. */
struct nl_msg *nl_call_request(struct nl_call *call, uint8_t command, uint8_t version);
/* Sends @msg (freed in any case) and waits for the answer. Replies are parsed into @max + 1
 * attributes. Returns 0 or -errno. */
int nl_call_ask(struct nl_call *call, struct nl_msg *msg, int max, nl_reply_fn reply, void *arg);
/* 1 when the open family has @command, 0 when not, -errno. */
int nl_call_has_command(const char *family, uint32_t command);

#endif
