/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of web servers: taken apart for a connection and a request line, and followed. */
#ifndef DEVMEM_HTTP_URL_H
#define DEVMEM_HTTP_URL_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define URL_MAX 8192	  /* bytes that hold the text of any struct url, with its NUL */
#define URL_AUTHORITY 264 /* the same for url_authority() */

struct url {
	char host[256];	      /* a name in lower case or an address, without brackets; not empty */
	bool literal6;	      /* host is an IPv6 address */
	uint16_t port;	      /* not 0 */
	char target[URL_MAX]; /* path and query, for the request line: begins with '/', and all of
				 it is printable ASCII without spaces */
};

/*
 * Takes http://host[:port][/path][?query][#fragment] apart. The fragment is dropped; bytes that may
 * not stand in a URL are percent-encoded, but control bytes are refused, and so is user info.
 * -EPROTONOSUPPORT: https; -EINVAL: everything else that cannot be fetched.
 */
int url_parse(const char *text, struct url *url, struct devmem_error *err);
/*
 * Resolves @reference, a URL or what is relative to one, as @base has it (RFC 3986, 5.2). Errors
 * are those of url_parse(); @url is not touched then, and may be @base.
 */
int url_follow(const struct url *base, const char *reference, struct url *url,
	       struct devmem_error *err);
/* The whole URL, without port 80, in @text, which is also returned; URL_MAX bytes are enough. */
const char *url_text(const struct url *url, char *text, size_t room);
/* The same for host[:port], as the Host header has it; URL_AUTHORITY bytes are enough. */
const char *url_authority(const struct url *url, char *text, size_t room);

/* Writes @text to @clean, without its fragment and percent-encoded as url_parse() tells. -EINVAL:
 * it has control bytes, or needs more than URL_MAX. */
int url_clean(const char *text, char clean[URL_MAX], struct devmem_error *err);
/* -EINVAL when the text of @url needs more than URL_MAX bytes. */
int url_check_length(const struct url *url, struct devmem_error *err);

#ifdef __cplusplus
}
#endif

#endif
