// SPDX-License-Identifier: BSD-3-Clause
/* What is told: a line for each object, how far it is on a terminal, and where bytes went. */
#include "clock.h"
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define MB 1e6

static bool shows_progress(const struct session *session)
{
	return !session->options->quiet && isatty(STDERR_FILENO);
}

static void clear_progress(const struct session *session)
{
	if (shows_progress(session))
		fprintf(stderr, "\r\033[K");
}

/* Without hashes on stdout: they are a line for each object already. */
void report_object(const struct session *session, const struct devmem_object *object)
{
	if (session->options->quiet || session->options->sha256 || !isatty(STDERR_FILENO))
		return;
	clear_progress(session);
	fprintf(stderr, "%12" PRIu64 " bytes  %s\n", object->size, object->url);
}

void report_failure(const struct session *session, const char *url, const struct devmem_error *err)
{
	clear_progress(session);
	fprintf(stderr, "devmemget: %s: %s\n", url, err->text);
}

/* What the objects have added to the counters. */
static void count_objects(const struct session *session, struct devmem_http_stats *stats)
{
	const uint64_t *before = (const uint64_t *)&session->before;
	uint64_t *now = (uint64_t *)stats;

	_Static_assert(sizeof(*stats) % sizeof(*now) == 0, "counters are all of one size");
	devmem_http_stats_get(session->http, stats);
	for (size_t i = 0; i < sizeof(*stats) / sizeof(*now); i++)
		now[i] -= before[i];
}

void report_progress(const struct session *session)
{
	double seconds = (double)(clock_ms() - session->begin_ms) / 1000;
	uint64_t done = session->objects + session->failed;
	struct devmem_http_stats stats;
	char bar[31];

	if (!shows_progress(session))
		return;
	count_objects(session, &stats);
	for (size_t i = 0; i < sizeof(bar) - 1; i++)
		bar[i] = i * session->names.n < done * (sizeof(bar) - 1) ? '#' : '.';
	bar[sizeof(bar) - 1] = '\0';
	fprintf(stderr, "\r[%s] %" PRIu64 " of %zu objects, %.1f MB, %.1f MB/s ", bar, done,
		session->names.n, (double)stats.placed / MB,
		seconds > 0 ? (double)stats.placed / MB / seconds : 0);
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

struct figures {
	struct devmem_http_stats http;
	uint64_t objects, failed, bytes, read_back;
};

static const struct {
	const char *key;
	size_t offset;
} counts[] = {
#define COUNT(key, member)                            \
	{                                             \
		key, offsetof(struct figures, member) \
	}
	COUNT("objects", objects),
	COUNT("failed", failed),
	COUNT("bytes", bytes),
	COUNT("requests", http.requests),
	COUNT("responses", http.responses),
	COUNT("connects", http.connects),
	COUNT("retries", http.retries),
	COUNT("redirects", http.redirects),
	COUNT("rx_device", http.rx_device),
	COUNT("rx_linear", http.rx_linear),
	COUNT("rx_plain", http.rx_plain),
	COUNT("placed", http.placed),
	COUNT("head_bytes", http.head_bytes),
	COUNT("body_read_back", http.body_read_back),
	COUNT("discarded", http.discarded),
	COUNT("read_back", read_back),
	COUNT("copy_ns", http.copy_ns),
	COUNT("tokens_taken", http.tokens_taken),
	COUNT("tokens_returned", http.tokens_returned),
#undef COUNT
};

static json_t *to_json(const struct session *session)
{
	struct figures figures = {.objects = session->objects,
				  .failed = session->failed,
				  .bytes = session->bytes,
				  .read_back = session->read_back};
	enum devmem_mem_kind kind = devmem_exporter_kind(session->exporter);
	struct rusage usage = {0};
	double user, system;
	json_t *root;

	getrusage(RUSAGE_SELF, &usage);
	user = seconds_of(&usage.ru_utime) - seconds_of(&session->usage_before.ru_utime);
	system = seconds_of(&usage.ru_stime) - seconds_of(&session->usage_before.ru_stime);
	count_objects(session, &figures.http);
	root = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f}", "memory", devmem_mem_kind_name(kind),
			 "interface", kind == DEVMEM_MEM_HOST ? "" : session->nic.ifname, "seconds",
			 (double)(session->end_ms - session->begin_ms) / 1000, "cpu_s",
			 user + system, "user_s", user, "system_s", system);
	for (size_t i = 0; root && i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t value = *(const uint64_t *)((const char *)&figures + counts[i].offset);

		json_object_set_new(root, counts[i].key, json_integer((json_int_t)value));
	}
	return root;
}

static bool write_json(const struct session *session)
{
	const char *path = session->options->json_file;
	FILE *file = path ? fopen(path, "we") : stderr;
	json_t *root = file ? to_json(session) : NULL;
	bool good = root && !json_dumpf(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) &&
		    fputc('\n', file) != EOF;

	json_decref(root);
	if (file && path)
		good = !fclose(file) && good;
	if (!good)
		fprintf(stderr, "devmemget: cannot write %s: %s\n", path ? path : "to stderr",
			strerror(errno));
	return good;
}

bool report_end(const struct session *session)
{
	clear_progress(session);
	if (session->options->json)
		return write_json(session);
	if (shows_progress(session))
		fprintf(stderr, "%" PRIu64 " objects, %.1f MB in %.1f s\n", session->objects,
			(double)session->bytes / MB,
			(double)(session->end_ms - session->begin_ms) / 1000);
	return true;
}
