// SPDX-License-Identifier: BSD-3-Clause
/* The loop of get_curl: each slot fetches an object, has it copied to the device, and takes the
 * next one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "get_curl.h"

#define COPY_POLL_MS 1
#define IDLE_POLL_MS 1000

static const char *url_of(const struct slot *slot)
{
	return slot->get->options->urls[slot->object];
}

static void end(struct slot *slot)
{
	slot->state = SLOT_FREE;
	slot->get->ended++;
}

static void give_up(struct slot *slot, const char *reason)
{
	fprintf(stderr, "get_curl: %s: %s\n", url_of(slot), reason);
	slot->get->figures.failed++;
	end(slot);
}

static void begin(struct slot *slot)
{
	struct get *get = slot->get;

	slot->object = get->begun++;
	slot->bytes = 0;
	slot->reason[0] = '\0';
	if (curl_easy_setopt(slot->easy, CURLOPT_URL, url_of(slot)) ||
	    curl_multi_add_handle(get->multi, slot->easy)) {
		give_up(slot, "libcurl does not take the URL");
		return;
	}
	slot->state = SLOT_FETCHING;
}

static void copied(struct slot *slot)
{
	int ret = slot->get->options->sha256 ? get_print_hash(slot) : 0;

	if (ret) {
		give_up(slot, strerror(-ret));
		return;
	}
	slot->get->figures.bytes += slot->bytes;
	end(slot);
}

static void copy(struct slot *slot)
{
	const struct devmem_copy piece = {
		.dst = slot->device, .src = slot->host, .len = slot->bytes};
	struct get *get = slot->get;
	uint64_t start = clock_own_ns();
	int ret = devmem_copy_start(get->exporter, &piece, 1, &slot->fence);

	get->figures.copy_ns += clock_own_ns() - start;
	if (!ret)
		slot->state = SLOT_COPYING;
	else if (ret != -EAGAIN)
		give_up(slot, strerror(-ret));
}

static void look_at_copy(struct slot *slot)
{
	int ret = devmem_copy_done(slot->get->exporter, slot->fence);

	if (ret > 0)
		copied(slot);
	else if (ret < 0)
		give_up(slot, strerror(-ret));
}

/* As far as it goes without libcurl. */
static void advance(struct slot *slot)
{
	if (slot->state == SLOT_FETCHED && slot->bytes)
		copy(slot);
	else if (slot->state == SLOT_FETCHED)
		copied(slot);
	if (slot->state == SLOT_COPYING)
		look_at_copy(slot);
	if (slot->state == SLOT_FREE && slot->get->begun < slot->get->options->n)
		begin(slot);
}

static void fetched(struct get *get, CURL *easy, CURLcode result)
{
	struct slot *slot;
	long connects = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
	get->figures.connects += (uint64_t)connects;
	curl_multi_remove_handle(get->multi, easy);
	if (result == CURLE_WRITE_ERROR)
		give_up(slot, "it is larger than --largest");
	else if (result)
		give_up(slot, slot->reason[0] ? slot->reason : curl_easy_strerror(result));
	else
		slot->state = SLOT_FETCHED;
}

/* What libcurl has ended: false when it has nothing to tell. */
static bool collect(struct get *get)
{
	bool any = false;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(get->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		fetched(get, message->easy_handle, message->data.result);
		any = true;
	}
	return any;
}

static bool copying(const struct get *get)
{
	for (unsigned int i = 0; i < get->options->connections; i++)
		if (get->slots[i].state == SLOT_FETCHED || get->slots[i].state == SLOT_COPYING)
			return true;
	return false;
}

static CURLMcode step(struct get *get)
{
	CURLMcode result;
	int running;

	for (unsigned int i = 0; i < get->options->connections; i++)
		advance(&get->slots[i]);
	result = curl_multi_perform(get->multi, &running);
	if (result || collect(get) || get->ended == get->options->n)
		return result;
	return curl_multi_poll(get->multi, NULL, 0, copying(get) ? COPY_POLL_MS : IDLE_POLL_MS,
			       NULL);
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int get_run(struct get *get, struct devmem_error *err)
{
	struct get_figures *figures = &get->figures;
	uint64_t start = clock_ns();
	struct rusage before, after;
	CURLMcode result = CURLM_OK;

	getrusage(RUSAGE_SELF, &before);
	while (!result && get->ended < get->options->n)
		result = step(get);
	getrusage(RUSAGE_SELF, &after);
	figures->seconds = (double)(clock_ns() - start) / 1e9;
	figures->user_seconds = seconds_of(after.ru_utime) - seconds_of(before.ru_utime);
	figures->system_seconds = seconds_of(after.ru_stime) - seconds_of(before.ru_stime);
	return result ? devmem_error_set(err, -EIO, "libcurl: %s", curl_multi_strerror(result)) : 0;
}
