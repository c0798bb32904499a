// SPDX-License-Identifier: BSD-3-Clause
/* struct devmem_error: one sentence beside an error number. */
#include "devmem.h"

#include <stdarg.h>
#include <stdio.h>

int devmem_error_set(struct devmem_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return code;
}
