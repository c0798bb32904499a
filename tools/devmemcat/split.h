/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Header split of a NIC for as long as a process needs it, then as it was found.
 *
 * Several processes may need it at once, so each holds a shared lock on a file beside the leases of
 * queues. The first one notes there that header split was off; whoever finds itself alone at its
 * end undoes it and clears the note. The note outlives a process that is killed, and the next one
 * on the NIC acts on it.
 */
#ifndef DEVMEMCAT_SPLIT_H
#define DEVMEMCAT_SPLIT_H

#include "devmem.h"

struct split;

/* Switches header split on if it is off. @dir is that of the leases; it must exist. */
int split_hold(const char *nic, const char *dir, struct split **split, struct devmem_error *err);
/* Puts header split back unless others hold it. To be called when no queue is bound any more. On
 * failure it stays on, the note is kept, and @err tells. */
int split_release(struct split *split, struct devmem_error *err);

#endif
