// SPDX-License-Identifier: BSD-3-Clause
/*
 * Stands in for libdevmem-http.so.0: objects are made up as their URLs tell. "size/N" is N bytes
 * of the object's number, "late/N" the same after a while, "never" does not come, "fail" fails.
 */
#include "standin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ALIGNMENT 4096
#define SLOTS 64

struct devmem_http {
	int timer;
};

struct slot {
	uint64_t number;
	size_t offset, size; /* size 0: free */
};

struct devmem_loader {
	struct devmem_http *http;
	struct devmem_mem *window;
	char **urls;
	size_t n, next;
	bool late; /* the next object has been waited for */
	struct slot slots[SLOTS];
};

static struct devmem_http_options options;
static char nic_name[DEVMEM_NIC_NAME];
static unsigned int clients, loaders, out, wrong_releases;

const struct devmem_http_options *standin_options(void)
{
	return &options;
}

const char *standin_nic(void)
{
	return nic_name;
}

unsigned int standin_clients(void)
{
	return clients;
}

unsigned int standin_loaders(void)
{
	return loaders;
}

unsigned int standin_objects_out(void)
{
	return out;
}

unsigned int standin_wrong_releases(void)
{
	return wrong_releases;
}

int devmem_http_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		     const struct devmem_http_options *opts, struct devmem_http **http,
		     struct devmem_error *err)
{
	if (opts->connections > DEVMEM_HTTP_CONNECTIONS)
		return devmem_error_set(err, -EINVAL, "too many connections: ask for fewer");
	options = *opts;
	strcpy(nic_name, nic->name);
	*http = calloc(1, sizeof(**http));
	(*http)->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	clients++;
	return 0;
}

void devmem_http_close(struct devmem_http *http)
{
	clients--;
	close(http->timer);
	free(http);
}

int devmem_http_fd(const struct devmem_http *http)
{
	return http->timer;
}

int devmem_http_progress(struct devmem_http *http)
{
	return 5;
}

void devmem_http_stats_get(const struct devmem_http *http, struct devmem_http_stats *stats)
{
	*stats = (struct devmem_http_stats){.requests = 1, .tokens_returned = 14};
}

int devmem_index_parse(const char *text, size_t len, const char *base, devmem_index_fn entry,
		       void *arg, struct devmem_error *err)
{
	if (len == 0)
		return devmem_error_set(err, -EPROTO, "this is no index: give another");
	for (int ret = 0; len > 0; text++, len--) {
		char name[2] = {*text}, url[64];

		strcat(strcpy(url, base), name);
		ret = entry(arg, name, url);
		if (ret)
			return ret;
	}
	return 0;
}

int devmem_loader_open(struct devmem_http *http, struct devmem_mem *window, const char *const *urls,
		       size_t n, unsigned int ahead, struct devmem_loader **loader,
		       struct devmem_error *err)
{
	struct devmem_loader *new = calloc(1, sizeof(*new));

	*new = (struct devmem_loader){.http = http, .window = window, .n = n};
	new->urls = calloc(n + 1, sizeof(*new->urls));
	for (size_t i = 0; i < n; i++)
		new->urls[i] = strdup(urls[i]);
	*loader = new;
	loaders++;
	return 0;
}

void devmem_loader_close(struct devmem_loader *loader)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		out -= loader->slots[i].size != 0;
	for (size_t i = 0; i < loader->n; i++)
		free(loader->urls[i]);
	free(loader->urls);
	free(loader);
	loaders--;
}

static bool overlaps(const struct slot *slot, size_t offset, size_t size)
{
	return slot->size && slot->offset < offset + size && offset < slot->offset + slot->size;
}

static bool is_free(const struct devmem_loader *loader, size_t offset, size_t size)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (overlaps(&loader->slots[i], offset, size))
			return false;
	return true;
}

/* The first place that is free, or NULL. */
static struct slot *place(struct devmem_loader *loader, size_t size)
{
	for (size_t at = 0; at + size <= loader->window->size; at += ALIGNMENT)
		for (unsigned int i = 0; is_free(loader, at, size) && i < SLOTS; i++)
			if (!loader->slots[i].size) {
				loader->slots[i] = (struct slot){loader->next, at, size};
				return &loader->slots[i];
			}
	return NULL;
}

static int wait_a_while(struct devmem_loader *loader)
{
	struct itimerspec soon = {.it_value.tv_nsec = 20000000};

	loader->late = true;
	timerfd_settime(loader->http->timer, 0, &soon, NULL);
	return 0;
}

static int arrive(struct devmem_loader *loader, struct devmem_object *object, size_t size)
{
	struct slot *slot = place(loader, size ? size : 1);

	if (!slot)
		return 0;
	object->number = loader->next;
	object->url = loader->urls[loader->next];
	object->addr = (char *)loader->window->addr + slot->offset;
	object->size = size;
	memset(object->addr, (int)object->number, size);
	loader->next++;
	loader->late = false;
	out++;
	return 1;
}

static int fail(struct devmem_loader *loader, struct devmem_object *object,
		struct devmem_error *err)
{
	*object = (struct devmem_object){.number = loader->next, .url = loader->urls[loader->next]};
	loader->next++;
	return devmem_error_set(err, -ENOENT, "the server has no such object: see its log");
}

int devmem_loader_next(struct devmem_loader *loader, struct devmem_object *object,
		       struct devmem_error *err)
{
	uint64_t expirations;
	const char *url;

	if (read(loader->http->timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		return -errno;
	if (loader->next == loader->n)
		return -ENODATA;
	url = loader->urls[loader->next];
	if (strcmp(url, "never") == 0)
		return 0;
	if (strcmp(url, "fail") == 0)
		return fail(loader, object, err);
	if (strncmp(url, "late/", 5) == 0 && !loader->late)
		return wait_a_while(loader);
	return arrive(loader, object, strtoul(url + 5, NULL, 10));
}

/* What was released is overwritten: whoever still looks at it finds that. */
int devmem_loader_release(struct devmem_loader *loader, uint64_t number)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *slot = &loader->slots[i];

		if (!slot->size || slot->number != number)
			continue;
		memset((char *)loader->window->addr + slot->offset, 0xdd, slot->size);
		slot->size = 0;
		out--;
		return 0;
	}
	wrong_releases++;
	return -EINVAL;
}
