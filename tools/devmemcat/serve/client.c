// SPDX-License-Identifier: BSD-3-Clause
/* One connection of a client, from its first byte to the last acknowledgement. */
#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

static void set_no_delay(int fd)
{
	int one = 1;

	/* A response is sent as one: its end must not wait for the head's acknowledgement. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

struct client *client_open(int fd, struct routes *routes, struct route *route,
			   struct serve_counts *counts, struct devmem_error *err)
{
	struct client *client = calloc(1, sizeof(*client));
	socklen_t length = sizeof(client->remote);

	if (!client || devmem_stream_open(fd, REQUEST_HEAD_BYTES, &client->stream, err)) {
		devmem_error_set(err, -ENOMEM, "out of memory");
		free(client);
		close(fd);
		return NULL;
	}
	(void)getpeername(fd, (struct sockaddr *)&client->remote, &length);
	set_no_delay(fd);
	client->routes = routes;
	client->route = route;
	client->counts = counts;
	client->verbose = routes->options->verbose;
	client->moved_ms = clock_ms();
	client->ready = true;
	request_begin(&client->request);
	return client;
}

void client_close(struct client *client)
{
	client_give_unsent(client);
	client_end_reply(client);
	devmem_stream_close(client->stream);
	free(client);
}

/* The connection is over: what remains is to hear of what was sent. */
static void leave(struct client *client)
{
	client_give_unsent(client);
	client_end_reply(client);
	client->state = CLIENT_LEAVES;
	client->ready = true;
}

void client_drop(struct client *client)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	/* Unlike close(), this leaves a socket that tells when the NIC is done with the memory. */
	(void)connect(devmem_stream_fd(client->stream), &none, sizeof(none));
	leave(client);
}

void client_finish(struct client *client)
{
	client->reply.close = true;
	if (client->state == CLIENT_READS)
		leave(client);
}

static void fail(struct client *client)
{
	client->counts->dropped++;
	client_drop(client);
}

/* Reads what has come of a request. 1: something, 0: nothing, -errno: the connection is over. */
static int read_some(struct client *client, size_t *n)
{
	size_t room;
	char *bytes = request_room(&client->request, &room);
	ssize_t got = recv(devmem_stream_fd(client->stream), bytes, room, MSG_DONTWAIT);

	*n = 0;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!got)
		return -EPIPE;
	*n = (size_t)got;
	return 1;
}

static void read_request(struct client *client)
{
	/* What came behind the request before is looked at first. */
	int status = request_empty(&client->request) ? 0 : request_parse(&client->request, 0);
	size_t n;
	int ret;

	while (!status) {
		ret = read_some(client, &n);
		if (ret < 0)
			leave(client);
		if (ret <= 0)
			return;
		status = request_parse(&client->request, n);
	}
	client->moved_ms = clock_ms();
	client_reply(client, status);
	client->ready = true;
}

static void end_response(struct client *client)
{
	bool close = client->reply.close;

	client_end_reply(client);
	client->ready = true;
	if (!close) {
		request_next(&client->request);
		client->state = CLIENT_READS;
		return;
	}
	(void)shutdown(devmem_stream_fd(client->stream), SHUT_WR);
	client->state = CLIENT_LINGERS;
}

static void send_response(struct client *client)
{
	int ret = client_send(client);

	if (ret < 0)
		fail(client);
	else if (ret)
		end_response(client);
}

static void linger(struct client *client)
{
	char bytes[16384];
	ssize_t n = recv(devmem_stream_fd(client->stream), bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		client->ready = true;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		leave(client);
}

static void wait_for_acknowledgements(struct client *client)
{
	if (client->freed == client->sent)
		client->state = CLIENT_GONE;
}

void client_step(struct client *client)
{
	static void (*const steps[])(struct client *) = {
		[CLIENT_READS] = read_request,
		[CLIENT_LISTS] = client_list,
		[CLIENT_REPLIES] = send_response,
		[CLIENT_LINGERS] = linger,
		[CLIENT_LEAVES] = wait_for_acknowledgements,
	};

	client->ready = client->hungry = false;
	client_reap(client);
	if (client->state != CLIENT_GONE)
		steps[client->state](client);
}
