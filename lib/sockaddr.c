// SPDX-License-Identifier: BSD-3-Clause
/* Socket addresses of IPv4 and IPv6 alike: length, port, comparison, text. */
#include "sockaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

socklen_t sockaddr_length(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

/* sin_port and sin6_port lie at the same place. */
static uint16_t *port_of(const struct sockaddr_storage *addr)
{
	return &((struct sockaddr_in *)addr)->sin_port;
}

uint16_t sockaddr_port(const struct sockaddr_storage *addr)
{
	return ntohs(*port_of(addr));
}

void sockaddr_set_port(struct sockaddr_storage *addr, uint16_t port)
{
	*port_of(addr) = htons(port);
}

static const void *ip_of(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		return &((const struct sockaddr_in6 *)addr)->sin6_addr;
	return &((const struct sockaddr_in *)addr)->sin_addr;
}

bool sockaddr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return a->ss_family == b->ss_family && *port_of(a) == *port_of(b) &&
	       !memcmp(ip_of(a), ip_of(b), a->ss_family == AF_INET6 ? 16 : 4);
}

const char *sockaddr_text(const struct sockaddr_storage *addr, char *text)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(addr->ss_family, ip_of(addr), ip, sizeof(ip));
	snprintf(text, SOCKADDR_TEXT, addr->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
		 sockaddr_port(addr));
	return text;
}

int sockaddr_parse(const char *text, struct sockaddr_storage *addr)
{
	const char *colon = strrchr(text, ':');
	char ip[INET6_ADDRSTRLEN], *end;
	size_t length;
	unsigned long port;

	memset(addr, 0, sizeof(*addr));
	if (!colon || colon == text)
		return -EPROTO;
	addr->ss_family = AF_INET;
	length = (size_t)(colon - text);
	if (text[0] == '[' && colon[-1] == ']') {
		addr->ss_family = AF_INET6;
		text++;
		length -= 2;
	}
	if (length >= sizeof(ip))
		return -EPROTO;
	memcpy(ip, text, length);
	ip[length] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end || port > UINT16_MAX ||
	    inet_pton(addr->ss_family, ip, (void *)ip_of(addr)) != 1)
		return -EPROTO;
	sockaddr_set_port(addr, (uint16_t)port);
	return 0;
}
