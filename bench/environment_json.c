// SPDX-License-Identifier: BSD-3-Clause
/* What the results hold for, as JSON. */
#include "environment_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "differences.h"

static json_t *text(const char *value)
{
	return value ? json_string(value) : json_null();
}

static json_t *number(const char *value)
{
	return value ? json_integer(atoll(value)) : json_null();
}

static json_t *date(void)
{
	time_t now = time(NULL);
	struct tm utc;
	char words[32];

	strftime(words, sizeof(words), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return json_string(words);
}

static json_t *hosts(const struct ranks *ranks)
{
	json_t *list = json_array();

	for (unsigned int r = 0; r < ranks->n; r++)
		json_array_append_new(list, json_string(ranks->hosts[r]));
	return list;
}

static json_t *variables(const struct facts *facts)
{
	json_t *object = json_object();

	for (const char *entry = NULL; (entry = facts_next(facts, entry));) {
		char *name;

		if (strncmp(entry, FACTS_VARIABLES, strlen(FACTS_VARIABLES)) != 0)
			continue;
		name = strndup(entry, strcspn(entry, "="));
		if (name)
			json_object_set_new(object, name, json_string(entry + strlen(name) + 1));
		free(name);
	}
	return object;
}

static json_t *nic(const struct facts *facts)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "name", text(facts_get(facts, "device")),
			 "driver", text(facts_get(facts, "driver")),
			 "speed_mbps", number(facts_get(facts, "speed_mbps")),
			 "mtu", number(facts_get(facts, "mtu")));
}

static void add_difference(const struct difference *difference, void *list)
{
	json_t *values = json_array();

	for (unsigned int r = 0; r < difference->ranks; r++)
		json_array_append_new(values, text(difference->values[r]));
	json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "name", difference->name,
					      "natural", difference->natural, "values", values));
}

static json_t *differences(const struct ranks *ranks)
{
	json_t *list = json_array();

	if (ranks->facts)
		differences_each(ranks->facts, ranks->n, add_difference, list);
	return list;
}

json_t *environment_json(const struct facts *own, const struct ranks *ranks)
{
	static const char *const names[] = { "kernel", "cpu", "devmem", "mpi", "plugin_file",
					     "plugin_digest", "plan", "queues", "gpu" };
	json_t *environment = json_object();

	json_object_set_new(environment, "date", date());
	json_object_set_new(environment, "hosts", hosts(ranks));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(environment, names[i], text(facts_get(own, names[i])));
	json_object_set_new(environment, "nic", nic(own));
	json_object_set_new(environment, "variables", variables(own));
	json_object_set_new(environment, "differences", differences(ranks));
	return environment;
}
