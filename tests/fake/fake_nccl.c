// SPDX-License-Identifier: BSD-3-Clause
/* libnccl.so.2 that tells a version, that of $FAKE_NCCL_VERSION, and does nothing else. */
#include <stdlib.h>

int ncclGetVersion(int *version);

int ncclGetVersion(int *version)
{
	const char *wish = getenv("FAKE_NCCL_VERSION");

	*version = wish ? atoi(wish) : 22809;
	return 0;
}
