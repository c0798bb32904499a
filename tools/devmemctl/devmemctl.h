/* SPDX-License-Identifier: BSD-3-Clause */
/* The subcommands of devmemctl: each has a file of its own. */
#ifndef DEVMEMCTL_H
#define DEVMEMCTL_H

#include <argp.h>

/* Exit statuses; check has its own. A wrong command line is argp's (sysexits.h). */
enum exit_status {
	EXIT_GOOD = 0,
	EXIT_FOUND_FAULTS = 1, /* what was looked at is not in order */
	EXIT_BROKEN = 2,       /* it could not be looked at */
};

/* @argv[0] is "devmemctl NAME", for messages. */
int cmd_check(int argc, char **argv);
int cmd_lease(int argc, char **argv);
int cmd_params(int argc, char **argv);
int cmd_status(int argc, char **argv);

#endif
