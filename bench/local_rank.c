// SPDX-License-Identifier: BSD-3-Clause
/* The variables in which launchers tell a process its number on its host. */
#include "local_rank.h"

#include <errno.h>
#include <stdlib.h>

#define LOCAL_RANK_MAX 65535

/* The first has the last word: it is what a user's own wrapper sets. */
static const char *const variables[] = {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK",
					"SLURM_LOCALID"};

static int parse(const char *name, const char *text, struct failure *failure)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < 0 || number > LOCAL_RANK_MAX)
		return fail(failure,
			    "%s is '%s': it must be this rank's number on its host, 0, 1, ...; "
			    "unset it to have it found",
			    name, text);
	return (int)number;
}

int local_rank_of_environment(struct failure *failure)
{
	for (unsigned int i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *text = getenv(variables[i]);

		if (text && *text)
			return parse(variables[i], text, failure);
	}
	return -1;
}
