// SPDX-License-Identifier: BSD-3-Clause
/* Asks devmemd, the broker, for rx queues: what a process without CAP_NET_ADMIN does. */
#include "broker.h"
#include "bind.h"
#include "error.h"
#include "sockaddr.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_S 5
#define LEASE_S 10 /* drivers restart queues */

static void set_patience(int fd, time_t seconds)
{
	struct timeval time = {.tv_sec = seconds};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static int connect_error(const char *path, int code, struct devmem_error *err)
{
	switch (code) {
	case -ENOENT:
	case -ECONNREFUSED:
		return devmem_error_set(err, code,
					"no devmemd serves at %s: systemctl start devmemd, or set "
					"NCCL_DEVMEM_BROKER to where it does",
					path);
	case -EAGAIN:
		return devmem_error_set(err, -ETIMEDOUT,
					"devmemd at %s takes no connection: systemctl status "
					"devmemd",
					path);
	default:
		return devmem_error_set(err, code, "cannot connect to devmemd at %s: %s; %s", path,
					strerror(-code), error_advice(code));
	}
}

const char *broker_choose(const char *wish, bool net_admin)
{
	if (!wish || !strcmp(wish, "off"))
		return NULL;
	if (!strcmp(wish, "auto"))
		return net_admin ? NULL : BROKER_SOCKET;
	return wish;
}

int broker_connect(const char *path, struct devmem_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return devmem_error_set(err, -ENAMETOOLONG,
					"the path of devmemd's socket is too long: %s; %zu bytes "
					"are possible",
					path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return connect_error(path, -errno, err);
	set_patience(fd, ANSWER_S);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = connect_error(path, -errno, err);
	close(fd);
	return ret;
}

static int send_request(int fd, const struct broker_request *request, int dmabuf_fd)
{
	uint8_t bytes[BROKER_REQUEST_BYTES];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};

	broker_put_request(bytes, request);
	if (dmabuf_fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &dmabuf_fd, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static unsigned int take_descriptors(struct msghdr *msg, int *fds)
{
	unsigned int n = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= cmsg->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)cmsg + at, sizeof(fd));
			if (n < BROKER_MAX_FDS)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

/* @fds has room for BROKER_MAX_FDS, and gets *@n. */
static int receive_reply(int fd, struct broker_reply *reply, int *fds, unsigned int *n)
{
	uint8_t bytes[BROKER_REPLY_BYTES + 1];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(BROKER_MAX_FDS * sizeof(int))];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr msg = {.msg_iov = &piece,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t got;

	*n = 0;
	do
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got ? -errno : -EPIPE;
	*n = take_descriptors(&msg, fds);
	return broker_get_reply(bytes, (size_t)got, reply);
}

static void close_all(const int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		close(fds[i]);
}

static int exchange_error(int code, struct devmem_error *err)
{
	switch (code) {
	case -EAGAIN:
		return devmem_error_set(err, -ETIMEDOUT,
					"devmemd does not answer: systemctl status devmemd");
	case -EPROTO:
	case -EPROTONOSUPPORT:
		return devmem_error_set(err, code,
					"devmemd speaks another version: install the same release "
					"as the plugin's, then systemctl restart devmemd");
	case -EPIPE:
	case -ECONNRESET:
		return devmem_error_set(err, code,
					"devmemd has closed the connection: it has ended, or this "
					"user has too many; journalctl -u devmemd");
	default:
		return devmem_error_set(err, code, "cannot talk to devmemd: %s; %s",
					strerror(-code), error_advice(code));
	}
}

static int exchange(int fd, const struct broker_request *request, int dmabuf_fd,
		    struct broker_reply *reply, int *fds, unsigned int *n, struct devmem_error *err)
{
	int ret = send_request(fd, request, dmabuf_fd);

	*n = 0;
	if (!ret)
		ret = receive_reply(fd, reply, fds, n);
	if (!ret && reply->type != request->type)
		ret = reply->status ? reply->status : -EPROTO;
	if (ret)
		ret = exchange_error(ret, err);
	else if (reply->status)
		ret = devmem_error_set(err, reply->status, "%s", reply->text);
	return ret;
}

int broker_ask(int fd, const struct broker_request *request, struct broker_reply *reply,
	       struct devmem_error *err)
{
	int fds[BROKER_MAX_FDS], ret;
	unsigned int n;

	ret = exchange(fd, request, -1, reply, fds, &n, err);
	close_all(fds, n);
	return ret;
}

int broker_hello(const char *path, struct devmem_error *err)
{
	struct broker_request hello = {.type = BROKER_HELLO};
	struct broker_reply reply;
	int fd = broker_connect(path, err), ret;

	if (fd < 0)
		return fd;
	ret = broker_ask(fd, &hello, &reply, err);
	close(fd);
	return ret;
}

static int port_of(int fd, uint16_t *port)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return -errno;
	*port = sockaddr_port(&address);
	return 0;
}

/* On failure @fds are the caller's. */
static int fill_claim(struct claim *claim, const struct broker_reply *reply, unsigned int sockets,
		      const int *fds, unsigned int n)
{
	unsigned int queues = reply->n_queues;
	uint16_t ports[WIRE_STREAMS];
	int ret = queues && n == BROKER_FDS(queues, sockets) ? 0 : -EPROTO;

	for (unsigned int i = 0; !ret && i < queues; i++)
		ret = port_of(fds[1 + i * sockets], &ports[i]);
	if (!ret)
		ret = binding_adopt(fds[0], reply->dmabuf_id, &claim->binding);
	if (ret)
		return ret;
	claim->id = reply->lease;
	claim->buffer = reply->buffer;
	claim->n_queues = queues;
	for (unsigned int i = 0; i < queues; i++) {
		struct claim_queue *queue = &claim->queues[i];

		queue->queue = reply->queues[i];
		queue->port = ports[i];
		queue->n_sockets = sockets;
		for (unsigned int k = 0; k < sockets; k++)
			queue->sockets[k] = (struct claim_socket){
				.fd = fds[1 + i * sockets + k],
				.guard = -1,
			};
		queue->lock = fds[1 + queues * sockets + i];
	}
	return 0;
}

static int ask_for_claim(struct claim *claim, const struct claim_options *options,
			 struct devmem_error *err)
{
	struct broker_request request = {
		.type = BROKER_LEASE,
		.addr = claim->nic.addr,
		.queues = options->queues,
		.connectors = options->connectors,
		.receive_buffer = options->receive_buffer,
		.buffer = (uint32_t)options->buffer,
	};
	struct broker_reply reply;
	int fds[BROKER_MAX_FDS], ret;
	unsigned int n;

	memcpy(request.nic, claim->nic.name, sizeof(request.nic));
	set_patience(claim->broker, LEASE_S);
	ret = exchange(claim->broker, &request, options->dmabuf_fd, &reply, fds, &n, err);
	if (!ret) {
		ret = fill_claim(claim, &reply, options->connectors ? options->connectors : 1, fds,
				 n);
		if (ret)
			exchange_error(ret, err);
	}
	if (ret)
		close_all(fds, n);
	return ret;
}

int broker_claim(const char *path, const struct devmem_nic *nic,
		 const struct claim_options *options, struct claim **claim,
		 struct devmem_error *err)
{
	struct claim *new = claim_new(nic);
	int ret;

	*claim = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = broker_connect(path, err);
	if (ret >= 0) {
		new->broker = ret;
		ret = ask_for_claim(new, options, err);
	}
	if (ret < 0) {
		claim_close(new);
		return ret;
	}
	*claim = new;
	return 0;
}

/* Nothing can be done about a failure: then the end of the connection, or the next broker, undoes
 * all. */
void broker_release(struct claim *claim)
{
	struct broker_request request = {.type = BROKER_RELEASE, .lease = claim->id};
	struct broker_reply reply;

	(void)broker_ask(claim->broker, &request, &reply, NULL);
}
