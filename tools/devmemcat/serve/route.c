// SPDX-License-Identifier: BSD-3-Clause
/* What bytes are sent from: for each local address the NIC, and device memory bound to it. */
#include "route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "interface.h"
#include "sending.h"
#include "sockaddr.h"

void routes_open(struct routes *routes, const struct options *options,
		 struct devmem_exporter *exporter, struct files *files)
{
	*routes = (struct routes){.options = options, .exporter = exporter, .files = files};
}

void routes_close(struct routes *routes)
{
	struct route *route;

	while ((route = routes->first)) {
		routes->first = route->next;
		if (!route->shared)
			devmem_binding_release(route->binding);
		free(route);
	}
	/* What is still being sent keeps its pages: the kernel counts them. */
	if (routes->device.mem)
		cache_close(&routes->device);
	if (routes->host.mem)
		cache_close(&routes->host);
	devmem_exporter_close(routes->host_exporter);
}

void route_warn(struct routes *routes, const char *why)
{
	if (!routes->warned)
		fprintf(stderr, "devmemcat: sending from host memory, because: %s\n", why);
	routes->warned = true;
}

static int open_host(struct routes *routes, struct devmem_error *err)
{
	int ret = 0;

	if (!routes->host_exporter)
		ret = devmem_exporter_open(DEVMEM_MEM_HOST, -1, &routes->host_exporter, err);
	if (!ret)
		ret = cache_open(&routes->host, routes->host_exporter, routes->options->cache_bytes,
				 routes->files, err);
	return ret;
}

struct cache *route_cache(struct routes *routes, const struct route *route, bool host,
			  struct devmem_error *err)
{
	if (route->binding && !host)
		return &routes->device;
	if (!routes->host.mem && open_host(routes, err))
		return NULL;
	return &routes->host;
}

static struct devmem_binding *binding_of(const struct routes *routes, unsigned int ifindex)
{
	for (const struct route *route = routes->first; route; route = route->next)
		if (route->binding && route->ifindex == ifindex)
			return route->binding;
	return NULL;
}

static int find_nic(const struct routes *routes, const struct sockaddr_storage *local,
		    struct devmem_nic *nic, struct devmem_error *err)
{
	const char *name = routes->options->interface;

	return name ? interface_by_name(name, AF_UNSPEC, nic, err)
		    : interface_by_address(local, nic, err);
}

/* 0: the route may have a binding; -EOPNOTSUPP: not, after a warning; else -errno with @err. */
static int bind_route(struct routes *routes, struct route *route, struct devmem_error *err)
{
	struct devmem_error why = {0};
	struct devmem_nic nic;
	int ret = find_nic(routes, &route->local, &nic, &why);

	if (!ret)
		ret = sending_check(&nic, routes->exporter, &why);
	if (ret)
		goto warn;
	route->ifindex = nic.ifindex;
	route->binding = binding_of(routes, nic.ifindex);
	route->shared = route->binding;
	if (route->shared)
		return 0;
	if (!routes->device.mem) {
		ret = cache_open(&routes->device, routes->exporter, routes->options->cache_bytes,
				 routes->files, err);
		if (ret)
			return ret;
	}
	ret = devmem_bind_tx(nic.ifindex, routes->device.mem->dmabuf_fd, &route->binding, &why);
	if (!ret)
		return 0;
warn:
	route_warn(routes, why.text);
	return -EOPNOTSUPP;
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct sockaddr_storage one = *a, other = *b;

	sockaddr_set_port(&one, 0);
	sockaddr_set_port(&other, 0);
	return sockaddr_equal(&one, &other);
}

struct route *route_find(struct routes *routes, const struct sockaddr_storage *local,
			 struct devmem_error *err)
{
	struct route *route;
	int ret;

	for (route = routes->first; route; route = route->next)
		if (same_host(&route->local, local))
			return route;
	route = calloc(1, sizeof(*route));
	if (!route) {
		devmem_error_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	route->local = *local;
	if (devmem_exporter_kind(routes->exporter) != DEVMEM_MEM_HOST) {
		ret = bind_route(routes, route, err);
		if (ret && ret != -EOPNOTSUPP) {
			free(route);
			return NULL;
		}
	}
	route->next = routes->first;
	routes->first = route;
	return route;
}
