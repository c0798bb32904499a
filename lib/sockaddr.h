/* SPDX-License-Identifier: BSD-3-Clause */
/* Socket addresses of IPv4 and IPv6 alike: length, port, comparison, text. */
#ifndef DEVMEM_SOCKADDR_H
#define DEVMEM_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOCKADDR_TEXT 64 /* room for "[ipv6]:port" */

socklen_t sockaddr_length(const struct sockaddr_storage *addr);
uint16_t sockaddr_port(const struct sockaddr_storage *addr);
void sockaddr_set_port(struct sockaddr_storage *addr, uint16_t port);
/* The same family, IP address and port. */
bool sockaddr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/* Writes "1.2.3.4:5" or "[::1]:5" to @text, SOCKADDR_TEXT bytes; returns @text. */
const char *sockaddr_text(const struct sockaddr_storage *addr, char *text);
/* Reads that form back. -EPROTO when it is another. */
int sockaddr_parse(const char *text, struct sockaddr_storage *addr);

#ifdef __cplusplus
}
#endif

#endif
