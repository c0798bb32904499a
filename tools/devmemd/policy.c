// SPDX-License-Identifier: BSD-3-Clause
/* Who may lease queues: a list of users and groups, and root. */
#include "policy.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>

/* -1, which setuid(2) and others give a meaning of its own, is nobody's number. */
static int parse_number(const char *text, uint32_t *number)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -ENOENT;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return -ENOENT;
	*number = (uint32_t)value;
	return 0;
}

int policy_add_user(struct policy *policy, const char *name)
{
	const struct passwd *entry = getpwnam(name);
	uint32_t uid;

	if (policy->n_users == POLICY_MAX)
		return -ENOSPC;
	if (entry)
		uid = entry->pw_uid;
	else if (parse_number(name, &uid))
		return -ENOENT;
	policy->users[policy->n_users++] = uid;
	return 0;
}

int policy_add_group(struct policy *policy, const char *name)
{
	const struct group *entry = getgrnam(name);
	uint32_t gid;

	if (policy->n_groups == POLICY_MAX)
		return -ENOSPC;
	if (entry)
		gid = entry->gr_gid;
	else if (parse_number(name, &gid))
		return -ENOENT;
	policy->groups[policy->n_groups++] = gid;
	return 0;
}

static bool has_group(const struct policy *policy, gid_t gid)
{
	for (unsigned int i = 0; i < policy->n_groups; i++)
		if (policy->groups[i] == gid)
			return true;
	return false;
}

bool policy_allows(const struct policy *policy, uid_t uid, gid_t gid, const gid_t *groups,
		   unsigned int n)
{
	if (uid == 0 || has_group(policy, gid))
		return true;
	for (unsigned int i = 0; i < policy->n_users; i++)
		if (policy->users[i] == uid)
			return true;
	for (unsigned int i = 0; i < n; i++)
		if (has_group(policy, groups[i]))
			return true;
	return false;
}
