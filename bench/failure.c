// SPDX-License-Identifier: BSD-3-Clause
/* Why a rank cannot go on, and the names of NCCL's results. */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct failure *failure, const char *fmt, ...)
{
	va_list args;

	if (failure->text[0])
		return -1;
	va_start(args, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, args);
	va_end(args);
	return -1;
}

const char *result_name(ncclResult_t result)
{
	static const char *const names[] = {
		"ncclSuccess", "ncclUnhandledCudaError", "ncclSystemError", "ncclInternalError",
		"ncclInvalidArgument", "ncclInvalidUsage", "ncclRemoteError", "ncclInProgress",
	};

	return (unsigned int)result < sizeof(names) / sizeof(names[0])
		       ? names[result]
		       : "a result that NCCL does not know";
}
