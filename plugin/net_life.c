// SPDX-License-Identifier: BSD-3-Clause
/* The plugin's beginning and end in a process: variables, memory, NICs, placement. */
#include "nics.h"
#include "metrics.h"
#include "net_state.h"
#include "placement.h"
#include "plugin_log.h"
#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct net_state net = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* NCCL itself tells of its choice in its INFO output at most. One line, since ncclGetLastError()
 * shows the last. */
static ncclResult_t fail_init(const struct devmem_error *err)
{
	const char *wanted = getenv("NCCL_NET");

	plugin_log(LOG_LEVEL_WARN, "net_init", __LINE__, "the plugin could not start: %s%s",
		   err->text,
		   wanted && !strcasecmp(wanted, NET_NAME)
			   ? ""
			   : ". NCCL goes on with another transport and will not say so: set "
			     "NCCL_NET=" NET_NAME " to have an error instead");
	return net_result(err->code);
}

/* The next communicator's "Failed to initialize any NET plugin" would not tell why. */
static void hint_loads_once(void)
{
	const char *count = getenv("NCCL_NET_PLUGIN_REF_COUNT");

	if (net.loads_once && !(count && atoi(count)))
		plugin_log(LOG_LEVEL_INFO, __func__, __LINE__,
			   "unloaded with the last communicator; NCCL 2.28 and 2.29 cannot load it "
			   "again: if this program makes another communicator, set "
			   "NCCL_NET_PLUGIN_REF_COUNT=1");
}

static int open_exporter(struct devmem_exporter **exporter, struct devmem_error *err)
{
	struct devmem_error why = {0};
	int ret = devmem_exporter_open(params_memory(&net.params), -1, exporter, &why);

	if (!ret)
		return 0;
	if (net.params.memory)
		return devmem_error_set(err, ret, "%s", why.text);
	if (net.params.require)
		return devmem_error_set(err, -EOPNOTSUPP,
					"device memory TCP is required and there is no device: %s",
					why.text);
	plugin_log(LOG_LEVEL_INFO, __func__, __LINE__,
		   "no CUDA device (%s): host memory and plain TCP", why.text);
	return devmem_exporter_open(DEVMEM_MEM_HOST, 0, exporter, err);
}

static int open_devices(struct devmem_error *err)
{
	struct memories *memories = &net.memories;
	struct devmem_exporter *exporter;
	int n, ret = open_exporter(&exporter, err);

	if (ret)
		return ret;
	memories->options = (struct device_options){
		.wish = net.params.plan == 1 ? PLAN_WISH_HOST : PLAN_WISH_AUTO,
		.require = net.params.require,
		.times_copies = *net.params.metrics,
		.broker = net.params.broker,
		.pool = {.bytes = (size_t)net.params.pool_mb << 20,
			 .queues = (unsigned int)net.params.queues,
			 .lease_dir = net.params.lease_dir},
		.streams = (unsigned int)net.params.streams,
		.connect_timeout_s = (unsigned int)net.params.connect_timeout,
		.peer_timeout_s = (unsigned int)net.params.peer_timeout,
	};
	memories->totals = &net.totals;
	memories->log = plugin_log;
	memories->host_instead = !net.params.memory && !net.params.require;
	n = nics_choose(net.params.ifname, memories->nics, MEMORIES_NICS, err);
	memories->n_nics = n < 0 ? 0 : (unsigned int)n;
	for (unsigned int i = 0; i < memories->n_nics; i++) {
		const struct devmem_nic *nic = &memories->nics[i];

		memcpy(net.texts[i].name, nic->ifname, sizeof(nic->ifname));
		memcpy(net.texts[i].pci_path, nic->pci_path, sizeof(nic->pci_path));
	}
	ret = memories_start(memories, exporter, err);
	return n < 0 ? n : ret;
}

/* Called under the lock when nobody uses the plugin any more. */
static void tear_down(void)
{
	while (net.attempts)
		attempt_end(&net.attempts, net.attempts);
	memories_end(&net.memories);
}

static bool receives_into_devices(void)
{
	for (unsigned int i = 0; i < net.memories.n_nics; i++)
		if (net.memories.list[0].devices[i]->plan.rx == PLAN_RX_DEVICE)
			return true;
	return false;
}

static int choose_placement(bool core_unpacks, struct devmem_error *err)
{
	struct devmem_error why = {0};
	int ret = 0;

	net.unpacks = false;
	if (!net.params.placement)
		return 0;
	if (!core_unpacks)
		ret = devmem_error_set(&why, -EOPNOTSUPP,
				       "NCCL_DEVMEM_PLACEMENT=unpack takes NCCL 2.19 or later, and "
				       "this one asked for version 6 of the plugin interface");
	else if (!receives_into_devices())
		ret = devmem_error_set(&why, -EOPNOTSUPP,
				       "NCCL_DEVMEM_PLACEMENT=unpack has nothing to do: no NIC "
				       "receives into device memory");
	else
		ret = placement_prepare(plugin_log, &why);
	net.unpacks = !ret;
	if (ret && net.params.require)
		return devmem_error_set(err, ret, "%s", why.text);
	if (ret)
		plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
			   "%s; received data is copied to its place instead", why.text);
	return 0;
}

static int set_up(bool core_unpacks, struct devmem_error *err)
{
	int ret = params_read(&net.params, plugin_log);

	if (ret)
		return devmem_error_set(err, ret,
					"a variable of the plugin has a value that cannot be: "
					"correct what the warning before this one names, or unset "
					"it");
	ret = open_devices(err);
	if (!ret)
		ret = choose_placement(core_unpacks, err);
	if (ret)
		tear_down();
	return ret;
}

ncclResult_t net_init(const struct net_core *core)
{
	struct devmem_error err = {0};
	int ret = 0;

	plugin_log_set(core->logger);
	profile_set(core->profiler);
	pthread_mutex_lock(&net.lock);
	net.loads_once = core->loads_once;
	if (!net.users)
		ret = set_up(core->unpacks, &err);
	if (!ret) {
		net.users++;
		net.inits++;
	}
	pthread_mutex_unlock(&net.lock);
	return ret ? fail_init(&err) : ncclSuccess;
}

bool net_unpacks(void)
{
	return net.unpacks;
}

static void user_gone(bool init)
{
	pthread_mutex_lock(&net.lock);
	metrics_write();
	if (init)
		net.inits--;
	if (--net.users == 0) {
		tear_down();
		hint_loads_once();
	}
	pthread_mutex_unlock(&net.lock);
}

void net_user_gone(void)
{
	user_gone(false);
}

void net_user_come(void)
{
	pthread_mutex_lock(&net.lock);
	net.users++;
	pthread_mutex_unlock(&net.lock);
}

ncclResult_t net_finalize(void)
{
	if (!net.inits)
		return ncclInternalError;
	user_gone(true);
	return ncclSuccess;
}

/* Versions before 11 have no finalize: what their one init made ends with the library. */
__attribute__((destructor)) static void unload(void)
{
	while (net.inits)
		net_finalize();
}
