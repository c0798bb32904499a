// SPDX-License-Identifier: BSD-3-Clause
/* The library's log, handed to the logger that NCCL gives to the plugin. */
#include "plugin_log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic(ncclDebugLogger_t) current;

void plugin_log_set(ncclDebugLogger_t logger)
{
	atomic_store(&current, logger);
}

void plugin_log(enum log_level level, const char *where, int line, const char *fmt, ...)
{
	static const ncclDebugLogLevel levels[] = {
		[LOG_LEVEL_WARN] = NCCL_LOG_WARN,
		[LOG_LEVEL_INFO] = NCCL_LOG_INFO,
		[LOG_LEVEL_TRACE] = NCCL_LOG_TRACE,
	};
	ncclDebugLogger_t logger = atomic_load(&current);
	char text[1024];
	va_list args;

	if (!logger)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	logger(levels[level], NCCL_INIT | NCCL_NET, where, line, "NET/DEVMEM %s", text);
}
