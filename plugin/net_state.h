/* SPDX-License-Identifier: BSD-3-Clause */
/* What the plugin is in a process, from its first init to its last use. */
#ifndef NET_STATE_H
#define NET_STATE_H

#include <pthread.h>

#include "attempts.h"
#include "memories.h"
#include "net_devmem.h"
#include "params.h"

/* What NCCL keeps pointers to for as long as the plugin is loaded, devices or not. */
struct nic_text {
	char name[DEVMEM_NIC_NAME];
	char pci_path[sizeof(((struct devmem_nic *)0)->pci_path)];
};

struct net_state {
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
};

extern struct net_state net;

/* Communicators and connections keep the plugin up: each that comes must go. */
void net_user_come(void);
void net_user_gone(void);

/* NCCL's word for a -errno. */
ncclResult_t net_result(int code);
bool net_has_device_memory(void);

#endif
