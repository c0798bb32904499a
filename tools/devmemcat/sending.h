/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a NIC can send an exporter's memory itself. */
#ifndef DEVMEMCAT_SENDING_H
#define DEVMEMCAT_SENDING_H

#include "devmem.h"

/* 0: it may be tried; else -errno, and @err says what is missing. */
int sending_check(const struct devmem_nic *nic, const struct devmem_exporter *exporter,
		  struct devmem_error *err);

#endif
