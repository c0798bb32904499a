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

#include <sys/stat.h>

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LEASE_DIR "/run/devmem"

struct lease {
	char path[256];
	char nic[DEVMEM_NIC_NAME];
	unsigned int queue;
	uint32_t uid;	    /* whom it is for */
	bool guarded;	    /* the port belongs to somebody who is not trusted with it (claim.h) */
	bool ruled;	    /* the journal names a rule */
	unsigned int ports; /* from the rule's on, so many have a rule; 1 unless set */
	int journal;
	int lock; /* cannot write; whoever has a copy of it holds the lock, too */
};

/* What a queue's file says of its holder. */
struct lease_note {
	char nic[DEVMEM_NIC_NAME];
	unsigned int queue;
	bool told; /* the file could be read: what follows is known */
	uint32_t uid;
	bool guarded;
	bool ruled;
	struct devmem_rule rule; /* if ruled: the first */
	unsigned int ports;	 /* if ruled: this and the following ones have a rule each */
};

typedef void (*lease_seen_fn)(const struct lease_note *note, void *arg);

/*
 * Takes the highest free rx queue of @nic below @below, never queue 0 nor one that RSS spreads
 * unsteered traffic over. -EBUSY when all are taken, -EACCES and the like when @dir cannot be used.
 */
int lease_take(const struct devmem_nic *nic, const char *dir, unsigned int below,
	       struct lease **lease, struct devmem_error *err);
/*
 * Notes @rule, or that there is none when NULL. To be called before the rule is inserted, when its
 * location may be unknown, again after that, and after it was deleted.
 */
int lease_journal(struct lease *lease, const struct devmem_rule *rule);
/* Notes for whom it is: the process' own user, unless told. 0 or -EIO. */
int lease_own(struct lease *lease, uint32_t uid, bool guarded);
void lease_release(struct lease *lease);

/*
 * Removes the rules that dead holders left on any NIC of the thread's network namespace, and
 * returns how many. Calls @seen, which may be NULL, for each queue that is held.
 */
unsigned int lease_sweep(const char *dir, lease_seen_fn seen, void *arg);

typedef void (*lease_file_fn)(const struct lease_note *note, const struct stat *file, void *arg);
/*
 * Calls @seen for each queue of the thread's network namespace that was not given back, and changes
 * nothing: no lock is taken, since who wants one just then would be turned away. So its holder may
 * be dead. A file that may not be read tells NIC and queue alone.
 */
void lease_list(const char *dir, lease_file_fn seen, void *arg);
/* Deletes the rule with @rule's queue and address, wherever in the table it is now. -ENOENT when
 * there is none. */
int lease_rule_del(const char *nic, const struct devmem_rule *rule);
/* The rule of @rule's port and so many after it. */
struct devmem_rule lease_rule_at(const struct devmem_rule *rule, unsigned int ports_after);

/* The journal's line for the rules of @ports ports from @rule's on, and back. -EPROTO when it is
 * none. */
int lease_format(const struct devmem_rule *rule, unsigned int ports, char *text, size_t room);
int lease_parse(const char *text, struct devmem_rule *rule, unsigned int *ports);

#ifdef __cplusplus
}
#endif

#endif
