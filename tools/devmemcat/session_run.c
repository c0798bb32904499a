// SPDX-License-Identifier: BSD-3-Clause
/* The loop that moves both directions of a connection, and when it ends. */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "peer.h"
#include "report.h"
#include "wait.h"

#define ENGINE_MS 1   /* how often a copy engine at work is asked */
#define ACK_MS 20     /* how often the kernel is asked for acknowledgements */
#define CHECK_MS 1000 /* how often a peer that moves nothing is examined */

static bool waits_for_acknowledgement(const struct session *session)
{
	const struct options *options = session->options;

	return outbound_done(&session->out) && (options->send_only || options->quit_s >= 0);
}

/* The peer's end has come and was written; is there still something to send it? */
static bool peer_ended(const struct session *session)
{
	if (!inbound_done(&session->in))
		return false;
	if (outbound_done(&session->out) || session->source.kind == SOURCE_NONE)
		return true;
	return session->input_is_terminal && outbound_empty(&session->out);
}

static bool is_done(struct session *session)
{
	int64_t now;

	if (peer_ended(session))
		return true;
	if (!waits_for_acknowledgement(session) || !peer_has_all(devmem_stream_fd(session->stream)))
		return false;
	if (session->options->send_only)
		return true;
	now = clock_ms();
	if (!session->sent_ms)
		session->sent_ms = now;
	return now - session->sent_ms >= 1000 * (int64_t)session->options->quit_s &&
	       !inbound_wants_sink(&session->in);
}

static int wait_ms(const struct session *session)
{
	if (inbound_copying(&session->in) || outbound_copying(&session->out))
		return ENGINE_MS;
	return waits_for_acknowledgement(session) ? ACK_MS : CHECK_MS;
}

/* Waits for whatever can move something. */
static int wait_for_more(const struct session *session)
{
	const struct inbound *in = &session->in;
	const struct outbound *out = &session->out;
	struct pollfd fds[] = {
		{.fd = devmem_stream_fd(session->stream)},
		{.fd = outbound_wants_source(out) ? source_fd(&session->source) : -1,
		 .events = POLLIN},
		{.fd = inbound_wants_sink(in) ? sink_fd(&session->sink) : -1, .events = POLLOUT},
	};

	fds[0].events = (short)((inbound_wants_socket(in) ? POLLIN : 0) |
				(outbound_wants_socket(out) ? POLLOUT : 0));
	/* POLLHUP cannot be masked: who can do nothing about it would spin. */
	if (!fds[0].events && outbound_empty(out))
		fds[0].fd = -1;
	return wait_for(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(session));
}

static int check_peer(const struct session *session, int64_t now, struct devmem_error *err)
{
	const struct options *options = session->options;

	if (now - session->moved_ms < CHECK_MS)
		return 0;
	if (peer_silent(devmem_stream_fd(session->stream), options->timeout_s))
		return devmem_error_set(err, -ETIMEDOUT,
					"the other side has not answered for %u s (-w): ping it",
					options->timeout_s);
	if (options->timeout_given && now - session->moved_ms > 1000 * (int64_t)options->timeout_s)
		return devmem_error_set(err, -ETIMEDOUT, "nothing moved for %u s (-w)",
					options->timeout_s);
	return 0;
}

/* One round of both directions. 1: go on, 0: done, -errno. */
static int round_of_both(struct session *session, struct devmem_error *err)
{
	int moved_in = inbound_step(&session->in, err);
	int moved_out = moved_in < 0 ? moved_in : outbound_step(&session->out, err);
	int64_t now = clock_ms();
	int ret;

	if (moved_out < 0)
		return moved_out;
	if (is_done(session))
		return 0;
	report_progress(session, now);
	if (moved_in || moved_out) {
		session->moved_ms = now;
		ret = wait_for(NULL, 0, 0); /* for signals */
		return ret < 0 ? ret : 1;
	}
	ret = wait_for_more(session);
	if (ret >= 0)
		ret = check_peer(session, now, err);
	return ret < 0 ? ret : 1;
}

static enum exit_status judge(const struct session *session, struct devmem_error *err)
{
	const struct options *options = session->options;

	if (!options->expect_known || session->sink.offset == options->expect)
		return EXIT_STATUS_OK;
	devmem_error_set(err, -ENODATA,
			 "received %" PRIu64 " bytes, and %" PRIu64 " were expected (--expect)",
			 session->sink.offset, options->expect);
	return EXIT_STATUS_DATA;
}

enum exit_status session_run(struct session *session, struct devmem_error *err)
{
	int ret;

	session->begin_ms = session->moved_ms = clock_ms();
	do {
		ret = round_of_both(session, err);
	} while (ret > 0);
	session->end_ms = clock_ms();
	if (!ret) {
		ret = devmem_stream_token_flush(session->stream);
		if (ret)
			devmem_error_set(err, ret, "cannot give device memory back to the NIC: %s",
					 strerror(-ret));
	}
	report_progress_end(session);
	if (ret == -EBADMSG)
		return EXIT_STATUS_DATA;
	return ret ? EXIT_STATUS_TRANSFER : judge(session, err);
}
