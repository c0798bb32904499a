// SPDX-License-Identifier: BSD-3-Clause
/* What belongs to a connection, from making it to putting everything back. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exporter.h"
#include "interface.h"
#include "peer.h"
#include "sending.h"
#include "sockaddr.h"

static void warn(const char *text)
{
	fprintf(stderr, "devmemcat: %s\n", text);
}

static bool into_device(const struct session *session)
{
	const struct options *options = session->options;

	return !options->send_only && devmem_exporter_kind(session->exporter) != DEVMEM_MEM_HOST &&
	       (!options->no_setup || options->queues.n);
}

static void open_ends(struct session *session)
{
	const struct options *options = session->options;

	if (options->generate)
		source_open_pattern(&session->source, options->seed, options->generate);
	else if (options->recv_only)
		session->source = (struct source){.kind = SOURCE_NONE, .fd = -1};
	else
		source_open_fd(&session->source, STDIN_FILENO);
	session->input_is_terminal = session->source.kind == SOURCE_FD &&
				     isatty(session->source.fd);
	if (options->send_only)
		sink_open_nowhere(&session->sink);
	else if (options->validate)
		sink_open_pattern(&session->sink, options->seed);
	else
		sink_open_fd(&session->sink, STDOUT_FILENO);
}

static int bind_for_send(struct session *session, struct devmem_error *err)
{
	const struct options *options = session->options;
	struct devmem_nic nic;
	int ret = 0;

	if (session->link.window)
		nic = session->link.window->nic;
	else if (options->interface)
		ret = interface_by_name(options->interface, AF_UNSPEC, &nic, err);
	else
		ret = interface_by_address(&session->link.local, &nic, err);
	if (!ret)
		ret = sending_check(&nic, session->exporter, err);
	if (ret)
		return ret;
	return outbound_bind(&session->out, nic.ifindex, err);
}

/* Sending from device memory is a matter of speed: where it is refused, bytes are sent from host
 * memory, and that is said once. */
static void prepare_sending(struct session *session)
{
	struct devmem_error why = {0};

	if (session->source.kind == SOURCE_NONE ||
	    devmem_exporter_kind(session->exporter) == DEVMEM_MEM_HOST)
		return;
	if (bind_for_send(session, &why))
		fprintf(stderr, "devmemcat: sending from host memory, because: %s\n", why.text);
}

static void say_connected(const struct session *session)
{
	char local[SOCKADDR_TEXT], remote[SOCKADDR_TEXT];
	const struct window *window = session->link.window;

	if (!session->options->verbose)
		return;
	fprintf(stderr, "devmemcat: connected, %s to %s; memory: %s, ",
		sockaddr_text(&session->link.local, local),
		sockaddr_text(&session->link.remote, remote),
		devmem_mem_kind_name(devmem_exporter_kind(session->exporter)));
	if (window)
		fprintf(stderr, "receives by rx queue %u of %s", window_queue(window),
			window->nic.name);
	else
		fprintf(stderr, "receives into host memory");
	if (session->source.kind != SOURCE_NONE)
		fprintf(stderr, ", sends from %s memory", session->out.mem ? "device" : "host");
	fprintf(stderr, "\n");
}

static int open_stream(struct session *session, struct devmem_error *err)
{
	const struct window *window = session->link.window;
	int ret = devmem_stream_open(session->link.fd, INBOUND_SLOT_BYTES, &session->stream, err);

	if (ret)
		return ret;
	session->link.fd = -1; /* the stream's now */
	peer_watch(devmem_stream_fd(session->stream), session->options->timeout_s);
	open_ends(session);
	ret = inbound_open(&session->in, session->stream, session->exporter,
			   window ? window->mem : NULL,
			   window ? devmem_binding_id(window->binding) : 0, &session->sink, err);
	if (!ret)
		ret = outbound_open(&session->out, session->stream, session->exporter,
				    &session->source, err);
	return ret;
}

enum exit_status session_open(struct session *session, const struct options *options,
			      struct devmem_error *err)
{
	*session = (struct session){
		.options = options, .link.fd = -1, .sink = {.fd = -1, .given = -1}};
	if (exporter_open(options, &session->exporter, err))
		return EXIT_STATUS_SETUP;
	if (link_open(options, session->exporter, into_device(session), &session->link, err))
		return session->link.status;
	if (open_stream(session, err))
		return EXIT_STATUS_SETUP;
	prepare_sending(session);
	say_connected(session);
	return EXIT_STATUS_OK;
}

void session_close(struct session *session)
{
	struct devmem_error err = {0};

	devmem_stream_close(session->stream);
	inbound_close(&session->in);
	outbound_close(&session->out);
	(void)sink_close(&session->sink); /* what was written before a failure */
	link_close(&session->link, &err);
	if (err.code)
		warn(err.text);
	devmem_exporter_close(session->exporter);
}
