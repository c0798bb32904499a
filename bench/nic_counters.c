// SPDX-License-Identifier: BSD-3-Clause
/* A reader for `ethtool -S` of the software NIC: rx3_devmem_bytes: 4096. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

static const struct {
	const char *direction, *name;
	size_t member;
} counters_table[] = {
	{ "rx", "devmem_bytes", offsetof(struct nic_counters, rx_devmem) },
	{ "tx", "devmem_bytes", offsetof(struct nic_counters, tx_devmem) },
	{ "rx", "linear_bytes", offsetof(struct nic_counters, rx_linear) },
	{ "rx", "drops_nobuf", offsetof(struct nic_counters, drops) },
	{ "tx", "drops", offsetof(struct nic_counters, drops) },
};

/* rx3_devmem_bytes -> "devmem_bytes" when its direction is @direction, else NULL. */
static const char *counter_name(const char *text, const char *direction)
{
	if (strncmp(text, direction, 2) != 0 || !isdigit((unsigned char)text[2]))
		return NULL;
	text += 2;
	while (isdigit((unsigned char)*text))
		text++;
	return *text == '_' ? text + 1 : NULL;
}

static bool parse_line(char *line, struct nic_counters *counters)
{
	char *colon = strchr(line, ':');
	bool known = false;

	if (!colon)
		return false;
	*colon = '\0';
	line += strspn(line, " \t");
	for (size_t i = 0; i < sizeof(counters_table) / sizeof(counters_table[0]); i++) {
		const char *name = counter_name(line, counters_table[i].direction);

		if (!name || strcmp(name, counters_table[i].name) != 0)
			continue;
		*(uint64_t *)((char *)counters + counters_table[i].member) +=
			strtoull(colon + 1, NULL, 10);
		known = true;
	}
	return known;
}

bool nic_counters_parse(char *text, struct nic_counters *counters)
{
	char *rest = text, *line;
	bool known = false;

	while ((line = strsep(&rest, "\n")))
		known |= parse_line(line, counters);
	return known;
}
