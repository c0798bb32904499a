/* SPDX-License-Identifier: BSD-3-Clause */
/* The results of a session as JSON. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include "session.h"

/* 0 or -errno. */
int json_write(const char *path, const struct session *session);

#endif
