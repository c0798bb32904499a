// SPDX-License-Identifier: BSD-3-Clause
/* Connections that are being made. */
#include "attempts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct attempt *attempt_find(struct attempt *list, const void *handle,
			     const struct wire_handle *wire)
{
	while (list && (list->handle != handle ||
			memcmp(dialer_nonce(list->dialer), wire->nonce, WIRE_NONCE)))
		list = list->next;
	return list;
}

int attempt_new(struct attempt **list, struct device *device, int traffic_class, const void *handle,
		const struct wire_handle *wire, struct attempt **attempt, struct devmem_error *err)
{
	struct attempt *new = calloc(1, sizeof(*new));
	int ret;

	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = dialer_new(device, wire, traffic_class, &new->dialer, err);
	if (ret) {
		free(new);
		return ret;
	}
	new->handle = handle;
	new->next = *list;
	*list = new;
	*attempt = new;
	return 0;
}

void attempt_end(struct attempt **list, struct attempt *attempt)
{
	while (*list != attempt)
		list = &(*list)->next;
	*list = attempt->next;
	dialer_free(attempt->dialer);
	free(attempt);
}
