/* SPDX-License-Identifier: BSD-3-Clause */
/* What bytes are sent from: for each local address the NIC, and device memory bound to it. */
#ifndef DEVMEMCAT_SERVE_ROUTE_H
#define DEVMEMCAT_SERVE_ROUTE_H

#include "cache.h"
#include "options.h"

struct route {
	struct route *next;
	struct sockaddr_storage local;
	unsigned int ifindex;
	struct devmem_binding *binding; /* NULL: what goes there is sent from host memory */
	bool shared;			/* the binding is another route's */
};

struct routes {
	const struct options *options;
	struct devmem_exporter *exporter, *host_exporter;
	struct files *files;
	struct cache device, host; /* made when the first client needs them; mem is NULL before */
	struct route *first;
	bool warned;
};

/* @exporter and @files must live until routes_close(), clients must be gone then. */
void routes_open(struct routes *routes, const struct options *options,
		 struct devmem_exporter *exporter, struct files *files);
void routes_close(struct routes *routes);
/* The route of clients that come to @local. NULL, with @err, only without memory for a cache. */
struct route *route_find(struct routes *routes, const struct sockaddr_storage *local,
			 struct devmem_error *err);
/* The cache that the route sends from, or that of host memory for @host. NULL with @err. */
struct cache *route_cache(struct routes *routes, const struct route *route, bool host,
			  struct devmem_error *err);
/* Says, once, why bytes are sent from host memory. */
void route_warn(struct routes *routes, const char *why);

#endif
