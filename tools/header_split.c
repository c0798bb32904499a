// SPDX-License-Identifier: BSD-3-Clause
/* header-split IFNAME on|off: what `ethtool -G IFNAME tcp-data-split on` does from ethtool 6.7 on;
 * Debian 12 has 6.1. */
#include <stdio.h>
#include <string.h>

#include "devmem.h"

int main(int argc, char **argv)
{
	struct devmem_error err = {0};

	if (argc != 3 || (strcmp(argv[2], "on") && strcmp(argv[2], "off"))) {
		fprintf(stderr, "usage: header-split IFNAME on|off\n");
		return 2;
	}
	if (devmem_nic_set_header_split(argv[1], !strcmp(argv[2], "on"), &err)) {
		fprintf(stderr, "header-split: %s\n", err.text);
		return 1;
	}
	return 0;
}
