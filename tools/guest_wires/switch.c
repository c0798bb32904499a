// SPDX-License-Identifier: BSD-3-Clause
/*
 * The switch's loop. It never waits for a port: what a port's socket does not take stays in the
 * port's queue, and what that has no room for is dropped, as by hardware. So no port, and no ring
 * of ports that wait for each other, can stop the others.
 */
#include "switch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queue.h"
#include "table.h"

#define FRAME_MAX (1 << 17)
#define BURST 64 /* frames that are taken from a port before the next has its turn */

struct port {
	int fd; /* -1 when its far end is closed */
	struct frame_queue waiting;
};

struct ether_switch {
	struct mac_table table;
	struct port ports[SWITCH_PORTS];
	unsigned int n, open;
};

static struct ether_switch the_switch;
static uint8_t frame_buffer[FRAME_MAX];

static void close_port(struct ether_switch *sw, struct port *port)
{
	close(port->fd);
	port->fd = -1;
	frame_queue_clear(&port->waiting);
	sw->open--;
}

/* 1 when the port took it, 0 when it cannot now, -1 when it is closed now. */
static int push(struct ether_switch *sw, struct port *port, const uint8_t *frame, size_t len)
{
	if (send(port->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 1;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	close_port(sw, port);
	return -1;
}

/* Behind those that wait: frames of a flow stay in their order. */
static void deliver(struct ether_switch *sw, struct port *port, const uint8_t *frame, size_t len)
{
	if (port->fd < 0)
		return;
	if (port->waiting.head || push(sw, port, frame, len) == 0)
		frame_queue_add(&port->waiting, frame, len);
}

static void send_waiting(struct ether_switch *sw, struct port *port)
{
	while (port->waiting.head &&
	       push(sw, port, port->waiting.head->data, port->waiting.head->len) > 0)
		frame_queue_pop(&port->waiting);
}

static void forward(struct ether_switch *sw, unsigned int from, size_t len)
{
	uint32_t to = mac_table_forward(&sw->table, sw->n, from, frame_buffer, len);

	for (unsigned int i = 0; i < sw->n; i++) {
		if (to & UINT32_C(1) << i)
			deliver(sw, &sw->ports[i], frame_buffer, len);
	}
}

static void receive(struct ether_switch *sw, unsigned int from)
{
	struct port *port = &sw->ports[from];

	for (int i = 0; i < BURST; i++) {
		ssize_t len = recv(port->fd, frame_buffer, FRAME_MAX, MSG_DONTWAIT);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			close_port(sw, port);
			return;
		}
		forward(sw, from, (size_t)len);
	}
}

static void step(struct ether_switch *sw)
{
	struct pollfd polls[SWITCH_PORTS];

	for (unsigned int i = 0; i < sw->n; i++)
		polls[i] = (struct pollfd){
			.fd = sw->ports[i].fd,
			.events = POLLIN | (sw->ports[i].waiting.head ? POLLOUT : 0),
		};
	if (poll(polls, sw->n, -1) < 0)
		return;
	for (unsigned int i = 0; i < sw->n; i++) {
		if (sw->ports[i].fd >= 0 && polls[i].revents & POLLOUT)
			send_waiting(sw, &sw->ports[i]);
		if (sw->ports[i].fd >= 0 && polls[i].revents & (POLLIN | POLLHUP | POLLERR))
			receive(sw, i);
	}
}

static void tell_drops(const struct ether_switch *sw, unsigned int network)
{
	for (unsigned int i = 0; i < sw->n; i++) {
		if (sw->ports[i].waiting.dropped)
			fprintf(stderr,
				"guest-wires: network %u dropped %" PRIu64
				" frames for guest %u, whose queue of %d MiB was full\n",
				network, sw->ports[i].waiting.dropped, i, SWITCH_QUEUE >> 20);
	}
}

void switch_run(const int *ports, unsigned int n, unsigned int network)
{
	struct ether_switch *sw = &the_switch;

	memset(sw, 0, sizeof(*sw));
	sw->n = sw->open = n;
	for (unsigned int i = 0; i < n; i++)
		sw->ports[i] = (struct port){.fd = ports[i], .waiting.limit = SWITCH_QUEUE};
	while (sw->open)
		step(sw);
	tell_drops(sw, network);
}
