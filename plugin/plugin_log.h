/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's log, handed to the logger that NCCL gives to the plugin. */
#ifndef PLUGIN_LOG_H
#define PLUGIN_LOG_H

#include "log.h"
#include "nccl/net.h"

void plugin_log_set(ncclDebugLogger_t logger);
void plugin_log(enum log_level level, const char *where, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
