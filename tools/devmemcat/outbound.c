// SPDX-License-Identifier: BSD-3-Clause
/* From the source to the socket, by way of device memory. */
#include "outbound.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int outbound_open(struct outbound *out, struct devmem_stream *stream,
		  struct devmem_exporter *exporter, struct source *source, struct devmem_error *err)
{
	*out = (struct outbound){.stream = stream, .exporter = exporter, .source = source};
	for (unsigned int i = 0; i < OUTBOUND_SLOTS && source->kind != SOURCE_NONE; i++) {
		out->slots[i].bytes = malloc(OUTBOUND_SLOT_BYTES);
		if (!out->slots[i].bytes)
			return devmem_error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

int outbound_bind(struct outbound *out, unsigned int ifindex, struct devmem_error *err)
{
	int ret = devmem_mem_alloc(out->exporter, OUTBOUND_SLOTS * OUTBOUND_SLOT_BYTES, &out->mem,
				   err);

	if (!ret)
		ret = devmem_bind_tx(ifindex, out->mem->dmabuf_fd, &out->binding, err);
	if (ret) {
		devmem_mem_free(out->mem);
		out->mem = NULL;
	}
	return ret;
}

void outbound_close(struct outbound *out)
{
	devmem_binding_release(out->binding);
	devmem_mem_free(out->mem);
	for (unsigned int i = 0; i < OUTBOUND_SLOTS; i++)
		free(out->slots[i].bytes);
}

static struct outbound_slot *slot_at(struct outbound *out, unsigned int i)
{
	return &out->slots[i % OUTBOUND_SLOTS];
}

static size_t device_offset(unsigned int i)
{
	return i % OUTBOUND_SLOTS * OUTBOUND_SLOT_BYTES;
}

static int fill(struct outbound *out, struct devmem_error *err)
{
	struct outbound_slot *slot = slot_at(out, out->filled);
	ssize_t n;

	if (!outbound_wants_source(out))
		return 0;
	n = source_get(out->source, slot->bytes, OUTBOUND_SLOT_BYTES);
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return devmem_error_set(err, (int)n, "cannot read stdin: %s", strerror((int)-n));
	if (!n) {
		out->eof = true;
		return 1;
	}
	slot->len = (size_t)n;
	slot->sent = 0;
	out->filled++;
	return 1;
}

static int start_copies(struct outbound *out, struct devmem_error *err)
{
	unsigned int before = out->started;

	while (out->started != out->filled) {
		struct outbound_slot *slot = slot_at(out, out->started);
		struct devmem_copy piece = {.src = slot->bytes, .len = slot->len};
		int ret = 0;

		if (out->mem) {
			piece.dst = (uint8_t *)out->mem->addr + device_offset(out->started);
			ret = devmem_copy_start(out->exporter, &piece, 1, &slot->fence);
			out->staged += ret ? 0 : slot->len;
		}
		if (ret == -EAGAIN)
			break;
		if (ret)
			return devmem_error_set(err, ret, "the copy engine failed: %s",
						strerror(-ret));
		out->started++;
	}
	return out->started != before;
}

static int finish_copies(struct outbound *out, struct devmem_error *err)
{
	unsigned int before = out->copied;

	while (out->copied != out->started) {
		int done = out->mem ? devmem_copy_done(out->exporter,
						       slot_at(out, out->copied)->fence)
				    : 1;

		if (done < 0)
			return devmem_error_set(err, done, "the copy engine failed: %s",
						strerror(-done));
		if (!done)
			break;
		out->copied++;
	}
	return out->copied != before;
}

static ssize_t send_slot(struct outbound *out)
{
	struct outbound_slot *slot = slot_at(out, out->sent);
	size_t left = slot->len - slot->sent;
	ssize_t n;

	if (!out->mem)
		return devmem_stream_send_host(out->stream, slot->bytes + slot->sent, left, false,
					       NULL);
	n = devmem_stream_send_device(out->stream, devmem_binding_id(out->binding),
				      out->mem->dmabuf_offset + device_offset(out->sent) +
					      slot->sent,
				      left, &slot->completion);
	out->sends += n > 0;
	return n;
}

static int send_failed(const struct outbound *out, int code, struct devmem_error *err)
{
	struct devmem_stream_stats stats;

	devmem_stream_stats_get(out->stream, &stats);
	return devmem_error_set(
		err, code, "sending failed after %" PRIu64 " bytes: %s%s",
		stats.tx_device + stats.tx_host_copied, strerror(-code),
		code == -EPIPE || code == -ECONNRESET ? " (the other side is gone)"
		: code == -ETIMEDOUT		      ? " (the other side does not answer)"
		: out->mem ? "; does the route leave by the NIC that the memory is bound to "
			     "(ip route get)? --exporter host sends from host memory"
			   : "");
}

static int send_slots(struct outbound *out, struct devmem_error *err)
{
	bool moved = false;

	while (out->sent != out->copied) {
		struct outbound_slot *slot = slot_at(out, out->sent);
		ssize_t n = send_slot(out);

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return send_failed(out, (int)n, err);
		moved = true;
		slot->sent += (size_t)n;
		if (slot->sent == slot->len)
			out->sent++;
	}
	return moved;
}

static int free_slots(struct outbound *out, struct devmem_error *err)
{
	unsigned int before = out->freed;
	int reaped = out->mem ? devmem_stream_reap(out->stream) : 0;

	if (reaped < 0)
		return send_failed(out, reaped, err);
	out->completions += (unsigned int)reaped;
	while (out->freed != out->sent &&
	       (!out->mem || devmem_stream_sent(out->stream, slot_at(out, out->freed)->completion)))
		out->freed++;
	return reaped || out->freed != before;
}

static int shut(struct outbound *out, struct devmem_error *err)
{
	if (out->shut || !out->eof || out->freed != out->filled)
		return 0;
	/* -ENOTCONN: the peer has reset the connection; receiving tells that better. */
	(void)shutdown(devmem_stream_fd(out->stream), SHUT_WR);
	out->shut = true;
	return 1;
}

int outbound_step(struct outbound *out, struct devmem_error *err)
{
	static int (*const steps[])(struct outbound *, struct devmem_error *) = {
		free_slots, fill, start_copies, finish_copies, send_slots, shut};
	bool moved = false;

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int ret = steps[i](out, err);

		if (ret < 0)
			return ret;
		moved |= ret;
	}
	return moved;
}

bool outbound_done(const struct outbound *out)
{
	return out->shut;
}

bool outbound_empty(const struct outbound *out)
{
	return out->freed == out->filled;
}

bool outbound_wants_socket(const struct outbound *out)
{
	return out->sent != out->copied;
}

bool outbound_wants_source(const struct outbound *out)
{
	return !out->eof && out->source->kind != SOURCE_NONE &&
	       out->filled - out->freed < OUTBOUND_SLOTS;
}

bool outbound_copying(const struct outbound *out)
{
	return out->copied != out->filled;
}
