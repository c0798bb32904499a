// SPDX-License-Identifier: BSD-3-Clause
/* What devmem's plugin says of its plan. */
#include "plan_log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan_words told;

/* What is between @from and the first of @ends. */
static void copy_until(char text[PLAN_TEXT], const char *from, const char *const *ends)
{
	size_t len = strlen(from);

	for (; *ends; ends++) {
		const char *end = strstr(from, *ends);

		if (end && (size_t)(end - from) < len)
			len = (size_t)(end - from);
	}
	snprintf(text, PLAN_TEXT, "%.*s", (int)len, from);
}

/* "dm0: PLAN (memory: udmabuf 0; queues: own)" or "falling back to: PLAN; queues: own. Why: ..." */
bool plan_words_parse(const char *line, struct plan_words *words)
{
	static const char ours[] = "NET/DEVMEM ", fallback[] = "falling back to: ";
	static const char queues[] = "; queues: ";
	static const char *const ends[] = { " (memory: ", queues, ". Why: ", NULL };
	static const char *const queues_ends[] = { ")", ". Why: ", NULL };
	const char *plan, *found;

	if (strncmp(line, ours, strlen(ours)) != 0)
		return false;
	line += strlen(ours);
	if (strncmp(line, fallback, strlen(fallback)) == 0)
		plan = line + strlen(fallback);
	else if (strstr(line, ends[0]) && (found = strstr(line, ": ")))
		plan = found + 2;
	else
		return false;
	copy_until(words->plan, plan, ends);
	words->queues[0] = '\0';
	found = strstr(plan, queues);
	if (found)
		copy_until(words->queues, found + strlen(queues), queues_ends);
	return true;
}

void plan_log_start(void)
{
	pthread_mutex_lock(&lock);
	told = (struct plan_words){ 0 };
	pthread_mutex_unlock(&lock);
}

void plan_log_line(const char *line)
{
	pthread_mutex_lock(&lock);
	plan_words_parse(line, &told);
	pthread_mutex_unlock(&lock);
}

struct plan_words plan_log_words(void)
{
	struct plan_words words;

	pthread_mutex_lock(&lock);
	words = told;
	pthread_mutex_unlock(&lock);
	return words;
}
