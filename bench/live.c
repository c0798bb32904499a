// SPDX-License-Identifier: BSD-3-Clause
/* A line on the terminal that tells how far a run is. */
#include "live.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

#define ERASE "\r\033[K"

static bool shown;

/* mpirun hands its ranks a pipe, whose bytes it passes on to its own standard error as they are. */
static bool parent_has_terminal(void)
{
	char path[64];
	bool terminal;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/2", (int)getppid());
	fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	terminal = fd >= 0 && isatty(fd);
	if (fd >= 0)
		close(fd);
	return terminal;
}

bool live_wanted(void)
{
	struct stat own;

	if (isatty(STDERR_FILENO))
		return true;
	return fstat(STDERR_FILENO, &own) == 0 && S_ISFIFO(own.st_mode) && parent_has_terminal();
}

void live_show(void *arg)
{
	struct live *live = arg;
	unsigned int done = atomic_load_explicit(&live->done, memory_order_relaxed);
	double seconds = (double)(now_ns() - live->begin) / 1e9;

	fprintf(stderr, ERASE "%" PRIu64 " bytes: %s %u of %u", live->bytes, live->what,
		done < live->runs ? done + 1 : live->runs, live->runs);
	if (done)
		fprintf(stderr, ", %.3f GB/s so far", (double)live->bytes * done / seconds / 1e9);
	if (live->label)
		fprintf(stderr, ", %s", live->label);
	fflush(stderr);
	shown = true;
}

/* mpirun passes standard output on by another way: it must not get there first. */
void live_erase(void)
{
	const struct timespec arrival = { .tv_nsec = 20000000 };

	if (!shown)
		return;
	fprintf(stderr, ERASE);
	fflush(stderr);
	nanosleep(&arrival, NULL);
	shown = false;
}
