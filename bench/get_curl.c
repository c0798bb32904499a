// SPDX-License-Identifier: BSD-3-Clause
/* Fetches objects by libcurl into host memory and copies them to device memory, for devmemget to be
 * compared with. */
#include "get_curl.h"

#include <stdio.h>
#include <string.h>

static int fetch(struct get *get, const struct get_options *options)
{
	struct devmem_error err;
	int ret = get_open(get, options, &err);

	if (!ret)
		ret = get_run(get, &err);
	if (ret) {
		fprintf(stderr, "get_curl: %s\n", err.text);
		return GET_EXIT_SETUP;
	}
	ret = options->json ? get_report(get, options->json) : 0;
	if (ret) {
		fprintf(stderr, "get_curl: --json %s: %s\n", options->json, strerror(-ret));
		return GET_EXIT_SETUP;
	}
	return get->figures.failed ? GET_EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
	struct get_options options;
	struct get get;
	int status;

	get_options_parse(argc, argv, &options);
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		fprintf(stderr, "get_curl: libcurl could not be set up\n");
		return GET_EXIT_SETUP;
	}
	status = fetch(&get, &options);
	get_close(&get);
	curl_global_cleanup();
	get_options_free(&options);
	return status;
}
