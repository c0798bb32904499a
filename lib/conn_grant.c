// SPDX-License-Identifier: BSD-3-Clause
/* Grants of a receiver: how many bytes of each posted buffer the sender may send, as the pool has
 * pages for them. */
#include "conn.h"

#define SMALL 16 /* pages: fewer are not worth a record while others are under way */

/* Pages that @bytes of payload take, full segments taken for granted. */
static unsigned int pages_of(const struct conn *conn, size_t bytes)
{
	return (unsigned int)((bytes + conn->pool->page_payload - 1) / conn->pool->page_payload);
}

static bool tell(struct conn *conn, const struct request *request, enum wire_via via)
{
	return conn_put_record(conn, &(struct wire_record){.type = WIRE_GRANT,
							   .via = (uint8_t)via,
							   .seq = request->seq,
							   .len = request->granted});
}

/* Bytes from the pool, as many as it has. True when all of the message is granted. */
static bool grant_data(struct conn *conn, struct request *request, size_t target)
{
	size_t before = request->granted, bytes;
	unsigned int had = pages_of(conn, before), want, got;

	if (before >= target)
		return true;
	want = pages_of(conn, target) - had;
	got = budget_take(&conn->pool->budget, &conn->share, want);
	if (!got)
		return false;
	bytes = (size_t)(had + got) * conn->pool->page_payload;
	request->granted = bytes < target ? bytes : target;
	if ((got < want && got < SMALL && before > request->moved) ||
	    !tell(conn, request, WIRE_DATA)) {
		request->granted = before;
		budget_give(&conn->pool->budget, &conn->share, got);
		return false;
	}
	request->pages += got;
	return got == want;
}

/* True when there is no more to grant for the message. */
static bool grant_one(struct conn *conn, struct request *request)
{
	if (request->announced && request->via == WIRE_INLINE)
		return true; /* an empty one, which waits for nothing */
	if (!request->region || !request->room)
		return tell(conn, request, WIRE_INLINE);
	return grant_data(conn, request, request->announced ? request->len : request->room);
}

bool conn_grant(struct conn *conn)
{
	uint32_t before = conn->granting;

	if (!conn->n_streams)
		return false;
	/* In order: whatever the connection holds of the pool, the oldest message gets on. */
	while (conn->granting != conn->posted &&
	       grant_one(conn, conn_request(conn, conn->granting)))
		conn->granting++;
	return conn->granting != before && conn->announced == before && !conn->opened;
}

void conn_grant_fit(struct conn *conn, struct request *request)
{
	unsigned int need;

	if (!request->pages)
		return;
	need = pages_of(conn, request->len);
	if (need >= request->pages)
		return;
	budget_give(&conn->pool->budget, &conn->share, request->pages - need);
	request->pages = need;
}

void conn_grant_used(struct conn *conn, struct request *request, size_t bytes)
{
	size_t payload = conn->pool->page_payload;
	unsigned int pages;

	if (request->unpack)
		return; /* they come free when it is consumed */
	pages = (unsigned int)(request->moved / payload - (request->moved - bytes) / payload);

	if (request->moved == request->len || pages > request->pages)
		pages = request->pages;
	request->pages -= pages;
	place_pages(&conn->place, pages);
}
