// SPDX-License-Identifier: BSD-3-Clause
/* Whether the process that wrote a file still lives, or its number is another's by now. */
#include "status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLACK_S 2 /* of clocks */

static double seconds(struct timespec time)
{
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now(clockid_t clock)
{
	struct timespec time = {0};

	clock_gettime(clock, &time);
	return seconds(time);
}

/* State and start (in ticks since boot) of a process; its name, before them, may hold anything. */
static bool read_stat(pid_t pid, char *state, unsigned long long *start)
{
	char path[64], text[1024];
	const char *rest;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	rest = strrchr(text, ')');
	return rest && sscanf(rest,
			      ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			      "%*d %*d %*d %llu",
			      state, start) == 2;
}

bool status_alive(pid_t pid, struct timespec written)
{
	unsigned long long start;
	double age;
	char state;

	if (kill(pid, 0) && errno != EPERM)
		return false;
	if (!read_stat(pid, &state, &start))
		return true; /* /proc may hide other users' processes */
	age = now(CLOCK_BOOTTIME) - (double)start / (double)sysconf(_SC_CLK_TCK);
	return state != 'Z' && state != 'X' &&
	       now(CLOCK_REALTIME) - age <= seconds(written) + SLACK_S;
}
