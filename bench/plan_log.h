/* SPDX-License-Identifier: BSD-3-Clause */
/* What devmem's plugin says of its plan: its log is the only place where it tells before the first byte moves. */
#ifndef BENCH_PLAN_LOG_H
#define BENCH_PLAN_LOG_H

#include <stdbool.h>

#define PLAN_TEXT 128

/* Of the NIC that was last told of; "" where nothing was. */
struct plan_words {
	char plan[PLAN_TEXT];	/* "receive to device memory, send from device memory" and so on */
	char queues[PLAN_TEXT];	/* whose the rx queues are: "own", "leased from devmemd" */
};

/* False when @line is not about a plan; @words then are as they were. */
bool plan_words_parse(const char *line, struct plan_words *words);

/* The logger passes all lines on, from any thread; they count from the last start on. */
void plan_log_start(void);
void plan_log_line(const char *line);
struct plan_words plan_log_words(void);

#endif
