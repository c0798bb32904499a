// SPDX-License-Identifier: BSD-3-Clause
/* The slots of get_curl: their memory and handles, and the bytes that libcurl hands over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "get_curl.h"

/* One read of a socket. libcurl's own 16 KiB would make it look slow in the guest, where a system
 * call costs most. */
#define READ_BYTES (256L << 10)

/* libcurl's CURLOPT_WRITEFUNCTION; what it returns but @n makes the transfer fail. */
static size_t take(char *bytes, size_t one, size_t n, void *arg)
{
	struct slot *slot = arg;

	if (n > slot->get->options->largest - slot->bytes)
		return CURL_WRITEFUNC_ERROR;
	memcpy(slot->host + slot->bytes, bytes, n);
	slot->bytes += n;
	return n;
}

static int open_handle(struct slot *slot)
{
	CURL *easy = slot->easy = curl_easy_init();

	if (!easy || curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) ||
	    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) ||
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->reason) ||
	    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_BYTES) ||
	    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") ||
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L))
		return -ENOMEM;
	return 0;
}

static int open_multi(struct get *get)
{
	long n = (long)get->options->connections;

	get->multi = curl_multi_init();
	if (!get->multi || curl_multi_setopt(get->multi, CURLMOPT_MAXCONNECTS, n) ||
	    curl_multi_setopt(get->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING))
		return -ENOMEM;
	return 0;
}

static int open_memory(struct get *get, size_t bytes, struct devmem_error *err)
{
	int ret = devmem_exporter_open(get->options->kind, -1, &get->exporter, err);

	if (!ret)
		ret = devmem_mem_alloc(get->exporter, bytes, &get->memory, err);
	if (ret)
		return ret;
	get->staging = devmem_staging_alloc(get->exporter, bytes);
	if (!get->staging)
		return devmem_error_set(err, -ENOMEM,
					"no %zu bytes of host memory: ask for fewer "
					"--connections, or a smaller --largest",
					bytes);
	/* Pages come with the first write, which is to be none of the measured ones. */
	memset(get->staging, 0, bytes);
	if (devmem_exporter_cpu_reaches(get->exporter))
		memset(get->memory->addr, 0, bytes);
	return 0;
}

int get_open(struct get *get, const struct get_options *options, struct devmem_error *err)
{
	size_t each = (options->largest + 4095) & ~(size_t)4095;
	int ret;

	*get = (struct get){.options = options};
	ret = open_memory(get, each * options->connections, err);
	if (ret)
		return ret;
	get->slots = calloc(options->connections, sizeof(*get->slots));
	ret = get->slots ? open_multi(get) : -ENOMEM;
	for (unsigned int i = 0; !ret && i < options->connections; i++) {
		get->slots[i] = (struct slot){
			.get = get,
			.host = get->staging + i * each,
			.device = (uint8_t *)get->memory->addr + i * each,
		};
		ret = open_handle(&get->slots[i]);
	}
	return ret ? devmem_error_set(err, ret, "libcurl could not be set up: out of memory") : 0;
}

void get_close(struct get *get)
{
	for (unsigned int i = 0; get->slots && i < get->options->connections; i++) {
		struct slot *slot = &get->slots[i];

		if (slot->state == SLOT_FETCHING)
			curl_multi_remove_handle(get->multi, slot->easy);
		curl_easy_cleanup(slot->easy);
	}
	curl_multi_cleanup(get->multi);
	free(get->slots);
	if (get->staging)
		devmem_staging_free(get->exporter, get->staging);
	devmem_mem_free(get->memory);
	devmem_exporter_close(get->exporter);
}
