/* SPDX-License-Identifier: BSD-3-Clause */
/* What a NIC will be used for: decided in one function, from what was probed, told in one line. */
#ifndef DEVMEM_PLAN_H
#define DEVMEM_PLAN_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

enum plan_rx {
	PLAN_RX_DEVICE, /* the NIC writes payload to device memory */
	PLAN_RX_HOST,	/* plain TCP; bytes for device memory are copied there */
};

enum plan_tx {
	PLAN_TX_DEVICE, /* the NIC reads payload from device memory */
	PLAN_TX_STAGED, /* device memory is copied to host memory first */
};

enum plan_wish { PLAN_WISH_AUTO, PLAN_WISH_HOST };

struct plan {
	enum plan_rx rx;
	enum plan_tx tx;
	bool fallback; /* less than the hardware path, though that was wished for */
	char reason[DEVMEM_ERROR_TEXT]; /* when fallback: which step failed and what to do */
};

/*
 * @memory: the kind of the exporter; HOST has no dmabufs, so nothing but plain TCP is possible and
 * none of it is a fallback.
 * @caps: of the NIC named @nic.
 */
void plan_decide(enum plan_wish wish, enum devmem_mem_kind memory,
		 const struct devmem_nic_caps *caps, const char *nic, struct plan *plan);
/* One side failed later than the probe could see: from now on without it. */
void plan_degrade_rx(struct plan *plan, const struct devmem_error *why);
void plan_degrade_tx(struct plan *plan, const struct devmem_error *why);
/* "rx device, tx device" and so on. */
const char *plan_text(const struct plan *plan);

#ifdef __cplusplus
}
#endif

#endif
