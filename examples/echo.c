// SPDX-License-Identifier: BSD-3-Clause/* echo NIC: sends back what a connection brings from where
// the NIC has put it: no byte is copied. */
#include <devmem.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>

#define POOL (32 << 20)
static struct devmem_error why;
static struct devmem_stream *stream;
static uint32_t last; /* number of the send before */
static ssize_t check(ssize_t ret)
{
	if (ret >= 0 || ret == -EAGAIN)
		return ret;
	errx(1, "%s", why.code ? why.text : "the connection broke");
}

static void send_back(uint32_t id, const struct devmem_frag *frag)
{
	for (ssize_t sent = 0, n; sent<frag->len; sent += n> 0 ? n : 0) {
		n = check(devmem_stream_send_device(stream, id, frag->offset + (size_t)sent,
						    frag->len - (size_t)sent, &last));
		check(devmem_stream_reap(stream));
	}
}

int main(int argc, char **argv)
{
	struct devmem_exporter *from;
	struct devmem_binding *back;
	struct devmem_frag frags[64];
	struct devmem_port *port;
	struct devmem_mem *mem;
	struct devmem_nic nic;
	unsigned int n = 64;

	check(devmem_nic_list(argc > 1 ? argv[1] : "", AF_INET, &nic, 1, &why));
	check(devmem_exporter_open(DEVMEM_MEM_UDMABUF, 0, &from, &why));
	check(devmem_mem_alloc(from, POOL, &mem, &why));
	check(devmem_port_open(&nic, mem, NULL, &port, &why));
	check(devmem_bind_tx(nic.ifindex, mem->dmabuf_fd, &back, &why));
	fprintf(stderr, "%u\n", devmem_port_number(port, 0));
	check(devmem_stream_open(accept(devmem_port_listener(port, 0), NULL, NULL), 1 << 20,
				 &stream, &why));
	for (ssize_t got = 1; got; n = 64) {
		got = check(devmem_stream_recv(stream, 1 << 20, frags, &n));
		for (unsigned int i = 0; got > 0 && i < n; i++)
			send_back(devmem_binding_id(back), &frags[i]);
		/* When the peer has all of them, the NIC may write there again. */
		while (got > 0 && !devmem_stream_sent(stream, last))
			check(devmem_stream_reap(stream));
		for (unsigned int i = 0; got > 0 && i < n; i++)
			check(devmem_stream_token_put(stream, frags[i].token));
		check(devmem_stream_token_flush(stream));
	}
	devmem_stream_close(stream);
	devmem_port_close(port);
}
