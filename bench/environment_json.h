/* SPDX-License-Identifier: BSD-3-Clause */
/* What the results hold for, as JSON. */
#ifndef BENCH_ENVIRONMENT_JSON_H
#define BENCH_ENVIRONMENT_JSON_H

#include <jansson.h>

#include "ranks.h"

/* Of rank 0, whose facts are @own, and what other ranks have not alike. A new reference. */
json_t *environment_json(const struct facts *own, const struct ranks *ranks);

#endif
