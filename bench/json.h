/* SPDX-License-Identifier: BSD-3-Clause */
/* The results as JSON. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include "session.h"

/* One plugin's results, or several's as "runs" of the same form. 0 or -errno. */
int json_write(const char *path, const struct session *sessions, unsigned int n);

#endif
