// SPDX-License-Identifier: BSD-3-Clause
/* A plugin as --plugin names it, and the environment that it is to find. */
#include "plugin_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* True when @text begins with NAME=. */
static bool is_setting(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len && !isdigit((unsigned char)text[0]) && text[len] == '=';
}

/* The first @mark in @text that a setting follows, or NULL. */
static const char *find_setting(const char *text, char mark)
{
	const char *found = strchr(text, mark);

	while (found && !is_setting(found + 1))
		found = strchr(found + 1, mark);
	return found;
}

static const char *add_setting(struct plugin_spec *spec, const char *text, size_t len)
{
	size_t name = strcspn(text, "=");
	struct plugin_setting *setting;

	if (spec->n_settings == PLUGIN_SETTINGS_MAX)
		return "there are more than 16 variables";
	setting = &spec->settings[spec->n_settings++];
	setting->name = strndup(text, name);
	setting->value = strndup(text + name + 1, len - name - 1);
	return setting->name && setting->value ? NULL : "out of memory";
}

const char *plugin_spec_parse(const char *text, struct plugin_spec *spec)
{
	const char *colon = find_setting(text, ':'), *end, *wrong = NULL;

	*spec = (struct plugin_spec){ .text = text };
	if (!colon && strchr(text, ':') && !strchr(text, '/'))
		return "after a colon variables are expected: NAME=VALUE[,NAME=VALUE...]";
	spec->name = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	if (!spec->name || !*spec->name)
		return "there is no plugin's name";
	for (const char *setting = colon ? colon + 1 : NULL; setting && !wrong;
	     setting = end ? end + 1 : NULL) {
		end = find_setting(setting, ',');
		wrong = add_setting(spec, setting, end ? (size_t)(end - setting) : strlen(setting));
	}
	return wrong;
}

const char *plugin_list_add(struct plugin_spec *list, unsigned int *n, const char *text)
{
	if (*n == PLUGINS_MAX)
		return "this is one plugin more than can be measured in turns, which is 16";
	return plugin_spec_parse(text, &list[(*n)++]);
}

void plugin_spec_free(struct plugin_spec *spec)
{
	for (unsigned int i = 0; i < spec->n_settings; i++) {
		free(spec->settings[i].name);
		free(spec->settings[i].value);
	}
	free(spec->name);
	*spec = (struct plugin_spec){ 0 };
}

const char *plugin_spec_setting(const struct plugin_spec *spec, const char *name)
{
	for (unsigned int i = 0; i < spec->n_settings; i++)
		if (strcmp(spec->settings[i].name, name) == 0)
			return spec->settings[i].value;
	return NULL;
}

void plugin_scope_begin(struct plugin_scope *scope, const struct plugin_spec *spec)
{
	scope->n = 0;
	for (unsigned int i = 0; i < spec->n_settings; i++)
		plugin_scope_set(scope, spec->settings[i].name, spec->settings[i].value);
}

void plugin_scope_set(struct plugin_scope *scope, const char *name, const char *value)
{
	const char *before = getenv(name);
	struct plugin_setting *setting = &scope->before[scope->n++];

	setting->name = strdup(name);
	setting->value = before ? strdup(before) : NULL;
	setenv(name, value, 1);
}

/* Plugins keep pointers to values: glibc frees none. The last that was set is the first to go, as one name may be set twice. */
void plugin_scope_end(struct plugin_scope *scope)
{
	while (scope->n) {
		struct plugin_setting *setting = &scope->before[--scope->n];

		if (setting->value)
			setenv(setting->name, setting->value, 1);
		else
			unsetenv(setting->name);
		free(setting->name);
		free(setting->value);
	}
}
