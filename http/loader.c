// SPDX-License-Identifier: BSD-3-Clause
/* Many objects, in order and ahead of their use, through a bounded window of device memory. */
#include "client.h"
#include "window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An object that was asked for and not handed over yet. */
struct slot {
	struct devmem_loader *loader;
	uint64_t number;
	struct devmem_fetch *fetch;	 /* NULL: it could not even be started */
	struct devmem_error start_error; /* why */
	bool placed;
	uint64_t offset; /* in the window, if placed */
};

struct devmem_loader {
	struct devmem_http *http;
	struct devmem_mem *memory;
	struct window window;
	char **urls;
	uint64_t n;
	unsigned int ahead;
	struct slot *slots;	       /* a ring of ahead */
	uint64_t next_out, next_start; /* objects between them are in slots */
};

static struct slot *slot_of(struct devmem_loader *loader, uint64_t number)
{
	return &loader->slots[number % loader->ahead];
}

static bool has_ended(const struct slot *slot, struct devmem_fetch_info *info)
{
	if (!slot->fetch) {
		*info = (struct devmem_fetch_info){.ended = true, .error = slot->start_error};
		return true;
	}
	devmem_fetch_info_get(slot->fetch, info);
	return info->ended;
}

/* An object takes its room after all before it: else those could wait for a consumer that waits for
 * them. */
static bool is_its_turn(struct devmem_loader *loader, const struct slot *slot)
{
	struct devmem_fetch_info info;

	for (uint64_t i = loader->next_out; i < slot->number; i++)
		if (!slot_of(loader, i)->placed && !has_ended(slot_of(loader, i), &info))
			return false;
	return true;
}

/* The object was another one when it was placed. Room after that of later ones would never come
 * free: they wait for it to be handed over. */
static int place_again(struct slot *slot, uint64_t size, struct devmem_error *err)
{
	if (size <= window_span_len(&slot->loader->window, slot->number))
		return 1;
	return devmem_error_set(err, -ESTALE, "it has grown while it was fetched");
}

static int find_room(void *arg, uint64_t size, void **dst, struct devmem_error *err)
{
	struct slot *slot = arg;
	struct devmem_loader *loader = slot->loader;
	int ret;

	if (slot->placed) {
		ret = place_again(slot, size, err);
	} else {
		if (!is_its_turn(loader, slot))
			return 0;
		ret = window_take(&loader->window, slot->number, size, &slot->offset);
		if (ret == -EAGAIN)
			return 0;
		if (ret == -EMSGSIZE)
			return devmem_error_set(err, ret,
						"it has %" PRIu64 " bytes, and the window %" PRIu64
						": take a larger window",
						size, loader->window.size);
		if (ret)
			return devmem_error_set(err, ret, "out of memory");
		slot->placed = true;
		ret = 1;
	}
	*dst = (char *)loader->memory->addr + slot->offset;
	return ret;
}

static void start_more(struct devmem_loader *loader)
{
	while (loader->next_start < loader->n &&
	       loader->next_start - loader->next_out < loader->ahead) {
		struct slot *slot = slot_of(loader, loader->next_start);

		*slot = (struct slot){.loader = loader, .number = loader->next_start};
		(void)devmem_fetch_start(loader->http, loader->urls[slot->number], find_room, slot,
					 &slot->fetch, &slot->start_error);
		loader->next_start++;
	}
}

int devmem_loader_open(struct devmem_http *http, struct devmem_mem *window, const char *const *urls,
		       size_t n, unsigned int ahead, struct devmem_loader **loader,
		       struct devmem_error *err)
{
	struct devmem_loader *new = calloc(1, sizeof(*new));
	bool whole = new;

	*loader = NULL;
	if (whole) {
		new->http = http;
		new->memory = window;
		new->window.size = window->size;
		new->ahead = ahead ? ahead : devmem_http_connections(http);
		new->slots = calloc(new->ahead, sizeof(*new->slots));
		new->urls = calloc(n ? n : 1, sizeof(*new->urls));
		whole = new->slots &&new->urls;
	}
	for (size_t i = 0; whole && i < n; i++) {
		new->urls[i] = strdup(urls[i]);
		whole = new->urls[i];
		new->n += whole;
	}
	if (!whole) {
		devmem_loader_close(new);
		return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	*loader = new;
	return 0;
}

void devmem_loader_close(struct devmem_loader *loader)
{
	if (!loader)
		return;
	for (uint64_t i = loader->next_out; i < loader->next_start; i++) {
		devmem_fetch_end(slot_of(loader, i)->fetch);
		slot_of(loader, i)->fetch = NULL; /* later ones may still ask for room */
	}
	for (uint64_t i = 0; i < loader->n; i++)
		free(loader->urls[i]);
	window_free(&loader->window);
	free(loader->urls);
	free(loader->slots);
	free(loader);
}

/* Takes the next object, which has ended, out of its slot. */
static int hand_over(struct devmem_loader *loader, const struct devmem_fetch_info *info,
		     struct devmem_object *object, struct devmem_error *err)
{
	struct slot *slot = slot_of(loader, loader->next_out);

	devmem_fetch_end(slot->fetch);
	loader->next_out++;
	if (!info->error.code) {
		object->addr = (char *)loader->memory->addr + slot->offset;
		object->size = info->size;
		return 1;
	}
	if (slot->placed)
		(void)window_give(&loader->window, slot->number);
	return devmem_error_set(err, info->error.code, "%s", info->error.text);
}

int devmem_loader_next(struct devmem_loader *loader, struct devmem_object *object,
		       struct devmem_error *err)
{
	struct devmem_fetch_info info;

	if (loader->next_out == loader->n)
		return -ENODATA;
	start_more(loader);
	(void)devmem_http_progress(loader->http);
	if (!has_ended(slot_of(loader, loader->next_out), &info))
		return 0;
	*object = (struct devmem_object){.number = loader->next_out,
					 .url = loader->urls[loader->next_out]};
	return hand_over(loader, &info, object, err);
}

int devmem_loader_release(struct devmem_loader *loader, uint64_t number)
{
	int ret = number < loader->next_out ? window_give(&loader->window, number) : -EINVAL;

	/* A connection may wait for this room. */
	if (!ret && loader->next_out < loader->next_start)
		http_wake(loader->http);
	return ret;
}
