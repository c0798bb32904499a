// SPDX-License-Identifier: BSD-3-Clause
/* The form of NCCL_SOCKET_IFNAME: a comma list of prefixes, '^' excludes, '=' asks for exact names.
 */
#include "nic.h"

#include <string.h>

static bool one_match(const char *item, size_t length, const char *name, bool exact)
{
	if (exact)
		return strlen(name) == length && !strncmp(item, name, length);
	return !strncmp(item, name, length);
}

bool nic_filter_match(const char *filter, const char *name)
{
	bool exclude = false, exact = false, any = false;

	if (!filter || !*filter)
		return true;
	if (*filter == '^') {
		exclude = true;
		filter++;
	}
	if (*filter == '=') {
		exact = true;
		filter++;
	}
	while (*filter) {
		size_t length = strcspn(filter, ",");

		if (length && one_match(filter, length, name, exact))
			any = true;
		filter += length;
		filter += *filter == ',';
	}
	return any != exclude;
}

bool nic_is_last_resort(const char *name)
{
	return !strcmp(name, "lo") || !strncmp(name, "docker", 6) || !strncmp(name, "virbr", 5);
}
