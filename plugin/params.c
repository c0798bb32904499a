// SPDX-License-Identifier: BSD-3-Clause
/* The plugin's variables (params.def), read from the environment. */
#include "params.h"
#include "params_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

static int read_one(const struct param *param, struct params *params, log_fn log)
{
	void *member = (char *)params + param->offset;
	char name[PARAMS_NAME], allowed[PARAMS_TEXT];
	const char *value;

	snprintf(name, sizeof(name), PARAMS_PREFIX "%s", param->name);
	value = getenv(name);
	if (param->kind == PARAM_TEXT) {
		*(const char **)member = value ? value : param->text;
		return 0;
	}
	*(long *)member = param->number;
	if (!value || !*value || !params_parse(param, value, member))
		return 0;
	log(LOG_LEVEL_WARN, __func__, __LINE__,
	    "%s=%s cannot be: it takes %s (%s); devmemctl params shows all variables and what they "
	    "are set to",
	    name, value, params_allowed(param, allowed), param->help);
	return -EINVAL;
}

static void warn_unknown(const char *name, const char *nearest, void *arg)
{
	const log_fn *log = arg;

	(*log)(LOG_LEVEL_WARN, __func__, __LINE__,
	       PARAMS_PREFIX
	       "%s is not a variable of this plugin and has no effect%s%s%s; devmemctl "
	       "params lists those that there are",
	       name, *nearest ? "; did you mean " PARAMS_PREFIX : "", nearest, *nearest ? "?" : "");
}

int params_read(struct params *params, log_fn log)
{
	int ret = 0;

	for (unsigned int i = 0; i < params_count; i++)
		if (read_one(&params_table[i], params, log))
			ret = -EINVAL;
	params_unknown(environ, warn_unknown, &log);
	return ret;
}

enum devmem_mem_kind params_memory(const struct params *params)
{
	/* The order of the choices in params.def. */
	static const enum devmem_mem_kind kinds[] = {DEVMEM_MEM_CUDA, DEVMEM_MEM_CUDA,
						     DEVMEM_MEM_UDMABUF, DEVMEM_MEM_DMVRAM,
						     DEVMEM_MEM_HOST};

	return kinds[params->memory];
}
