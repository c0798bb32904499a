/* SPDX-License-Identifier: BSD-3-Clause */
/* Adapters: each fills the newest table from an older one, whose functions they call by net_table. */
#ifndef BENCH_NET_ABI_H
#define BENCH_NET_ABI_H

#include "net.h"

void net_adapt_v8(const void *table, ncclNet_v12_t *ops);
void net_adapt_v9(const void *table, ncclNet_v12_t *ops);
void net_adapt_v10(const void *table, ncclNet_v12_t *ops);
void net_adapt_v11(const void *table, ncclNet_v12_t *ops);
void net_adapt_v12(const void *table, ncclNet_v12_t *ops);

/* What old versions let NCCL assume. */
#define NET_OLD_MAX_BYTES ((size_t)1 << 30)

/* These have had one type since version 8. */
#define NET_COPY_SHARED(ops, old) \
	do { \
		(ops)->name = (old)->name; \
		(ops)->devices = (old)->devices; \
		(ops)->accept = (old)->accept; \
		(ops)->regMr = (old)->regMr; \
		(ops)->regMrDmaBuf = (old)->regMrDmaBuf; \
		(ops)->deregMr = (old)->deregMr; \
		(ops)->iflush = (old)->iflush; \
		(ops)->test = (old)->test; \
		(ops)->closeSend = (old)->closeSend; \
		(ops)->closeRecv = (old)->closeRecv; \
		(ops)->closeListen = (old)->closeListen; \
		(ops)->getDeviceMr = (old)->getDeviceMr; \
		(ops)->irecvConsumed = (old)->irecvConsumed; \
	} while (0)

/* The properties that every version has. */
#define NET_COPY_PROPS(props, old) \
	do { \
		(props)->name = (old)->name; \
		(props)->pciPath = (old)->pciPath; \
		(props)->guid = (old)->guid; \
		(props)->ptrSupport = (old)->ptrSupport; \
		(props)->regIsGlobal = (old)->regIsGlobal; \
		(props)->speed = (old)->speed; \
		(props)->port = (old)->port; \
		(props)->latency = (old)->latency; \
		(props)->maxComms = (old)->maxComms; \
		(props)->maxRecvs = (old)->maxRecvs; \
		(props)->netDeviceType = (old)->netDeviceType; \
		(props)->netDeviceVersion = (old)->netDeviceVersion; \
		(props)->railId = NCCL_NET_ID_UNDEF; \
		(props)->planeId = NCCL_NET_ID_UNDEF; \
	} while (0)

/* The properties that came with version 9. */
#define NET_COPY_PROPS_V9(props, old) \
	do { \
		NET_COPY_PROPS(props, old); \
		(props)->forceFlush = (old)->forceFlush; \
		(props)->maxP2pBytes = (old)->maxP2pBytes; \
		(props)->maxCollBytes = (old)->maxCollBytes; \
		(props)->vProps.ndevs = (old)->vProps.ndevs; \
		for (int i_ = 0; i_ < (old)->vProps.ndevs && i_ < (int)(sizeof((old)->vProps.devs) / sizeof(int)); i_++) \
			(props)->vProps.devs[i_] = (old)->vProps.devs[i_]; \
	} while (0)

#endif
