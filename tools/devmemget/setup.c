// SPDX-License-Identifier: BSD-3-Clause
/* What a run needs before its first request: memory, the NIC on the way to the server, the client.
 */
#include "interface.h"
#include "lease.h"
#include "session.h"
#include "sockaddr.h"
#include "url.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_exporter(struct session *session, struct devmem_error *err)
{
	const struct options *options = session->options;

	if (!options->any_kind)
		return devmem_exporter_open(options->kind, -1, &session->exporter, err);
	if (!devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &session->exporter, NULL))
		return 0;
	return devmem_exporter_open(DEVMEM_MEM_UDMABUF, -1, &session->exporter, err);
}

/* The address that this machine has on the way to @to. */
static int local_address(const struct addrinfo *to, struct sockaddr_storage *local)
{
	socklen_t length = sizeof(*local);
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) ||
	    getsockname(fd, (struct sockaddr *)local, &length))
		ret = -errno;
	close(fd);
	sockaddr_set_port(local, 0);
	return ret;
}

static int find_nic(struct session *session, const char *url, struct devmem_error *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const char *interface = session->options->interface;
	struct sockaddr_storage local = {0};
	struct addrinfo *list;
	struct url parsed;
	int ret = url_parse(url, &parsed, err);

	if (ret)
		return ret;
	ret = getaddrinfo(parsed.host, NULL, &hints, &list);
	if (ret)
		return devmem_error_set(err, -ENOENT, "cannot find host %s: %s; getent ahosts %s",
					parsed.host, gai_strerror(ret), parsed.host);
	ret = local_address(list, &local);
	if (interface)
		ret = interface_by_name(interface, list->ai_family, &session->nic, err);
	else if (ret)
		devmem_error_set(err, ret, "there is no route to %s: %s; ip route get %s",
				 parsed.host, strerror(-ret), parsed.host);
	else
		ret = interface_by_address(&local, &session->nic, err);
	freeaddrinfo(list);
	return ret;
}

static int split_headers(struct session *session, struct devmem_error *err)
{
	const char *wish = session->options->http.lease_dir, *dir = wish ? wish : LEASE_DIR;
	struct devmem_nic_caps caps;
	int ret = devmem_nic_probe(&session->nic, &caps, err);

	if (ret || !caps.net_admin)
		return ret;
	(void)mkdir(dir, 0755); /* what it lacks, split_hold() tells */
	return split_hold(session->nic.name, dir, &session->split, err);
}

int session_open(struct session *session, const char *url, struct devmem_error *err)
{
	const struct options *options = session->options;
	bool device;
	int ret;

	ret = open_exporter(session, err);
	device = !ret && devmem_exporter_kind(session->exporter) != DEVMEM_MEM_HOST;
	if (device)
		ret = find_nic(session, url, err);
	if (device && !ret)
		ret = split_headers(session, err);
	if (!ret)
		ret = devmem_mem_alloc(session->exporter, options->window_bytes, &session->window,
				       err);
	if (!ret)
		ret = devmem_http_open(&session->nic, session->exporter, &options->http,
				       &session->http, err);
	if (ret)
		return ret;
	session->staging = devmem_staging_alloc(session->exporter, STAGING_BYTES);
	return session->staging ? 0 : devmem_error_set(err, -ENOMEM, "out of memory for copies");
}

void session_close(struct session *session)
{
	struct devmem_error err = {0};

	devmem_staging_free(session->exporter, session->staging);
	devmem_http_close(session->http);
	devmem_mem_free(session->window);
	if (session->split && split_release(session->split, &err))
		fprintf(stderr, "devmemget: %s\n", err.text);
	devmem_exporter_close(session->exporter);
	names_free(&session->names);
}
