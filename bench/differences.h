/* SPDX-License-Identifier: BSD-3-Clause */
/* What ranks do not have alike, though most figures only mean something when they do. */
#ifndef BENCH_DIFFERENCES_H
#define BENCH_DIFFERENCES_H

#include <stdbool.h>
#include <stdio.h>

#include "facts.h"

struct difference {
	char name[64];
	bool natural;		/* as a NIC's name is: no reason to look for a mistake */
	const char **values;	/* by rank; NULL: not set */
	unsigned int ranks;
	const char *common;	/* what most ranks have; rank 0's where several have as many */
};

/* Calls @found for each name that not all of @ranks have alike, in rank 0's order. 0 or -ENOMEM. */
int differences_each(const struct facts *facts, unsigned int ranks,
		     void (*found)(const struct difference *difference, void *arg), void *arg);
/* A line for each that is not natural and each value; one line for all those that are. 0 or -ENOMEM. */
int differences_print(FILE *out, const struct facts *facts, const char *const *hosts,
		      unsigned int ranks);

#endif
