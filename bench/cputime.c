// SPDX-License-Identifier: BSD-3-Clause
/* The processor time of a process, which every bench counts the same way. */
#include "cputime.h"

#include <sys/resource.h>

double cputime_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
