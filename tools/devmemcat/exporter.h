/* SPDX-License-Identifier: BSD-3-Clause */
/* The exporter that the command line asks for. */
#ifndef DEVMEMCAT_EXPORTER_H
#define DEVMEMCAT_EXPORTER_H

#include "options.h"

int exporter_open(const struct options *options, struct devmem_exporter **exporter,
		  struct devmem_error *err);

#endif
