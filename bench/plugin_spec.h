/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin as --plugin names it, and the environment that it is to find: devmem:NCCL_DEVMEM_PLAN=host,NCCL_DEVMEM_QUEUES=2. */
#ifndef BENCH_PLUGIN_SPEC_H
#define BENCH_PLUGIN_SPEC_H

#include <stdbool.h>

#define PLUGINS_MAX 16
#define PLUGIN_SETTINGS_MAX 16

struct plugin_setting {
	char *name, *value;
};

struct plugin_spec {
	const char *text;	/* as it was given */
	char *name;		/* file or short name */
	struct plugin_setting settings[PLUGIN_SETTINGS_MAX];
	unsigned int n_settings;
};

/*
 * Settings begin at the first colon before NAME=; a comma separates two where NAME= follows it, and
 * else belongs to the value. NULL, or what is wrong with @text, which must stay.
 */
const char *plugin_spec_parse(const char *text, struct plugin_spec *spec);
/* One more at the end of @list, which has room for PLUGINS_MAX. NULL, or what is wrong. */
const char *plugin_list_add(struct plugin_spec *list, unsigned int *n, const char *text);
void plugin_spec_free(struct plugin_spec *spec);
/* The setting's value, or NULL where @spec has none. */
const char *plugin_spec_setting(const struct plugin_spec *spec, const char *name);

/* Variables that are set for a while. All zero: none. */
struct plugin_scope {
	struct plugin_setting before[PLUGIN_SETTINGS_MAX + 1];	/* a value of NULL: not set */
	unsigned int n;
};

/* While plugins read their environment, which is in init; nobody else may use it meanwhile. */
void plugin_scope_begin(struct plugin_scope *scope, const struct plugin_spec *spec);
/* One more variable than the settings. */
void plugin_scope_set(struct plugin_scope *scope, const char *name, const char *value);
void plugin_scope_end(struct plugin_scope *scope);

#endif
