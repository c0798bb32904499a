// SPDX-License-Identifier: BSD-3-Clause
/* URLs taken apart, and put together again. */
#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <http_parser.h>
#include <stdio.h>
#include <string.h>

#include "percent.h"

#define SCHEME "http://"
#define RESERVED ":/?[]@!$&'()*+,;=%"
#define PORT 80

static int too_long(struct devmem_error *err)
{
	return devmem_error_set(err, -EINVAL, "the URL is longer than %d bytes", URL_MAX - 1);
}

static bool is_control(char byte)
{
	return (byte >= 0 && byte < ' ') || byte == '\x7f';
}

int url_clean(const char *text, char clean[URL_MAX], struct devmem_error *err)
{
	size_t len = strcspn(text, "#");

	for (size_t i = 0; i < len; i++)
		if (is_control(text[i]))
			return devmem_error_set(err, -EINVAL,
						"byte %zu of the URL is a control byte (0x%02x): "
						"write it as %%%02X",
						i, text[i], text[i]);
	return percent_encode(text, len, RESERVED, clean, URL_MAX) < 0 ? too_long(err) : 0;
}

static int check_scheme(const char *clean, struct devmem_error *err)
{
	if (!strncasecmp(clean, "https:", 6))
		return devmem_error_set(err, -EPROTONOSUPPORT,
					"https cannot be fetched: the CPU cannot read payload in "
					"device memory, so cannot decrypt it; use http://, or a "
					"proxy beside this machine that ends TLS");
	if (strncasecmp(clean, SCHEME, strlen(SCHEME)))
		return devmem_error_set(err, -EINVAL, "'%.200s' does not begin with " SCHEME,
					clean);
	return 0;
}

static int check_user(const char *clean, struct devmem_error *err)
{
	const char *authority = clean + strlen(SCHEME);

	if (!memchr(authority, '@', strcspn(authority, "/?")))
		return 0;
	return devmem_error_set(err, -EINVAL,
				"the URL has user information before its host, which would be sent "
				"for all to read: leave it out");
}

static bool has(const struct http_parser_url *parts, enum http_parser_url_fields field)
{
	return parts->field_set & (1u << field);
}

static int split(const char *clean, struct http_parser_url *parts, struct devmem_error *err)
{
	http_parser_url_init(parts);
	if (http_parser_parse_url(clean, strlen(clean), 0, parts) || !has(parts, UF_HOST))
		return devmem_error_set(
			err, -EINVAL,
			"'%.200s' is not of the form " SCHEME "host[:port][/path][?query]", clean);
	return 0;
}

static int take_host(const char *clean, const struct http_parser_url *parts, struct url *url,
		     struct devmem_error *err)
{
	size_t len = parts->field_data[UF_HOST].len;
	const char *host = clean + parts->field_data[UF_HOST].off;
	struct in6_addr addr;

	if (len >= sizeof(url->host))
		return devmem_error_set(err, -EINVAL, "the URL's host is longer than %zu bytes",
					sizeof(url->host) - 1);
	for (size_t i = 0; i < len; i++)
		url->host[i] = (char)tolower((unsigned char)host[i]);
	url->host[len] = '\0';
	url->literal6 = host[-1] == '[';
	if (url->literal6 && inet_pton(AF_INET6, url->host, &addr) != 1)
		return devmem_error_set(err, -EINVAL, "[%s] in the URL is no IPv6 address",
					url->host);
	return 0;
}

static int take_port(const struct http_parser_url *parts, struct url *url, struct devmem_error *err)
{
	url->port = has(parts, UF_PORT) ? parts->port : PORT;
	return url->port ? 0 : devmem_error_set(err, -EINVAL, "the URL's port is not 1 to 65535");
}

static int take_target(const char *clean, struct url *url, struct devmem_error *err)
{
	const char *authority = clean + strlen(SCHEME);
	const char *target = authority + strcspn(authority, "/?");

	snprintf(url->target, sizeof(url->target), "%s%s", *target == '/' ? "" : "/", target);
	return url_check_length(url, err);
}

int url_parse(const char *text, struct url *url, struct devmem_error *err)
{
	struct http_parser_url parts;
	char clean[URL_MAX];
	int ret = url_clean(text, clean, err);

	if (!ret)
		ret = check_scheme(clean, err);
	if (!ret)
		ret = check_user(clean, err);
	if (!ret)
		ret = split(clean, &parts, err);
	if (!ret)
		ret = take_host(clean, &parts, url, err);
	if (!ret)
		ret = take_port(&parts, url, err);
	return ret ? ret : take_target(clean, url, err);
}

const char *url_authority(const struct url *url, char *text, size_t room)
{
	char port[8] = "";

	if (url->port != PORT)
		snprintf(port, sizeof(port), ":%u", url->port);
	snprintf(text, room, url->literal6 ? "[%s]%s" : "%s%s", url->host, port);
	return text;
}

const char *url_text(const struct url *url, char *text, size_t room)
{
	char authority[URL_AUTHORITY];

	snprintf(text, room, SCHEME "%s%s", url_authority(url, authority, sizeof(authority)),
		 url->target);
	return text;
}

int url_check_length(const struct url *url, struct devmem_error *err)
{
	char authority[URL_AUTHORITY];

	url_authority(url, authority, sizeof(authority));
	return strlen(SCHEME) + strlen(authority) + strlen(url->target) < URL_MAX ? 0
										  : too_long(err);
}
