// SPDX-License-Identifier: BSD-3-Clause
/* The logger that plugins are given, in the manner of NCCL's. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "net.h"
#include "plan_log.h"

static int rank;

static ncclDebugLogLevel wanted(void)
{
	static const struct {
		const char *name;
		ncclDebugLogLevel level;
	} levels[] = {
		{ "NONE", NCCL_LOG_NONE }, { "VERSION", NCCL_LOG_VERSION }, { "WARN", NCCL_LOG_WARN },
		{ "INFO", NCCL_LOG_INFO }, { "ABORT", NCCL_LOG_ABORT }, { "TRACE", NCCL_LOG_TRACE },
	};
	const char *value = getenv("NCCL_DEBUG");

	for (size_t i = 0; value && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcasecmp(value, levels[i].name) == 0)
			return levels[i].level;
	return NCCL_LOG_WARN;
}

static void __attribute__((format(printf, 5, 6)))
print(ncclDebugLogLevel level, unsigned long flags, const char *file, int line, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (level <= NCCL_LOG_INFO)
		plan_log_line(text);
	if (level > wanted())
		return;
	/* One write per line: ranks share the terminal. */
	if (level == NCCL_LOG_WARN)
		fprintf(stderr, "[%d] %s:%d NCCL WARN %s\n", rank, file, line, text);
	else
		fprintf(stderr, "[%d] NCCL %s %s\n", rank,
			level == NCCL_LOG_TRACE ? "TRACE" : "INFO", text);
}

const ncclDebugLogger_t net_logger = print;

void net_logger_set_rank(int my_rank)
{
	rank = my_rank;
}
