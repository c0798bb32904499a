/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lease of one rx queue of a NIC among the processes of a machine, without a broker.
 *
 * A lock file per queue, held by flock(), says who has it: the kernel drops the lock when the
 * process dies. The same file is a journal: it names the steering rule that the holder has
 * inserted, which the kernel does not drop. Whoever takes a lease on the NIC next removes the rules
 * of the dead.
 */
#ifndef DEVMEM_LEASE_H
#define DEVMEM_LEASE_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LEASE_DIR "/run/devmem"

struct lease {
	char path[256];
	char nic[DEVMEM_NIC_NAME];
	unsigned int queue;
	int fd;
};

/*
 * Takes the highest free rx queue of @nic below @below, never queue 0 nor one that RSS spreads
 * unsteered traffic over. -EBUSY when all are taken, -EACCES and the like when @dir cannot be used.
 */
int lease_take(const struct devmem_nic *nic, const char *dir, unsigned int below,
	       struct lease **lease, struct devmem_error *err);
/* Notes @rule, or that there is none when NULL. To be called before the rule is used by traffic and
 * after it was deleted. */
int lease_journal(struct lease *lease, const struct devmem_rule *rule);
void lease_release(struct lease *lease);

/* The journal's line for @rule, and back. -EPROTO when it is none. */
int lease_format(const struct devmem_rule *rule, char *text, size_t room);
int lease_parse(const char *text, struct devmem_rule *rule);

#ifdef __cplusplus
}
#endif

#endif
