/* SPDX-License-Identifier: BSD-3-Clause */
/* The bytes of --validate: each follows from a seed and its place in the stream. */
#ifndef DEVMEMCAT_PATTERN_H
#define DEVMEMCAT_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the @len bytes that stand at @offset of the stream of @seed. */
void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t len);
/* The index of the first of @len bytes that is not as pattern_fill() writes it; @len when all
 * are. */
size_t pattern_check(uint64_t seed, uint64_t offset, const uint8_t *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
