// SPDX-License-Identifier: BSD-3-Clause
/* Values of options, as all benches take them. */
#include "option_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

unsigned int option_number(struct argp_state *state, const char *name, const char *text,
			   unsigned int min, unsigned int max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || n < min || n > max)
		argp_error(state, "%s '%s': give a whole number from %u to %u", name, text, min,
			   max);
	return (unsigned int)n;
}

uint64_t option_size(struct argp_state *state, const char *name, const char *text)
{
	uint64_t bytes = 0;

	if (!size_parse(text, &bytes) || bytes == 0)
		argp_error(state, "%s '%s': give a size such as 8, 64K or 1M", name, text);
	return bytes;
}

enum devmem_mem_kind option_memory(struct argp_state *state, const char *name, const char *text)
{
	static const enum devmem_mem_kind kinds[] = { DEVMEM_MEM_HOST, DEVMEM_MEM_UDMABUF,
						      DEVMEM_MEM_DMVRAM, DEVMEM_MEM_CUDA };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(devmem_mem_kind_name(kinds[i]), text) == 0)
			return kinds[i];
	argp_error(state, "%s '%s': give host, udmabuf, dmvram or cuda", name, text);
	return DEVMEM_MEM_HOST;
}

void option_plugin(struct argp_state *state, const char *text, struct plugin_spec *list,
		   unsigned int *n)
{
	const char *wrong = plugin_list_add(list, n, text);

	if (wrong)
		argp_error(state, "--plugin '%s': %s", text, wrong);
}
