// SPDX-License-Identifier: BSD-3-Clause
/* One NIC as connections use it: its plan, its pool, the memory registered with it. */
#include "device.h"
#include "broker.h"
#include "mem_ops.h"
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LAST_WORDS_MS 1000 /* for what peers have not acknowledged when everything ends */

/* Who made the queues that payload is received by, for the plan's line. */
static const char *queues_of(const struct device *device)
{
	if (device->plan.rx != PLAN_RX_DEVICE)
		return "";
	return device->options.pool.broker ? "; queues: leased from devmemd" : "; queues: own";
}

static int say_plan(struct device *device, struct devmem_error *err)
{
	if (!device->plan.fallback) {
		device->log(LOG_LEVEL_INFO, __func__, __LINE__, "%s: %s (memory: %s %d%s)",
			    device->nic.name, plan_text(&device->plan),
			    devmem_mem_kind_name(devmem_exporter_kind(device->exporter)),
			    devmem_exporter_ordinal(device->exporter), queues_of(device));
		return 0;
	}
	stat_add(&device->totals->fallbacks, 1);
	PROBE3(fallback, device->nic.name, plan_text(&device->plan), device->plan.reason);
	if (device->options.require)
		return devmem_error_set(err, -EOPNOTSUPP,
					"device memory TCP is required and not possible: %s",
					device->plan.reason);
	device->log(LOG_LEVEL_WARN, __func__, __LINE__, "falling back to: %s%s. Why: %s",
		    plan_text(&device->plan), queues_of(device), device->plan.reason);
	return 0;
}

/* Whether queues are to be leased from the broker. @why is set when they should be, and cannot. */
static void look_for_broker(struct device *device, struct devmem_nic_caps *caps,
			    struct devmem_error *why)
{
	const char *wish = device->options.broker;
	const char *path = broker_choose(wish, caps->net_admin);

	if (!path || device->options.wish == PLAN_WISH_HOST ||
	    devmem_exporter_kind(device->exporter) == DEVMEM_MEM_HOST)
		return;
	if (!broker_hello(path, why)) {
		caps->broker = true;
		device->options.pool.broker = path;
	} else if (path != wish && why->code == -ENOENT) {
		why->code = 0; /* the plan has words for what is not there */
	}
}

int device_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		const struct device_options *options, struct stat_totals *totals, log_fn log,
		struct device **device, struct devmem_error *err)
{
	struct devmem_error why = {0};
	struct devmem_nic_caps caps;
	struct device *new;
	int ret;

	*device = NULL;
	ret = devmem_nic_probe(nic, &caps, err);
	if (ret)
		return ret;
	new = calloc(1, sizeof(*new));
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->nic = *nic;
	new->exporter = exporter;
	exporter->copy_ns = options->times_copies ? &totals->copy_ns : NULL;
	new->options = *options;
	new->options.pool.broker = NULL;
	new->options.pool.peer_timeout_s = options->peer_timeout_s;
	new->totals = totals;
	new->log = log;
	new->refs = 1;
	pthread_mutex_init(&new->lock, NULL);
	linger_init(&new->lingering);
	lender_init(&new->lender);
	look_for_broker(new, &caps, &why);
	plan_decide(options->wish, devmem_exporter_kind(exporter), &caps, nic->name, &new->plan);
	if (why.code)
		plan_degrade_rx(&new->plan, &why);
	ret = say_plan(new, err);
	if (ret) {
		device_put(new);
		return ret;
	}
	*device = new;
	return 0;
}

struct device *device_get(struct device *device)
{
	__atomic_fetch_add(&device->refs, 1, __ATOMIC_RELAXED);
	return device;
}

static void region_free(struct region *region)
{
	devmem_binding_release(region->tx);
	devmem_mem_free(region->mem);
	free(region);
}

void device_put(struct device *device)
{
	if (!device || __atomic_fetch_sub(&device->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	while (device->regions) {
		struct region *region = device->regions;

		device->regions = region->next;
		region_free(region);
	}
	linger_end(&device->lingering, LAST_WORDS_MS);
	lender_destroy(&device->lender);
	pool_close(device->pool);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

static void say_pool(const struct device *device)
{
	const struct pool *pool = device->pool;

	device->log(LOG_LEVEL_INFO, __func__, __LINE__,
		    "%s: receives into %zu MiB of device memory in buffers of %zu KiB, by %u rx queue%s",
		    device->nic.name, pool->mem->size >> 20, pool->claim->buffer >> 10,
		    pool->claim->n_queues, pool->claim->n_queues == 1 ? "" : "s");
}

static int open_pool(struct device *device, struct devmem_error *err)
{
	struct devmem_error why = {0};

	if (!pool_open(&device->nic, device->exporter, &device->options.pool, &device->pool,
		       &why)) {
		say_pool(device);
		return 0;
	}
	plan_degrade_rx(&device->plan, &why);
	return say_plan(device, err);
}

int device_pool(struct device *device, struct pool **pool, struct devmem_error *err)
{
	int ret = 0;

	pthread_mutex_lock(&device->lock);
	if (!device->pool && device->plan.rx == PLAN_RX_DEVICE)
		ret = open_pool(device, err);
	*pool = device->pool;
	pthread_mutex_unlock(&device->lock);
	return ret;
}

/* Sending from the memory itself is a matter of speed: where it is refused, data is staged. Called
 * under the lock. */
static int bind_for_send(struct device *device, struct region *region, struct devmem_error *err)
{
	struct devmem_error why = {0};

	if (region->tx || device->plan.tx != PLAN_TX_DEVICE)
		return 0;
	if (devmem_bind_tx(device->nic.ifindex, region->mem->dmabuf_fd, &region->tx, &why)) {
		plan_degrade_tx(&device->plan, &why);
		return say_plan(device, err);
	}
	region->tx_id = devmem_binding_id(region->tx);
	return 0;
}

static struct region *region_find(const struct device *device, const void *addr, size_t size)
{
	struct region *region;

	for (region = device->regions; region; region = region->next)
		if (region->addr == addr && region->size == size)
			break;
	return region;
}

static int region_new(struct device *device, void *addr, size_t size, int dmabuf_fd,
		      uint64_t dmabuf_offset, struct region **region, struct devmem_error *err)
{
	struct region *new = calloc(1, sizeof(*new));
	int ret;

	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = devmem_mem_wrap(device->exporter, addr, size, dmabuf_fd, dmabuf_offset, &new->mem,
			      err);
	if (ret) {
		free(new);
		return ret;
	}
	new->addr = addr;
	new->size = size;
	new->next = device->regions;
	device->regions = new;
	*region = new;
	return 0;
}

int device_register(struct device *device, void *addr, size_t size, int dmabuf_fd,
		    uint64_t dmabuf_offset, bool send, struct region **region,
		    struct devmem_error *err)
{
	struct region *found;
	int ret = 0;

	pthread_mutex_lock(&device->lock);
	found = region_find(device, addr, size);
	if (!found)
		ret = region_new(device, addr, size, dmabuf_fd, dmabuf_offset, &found, err);
	if (!ret) {
		found->refs++;
		if (send && found->mem->dmabuf_fd >= 0)
			ret = bind_for_send(device, found, err);
	}
	pthread_mutex_unlock(&device->lock);
	if (ret && found)
		device_deregister(device, found);
	*region = ret ? NULL : found;
	return ret;
}

void device_deregister(struct device *device, struct region *region)
{
	pthread_mutex_lock(&device->lock);
	if (--region->refs == 0) {
		struct region **link = &device->regions;

		while (*link != region)
			link = &(*link)->next;
		*link = region->next;
		region_free(region);
	}
	pthread_mutex_unlock(&device->lock);
}
