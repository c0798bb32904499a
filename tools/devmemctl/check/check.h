/* SPDX-License-Identifier: BSD-3-Clause */
/* What devmemctl check does with its findings: prints them, mends what is safe. */
#ifndef DEVMEMCTL_CHECK_H
#define DEVMEMCTL_CHECK_H

#include <stdio.h>

#include "finding.h"

/* For people. 0, or -1 when @file cannot be written. */
int check_print(FILE *file, const struct facts *facts, const struct findings *findings);
/* The same as an object of JSON. */
int check_print_json(FILE *file, const struct facts *facts, const struct findings *findings);

/*
 * Shows each command that is safe, and runs it; asks first where standard input is a terminal.
 * Returns how many were run, or -1 when one failed, which is said.
 */
int check_fix(const struct facts *facts, const struct findings *findings);

struct peer_options {
	const char *host;    /* as the remote shell takes it */
	const char *rsh;     /* the remote shell's command, "ssh" */
	const char *address; /* of the peer's NIC; NULL: @host */
	const char *remote;  /* devmemcat there */
	uint64_t bytes;	     /* to move in each step */
	bool json;
};

/* Moves data to and from the peer, and prints what each step costs. An exit status. */
int check_peer(const struct facts *facts, const struct peer_options *options);

#endif
