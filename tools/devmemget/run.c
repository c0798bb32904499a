// SPDX-License-Identifier: BSD-3-Clause
/* All objects, one after the other, as the loader hands them over. */
#include "clock.h"
#include "session.h"
#include "wait.h"

#include <errno.h>

#define PROGRESS_MS 200

int session_wait(const struct session *session, int timeout_ms)
{
	struct pollfd fd = {.fd = devmem_http_fd(session->http), .events = POLLIN};
	int ret = wait_for(&fd, 1, timeout_ms);

	return ret < 0 ? ret : 0;
}

/* A slow consumer: what comes meanwhile finds the window as full as it is. */
static int hold(struct session *session)
{
	int64_t until_ms = clock_ms() + session->options->hold_ms;
	int ret = 0;

	for (int64_t left; !ret && (left = until_ms - clock_ms()) > 0;) {
		(void)devmem_http_progress(session->http);
		ret = session_wait(session, (int)left);
	}
	return ret;
}

static int take(struct session *session, struct devmem_loader *loader,
		const struct devmem_object *object)
{
	struct devmem_error err = {0};
	int ret = object_use(session, object, &err);

	if (ret) {
		report_failure(session, object->url, &err);
		session->failed++;
	} else {
		report_object(session, object);
		session->objects++;
		session->bytes += object->size;
	}
	ret = hold(session);
	(void)devmem_loader_release(loader, object->number);
	return ret;
}

static int run(struct session *session, struct devmem_loader *loader)
{
	struct devmem_object object;
	int64_t shown_ms = 0;

	for (;;) {
		struct devmem_error err = {0};
		int ret = devmem_loader_next(loader, &object, &err);

		if (ret == -ENODATA)
			return 0;
		if (ret < 0) {
			report_failure(session, object.url, &err);
			session->failed++;
			ret = 0;
		} else {
			ret = ret ? take(session, loader, &object)
				  : session_wait(session, PROGRESS_MS);
		}
		if (ret < 0)
			return ret;
		if (clock_ms() - shown_ms >= PROGRESS_MS) {
			shown_ms = clock_ms();
			report_progress(session);
		}
	}
}

bool session_run(struct session *session)
{
	struct devmem_loader *loader;
	struct devmem_error err = {0};
	int ret;

	devmem_http_stats_get(session->http, &session->before);
	getrusage(RUSAGE_SELF, &session->usage_before);
	session->begin_ms = clock_ms();
	ret = devmem_loader_open(session->http, session->window,
				 (const char *const *)session->names.urls, session->names.n, 0,
				 &loader, &err);
	if (ret) {
		report_failure(session, "", &err);
		session->failed++;
	} else {
		ret = run(session, loader);
	}
	devmem_loader_close(loader);
	session->end_ms = clock_ms();
	return ret != -EINTR;
}
