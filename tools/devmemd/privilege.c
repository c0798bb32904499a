// SPDX-License-Identifier: BSD-3-Clause
/* Gives up every capability that leasing queues does not need. */
#include "privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int keep_only(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	unsigned int word = CAP_TO_INDEX(capability), bit = CAP_TO_MASK(capability);

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (!(data[word].permitted & bit))
		return -EPERM;
	data[0] = data[1] = (struct __user_cap_data_struct){0};
	data[word].permitted = data[word].effective = bit;
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int privilege_drop(void)
{
	/* Needs CAP_SETPCAP; without it, no_new_privs does as well, since there is no execve(). */
	for (unsigned int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (i != CAP_NET_ADMIN)
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return keep_only(CAP_NET_ADMIN);
}
