// SPDX-License-Identifier: BSD-3-Clause
/* The place where a NIC puts what one connection receives, from set-up to clean-up. */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan.h"
#include "rings.h"
#include "uapi/devmem_uapi.h"

/* What only an administrator can put right is said before anything is changed. */
static int check_nic(const struct devmem_nic *nic, struct devmem_exporter *exporter, bool no_setup,
		     struct devmem_error *err)
{
	struct devmem_nic_caps caps;
	struct nic_rings rings;
	struct plan plan;
	int ret = devmem_nic_probe(nic, &caps, err);

	if (ret)
		return ret;
	(void)nic_rings_get(nic->name, &rings, NULL); /* what is unknown stays so */
	if (caps.bind_rx && caps.net_admin && rings.tcp_data_split == DEVMEM_TCP_DATA_SPLIT_UNKNOWN)
		return devmem_error_set(err, -EOPNOTSUPP,
					"cannot receive into device memory: %s is not a NIC with "
					"header split (ethtool -g %s). Choose another by "
					"--interface, or use --exporter host, or --send-only",
					nic->name, nic->name);
	caps.bind_tx = caps.netmem_tx = true; /* sending is not asked about here */
	if (!no_setup)
		caps.header_split = true; /* will be switched on */
	else
		caps.ntuple = true; /* the administrator's rule may be of another kind */
	plan_decide(PLAN_WISH_AUTO, devmem_exporter_kind(exporter), &caps, nic->name, &plan);
	if (plan.rx == PLAN_RX_DEVICE)
		return 0;
	return devmem_error_set(err, caps.net_admin ? -EOPNOTSUPP : -EPERM,
				"cannot receive into device memory: %s. Without it: --exporter "
				"host, or --send-only",
				plan.reason);
}

static int lease_exactly(struct window *window, unsigned int queue, const char *dir,
			 struct devmem_error *err)
{
	struct lease **lease = &window->leases[window->n_leases];
	int ret;

	if (queue >= window->nic.rx_queues)
		return devmem_error_set(
			err, -ERANGE,
			"%s has no rx queue %u: its queues are 0 to %u (ethtool -L %s combined N "
			"changes their number)",
			window->nic.name, queue, window->nic.rx_queues - 1, window->nic.name);
	ret = lease_take(&window->nic, dir, queue + 1, lease, err);
	if (!ret && (*lease)->queue != queue) {
		lease_release(*lease);
		*lease = NULL;
		ret = -EBUSY;
	}
	if (ret == -EBUSY)
		return devmem_error_set(err, ret,
					"rx queue %u of %s is leased by another process (see %s): "
					"name another, or leave --queue out to get a free one",
					queue, window->nic.name, dir);
	if (!ret)
		window->n_leases++;
	return ret;
}

static int bind_named(struct window *window, const struct options *options,
		      struct devmem_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < options->queues.n; i++)
		ret = lease_exactly(window, options->queues.queue[i], options->lease_dir, err);
	if (ret)
		return ret;
	return devmem_bind_rx(window->nic.ifindex, window->mem->dmabuf_fd, options->queues.queue,
			      options->queues.n, &window->binding, err);
}

static void drop_first_lease(struct window *window)
{
	lease_release(window->leases[0]);
	window->n_leases--;
	memmove(window->leases, window->leases + 1, window->n_leases * sizeof(window->leases[0]));
	window->leases[window->n_leases] = NULL;
}

/* A queue may be bound by a process that knows nothing of leases, and the kernel does not say
 * which: then the highest is exchanged for the next one below. */
static int bind_any(struct window *window, const struct options *options, struct devmem_error *err)
{
	unsigned int queues[QUEUE_LIST_MAX], below = window->nic.rx_queues;
	int ret;

	for (;;) {
		while (window->n_leases < options->n_queues) {
			struct lease **lease = &window->leases[window->n_leases];

			ret = lease_take(&window->nic, options->lease_dir, below, lease, err);
			if (ret)
				return ret;
			window->n_leases++;
			below = (*lease)->queue;
		}
		for (unsigned int i = 0; i < window->n_leases; i++)
			queues[i] = window->leases[i]->queue;
		ret = devmem_bind_rx(window->nic.ifindex, window->mem->dmabuf_fd, queues,
				     window->n_leases, &window->binding, err);
		if (ret != -EEXIST && ret != -EBUSY)
			return ret;
		drop_first_lease(window);
	}
}

/* Sets the budget: what the pool holds beyond the buffers that the queues keep ready. */
static int check_pool(struct window *window, const struct options *options,
		      struct devmem_error *err)
{
	unsigned int n = options->queues.n ? options->queues.n : options->n_queues;
	size_t ring = nic_ring_bytes(window->nic.name) * n;

	if (options->pool_bytes < 2 * ring)
		return devmem_error_set(
			err, -EINVAL,
			"a pool of %zu MiB cannot feed %u rx ring(s) of %s, which take %zu MiB: "
			"use --pool %zu or more, or shorten the ring (ethtool -G %s rx N)",
			options->pool_bytes >> 20, n, window->nic.name, ring >> 20,
			((2 * ring - 1) >> 20) + 1, window->nic.name);
	/* Half, as lib/pool.c does: fragments pin whole pages, and data that came out of order
	 * pins pages which are not delivered. */
	window->budget = (options->pool_bytes - ring) / 2;
	return 0;
}

static int hold_split(struct window *window, const char *dir, struct devmem_error *err)
{
	struct devmem_error why = {0};
	int ret;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return devmem_error_set(err, -errno, "cannot make %s, where settings are noted: %s",
					dir, strerror(errno));
	ret = split_hold(window->nic.name, dir, &window->split, &why);
	if (!ret)
		return 0;
	return devmem_error_set(err, ret,
				"%s does not split headers: %s. Choose a NIC that does by "
				"--interface (ethtool -g shows it), or use --exporter host",
				window->nic.name, why.text);
}

int window_open(const struct devmem_nic *nic, struct devmem_exporter *exporter,
		const struct options *options, struct window **window, struct devmem_error *err)
{
	struct window *new = calloc(1, sizeof(*new));
	int ret;

	*window = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->nic = *nic;
	ret = check_nic(nic, exporter, options->no_setup, err);
	if (!ret)
		ret = check_pool(new, options, err);
	if (!ret)
		ret = devmem_mem_alloc(exporter, options->pool_bytes, &new->mem, err);
	if (!ret && !options->no_setup)
		ret = hold_split(new, options->lease_dir, err);
	if (!ret)
		ret = options->queues.n ? bind_named(new, options, err)
					: bind_any(new, options, err);
	if (ret) {
		window_close(new, NULL);
		return ret;
	}
	*window = new;
	return 0;
}

int window_steer(struct window *window, const struct sockaddr_storage *local,
		 struct devmem_error *err)
{
	int ret;

	window->rule.dst = *local;
	window->rule.queue = window_queue(window);
	ret = lease_journal(window->leases[0], &window->rule);
	if (!ret) {
		ret = devmem_rule_add(window->nic.name, &window->rule, err);
		if (ret)
			return ret;
		window->rule_added = true;
		ret = lease_journal(window->leases[0], &window->rule);
	}
	if (ret)
		return devmem_error_set(err, -EIO, "cannot note a steering rule in %s: %s",
					window->leases[0]->path, strerror(errno));
	return 0;
}

unsigned int window_queue(const struct window *window)
{
	return window->leases[0]->queue;
}

void window_close(struct window *window, struct devmem_error *err)
{
	if (err)
		*err = (struct devmem_error){0};
	if (!window)
		return;
	if (window->rule_added && !devmem_rule_del(window->nic.name, window->rule.location, err))
		lease_journal(window->leases[0], NULL);
	devmem_binding_release(window->binding);
	devmem_mem_free(window->mem);
	(void)split_release(window->split, err);
	for (unsigned int i = 0; i < window->n_leases; i++)
		lease_release(window->leases[i]);
	free(window);
}
