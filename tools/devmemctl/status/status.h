/* SPDX-License-Identifier: BSD-3-Clause */
/* What devmemctl status shows: seen from outside, with nothing changed. */
#ifndef DEVMEMCTL_STATUS_H
#define DEVMEMCTL_STATUS_H

#include <sys/types.h>
#include <time.h>

#include "devmem_wire.h"
#include "facts.h"
#include "sockaddr.h"
#include "stat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An rx queue that is leased, bound or steered to. */
struct status_queue {
	char nic[DEVMEM_NIC_NAME];
	unsigned int queue;
	uint32_t dmabuf_id; /* 0: nothing is bound */
	bool steered;
	struct sockaddr_storage port; /* if steered: address and port of the receiver */
	bool leased;
	bool owned;   /* it is known for whom: */
	uint32_t uid; /* the user */
	pid_t pid;    /* who took the lease; 0: nobody, or not known */
	char command[16];
};

struct status_connection {
	struct sockaddr_storage local, peer;
	uint64_t cookie; /* the kernel's name for the socket */
	uint32_t inode;
	bool steered;			/* its payload comes by a leased queue */
	pid_t pid;			/* 0: not known */
	uint64_t received, sent;	/* bytes, the latter acknowledged */
	double receive_rate, send_rate; /* bytes a second, since the look before; 0 at the first */
	uint32_t unread;		/* received bytes that nobody has read yet */
	uint32_t rtt_us, retransmits;
};

/* A process that writes its counters to the folder of NCCL_DEVMEM_METRICS. */
struct status_process {
	pid_t pid;
	bool alive;
	double age_s; /* since the counters were written */
	struct stat_totals totals;
};

struct status {
	int64_t taken_ms;
	unsigned int n_queues, n_connections, n_processes;
	struct status_queue *queues;
	struct status_connection *connections;
	struct status_process *processes;
};

/* Looks at all; @metrics is the folder of counters, or NULL. 0 or -errno. */
int status_take(const char *lease_dir, const char *metrics, struct status *status,
		struct devmem_error *err);
/* Sets rates from the same connections in @before. */
void status_rates(struct status *status, const struct status *before);
void status_free(struct status *status);
/* Why the NIC's plan is less than device memory both ways, "" when it is not. */
const char *status_reason(const struct facts *facts, const struct nic_facts *nic);

/* The parts; for status_take(). Each adds to its array. 0 or -errno. */
int status_queues(const char *lease_dir, struct status *status);
int status_connections(struct status *status);
int status_processes(const char *metrics, struct status *status);
/* True when the process that wrote a file, then, has not ended. */
bool status_alive(pid_t pid, struct timespec written);
/* Sets what the kernel's struct tcp_info tells, of which it has @length bytes. */
void status_tcp_info(struct status_connection *connection, const void *data, size_t length);

/* Grows @array by one item of @size bytes, which is zeroed. NULL when out of memory, and the array
 * is as it was. */
void *status_add(void **array, unsigned int *n, size_t size);

/* 0, or -1 when standard output cannot be written. */
int status_print(const struct facts *facts, const struct status *status, bool all);
int status_print_json(const struct facts *facts, const struct status *status, bool one_line);

#ifdef __cplusplus
}
#endif

#endif
