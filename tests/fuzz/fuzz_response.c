// SPDX-License-Identifier: BSD-3-Clause
/*
 * What must hold for any bytes that a web server answers: the client ends, writes nowhere but to
 * the object's place, keeps no descriptor, and takes for an object only what was sent.
 *
 * The first byte of the input chooses connections and tries, the second the size of parts, the
 * third how often room has none yet. The rest is what the server sends, as it is but for four
 * bytes: TURN (the next request is answered by what follows), CUT (a segment ends), END and RESET
 * (the connection ends). Once it is used up every connection ends. All happens in one thread, and
 * the server is always ahead: nothing waits but for time to pass before a request is tried again,
 * and the clock is set on then.
 */
#include "fuzz_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "devmem_http.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define TURN 0xff
#define CUT 0xfe
#define END 0xfd
#define RESET 0xfc

#define CONNECTIONS 3
#define SOCKETS 64 /* accepted in one run */
#define LARGEST 8192
#define GUARD 64
#define STEPS 20000

struct served {
	int fd; /* -1: ended */
	bool asked;
};

struct run {
	const uint8_t *at, *end; /* the script that is left */
	const uint8_t *script;
	struct served served[SOCKETS];
	unsigned int n_served;
	unsigned int no_room;
	bool waits;	 /* for room, which progress alone asks for */
	uint8_t *memory; /* a guard, the object, a guard */
	uint64_t size;
};

#define SKIP_MS 100 /* no less than a first try waits */

static int64_t skipped_ms; /* that the clock is ahead */
static int listener = -1;
static char port[8];

/* No name server is asked, and nobody but the listener is ever connected to. */
int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **list);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **list)
{
	if (strcmp(host, "127.0.0.1") || strcmp(service, port))
		return EAI_NONAME;
	return __real_getaddrinfo(host, service, hints, list);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int ret = __real_clock_gettime(clock, now);

	now->tv_sec += skipped_ms / 1000;
	now->tv_nsec += skipped_ms % 1000 * 1000000;
	if (now->tv_nsec >= 1000000000) {
		now->tv_sec++;
		now->tv_nsec -= 1000000000;
	}
	return ret;
}

static void listen_once(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	if (listener >= 0)
		return;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(listener >= 0);
	CHECK(!bind(listener, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!listen(listener, 64));
	CHECK(!getsockname(listener, (struct sockaddr *)&address, &length));
	snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
}

/* Descriptors are the lowest free numbers: the same one is next when none was lost. */
static int next_descriptor(void)
{
	int fd = fcntl(listener, F_DUPFD_CLOEXEC, 0);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void forget_memory(struct run *run)
{
	for (unsigned int i = 0; run->memory && i < GUARD; i++)
		CHECK(run->memory[i] == 'g' && run->memory[GUARD + run->size + i] == 'g');
	free(run->memory);
	run->memory = NULL;
}

static int give_room(void *arg, uint64_t size, void **dst, struct devmem_error *err)
{
	struct run *run = arg;

	if (size > LARGEST)
		return devmem_error_set(err, -EMSGSIZE, "too large");
	run->waits = run->no_room;
	if (run->waits) {
		run->no_room--;
		return 0;
	}
	forget_memory(run); /* copies of the host's are made at once */
	run->size = size;
	run->memory = malloc(GUARD + size + GUARD);
	CHECK(run->memory);
	memset(run->memory, 'g', GUARD + size + GUARD);
	*dst = run->memory + GUARD;
	return 1;
}

/* A reset leaves nothing behind that would use up ports. */
static void hang_up(struct served *served, bool reset)
{
	struct linger hard = {.l_onoff = 1};

	if (served->fd < 0)
		return;
	if (reset) {
		(void)setsockopt(served->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(served->fd);
		served->fd = -1;
	} else {
		(void)shutdown(served->fd, SHUT_WR);
		served->asked = false;
	}
}

static void accept_all(struct run *run)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct served served = {.fd = fd};

		if (run->n_served < SOCKETS && run->at < run->end)
			run->served[run->n_served++] = served;
		else
			hang_up(&served, true);
	}
}

static void read_requests(struct run *run)
{
	char bytes[8192];

	for (unsigned int i = 0; i < run->n_served; i++) {
		struct served *served = &run->served[i];
		ssize_t n = served->fd < 0 ? -1
					   : recv(served->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n > 0)
			served->asked = true;
		else if (served->fd >= 0 && (!n || errno != EAGAIN))
			hang_up(served, true);
	}
}

static struct served *who_asked(struct run *run)
{
	for (unsigned int i = 0; i < run->n_served; i++)
		if (run->served[i].fd >= 0 && run->served[i].asked)
			return &run->served[i];
	return NULL;
}

/* Sends the next segment to whoever asked first. */
static void send_segment(struct run *run, struct served *to)
{
	const uint8_t *start = run->at;
	uint8_t ended_by = CUT;

	while (run->at < run->end && *run->at < RESET)
		run->at++;
	if (run->at > start)
		(void)send(to->fd, start, (size_t)(run->at - start), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (run->at < run->end)
		ended_by = *run->at++;
	if (ended_by == TURN)
		to->asked = false;
	else if (ended_by != CUT)
		hang_up(to, ended_by == RESET);
}

static void end_all(struct run *run)
{
	for (unsigned int i = 0; i < run->n_served; i++)
		hang_up(&run->served[i], true);
}

static bool has_work(struct devmem_http *http, int timeout_ms)
{
	struct pollfd fd = {.fd = devmem_http_fd(http), .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

/* A step of the server. Where it waits for the client, and the client for it, it gives up. */
static void serve(struct run *run, struct devmem_http *http)
{
	struct served *to;

	accept_all(run);
	read_requests(run);
	to = who_asked(run);
	if (run->at == run->end || (!to && !run->waits && !has_work(http, 0)))
		end_all(run);
	else if (to)
		send_segment(run, to);
}

/* How many bytes at @bytes are somewhere in the script. */
static size_t longest_match(const struct run *run, const uint8_t *bytes, size_t len)
{
	size_t best = 0;

	for (const uint8_t *at = run->script; at < run->end; at++) {
		size_t n = 0;

		/* Marks are not sent: what is on both sides of a cut is one piece on the wire. */
		for (const uint8_t *on = at; n < len && on < run->end; on++) {
			if (*on >= RESET)
				continue;
			if (*on != bytes[n])
				break;
			n++;
		}
		best = n > best ? n : best;
	}
	return best;
}

/* Each answer brought one piece of it at most. */
static void check_object(const struct run *run, uint64_t answers)
{
	const uint8_t *at = run->memory + GUARD;
	uint64_t left = run->size, pieces = 0;

	while (left) {
		size_t n = longest_match(run, at, left);

		CHECK(n && ++pieces <= answers);
		at += n;
		left -= n;
	}
}

static void check_end(struct run *run, struct devmem_http *http, struct devmem_fetch *fetch)
{
	struct devmem_fetch_info info;
	struct devmem_http_stats stats;

	devmem_fetch_info_get(fetch, &info);
	devmem_http_stats_get(http, &stats);
	CHECK(info.ended);
	CHECK(!info.size_known || info.received <= info.size);
	CHECK(info.size_known || !info.received);
	CHECK(info.error.code || (info.size_known && info.received == info.size && run->memory &&
				  info.size == run->size));
	CHECK(!info.error.code == !info.error.text[0]);
	if (!info.error.code)
		check_object(run, stats.responses);
}

/* Only a client that may try again has a reason to wait for time once all connections were ended.
 */
static void pass_time(const struct run *run, struct devmem_http *http, bool ended, bool tries_again)
{
	if (run->waits || has_work(http, 0))
		return;
	if (tries_again)
		skipped_ms += SKIP_MS;
	else
		CHECK(!ended || has_work(http, 1000));
}

static void fetch_all(struct run *run, struct devmem_http *http, bool tries_again)
{
	struct devmem_fetch *fetch;
	char url[64];
	unsigned int steps = 0;

	snprintf(url, sizeof(url), "http://127.0.0.1:%s/a/b", port);
	CHECK(!devmem_fetch_start(http, url, give_room, run, &fetch, NULL));
	while (devmem_http_progress(http)) {
		bool ended = run->at == run->end;

		serve(run, http);
		pass_time(run, http, ended, tries_again);
		CHECK(++steps < STEPS);
	}
	check_end(run, http, fetch);
	end_all(run);
	accept_all(run);
	devmem_fetch_end(fetch);
}

void fuzz_response(const uint8_t *data, size_t size)
{
	static const uint64_t parts[] = {0, 1, 2, 3, 7, 10, 64, 1000};
	struct devmem_http_options options = {.redirects = 2};
	struct devmem_exporter *exporter;
	struct devmem_http *http;
	struct run run = {0};
	int descriptor;

	if (size < 3)
		return;
	listen_once();
	skipped_ms = 0;
	descriptor = next_descriptor();
	options.connections = 1 + data[0] % CONNECTIONS;
	options.tries = 1 + data[0] / CONNECTIONS % 2;
	options.part_bytes = parts[data[1] % (sizeof(parts) / sizeof(parts[0]))];
	run.no_room = data[2] % 4;
	run.script = run.at = data + 3;
	run.end = data + size;
	CHECK(!devmem_exporter_open(DEVMEM_MEM_HOST, -1, &exporter, NULL));
	CHECK(!devmem_http_open(NULL, exporter, &options, &http, NULL));
	fetch_all(&run, http, options.tries > 1);
	devmem_http_close(http);
	devmem_exporter_close(exporter);
	forget_memory(&run);
	CHECK(next_descriptor() == descriptor);
}
