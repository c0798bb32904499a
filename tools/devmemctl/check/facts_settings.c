// SPDX-License-Identifier: BSD-3-Clause
/* Looks at variables, of NCCL and of the plugin, and where they were set. */
#include "facts.h"
#include "params_table.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

bool facts_conf_line(char *line, char **name, char **value)
{
	char *equals;

	line[strcspn(line, "\r\n")] = '\0';
	equals = strchr(line, '=');
	if (line[0] == '#' || !equals || equals == line)
		return false;
	*equals = '\0';
	*name = line;
	*value = equals + 1;
	return true;
}

/* Those that are told of. */
static const struct {
	const char *name;
	size_t offset;
} known[] = {
	{"NCCL_NET_PLUGIN", offsetof(struct facts, net_plugin)},
	{"NCCL_NET", offsetof(struct facts, net)},
	{"NCCL_NET_GDR_LEVEL", offsetof(struct facts, gdr_level)},
	{"NCCL_DMABUF_ENABLE", offsetof(struct facts, dmabuf_enable)},
	{"NCCL_SOCKET_IFNAME", offsetof(struct facts, ifname)},
	{"NCCL_DEVMEM_IFNAME", offsetof(struct facts, devmem_ifname)},
	{"NCCL_DEVMEM_PLAN", offsetof(struct facts, devmem_plan)},
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static struct setting_facts *setting(struct facts *facts, size_t i)
{
	return (struct setting_facts *)((char *)facts + known[i].offset);
}

/* Files that set them. The environment keeps what a file has set, so a second look needs this. */
static char files[KNOWN][FACTS_PATH];

static void note_file(const char *name, const char *path)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (!strcmp(known[i].name, name))
			snprintf(files[i], FACTS_PATH, "%s", path);
}

static void read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, *name, *value;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		if (!facts_conf_line(line, &name, &value) || getenv(name))
			continue;
		setenv(name, value, 0);
		note_file(name, path);
	}
	free(line);
	if (file)
		fclose(file);
}

/* The user's file, then the machine's: what was set first holds (NCCL's param.cc). */
void facts_settings(struct facts *facts)
{
	const char *own = getenv("NCCL_CONF_FILE"), *home = getenv("HOME");
	char path[FACTS_PATH];

	if (!own && home) {
		snprintf(path, sizeof(path), "%s/.nccl.conf", home);
		own = path;
	}
	if (own && *own)
		read_file(own);
	read_file("/etc/nccl.conf");
	for (size_t i = 0; i < KNOWN; i++) {
		setting(facts, i)->value = getenv(known[i].name);
		memcpy(setting(facts, i)->file, files[i], FACTS_PATH);
	}
}

static void add_unknown(const char *name, const char *nearest, void *arg)
{
	struct variable_facts *variables = arg;
	unsigned int i = variables->n_unknown++;

	if (i >= FACTS_VARIABLES)
		return;
	snprintf(variables->unknown[i], FACTS_WORD, PARAMS_PREFIX "%s", name);
	if (*nearest)
		snprintf(variables->nearest[i], FACTS_WORD, PARAMS_PREFIX "%s", nearest);
}

static void add_invalid(const struct param *param, struct variable_facts *variables)
{
	char name[PARAMS_NAME];
	const char *value;
	long ignored;

	snprintf(name, sizeof(name), PARAMS_PREFIX "%s", param->name);
	value = getenv(name);
	if (param->kind == PARAM_TEXT || !value || !*value || !params_parse(param, value, &ignored))
		return;
	if (variables->n_invalid < FACTS_VARIABLES)
		snprintf(variables->invalid[variables->n_invalid], FACTS_WORD, "%s", name);
	variables->n_invalid++;
}

void facts_variables(struct variable_facts *variables)
{
	for (unsigned int i = 0; i < params_count; i++)
		add_invalid(&params_table[i], variables);
	params_unknown(environ, add_unknown, variables);
}
