// SPDX-License-Identifier: BSD-3-Clause
/* Byte counts: parsing, and random ones. */
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift = 0;
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (n > (uint64_t)INT64_MAX >> shift)
		return false;
	*bytes = n << shift;
	return true;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint64_t random_size(uint64_t *state, uint64_t min, uint64_t max)
{
	double unit = (double)(random_next(state) >> 11) / 9007199254740992.0;	/* [0, 1) */
	double size = exp(log((double)min) + unit * (log((double)max + 1) - log((double)min)));
	uint64_t bytes = (uint64_t)size;

	return bytes < min ? min : bytes > max ? max : bytes;
}
