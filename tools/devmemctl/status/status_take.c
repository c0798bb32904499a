// SPDX-License-Identifier: BSD-3-Clause
/* Takes one look at everything, and compares it with the look before. */
#include "clock.h"
#include "status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *status_add(void **array, unsigned int *n, size_t size)
{
	/* Powers of two, so that many items do not cost as many copies. */
	if (!(*n & (*n - 1))) {
		void *grown = realloc(*array, (*n ? *n * 2 : 1) * size);

		if (!grown)
			return NULL;
		*array = grown;
	}
	return memset((char *)*array + (*n)++ * size, 0, size);
}

int status_take(const char *lease_dir, const char *metrics, struct status *status,
		struct devmem_error *err)
{
	int ret;

	*status = (struct status){.taken_ms = clock_ms()};
	ret = status_queues(lease_dir, status);
	if (!ret)
		ret = status_processes(metrics, status);
	if (!ret)
		ret = status_connections(status);
	if (ret)
		devmem_error_set(err, ret, "cannot look at queues and connections: %s",
				 strerror(-ret));
	return ret;
}

static const struct status_connection *find(const struct status *status, uint64_t cookie)
{
	for (unsigned int i = 0; i < status->n_connections; i++)
		if (status->connections[i].cookie == cookie)
			return &status->connections[i];
	return NULL;
}

void status_rates(struct status *status, const struct status *before)
{
	double seconds = (double)(status->taken_ms - before->taken_ms) / 1000;

	for (unsigned int i = 0; seconds > 0 && i < status->n_connections; i++) {
		struct status_connection *now = &status->connections[i];
		const struct status_connection *then = find(before, now->cookie);

		if (!then)
			continue;
		now->receive_rate = (double)(now->received - then->received) / seconds;
		now->send_rate = (double)(now->sent - then->sent) / seconds;
	}
}

const char *status_reason(const struct facts *facts, const struct nic_facts *nic)
{
	if (nic->plan.fallback)
		return nic->plan.reason;
	if (facts->plan_host)
		return "NCCL_DEVMEM_PLAN=host";
	if (facts->memory.kind == DEVMEM_MEM_HOST)
		return "NCCL_DEVMEM_MEMORY=host";
	return facts->memory.usable ? "" : facts->memory.why.text;
}

void status_free(struct status *status)
{
	free(status->queues);
	free(status->connections);
	free(status->processes);
	*status = (struct status){0};
}
