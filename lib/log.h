/* SPDX-License-Identifier: BSD-3-Clause */
/* How the connection half of the library speaks: through a function that its user gives. */
#ifndef DEVMEM_LOG_H
#define DEVMEM_LOG_H

enum log_level { LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_TRACE };

/* @where is the function's name. Must be callable from any thread. */
typedef void (*log_fn)(enum log_level level, const char *where, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
