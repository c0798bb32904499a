// SPDX-License-Identifier: BSD-3-Clause
/* The bytes of --validate: each follows from a seed and its place in the stream. */
#include "pattern.h"

#include <endian.h>
#include <string.h>

#define WORD sizeof(uint64_t)

/*
 * Word @index of the stream, by a mixing function (splitmix64) of its place: no two stretches of a
 * stream are alike, so bytes that moved, came twice or are missing show as well as bytes that
 * changed. Little endian on every machine.
 */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
	uint64_t x = (seed ^ (index + 1)) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return htole64(x ^ (x >> 31));
}

/* The bytes of the word around @offset that are wanted, and how many these are. */
static size_t piece(uint64_t seed, uint64_t offset, size_t len, uint8_t *bytes)
{
	size_t skip = offset % WORD, n = WORD - skip < len ? WORD - skip : len;
	uint64_t word = word_at(seed, offset / WORD);

	memcpy(bytes, (const uint8_t *)&word + skip, n);
	return n;
}

void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;)
		done += piece(seed, offset + done, len - done, bytes + done);
}

size_t pattern_check(uint64_t seed, uint64_t offset, const uint8_t *bytes, size_t len)
{
	uint8_t want[WORD];
	size_t n;

	for (size_t done = 0; done < len; done += n) {
		n = piece(seed, offset + done, len - done, want);
		for (size_t i = 0; memcmp(bytes + done, want, n) && i < n; i++)
			if (bytes[done + i] != want[i])
				return done + i;
	}
	return len;
}
