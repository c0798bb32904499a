/* SPDX-License-Identifier: BSD-3-Clause */
/* Asks devmemd, the broker, for rx queues: what a process without CAP_NET_ADMIN does. */
#ifndef DEVMEM_BROKER_H
#define DEVMEM_BROKER_H

#include "broker_wire.h"
#include "claim.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where to ask, by the user's @wish: "off" or NULL: nowhere, which is NULL; "auto": at the usual
 * place if the privilege is missing; a path: there, in any case.
 */
const char *broker_choose(const char *wish, bool net_admin);
/*
 * Connects to the broker at @path. Returns a descriptor whose close ends all leases that were made
 * by it, or -errno: -ENOENT and -ECONNREFUSED when no broker is there. All calls wait for an answer
 * at most 5 s, 10 s for a lease, and then fail with -ETIMEDOUT.
 */
int broker_connect(const char *path, struct devmem_error *err);
/* Sends @request and reads the answer to it. 0 or -errno, which may be the broker's: err has its
 * words then. */
int broker_ask(int fd, const struct broker_request *request, struct broker_reply *reply,
	       struct devmem_error *err);
/* 0 when there is a broker at @path that leases queues to this process. */
int broker_hello(const char *path, struct devmem_error *err);
/* claim_open() by the broker: lease_dir, uid and guard are its affair. */
int broker_claim(const char *path, const struct devmem_nic *nic,
		 const struct claim_options *options, struct claim **claim,
		 struct devmem_error *err);
/* Undoes rules before the memory goes; for claim_close(). */
void broker_release(struct claim *claim);

#ifdef __cplusplus
}
#endif

#endif
