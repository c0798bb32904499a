// SPDX-License-Identifier: BSD-3-Clause
/* The table of the plugin that each thread calls. */
#include "net.h"

__thread const void *net_table;
