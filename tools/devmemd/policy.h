/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may lease queues: a list of users and groups, and root. */
#ifndef DEVMEMD_POLICY_H
#define DEVMEMD_POLICY_H

#include <stdbool.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POLICY_MAX 64 /* names of either kind */
#define POLICY_GROUP "devmem"

struct policy {
	uid_t users[POLICY_MAX];
	unsigned int n_users;
	gid_t groups[POLICY_MAX];
	unsigned int n_groups;
};

/* Adds a user or group by name or number. -ENOENT: there is none of that name, -ENOSPC. */
int policy_add_user(struct policy *policy, const char *name);
int policy_add_group(struct policy *policy, const char *name);
/* @groups: the supplementary ones. */
bool policy_allows(const struct policy *policy, uid_t uid, gid_t gid, const gid_t *groups,
		   unsigned int n);

#ifdef __cplusplus
}
#endif

#endif
