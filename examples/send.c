// SPDX-License-Identifier: BSD-3-Clause
/* send NIC ADDRESS PORT: sends 64 MiB from device memory, by the NIC itself. */
#include <arpa/inet.h>
#include <devmem.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES (64 << 20)
static struct devmem_error err;

static void check(int ret)
{
	if (ret < 0) {
		fprintf(stderr, "send: %s\n", err.text);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct devmem_exporter *exporter;
	struct devmem_binding *binding;
	struct devmem_stream *stream;
	struct devmem_mem *mem;
	struct devmem_nic nic;
	uint32_t last = 0;

	if (argc != 4 || !inet_aton(argv[2], &to.sin_addr))
		return fprintf(stderr, "usage: send NIC ADDRESS PORT\n"), 2;
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	check(devmem_nic_list(argv[1], AF_INET, &nic, 1, &err));
	if (devmem_exporter_open(DEVMEM_MEM_CUDA, 0, &exporter, &err))
		check(devmem_exporter_open(DEVMEM_MEM_UDMABUF, 0, &exporter, &err));
	check(devmem_mem_alloc(exporter, BYTES, &mem, &err));
	check(devmem_bind_tx(nic.ifindex, mem->dmabuf_fd, &binding, &err));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return perror("send: connect"), 1;
	check(devmem_stream_open(fd, 4096, &stream, &err));
	for (size_t sent = 0; sent < BYTES || !devmem_stream_sent(stream, last);) {
		ssize_t n = sent == BYTES
				    ? -EAGAIN
				    : devmem_stream_send_device(stream, devmem_binding_id(binding),
								mem->dmabuf_offset + sent,
								BYTES - sent, &last);

		if (n > 0)
			sent += (size_t)n;
		if ((n < 0 && n != -EAGAIN) || devmem_stream_reap(stream) < 0)
			return fprintf(stderr, "send: the connection broke\n"), 1;
	}
	devmem_stream_close(stream);
	devmem_binding_release(binding);
	devmem_mem_free(mem);
	return 0;
}
