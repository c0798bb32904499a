/* SPDX-License-Identifier: BSD-3-Clause */
/* libdevmem: moves bytes between TCP sockets and device memory (Linux device memory TCP). */
#ifndef DEVMEM_H
#define DEVMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * Conventions
 *  - int results: 0 or a positive count on success, -errno on failure. Nothing blocks unless its
 * text says so.
 *  - The library reads no environment, prints nothing, never exits and starts no thread.
 *  - Set-up calls take a struct devmem_error and leave in it one sentence that says who failed,
 * why, and what to do next. It may be NULL. Data-path calls return -errno alone.
 *  - An object belongs to the caller that made it until the matching release call; every release
 * call accepts NULL.
 *  - An object may be used by one thread at a time unless its text says otherwise.
 */

/* ---- errors
 * -------------------------------------------------------------------------------------------------
 */

#define DEVMEM_ERROR_TEXT 512

struct devmem_error {
	int code;		      /* -errno, 0 when nothing failed */
	char text[DEVMEM_ERROR_TEXT]; /* one line, no newline; holds the kernel's own extack text
					 where there is one */
};

/* Fills @err (may be NULL) and returns @code, so that callers can write: return
 * devmem_error_set(err, -EINVAL, "..."). */
int devmem_error_set(struct devmem_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- device memory
 * ------------------------------------------------------------------------------------------ */

enum devmem_mem_kind {
	DEVMEM_MEM_HOST,    /* ordinary memory, no dmabuf: plain TCP only */
	DEVMEM_MEM_UDMABUF, /* host pages exported by /dev/udmabuf: stands in for a device where
			       there is none */
	DEVMEM_MEM_DMVRAM,  /* memory of /dev/dmvram, which the CPU cannot reach: stands in for a
			       device and behaves like one */
	DEVMEM_MEM_CUDA,    /* memory of one CUDA device; libcuda.so.1 is loaded at run time */
};

const char *devmem_mem_kind_name(enum devmem_mem_kind kind);

struct devmem_exporter; /* where memory comes from: allocation, dmabuf export, copy engine. Thread
			   safe. */

/*
 * Opens the exporter of @kind. @ordinal is the CUDA device number, or -1 for the calling thread's
 * current device (ignored for the other kinds). Fails with -ENODEV and the reason when the machine
 * lacks what the kind needs.
 */
int devmem_exporter_open(enum devmem_mem_kind kind, int ordinal, struct devmem_exporter **exporter,
			 struct devmem_error *err);
void devmem_exporter_close(struct devmem_exporter *exporter);
enum devmem_mem_kind devmem_exporter_kind(const struct devmem_exporter *exporter);
/* CUDA device number, 0 for the other kinds. */
int devmem_exporter_ordinal(const struct devmem_exporter *exporter);
/* The CUDA device of the calling thread's current context; -1 without one, or without CUDA. */
int devmem_cuda_current(void);
/* True when the CPU can read and write its memory; else only devmem_copy_start() reaches it. */
bool devmem_exporter_cpu_reaches(const struct devmem_exporter *exporter);

/* One contiguous piece of memory. Read its fields; only the library writes them. */
struct devmem_mem {
	struct devmem_exporter *exporter;
	void *addr;  /* address as NCCL or the device's copy engine takes it; CPU-readable for HOST
			and UDMABUF */
	size_t size; /* bytes */
	int dmabuf_fd;		/* -1 for HOST; owned by this object */
	uint64_t dmabuf_offset; /* byte offset of addr in the dmabuf */
	bool owned;		/* the bytes were allocated by devmem_mem_alloc */
};

/* Allocates @size bytes (rounded up to whole pages, zeroed for all but CUDA) and exports them.
 */
int devmem_mem_alloc(struct devmem_exporter *exporter, size_t size, struct devmem_mem **mem,
		     struct devmem_error *err);
/*
 * Describes memory that somebody else allocated. @dmabuf_fd is duplicated (NCCL closes its own
 * right after the call), or -1 to let the exporter export @addr itself (CUDA: the page-rounded
 * range; UDMABUF: -ENOTSUP; DMVRAM: what this exporter knows, else -ENOTSUP; HOST: no dmabuf at
 * all). -EINVAL: memory of another CUDA device, or none of a device. Freeing the object waits for
 * copies under way where these are the device's own.
 */
int devmem_mem_wrap(struct devmem_exporter *exporter, void *addr, size_t size, int dmabuf_fd,
		    uint64_t dmabuf_offset, struct devmem_mem **mem, struct devmem_error *err);
void devmem_mem_free(struct devmem_mem *mem);

/*
 * Host memory for copies to and from device memory, @size bytes or NULL: the engine copies it
 * without making the caller of devmem_copy_start() wait, which CUDA does not do for other host
 * memory. Making it is slow, and may wait for what the device runs: not for the data path. Freeing
 * it waits for copies under way.
 */
void *devmem_staging_alloc(struct devmem_exporter *exporter, size_t size);
void devmem_staging_free(struct devmem_exporter *exporter, void *addr);

/* One piece of a gather or scatter list. Either side may be device memory of the exporter or host
 * memory. */
struct devmem_copy {
	void *dst;
	const void *src;
	size_t len; /* bytes, not 0 */
};

/*
 * Starts copying @n pieces with the exporter's copy engine and stores in *@fence the value to give
 * to devmem_copy_done(). Pieces must stay valid until the fence is done, and have no order among
 * them. -EAGAIN when the engine's queue is full (nothing was started: try later). After any other
 * error some of the pieces may be copied; whether later copies work, they tell
 * (devmem_exporter_trouble() has the engine's words).
 */
int devmem_copy_start(struct devmem_exporter *exporter, const struct devmem_copy *pieces,
		      unsigned int n, uint64_t *fence);
/* 1 when every copy up to @fence is done and visible to the device, 0 while it runs, -errno when
 * the engine failed. */
int devmem_copy_done(struct devmem_exporter *exporter, uint64_t fence);
/*
 * Makes what a NIC has written to device memory visible to what the device runs from now on; copies
 * need no such call. 0 or -errno. Any thread.
 */
int devmem_flush(struct devmem_exporter *exporter);
/* What the copy engine failed with last, in a sentence; code 0 when it has not, or has no words. */
void devmem_exporter_trouble(struct devmem_exporter *exporter, struct devmem_error *err);

/* ---- network devices
 * ---------------------------------------------------------------------------------------- */

#define DEVMEM_NIC_NAME 16

/*
 * An interface and the NIC below it. They differ where the interface is a VLAN, bond, bridge and
 * the like: addresses belong to the interface, queues, steering rules and settings to the NIC.
 */
struct devmem_nic {
	char name[DEVMEM_NIC_NAME];   /* the NIC */
	unsigned int ifindex;	      /* the NIC */
	char ifname[DEVMEM_NIC_NAME]; /* the interface that has the address */
	bool spread;	    /* the interface stands on no NIC or several: name is its own */
	char pci_path[256]; /* canonical sysfs path of the PCI device, "" for a NIC that is none */
	uint64_t guid;	    /* the same for two netdevs on one physical port */
	unsigned int speed_mbps; /* 10000 when the driver does not tell */
	unsigned int port;
	unsigned int mtu;	      /* of the interface */
	unsigned int rx_queues;	      /* real_num_rx_queues */
	struct sockaddr_storage addr; /* first usable address */
};

/*
 * Lists running interfaces that have an address, at most @max, and returns their number. @filter
 * has NCCL_SOCKET_IFNAME's form: a comma list of name prefixes; a leading '^' excludes, '=' means
 * exact names. NULL, "" or a single character: the first of these that there are: ib*, all but
 * docker*, lo* and virbr*, docker*, lo*, virbr*. @family is AF_INET, AF_INET6 or AF_UNSPEC (an
 * interface's first address, which is IPv4 if it has one).
 */
int devmem_nic_list(const char *filter, int family, struct devmem_nic *nics, unsigned int max,
		    struct devmem_error *err);

/* What the kernel and the NIC can do, found without changing anything. */
struct devmem_nic_caps {
	bool spread; /* the interface stands on several NICs, of which none can be chosen */
	bool on_top; /* the interface is not the NIC: it cannot be sent from device memory by it */
	bool net_admin; /* CAP_NET_ADMIN in the initial user namespace, as bind-rx asks for */
	bool broker;	/* devmemd leases queues to this process; devmem_nic_probe() does not ask */
	bool bind_rx;	/* the kernel's netdev family has bind-rx (6.12 and later) */
	bool netmem_rx; /* nothing says that the kernel's configuration or the NIC's driver cannot
			   receive device memory (false without bind_rx) */
	bool bind_tx;	/* the kernel's netdev family has bind-tx (6.16, or 6.12 with this project's
			   series) */
	bool netmem_tx; /* the NIC's driver can send device memory (false without bind_tx) */
	bool header_split; /* tcp-data-split is on, now, and hds-thresh 0 where there is one */
	bool ntuple;	   /* flow steering rules are possible and switched on */
};

int devmem_nic_probe(const struct devmem_nic *nic, struct devmem_nic_caps *caps,
		     struct devmem_error *err);

/* Turns header split of @ifname on, of packets of any size, or off (ETHTOOL_MSG_RINGS_SET). Needs
 * CAP_NET_ADMIN. Blocks until the driver has done it. */
int devmem_nic_set_header_split(const char *ifname, bool on, struct devmem_error *err);

/* ---- bindings: a dmabuf attached to a NIC
 * ------------------------------------------------------------------- */

struct devmem_binding; /* lives on a netlink socket of its own; the kernel undoes it when the
			  process dies */

/*
 * Binds @dmabuf_fd to @n rx queues of @ifindex: their payload then lands in the dmabuf. Needs
 * CAP_NET_ADMIN. The fd may be closed afterwards. Errors as the kernel gives them: -EPERM, -EINVAL,
 * -ERANGE, -EEXIST, -EBUSY, -EOPNOTSUPP, -ENODATA, -ENODEV.
 */
int devmem_bind_rx(unsigned int ifindex, int dmabuf_fd, const unsigned int *queues, unsigned int n,
		   struct devmem_binding **binding, struct devmem_error *err);
/* Lets sockets send from @dmabuf_fd through @ifindex. Needs no privilege. -EOPNOTSUPP: kernel or
 * driver cannot. */
int devmem_bind_tx(unsigned int ifindex, int dmabuf_fd, struct devmem_binding **binding,
		   struct devmem_error *err);
/* The kernel's dmabuf id, 1 or greater: dmabuf_cmsg.dmabuf_id on receive, SCM_DEVMEM_DMABUF on
 * send. */
uint32_t devmem_binding_id(const struct devmem_binding *binding);
/* Closes the netlink socket. Blocks while the kernel restarts the queues; data in flight stays
 * valid. */
void devmem_binding_release(struct devmem_binding *binding);
/* The dmabuf id bound to rx queue @queue, 0 when there is none, or -errno. Needs no privilege. */
int devmem_queue_binding(unsigned int ifindex, unsigned int queue, uint32_t *dmabuf_id,
			 struct devmem_error *err);

/* ---- flow steering
 * ------------------------------------------------------------------------------------------ */

struct devmem_rule {
	struct sockaddr_storage dst; /* address and port of the receiver: always matched */
	struct sockaddr_storage src; /* ss_family 0: any sender */
	unsigned int queue;
	uint32_t location; /* out: the key for devmem_rule_del */
};

/* Inserts an ntuple rule (ETHTOOL_SRXCLSRLINS). Such a rule outlives the process: whoever adds it
 * must remove it. */
int devmem_rule_add(const char *ifname, struct devmem_rule *rule, struct devmem_error *err);
int devmem_rule_del(const char *ifname, uint32_t location, struct devmem_error *err);
/* Reads the rule at @location; -ENOENT when there is none. */
int devmem_rule_get(const char *ifname, uint32_t location, struct devmem_rule *rule,
		    struct devmem_error *err);
/* Stores at most @max locations, returns how many rules there are. */
int devmem_rule_list(const char *ifname, uint32_t *locations, unsigned int max,
		     struct devmem_error *err);

/* ---- ports: receiving to device memory, set up in one call
 * --------------------------------------------- */

#define DEVMEM_PORT_QUEUES 8
#define DEVMEM_PORT_CONNECTORS 32

struct devmem_port; /* rx queues of one's own, each with TCP ports that are steered to it */

/* Zero for what is usual. */
struct devmem_port_options {
	unsigned int queues; /* at most; fewer when fewer are free. 1 to DEVMEM_PORT_QUEUES; 0: 1 */
	unsigned int connectors; /* sockets to connect from, of each queue, at most
				    DEVMEM_PORT_CONNECTORS, and 30 of 8 queues; the port does not
				    listen then. 0: it listens */
	size_t receive_buffer; /* bytes, of the sockets: those of all connections together must fit
				  the memory beside two rings of each queue, else they stall.
				  0: all of that, for one connection to each queue, or from each
				  connector */
	const char *lease_dir; /* where processes note which queue they use; NULL: /run/devmem */
	const char *broker;    /* NULL or "auto": devmemd's usual place when CAP_NET_ADMIN is
				  missing; "off"; or the path where devmemd serves */
};

/*
 * Leases rx queues of @nic, binds @mem to them, and listens on a TCP port of nic->addr for each,
 * steered to it, or takes such ports to connect from: payload of every connection lands in @mem,
 * which must live until devmem_port_close(). -EINVAL: @mem is not larger than two rx rings of each
 * queue, or leaves less than a page for each connector. Header split
 * must be on (devmem_nic_set_header_split()). Needs CAP_NET_ADMIN or devmemd. -EBUSY: no queue is
 * free. Blocks while the driver restarts queues. When the process dies, everything is undone by the
 * kernel, the broker, or whoever takes a lease next.
 */
int devmem_port_open(const struct devmem_nic *nic, const struct devmem_mem *mem,
		     const struct devmem_port_options *options, struct devmem_port **port,
		     struct devmem_error *err);
/* Streams of its connections must be closed before. */
void devmem_port_close(struct devmem_port *port);
/* How many queues were leased. */
unsigned int devmem_port_queues(const struct devmem_port *port);
/* A blocking listening socket for accept(), 0 <= @i < devmem_port_queues(); the port keeps it. -1
 * where it has connectors. */
int devmem_port_listener(const struct devmem_port *port, unsigned int i);
/* The TCP port of queue @i, the first where it has connectors. */
uint16_t devmem_port_number(const struct devmem_port *port, unsigned int i);
/* How many connectors there are, those of all queues together; neighbours are of different queues.
 */
unsigned int devmem_port_connectors(const struct devmem_port *port);
/*
 * Begins to connect from connector @i, 0 <= @i < devmem_port_connectors(), to @to, and returns a
 * non-blocking descriptor of it, for poll() (POLLOUT: see SO_ERROR) and devmem_stream_open(), or
 * -errno. Closing that does not end the connection: devmem_port_disconnect() does, which must come
 * before the next one.
 */
int devmem_port_connect(struct devmem_port *port, unsigned int i, const struct sockaddr_storage *to,
			struct devmem_error *err);
/* Ends the connection of connector @i abruptly, whatever state it is in; its stream must be closed
 * before. */
void devmem_port_disconnect(struct devmem_port *port, unsigned int i);

/* ---- streams: one TCP socket whose payload is in device memory
 * ---------------------------------------------- */

struct devmem_stream;

enum devmem_frag_where {
	DEVMEM_FRAG_DEVICE, /* in the bound dmabuf: offset is a byte offset in it; holds a token */
	DEVMEM_FRAG_LINEAR, /* the NIC left it with the headers (SCM_DEVMEM_LINEAR): offset is in
			       the stream's bounce buffer */
	DEVMEM_FRAG_PLAIN,  /* it came by an unbound queue, without any cmsg: offset is in the
			       stream's bounce buffer */
};

struct devmem_frag {
	enum devmem_frag_where where;
	uint32_t len; /* bytes, not 0 */
	uint64_t offset;
	uint32_t token;	    /* DEVICE only */
	uint32_t dmabuf_id; /* DEVICE only */
};

/* Bytes and calls since the stream was opened; all monotonic. */
struct devmem_stream_stats {
	uint64_t rx_device, rx_linear, rx_plain; /* received bytes by where they landed */
	uint64_t tx_device;			 /* sent bytes read by the NIC from the dmabuf */
	uint64_t tx_host_zerocopy,
		tx_host_copied; /* sent bytes from host memory, by what the kernel did */
	uint64_t frags, tokens_taken, tokens_returned;
	uint64_t recv_calls, send_calls, return_calls;
};

/*
 * Takes over a connected TCP socket (closed by devmem_stream_close); no call of a stream waits,
 * whether the socket is non-blocking or not. The first send that could use it switches SO_ZEROCOPY
 * on.
 * @bounce_bytes: size of the buffer that takes linear and plain bytes; it also caps one receive
 * call. It is mapped by the first receive; untouched pages cost nothing.
 */
int devmem_stream_open(int fd, size_t bounce_bytes, struct devmem_stream **stream,
		       struct devmem_error *err);
/* Returns every token, then closes the socket. Data already sent is still delivered. */
void devmem_stream_close(struct devmem_stream *stream);
/* Frees the stream and hands its socket back, which must hold no tokens. */
int devmem_stream_detach(struct devmem_stream *stream);
int devmem_stream_fd(const struct devmem_stream *stream);
/* NULL before the first receive. */
const uint8_t *devmem_stream_bounce(const struct devmem_stream *stream);
void devmem_stream_stats_get(const struct devmem_stream *stream, struct devmem_stream_stats *stats);

/*
 * Receives at most @want bytes and describes them, in stream order, by at most *@n fragments; *@n
 * becomes their number. Returns the number of bytes (the sum of the fragments' lengths), 0 at the
 * end of the stream, -EAGAIN when nothing is there. Bounce buffer contents are valid until the next
 * call. Each DEVICE fragment holds a token until devmem_stream_token_put().
 */
ssize_t devmem_stream_recv(struct devmem_stream *stream, size_t want, struct devmem_frag *frags,
			   unsigned int *n);
/*
 * Gives the fragment's memory back to the NIC. Batched: the kernel is told when a batch is full or
 * by devmem_stream_token_flush(). -EINVAL: the token is not out (returned twice or never given);
 * nothing is sent to the kernel then.
 */
int devmem_stream_token_put(struct devmem_stream *stream, uint32_t token);
/* Tells the kernel of all batched tokens. -EPROTO: the kernel freed another number than it was
 * given; the stream must be closed. */
int devmem_stream_token_flush(struct devmem_stream *stream);
/* Tokens put back of which the kernel does not know yet. */
unsigned int devmem_stream_tokens_batched(const struct devmem_stream *stream);
/* Tokens taken and not yet given back to the kernel. */
unsigned int devmem_stream_tokens_out(const struct devmem_stream *stream);

/*
 * Sends @len bytes at byte @offset of the dmabuf bound by @dmabuf_id, read by the NIC itself.
 * Returns the bytes queued (maybe fewer) or -EAGAIN (socket buffer or notification memory full:
 * reap, then try again). The bytes must not change until *@completion (a 32-bit send number, made
 * by this call) is done by devmem_stream_sent().
 */
ssize_t devmem_stream_send_device(struct devmem_stream *stream, uint32_t dmabuf_id, uint64_t offset,
				  size_t len, uint32_t *completion);
/* False when the kernel cannot send host memory without a copy here, or has told that it copied (as
 * it does on loopback): then zerocopy only costs. */
bool devmem_stream_zerocopy_pays(struct devmem_stream *stream);
/* The same from host memory; @zerocopy false copies, and the bytes may change at once (then
 * *@completion is not written). */
ssize_t devmem_stream_send_host(struct devmem_stream *stream, const void *bytes, size_t len,
				bool zerocopy, uint32_t *completion);
/* Reads a notification from the socket's error queue; one tells of many sends, where the kernel can
 * put them together. 1, 0 when there is none, or -errno (a pending socket error included). */
int devmem_stream_reap(struct devmem_stream *stream);
/* True when send number @completion and all before it are done: their bytes are acknowledged and
 * may change. */
bool devmem_stream_sent(const struct devmem_stream *stream, uint32_t completion);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
