// SPDX-License-Identifier: BSD-3-Clause
/* What the plugin does, apart from the version of NCCL's interface. */
#include "net_devmem.h"
#include "connect.h"
#include "error.h"
#include "memories.h"
#include "nic.h"
#include "params.h"
#include "placement.h"
#include "plugin_log.h"
#include "profile.h"
#include "sockopt.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* NCCL passes the same handle buffer until connect() is through; this finds the attempt again. */
struct attempt {
	struct attempt *next;
	const void *handle;
	struct dialer *dialer;
};

/* What NCCL keeps pointers to for as long as the plugin is loaded, devices or not. */
struct nic_text {
	char name[DEVMEM_NIC_NAME];
	char pci_path[sizeof(((struct devmem_nic *)0)->pci_path)];
};

static struct {
	pthread_mutex_t lock;
	unsigned int users; /* inits without finalize, and open comms */
	unsigned int inits;
	bool loads_once;
	bool unpacks; /* NCCL's kernels place received data */
	struct params params;
	struct memories memories;
	struct stat_totals totals;
	struct nic_text texts[MEMORIES_NICS];
	struct attempt *attempts;
} net = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A handle that is not NULL for host memory, which needs no registration. */
static struct region host_region;

static ncclResult_t to_result(int code)
{
	switch (-code) {
	case 0:
		return ncclSuccess;
	case ECONNRESET:
	case ECONNABORTED:
	case ECONNREFUSED:
	case EPIPE:
	case EPROTO:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return ncclRemoteError;
	case EMSGSIZE:
		return ncclInvalidUsage;
	case EINVAL:
		return ncclInvalidArgument;
	default:
		return ncclSystemError;
	}
}

/* For failures whose text was not said yet. What is short of memory says no more than that wherever
 * it is. */
static ncclResult_t fail(const struct devmem_error *err, const char *where)
{
	bool bare = err->code == -ENOMEM && !strcmp(err->text, "out of memory");

	plugin_log(LOG_LEVEL_WARN, where, __LINE__, "%s%s%s", err->text, bare ? "; " : "",
		   bare ? error_advice(err->code) : "");
	return to_result(err->code);
}

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
	return to_result(err->code);
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

static void write_metrics(void)
{
	int ret;

	if (!net.params.metrics || !*net.params.metrics)
		return;
	ret = stat_write(&net.totals, net.params.metrics);
	if (ret)
		plugin_log(
			LOG_LEVEL_WARN, __func__, __LINE__,
			"cannot write counters to NCCL_DEVMEM_METRICS=%s: %s; it must be a folder "
			"that this job may write to: mkdir -p",
			net.params.metrics, strerror(-ret));
}

static int open_exporter(struct devmem_exporter **exporter, struct devmem_error *err)
{
	static const enum devmem_mem_kind kinds[] = {DEVMEM_MEM_CUDA, DEVMEM_MEM_CUDA,
						     DEVMEM_MEM_UDMABUF, DEVMEM_MEM_DMVRAM,
						     DEVMEM_MEM_HOST};
	struct devmem_error why = {0};
	int ret = devmem_exporter_open(kinds[net.params.memory], -1, exporter, &why);

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

static int nic_family(void)
{
	const char *family = getenv("NCCL_SOCKET_FAMILY");

	if (family && !strcmp(family, "AF_INET"))
		return AF_INET;
	if (family && !strcmp(family, "AF_INET6"))
		return AF_INET6;
	return AF_UNSPEC;
}

/*
 * The host of NCCL_COMM_ID ("host:port" or "[ipv6]:port"), where NCCL looks for an interface in its
 * subnet. A name is resolved as NCCL did a moment ago; one that is not known is no hint.
 */
static bool find_comm_id(struct sockaddr_storage *addr)
{
	const char *text = getenv("NCCL_COMM_ID");
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char host[NI_MAXHOST];

	if (!text || strlen(text) < 2)
		return false;
	if (*text == '[')
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(text + 1, "]%"), text + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, ":,"), text);
	if (getaddrinfo(host, NULL, &hints, &found))
		return false;
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

static int list_nics(struct devmem_nic *nics, struct devmem_error *err)
{
	struct sockaddr_storage comm_id;
	struct nic_wish wish = {
		.filter = *net.params.ifname ? net.params.ifname : getenv("NCCL_SOCKET_IFNAME"),
		.family = nic_family(),
		.near = find_comm_id(&comm_id) ? &comm_id : NULL,
	};

	return nic_list(&wish, nics, MEMORIES_NICS, err);
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
	n = list_nics(memories->nics, err);
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
	while (net.attempts) {
		struct attempt *attempt = net.attempts;

		net.attempts = attempt->next;
		dialer_free(attempt->dialer);
		free(attempt);
	}
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
	write_metrics();
	if (init)
		net.inits--;
	if (--net.users == 0) {
		tear_down();
		hint_loads_once();
	}
	pthread_mutex_unlock(&net.lock);
}

static void user_come(void)
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

ncclResult_t net_devices(int *n)
{
	*n = (int)net.memories.n_nics;
	return ncclSuccess;
}

static bool device_exists(int dev)
{
	if (dev >= 0 && (unsigned int)dev < net.memories.n_nics)
		return true;
	plugin_log(
		LOG_LEVEL_WARN, __func__, __LINE__,
		"NCCL asked for device %d of %u, a fault of NCCL or of the program that calls the "
		"plugin: run again with NCCL_DEBUG=INFO, and report its output",
		dev, net.memories.n_nics);
	return false;
}

static bool has_device_memory(void)
{
	return devmem_exporter_kind(net.memories.list[0].exporter) != DEVMEM_MEM_HOST;
}

ncclResult_t net_properties(int dev, struct net_properties *properties)
{
	const struct devmem_nic *nic;

	if (!device_exists(dev))
		return ncclInvalidArgument;
	nic = &net.memories.nics[dev];
	*properties = (struct net_properties){
		.name = net.texts[dev].name,
		.pci_path = net.texts[dev].pci_path[0] ? net.texts[dev].pci_path : NULL,
		.guid = nic->guid,
		/* Not CUDA: NCCL then hands device memory over with its dmabuf or not at all. */
		.ptr_support = NCCL_PTR_HOST | (has_device_memory() ? NCCL_PTR_DMABUF : 0),
		.speed = (int)nic->speed_mbps,
		.port = (int)nic->port,
		.device_type = net.unpacks ? NCCL_NET_DEVICE_UNPACK : NCCL_NET_DEVICE_HOST,
		.device_version = net.unpacks ? NCCL_NET_DEVICE_UNPACK_VERSION
					      : NCCL_NET_DEVICE_INVALID_VERSION,
	};
	return ncclSuccess;
}

/* As NCCL's transport for InfiniBand: the variable goes before what the communicator asks for. */
static int choose_traffic_class(int asked, int *traffic_class)
{
	*traffic_class = net.params.traffic_class >= 0 ? (int)net.params.traffic_class : asked;
	if (*traffic_class >= TRAFFIC_CLASS_UNSET && *traffic_class <= 255)
		return 0;
	plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
		   "the communicator's traffic class is %d and must be 0 to 255 (four times the "
		   "DSCP): correct trafficClass in ncclConfig_t, or set NCCL_DEVMEM_TRAFFIC_CLASS",
		   asked);
	return -EINVAL;
}

ncclResult_t net_listen(int dev, int traffic_class, void *handle, void **listen_comm)
{
	struct devmem_error err = {0};
	struct wire_handle wire;
	struct listener *listener;
	struct device *device;
	int ret;

	*listen_comm = NULL;
	if (!device_exists(dev) || choose_traffic_class(traffic_class, &traffic_class))
		return ncclInvalidArgument;
	pthread_mutex_lock(&net.lock);
	ret = memories_device(&net.memories, (unsigned int)dev, &device, &err);
	pthread_mutex_unlock(&net.lock);
	if (ret || listener_new(device, traffic_class, &listener, &wire, &err))
		return fail(&err, __func__);
	memset(handle, 0, NCCL_NET_HANDLE_MAXSIZE);
	wire_put_handle(handle, &wire);
	user_come();
	*listen_comm = listener;
	return ncclSuccess;
}

static struct attempt *attempt_find(const void *handle, const struct wire_handle *wire)
{
	struct attempt *attempt;

	for (attempt = net.attempts; attempt; attempt = attempt->next)
		if (attempt->handle == handle &&
		    !memcmp(dialer_nonce(attempt->dialer), wire->nonce, WIRE_NONCE))
			break;
	return attempt;
}

static int attempt_new(int dev, int traffic_class, const void *handle,
		       const struct wire_handle *wire, struct attempt **attempt,
		       struct devmem_error *err)
{
	struct attempt *new = calloc(1, sizeof(*new));
	struct device *device;
	int ret;

	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	ret = memories_device(&net.memories, (unsigned int)dev, &device, err);
	if (!ret)
		ret = dialer_new(device, wire, traffic_class, &new->dialer, err);
	if (ret) {
		free(new);
		return ret;
	}
	new->handle = handle;
	new->next = net.attempts;
	net.attempts = new;
	*attempt = new;
	return 0;
}

static void attempt_end(struct attempt *attempt)
{
	struct attempt **link = &net.attempts;

	while (*link != attempt)
		link = &(*link)->next;
	*link = attempt->next;
	dialer_free(attempt->dialer);
	free(attempt);
}

ncclResult_t net_connect(int dev, int traffic_class, void *handle, void **send_comm)
{
	struct devmem_error err = {0};
	struct attempt *attempt;
	struct wire_handle wire;
	unsigned int version = 0;
	struct conn *conn = NULL;
	int ret;

	*send_comm = NULL;
	if (!device_exists(dev) || choose_traffic_class(traffic_class, &traffic_class))
		return ncclInvalidArgument;
	ret = wire_get_handle(handle, NCCL_NET_HANDLE_MAXSIZE, &wire, &version);
	if (ret == -EPROTONOSUPPORT) {
		devmem_error_set(&err, -EPROTO,
				 "the peer's handle is of version %u of devmem's protocol and this "
				 "side speaks %u: install the "
				 "same release on all hosts",
				 version, WIRE_VERSION);
		return fail(&err, __func__);
	}
	if (ret) {
		devmem_error_set(&err, -EPROTO,
				 "the peer's handle is none of devmem's: do all ranks load the "
				 "same net plugin "
				 "(NCCL_NET_PLUGIN=devmem NCCL_NET=devmem)?");
		return fail(&err, __func__);
	}
	pthread_mutex_lock(&net.lock);
	attempt = attempt_find(handle, &wire);
	ret = attempt ? 0 : attempt_new(dev, traffic_class, handle, &wire, &attempt, &err);
	if (!ret)
		ret = dialer_poll(attempt->dialer, &conn, &err);
	if (attempt && ret)
		attempt_end(attempt);
	if (conn)
		net.users++;
	pthread_mutex_unlock(&net.lock);
	*send_comm = conn;
	return ret < 0 ? fail(&err, __func__) : ncclSuccess;
}

/* NCCL's bootstrap accepts without a handle: no kernel looks at what such a connection receives. */
static bool kernels_unpack(const ncclNetDeviceHandle_t *device)
{
	return net.unpacks && device && device->netDeviceType == NCCL_NET_DEVICE_UNPACK &&
	       device->netDeviceVersion == NCCL_NET_DEVICE_UNPACK_VERSION;
}

static int offer_unpack(struct conn *conn, ncclNetDeviceHandle_t *device, struct devmem_error *err)
{
	struct nccl_unpack_handle *handle;
	uintptr_t base;
	int ret;

	pthread_mutex_lock(&net.lock);
	ret = memories_base(&net.memories, conn, &base, err);
	pthread_mutex_unlock(&net.lock);
	if (!ret)
		ret = conn_use_unpack(conn, base, &handle, err);
	if (ret)
		return ret;
	device->handle = handle;
	device->size = sizeof(*handle);
	device->needsProxyProgress = 1;
	return 0;
}

ncclResult_t net_accept(void *listen_comm, void **recv_comm, ncclNetDeviceHandle_t *device)
{
	struct devmem_error err = {0};
	struct conn *conn;

	*recv_comm = NULL;
	if (listener_poll(listen_comm, &conn, &err) < 0)
		return fail(&err, __func__);
	if (conn && kernels_unpack(device) && offer_unpack(conn, device, &err)) {
		conn_close(conn);
		return fail(&err, __func__);
	}
	if (conn)
		user_come();
	*recv_comm = conn;
	return ncclSuccess;
}

static ncclResult_t reg_device(struct conn *conn, void *data, size_t size, uint64_t offset, int fd,
			       void **mhandle)
{
	struct devmem_error err = {0};
	struct region *region;

	if (has_device_memory() &&
	    devmem_exporter_kind(conn->device->exporter) == DEVMEM_MEM_HOST) {
		devmem_error_set(
			&err, -EINVAL,
			"device memory at %p cannot be registered: the connection is for a "
			"CUDA device that exports none, as a warning told when it was made",
			data);
		return fail(&err, __func__);
	}
	if (device_register(conn->device, data, size, fd, offset, conn->sender, &region, &err))
		return fail(&err, __func__);
	*mhandle = region;
	return ncclSuccess;
}

ncclResult_t net_reg_mr(void *comm, void *data, size_t size, int type, void **mhandle)
{
	if (type == NCCL_PTR_HOST) {
		*mhandle = &host_region;
		return ncclSuccess;
	}
	return reg_device(comm, data, size, 0, -1, mhandle);
}

ncclResult_t net_reg_mr_dmabuf(void *comm, void *data, size_t size, int type, uint64_t offset,
			       int fd, void **mhandle)
{
	return reg_device(comm, data, size, offset, fd, mhandle);
}

ncclResult_t net_dereg_mr(void *comm, void *mhandle)
{
	if (mhandle && mhandle != &host_region)
		device_deregister(((struct conn *)comm)->device, mhandle);
	return ncclSuccess;
}

static ncclResult_t post(struct conn *conn, void *data, size_t size, void *mhandle, void *profiled,
			 void **request)
{
	const struct region *region = mhandle == &host_region ? NULL : mhandle;
	struct request *posted;
	int ret = conn_post(conn, data, size, region, &posted);

	if (posted)
		posted->profiled = profiled;
	*request = posted;
	return to_result(ret);
}

ncclResult_t net_isend(void *send_comm, void *data, size_t size, void *mhandle, void *profiled,
		       void **request)
{
	ncclResult_t result = post(send_comm, data, size, mhandle, profiled, request);

	/* Begin at once: the caller may not test before it has done other things. */
	if (result == ncclSuccess && *request) {
		struct conn *conn = send_comm;
		int ret = conn_send_progress(conn);

		profile_progress(*request);
		if (ret < 0) {
			profile_end(*request);
			*request = NULL;
			result = to_result(conn_fail(conn, ret, "the connection broke"));
		}
	}
	return result;
}

ncclResult_t net_irecv(void *recv_comm, int n, void *data, size_t size, void *mhandle,
		       void *profiled, void **request)
{
	if (n != 1) {
		*request = NULL;
		plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
			   "NCCL posted a receive of %d buffers and the plugin takes one "
			   "(maxRecvs), a "
			   "fault of NCCL or of the program that calls the plugin: run again with "
			   "NCCL_DEBUG=INFO, and report its output",
			   n);
		return ncclInternalError;
	}
	return post(recv_comm, data, size, mhandle, profiled, request);
}

ncclResult_t net_test(void *request, int *done, int *size)
{
	size_t len = 0;
	int ret = conn_test(request, &len);

	*done = ret > 0;
	/* A request that is done is free, and as it was until the next is posted. */
	if (ret)
		profile_end(request);
	else
		profile_progress(request);
	if (ret < 0)
		return to_result(ret);
	/* NCCL's size is an int; longer messages exist since version 9 of the interface, whose core
	 * does not look at it. */
	if (ret && size)
		*size = len > INT_MAX ? INT_MAX : (int)len;
	return ncclSuccess;
}

ncclResult_t net_irecv_consumed(void *recv_comm, int n, void *request)
{
	struct conn *conn = recv_comm;
	int ret = n == 1 ? conn_consumed(conn, request) : -EINVAL;

	if (ret == -EINVAL) {
		plugin_log(LOG_LEVEL_WARN, __func__, __LINE__,
			   "NCCL said that a receive was consumed which is not the oldest one that "
			   "is done, a fault of NCCL or of the program that calls the plugin: run "
			   "again with NCCL_DEBUG=INFO, and report its output");
		return ncclInternalError;
	}
	return to_result(ret);
}

static ncclResult_t close_conn(struct conn *conn)
{
	if (!conn)
		return ncclSuccess;
	conn_close(conn);
	user_gone(false);
	return ncclSuccess;
}

ncclResult_t net_close_send(void *send_comm)
{
	return close_conn(send_comm);
}

ncclResult_t net_close_recv(void *recv_comm)
{
	return close_conn(recv_comm);
}

ncclResult_t net_close_listen(void *listen_comm)
{
	if (!listen_comm)
		return ncclSuccess;
	listener_free(listen_comm);
	user_gone(false);
	return ncclSuccess;
}
