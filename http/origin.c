// SPDX-License-Identifier: BSD-3-Clause
/* Servers by host and port, with their addresses. */
#include "origin.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int resolve(struct origin *origin, int family, struct devmem_error *err)
{
	const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	char port[8];
	int ret;

	snprintf(port, sizeof(port), "%u", origin->port);
	ret = getaddrinfo(origin->host, port, &hints, &list);
	if (ret)
		return devmem_error_set(err, ret == EAI_AGAIN ? -EAGAIN : -ENOENT,
					"cannot find host %s: %s; getent ahosts %s", origin->host,
					gai_strerror(ret), origin->host);
	for (const struct addrinfo *one = list; one && origin->n < ORIGIN_ADDRESSES;
	     one = one->ai_next)
		memcpy(&origin->addresses[origin->n++], one->ai_addr, one->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

int origin_find(struct origin **list, const struct url *url, int family, struct origin **origin,
		struct devmem_error *err)
{
	struct origin *new;
	int ret;

	for (new = *list; new; new = new->next)
		if (new->port == url->port && !strcmp(new->host, url->host)) {
			*origin = new;
			return 0;
		}
	new = calloc(1, sizeof(*new));
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	strcpy(new->host, url->host);
	new->port = url->port;
	ret = resolve(new, family, err);
	if (ret) {
		free(new);
		return ret;
	}
	new->next = *list;
	*origin = *list = new;
	return 0;
}

const struct sockaddr_storage *origin_address(const struct origin *origin)
{
	return &origin->addresses[origin->at];
}

void origin_failed(struct origin *origin)
{
	origin->at = (origin->at + 1) % origin->n;
}

void origin_free_all(struct origin *list)
{
	while (list) {
		struct origin *next = list->next;

		free(list);
		list = next;
	}
}
