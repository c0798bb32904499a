/* SPDX-License-Identifier: BSD-3-Clause */
/* A send to one rank and a receive from another, chunk by chunk: what sends and receives are made of. */
#ifndef BENCH_EXCHANGE_H
#define BENCH_EXCHANGE_H

#include "work.h"

/* Both directions have the link's part of a block: sent from @src on, kept from @dst on (elements). */
size_t exchange_ops(const struct work *work);
struct op exchange_op(const struct work *work, size_t index, size_t src, size_t dst);

#endif
