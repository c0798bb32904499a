// SPDX-License-Identifier: BSD-3-Clause
/* What NCCL's kernels need of NCCL's settings to place received data themselves (UNPACK). */
#include "placement.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

/*
 * NCCL 2.24 to 2.30 see to none of these (comm->netDeviceType is never assigned there), and data
 * would be wrong: kernels of other protocols, of PAT, and for registered user buffers read where
 * nothing was unpacked.
 */
static const struct setting {
	const char *name, *value;
	const char *also[3]; /* other values that mean the same */
	const char *why;
} settings[] = {
	{"NCCL_PROTO",
	 "Simple",
	 {"^LL,LL128", "^LL128,LL"},
	 "only the kernels of the Simple protocol unpack"},
	{"NCCL_PAT_ENABLE", "0", {0}, "the kernels of PAT do not unpack"},
	{"NCCL_GRAPH_REGISTER", "0", {0}, "registered user buffers are not unpacked into"},
	{"NCCL_LOCAL_REGISTER", "0", {0}, "registered user buffers are not unpacked into"},
};

static bool accepts(const struct setting *setting, const char *value)
{
	if (!strcasecmp(value, setting->value))
		return true;
	for (unsigned int i = 0; i < 3 && setting->also[i]; i++)
		if (!strcasecmp(value, setting->also[i]))
			return true;
	return false;
}

static void set(log_fn log, const char *name, const char *value)
{
	if (getenv(name))
		return;
	setenv(name, value, 0);
	log(LOG_LEVEL_INFO, "placement_prepare", __LINE__,
	    "%s=%s set, for NCCL_DEVMEM_PLACEMENT=unpack", name, value);
}

int placement_prepare(log_fn log, struct devmem_error *err)
{
	const unsigned int n = sizeof(settings) / sizeof(settings[0]);

	for (unsigned int i = 0; i < n; i++) {
		const char *value = getenv(settings[i].name);

		if (value && !accepts(&settings[i], value))
			return devmem_error_set(
				err, -EINVAL,
				"NCCL_DEVMEM_PLACEMENT=unpack takes %s=%s, and it is '%s' (%s): "
				"unset %s, or NCCL_DEVMEM_PLACEMENT",
				settings[i].name, settings[i].value, value, settings[i].why,
				settings[i].name);
	}
	for (unsigned int i = 0; i < n; i++)
		set(log, settings[i].name, settings[i].value);
	/* A tree's node with a child in its machine and two outside has more than the kernel's
	 * state for unpacking holds. Whoever names an algorithm knows better. */
	set(log, "NCCL_ALGO", "Ring");
	return 0;
}
