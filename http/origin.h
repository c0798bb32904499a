/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers by host and port, with their addresses. */
#ifndef DEVMEM_HTTP_ORIGIN_H
#define DEVMEM_HTTP_ORIGIN_H

#include "url.h"

#define ORIGIN_ADDRESSES 8

struct origin {
	struct origin *next;
	char host[256];
	uint16_t port;
	unsigned int n, at; /* addresses, and the one in use */
	struct sockaddr_storage addresses[ORIGIN_ADDRESSES];
};

/*
 * The origin of @url in *@list, resolved and added if it is new, with addresses of @family. Waits
 * for a name server. -ENOENT: there is no such host; -EAGAIN: no name server answers.
 */
int origin_find(struct origin **list, const struct url *url, int family, struct origin **origin,
		struct devmem_error *err);
const struct sockaddr_storage *origin_address(const struct origin *origin);
/* The address in use does not answer: next time another is tried. */
void origin_failed(struct origin *origin);
void origin_free_all(struct origin *list);

#endif
