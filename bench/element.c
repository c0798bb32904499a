// SPDX-License-Identifier: BSD-3-Clause
/* Element types: their sum and their data pattern. */
#include "element.h"

#include <string.h>

/* Every bit depends on the element's place, its rank and its round: data that went astray does not look right. */
static uint32_t mix(uint64_t index, uint32_t rank, uint32_t round)
{
	uint32_t x = (uint32_t)index * 2654435761u ^ (uint32_t)(index >> 32) ^
		     (rank + 1) * 0x85ebca6bu ^ (round + 1) * 0xc2b2ae35u;

	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}

/* Whole numbers below 2^11: sums over thousands of ranks are exact in any order. */
static float float_of(uint32_t bits)
{
	return (float)((int)(bits & 0xfff) - 2048);
}

/* Integers wrap, so unsigned arithmetic gives the signed sum without undefined behaviour. */
static uint32_t int32_of(uint32_t bits)
{
	return bits;
}

static uint8_t uint8_of(uint32_t bits)
{
	return (uint8_t)bits;
}

#define DEFINE_ELEMENT(name, type) \
static void sum_##name(void *dst, const void *a, const void *b, size_t n) \
{ \
	const type *x = a, *y = b; \
	type *sum = dst; \
\
	for (size_t i = 0; i < n; i++) \
		sum[i] = (type)(x[i] + y[i]); \
} \
\
static void fill_##name(void *dst, size_t n, unsigned int rank, uint32_t round) \
{ \
	type *data = dst; \
\
	for (size_t i = 0; i < n; i++) \
		data[i] = name##_of(mix(i, rank, round)); \
} \
\
static size_t wrong_##name(const void *data, size_t n, const struct origin *origin, uint32_t round, size_t *first) \
{ \
	const type *result = data; \
	size_t wrong = 0; \
\
	for (size_t i = 0; i < n; i++) { \
		type expected = 0; \
\
		for (unsigned int r = 0; r < origin->ranks; r++) \
			expected = (type)(expected + name##_of(mix(origin->first + i, origin->rank + r, round))); \
		if (result[i] != expected && wrong++ == 0) \
			*first = i; \
	} \
	return wrong; \
}

DEFINE_ELEMENT(float, float)
DEFINE_ELEMENT(int32, uint32_t)
DEFINE_ELEMENT(uint8, uint8_t)

static const struct element elements[] = {
	{ "float", sizeof(float), sum_float, fill_float, wrong_float },
	{ "int32", sizeof(uint32_t), sum_int32, fill_int32, wrong_int32 },
	{ "uint8", sizeof(uint8_t), sum_uint8, fill_uint8, wrong_uint8 },
};

const struct element *element_find(const char *name)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (strcmp(elements[i].name, name) == 0)
			return &elements[i];
	return NULL;
}

const char *element_names(void)
{
	return "float, int32, uint8";
}
