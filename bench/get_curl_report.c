// SPDX-License-Identifier: BSD-3-Clause
/* What get_curl tells: hashes of objects as they are in device memory, and figures as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "far.h"
#include "get_curl.h"

#define HASH_DIGITS 64

/* sha256sum(1) writes to a pipe of ours, since popen() gives its input only. */
static int hash(const uint8_t *bytes, size_t n, char *digits)
{
	char command[64];
	int ends[2], ret = 0;
	FILE *sum;

	if (pipe(ends))
		return -errno;
	snprintf(command, sizeof(command), "sha256sum >/proc/self/fd/%d", ends[1]);
	sum = popen(command, "w");
	if (!sum)
		ret = -ENOMEM;
	else if (fwrite(bytes, 1, n, sum) < n)
		ret = -EPIPE;
	if (sum && pclose(sum))
		ret = -EPIPE;
	close(ends[1]);
	if (!ret && read(ends[0], digits, HASH_DIGITS) != HASH_DIGITS)
		ret = -EPIPE;
	close(ends[0]);
	return ret;
}

int get_print_hash(struct slot *slot)
{
	const struct devmem_copy piece = {
		.dst = slot->host, .src = slot->device, .len = slot->bytes};
	struct get *get = slot->get;
	char digits[HASH_DIGITS];
	int ret = slot->bytes ? far_copy(get->exporter, &piece, 1) : 0;

	if (!ret)
		ret = hash(slot->host, slot->bytes, digits);
	if (!ret)
		printf("%.*s  %s\n", HASH_DIGITS, digits, get->options->urls[slot->object]);
	return ret;
}

int get_report(const struct get *get, const char *path)
{
	const struct get_figures *f = &get->figures;
	json_t *root = json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I}", "objects",
				 (json_int_t)get->options->n, "failed", (json_int_t)f->failed,
				 "bytes", (json_int_t)f->bytes, "connects", (json_int_t)f->connects,
				 "seconds", f->seconds, "cpu_s",
				 f->user_seconds + f->system_seconds, "user_s", f->user_seconds,
				 "system_s", f->system_seconds, "copy_ns", (json_int_t)f->copy_ns);
	int ret;

	errno = 0;
	ret = root && !json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6))
		      ? 0
		      : -(errno ? errno : EIO);
	json_decref(root);
	return ret;
}
