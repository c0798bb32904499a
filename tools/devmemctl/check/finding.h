/* SPDX-License-Identifier: BSD-3-Clause */
/* What devmemctl check has to say of one thing: whether it is in order, what was seen, what mends
 * it. */
#ifndef DEVMEMCTL_FINDING_H
#define DEVMEMCTL_FINDING_H

#include "facts.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FINDING_TEXT 768

enum finding_level {
	FINDING_OK,
	FINDING_WARN, /* it works, slower or in a way that was hardly meant */
	FINDING_FAIL, /* payload does not go to device memory, or the plugin is not used */
};

struct finding {
	const char *check;	   /* its name */
	char nic[DEVMEM_NIC_NAME]; /* "": not of one NIC */
	enum finding_level level;
	char seen[FINDING_TEXT];
	char mend[FINDING_TEXT];   /* a command for the shell; "": there is none */
	char advice[FINDING_TEXT]; /* where no command does it alone; "": none */
	bool root;		   /* the command is for root */
	bool safe;		   /* and harms nobody: --fix runs it */
};

struct findings {
	unsigned int n;
	struct finding *list; /* in the order in which to put things right; for free() */
};

/* Judges @facts. 0 or -ENOMEM. */
int findings_of(const struct facts *facts, struct findings *findings);
enum finding_level findings_worst(const struct findings *findings);
/* The first of the worst level; NULL when all is in order. */
const struct finding *findings_first(const struct findings *findings);
const char *finding_level_name(enum finding_level level);

/* For checks: each returns true, so that a check can end with it. */
bool finding_set(struct finding *finding, enum finding_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void finding_mend(struct finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, for root; @safe: see struct finding. */
void finding_mend_root(struct finding *finding, bool safe, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void finding_advise(struct finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A check judges; false when there is nothing to judge. */
struct machine_check {
	const char *name;
	bool (*look)(const struct facts *facts, struct finding *finding);
};

struct nic_check {
	const char *name;
	bool (*look)(const struct facts *facts, const struct nic_facts *nic,
		     struct finding *finding);
};

extern const struct machine_check checks_machine[], checks_job[];
extern const unsigned int checks_machine_n, checks_job_n;
extern const struct nic_check checks_nic[];
extern const unsigned int checks_nic_n;

#ifdef __cplusplus
}
#endif

#endif
