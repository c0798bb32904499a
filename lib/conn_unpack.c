// SPDX-License-Identifier: BSD-3-Clause
/*
 * A receiver whose device's kernels bring payload to its place (unpack.h).
 *
 * Payload that they are told of keeps its pages of the pool until they have moved it, and when that
 * is may depend on other connections. So only what was granted as a whole is left to them; all
 * else, and whatever cannot be told, the copy engine places, whose pages come back by themselves.
 */
#include "conn.h"

#include <errno.h>

int conn_use_unpack(struct conn *conn, uintptr_t base, struct nccl_unpack_handle **handle,
		    struct devmem_error *err)
{
	int ret = unpack_new(conn->device->exporter, base, &conn->unpack, err);

	*handle = ret ? NULL : unpack_handle(conn->unpack);
	return ret;
}

bool conn_may_post(const struct conn *conn)
{
	return !conn->unpack || conn->posted - conn->consumed < NCCL_UNPACK_SLOTS;
}

void conn_unpack_announced(struct conn *conn, struct request *request)
{
	const struct devmem_mem *mem;

	if (!conn->unpack)
		return;
	unpack_begin(conn->unpack, request->seq);
	if (request->via == WIRE_INLINE || request->granted < request->len)
		return;
	mem = conn->pool->mem;
	request->unpack = unpack_reaches(conn->unpack, mem->addr, mem->size);
}

int conn_unpack_publish(struct conn *conn, const struct request *request)
{
	int ret = request->unpack ? devmem_flush(conn->device->exporter) : 0;

	if (!ret)
		unpack_publish(conn->unpack, request->seq);
	return ret;
}

static int give_back(struct conn *conn, struct request *request)
{
	struct place_token token;

	while (unpack_next(conn->unpack, request->seq, &token)) {
		int ret = devmem_stream_token_put(conn->streams[token.stream], token.token);

		if (ret)
			return ret;
	}
	conn->place.pages_done += request->pages;
	request->pages = 0;
	return conn_return_tokens(conn);
}

int conn_consumed(struct conn *conn, struct request *request)
{
	int ret = 0;

	if (!conn->unpack)
		return 0; /* done with when it was tested, and perhaps posted anew */
	if (conn->error)
		return conn->error;
	if (!request->done || request->seq != conn->consumed)
		return -EINVAL;
	if (request->unpack)
		ret = give_back(conn, request);
	request->busy = false;
	conn->consumed++;
	return ret ? conn_fail(conn, ret, "the connection broke") : 0;
}
