/* SPDX-License-Identifier: BSD-3-Clause */
/* What an error number of a socket or of the system most likely means to a user, and what to do
 * next. */
#ifndef DEVMEM_ERROR_H
#define DEVMEM_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* One clause for the end of a message. @code may be negative. Never NULL or empty. */
const char *error_advice(int code);

#ifdef __cplusplus
}
#endif

#endif
