// SPDX-License-Identifier: BSD-3-Clause
/* Which network interfaces the plugin offers, chosen as NCCL chooses its own. */
#include "nics.h"
#include "nic.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int nic_family(void)
{
	const char *family = getenv("NCCL_SOCKET_FAMILY");

	if (family && !strcmp(family, "AF_INET"))
		return AF_INET;
	if (family && !strcmp(family, "AF_INET6"))
		return AF_INET6;
	return AF_UNSPEC;
}

/*
 * The host of NCCL_COMM_ID ("host:port" or "[ipv6]:port"), where NCCL looks for an interface in its
 * subnet. A name is resolved as NCCL did a moment ago; one that is not known is no hint.
 */
static bool find_comm_id(struct sockaddr_storage *addr)
{
	const char *text = getenv("NCCL_COMM_ID");
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char host[NI_MAXHOST];

	if (!text || strlen(text) < 2)
		return false;
	if (*text == '[')
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(text + 1, "]%"), text + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, ":,"), text);
	if (getaddrinfo(host, NULL, &hints, &found))
		return false;
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

int nics_choose(const char *filter, struct devmem_nic *nics, unsigned int max,
		struct devmem_error *err)
{
	struct sockaddr_storage comm_id;
	struct nic_wish wish = {
		.filter = *filter ? filter : getenv("NCCL_SOCKET_IFNAME"),
		.family = nic_family(),
		.near = find_comm_id(&comm_id) ? &comm_id : NULL,
	};

	return nic_list(&wish, nics, max, err);
}
