// SPDX-License-Identifier: BSD-3-Clause
/* receive NIC: takes one TCP connection, receives it to device memory and tells where it went. */
#include <devmem.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define POOL (32 << 20)
static struct devmem_error err;

static void check(int ret)
{
	if (ret < 0) {
		fprintf(stderr, "receive: %s\n", err.text);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct devmem_stream_stats stats;
	struct devmem_exporter *exporter;
	struct devmem_stream *stream;
	struct devmem_frag frags[64];
	struct devmem_port *port;
	struct devmem_mem *mem;
	struct devmem_nic nic;
	unsigned int n;

	check(devmem_nic_list(argc > 1 ? argv[1] : "", AF_INET, &nic, 1, &err));
	if (devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &exporter, &err))
		check(devmem_exporter_open(DEVMEM_MEM_UDMABUF, 0, &exporter, &err));
	check(devmem_mem_alloc(exporter, POOL, &mem, &err));
	check(devmem_port_open(&nic, mem, NULL, &port, &err));
	fprintf(stderr, "%u\n", devmem_port_number(port, 0));
	check(devmem_stream_open(accept(devmem_port_listener(port, 0), NULL, NULL), 1 << 20,
				 &stream, &err));
	/* devmem_stream_recv() never waits; a program would poll() devmem_stream_fd(stream). */
	for (ssize_t got = 1; got;) {
		n = 64;
		got = devmem_stream_recv(stream, 1 << 20, frags, &n);
		if (got < 0 && got != -EAGAIN)
			return fprintf(stderr, "receive: the connection broke\n"), 1;
		for (unsigned int i = 0; got > 0 && i < n; i++)
			/* Here the device would read mem->addr + frags[i].offset. */
			if (frags[i].where == DEVMEM_FRAG_DEVICE)
				devmem_stream_token_put(stream, frags[i].token);
		devmem_stream_token_flush(stream);
	}
	devmem_stream_stats_get(stream, &stats);
	printf("%lu bytes in device memory, %lu with the headers, %lu in host memory\n",
	       stats.rx_device, stats.rx_linear, stats.rx_plain);
	devmem_stream_close(stream);
	devmem_port_close(port);
	devmem_mem_free(mem);
	return 0;
}
