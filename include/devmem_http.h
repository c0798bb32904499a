/* SPDX-License-Identifier: BSD-3-Clause */
/* libdevmem-http: fetches objects from ordinary web servers into device memory. */
#ifndef DEVMEM_HTTP_H
#define DEVMEM_HTTP_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * Conventions are those of devmem.h. Plain HTTP/1.1 only: the CPU cannot read payload in device
 * memory, so it cannot be decrypted on the way there.
 *
 * A client and all that was made of it belong to one thread at a time.
 */

/* ---- the client: connections whose payload is in device memory
 * ------------------------------------------ */

#define DEVMEM_HTTP_CONNECTIONS 128

struct devmem_http;

/* Zero for what is usual. */
struct devmem_http_options {
	unsigned int queues;	  /* rx queues to lease, as devmem_port_options has it */
	unsigned int connections; /* at once, 1 to DEVMEM_HTTP_CONNECTIONS; 0: 4 */
	size_t pool_bytes;	  /* device memory that the NIC writes to; 0: 64 MiB */
	uint64_t part_bytes; /* larger objects are fetched by ranges of so many bytes, several at
				once; 0: 16 MiB */
	unsigned int tries;  /* of a request that brings nothing new; 0: 6 */
	unsigned int timeout_ms; /* without a byte from the server; 0: 30,000 */
	bool count_copies;	 /* fill copy_ns, which takes two system calls for each batch */
	unsigned int redirects;	 /* of one object; 0: 10 */
	const char *lease_dir;	 /* as devmem_port_options has it */
	const char *broker;	 /* as devmem_port_options has it */
};

/*
 * Leases rx queues of @nic and makes connectors there. Host memory, which has no dmabuf, needs
 * neither: then the client works by ordinary sockets, and @nic may be NULL. @exporter must live
 * until devmem_http_close(). Errors are those of devmem_mem_alloc() and devmem_port_open(). Blocks
 * while the driver restarts queues.
 */
int devmem_http_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		     const struct devmem_http_options *options, struct devmem_http **http,
		     struct devmem_error *err);
/* Ends all connections. Fetches must be ended before. Waits for copies under way. */
void devmem_http_close(struct devmem_http *http);
/* How many connections there may be at once. */
unsigned int devmem_http_connections(const struct devmem_http *http);
/* A descriptor that is readable (poll, epoll) when devmem_http_progress() has something to do. */
int devmem_http_fd(const struct devmem_http *http);
/* Moves everything as far as it goes, without waiting, but for the name server when an object is
 * redirected to a host that is new. Returns how many fetches are under way. */
int devmem_http_progress(struct devmem_http *http);

/* Where bytes went, since the client was opened; all monotonic. */
struct devmem_http_stats {
	uint64_t requests, responses, connects, retries, redirects;
	uint64_t rx_device, rx_linear, rx_plain; /* received bytes by where they landed */
	uint64_t placed;     /* body bytes that the device's copy engine brought to their place */
	uint64_t head_bytes; /* of response heads, read back to the host */
	uint64_t body_read_back; /* body bytes that came to the host with a head: of each response
				    less than a page; the device places them all the same */
	uint64_t copy_ns; /* CPU time of this thread in calls that start copies, if count_copies */
	uint64_t discarded; /* body bytes that nobody wants: of redirects and errors */
	uint64_t tokens_taken, tokens_returned;
};

void devmem_http_stats_get(const struct devmem_http *http, struct devmem_http_stats *stats);

/* ---- fetches: one object each
 * --------------------------------------------------------------------------- */

struct devmem_fetch;

/*
 * Called once the object's length is known, and again with every devmem_http_progress() until it
 * does not return 0. 1: *@dst is where the object's @size bytes go, memory of the client's exporter
 * or host memory, which must live until devmem_fetch_end(); 0: there is no room now, the connection
 * waits; -errno with @err: the fetch ends so. @size may be 0. It may be called more than once with
 * 1 where the object changed on the server meanwhile: then the earlier place is not used.
 */
typedef int (*devmem_fetch_room_fn)(void *arg, uint64_t size, void **dst, struct devmem_error *err);

/*
 * Begins to fetch @url (http://host[:port]/path). Resolves the host's name, and so may wait for a
 * name server. -EINVAL: no URL of this form; -EPROTONOSUPPORT: https; -ENOENT: no such host.
 */
int devmem_fetch_start(struct devmem_http *http, const char *url, devmem_fetch_room_fn room,
		       void *arg, struct devmem_fetch **fetch, struct devmem_error *err);

struct devmem_fetch_info {
	bool ended; /* all of it is in its place and visible to the device, or it failed */
	struct devmem_error error; /* code 0 unless it failed */
	unsigned int http_status;  /* of the last response, 0 before the first */
	bool size_known;
	uint64_t size;	   /* bytes, if known */
	uint64_t received; /* bytes, of those */
	void *dst;	   /* as room gave it */
	unsigned int retries, redirects;
};

void devmem_fetch_info_get(const struct devmem_fetch *fetch, struct devmem_fetch_info *info);
/* The URL that was fetched last, after redirects; lives as long as the fetch. */
const char *devmem_fetch_url(const struct devmem_fetch *fetch);
/* Frees the fetch; gives it up where it has not ended. Waits for its copies under way. */
void devmem_fetch_end(struct devmem_fetch *fetch);

/* ---- indexes: lists of objects
 * -------------------------------------------------------------------------- */

/* @url is whole; @name is as the index has it. 0 to go on, else the value that
 * devmem_index_parse() returns. */
typedef int (*devmem_index_fn)(void *arg, const char *name, const char *url);

/*
 * Calls @entry for each object of an index, in its order. An index is text with an object in each
 * line, a URL or a path that is taken as relative to @base (NULL: only URLs) (empty lines and those
 * that begin with # are passed over), or the XML of an S3 listing (ListBucketResult), whose keys
 * are relative to
 * @base, or behind it where @base is the bucket itself without a slash at its end. A broken index
 * gives no entry. -EPROTO: it is neither; -EOVERFLOW: the listing is one page of several
 * (IsTruncated); -EINVAL, -EPROTONOSUPPORT: @base or a line is no URL that can be fetched.
 */
int devmem_index_parse(const char *text, size_t len, const char *base, devmem_index_fn entry,
		       void *arg, struct devmem_error *err);

/* ---- the loader: many objects, in order, through a bounded window
 * ---------------------------------------- */

struct devmem_loader;

/* One object in the window; addr is memory of the exporter, aligned to 4,096 bytes. */
struct devmem_object {
	uint64_t number; /* its place in the order, from 0 */
	const char *url; /* as it was given; lives as long as the loader */
	void *addr;
	uint64_t size; /* bytes */
};

/*
 * Fetches @n objects, in order and ahead of their use, into @window, of which they take what is
 * free: when the consumer is slow, connections wait, and TCP tells the servers. @urls is copied;
 * @window must live until devmem_loader_close(). @ahead: fetches at once, 0: one for each
 * connection of @http.
 */
int devmem_loader_open(struct devmem_http *http, struct devmem_mem *window, const char *const *urls,
		       size_t n, unsigned int ahead, struct devmem_loader **loader,
		       struct devmem_error *err);
/* Gives up what is under way. Objects that were not released must not be used any more. */
void devmem_loader_close(struct devmem_loader *loader);
/*
 * The next object in order, without waiting: 1; 0 when it is not there yet (poll
 * devmem_http_fd(); this calls devmem_http_progress()); -ENODATA after the last; else the object
 * could not be fetched, @err says why and @object which, and the next call goes on with the one
 * after it. -EMSGSIZE: an object larger than the window.
 */
int devmem_loader_next(struct devmem_loader *loader, struct devmem_object *object,
		       struct devmem_error *err);
/* Gives the object's memory back, in any order; devmem_loader_next() then uses it, so call that
 * before poll(). -EINVAL: no object that is out. */
int devmem_loader_release(struct devmem_loader *loader, uint64_t number);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
