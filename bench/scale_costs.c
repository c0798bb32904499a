// SPDX-License-Identifier: BSD-3-Clause
/* Reads what p2p measured: times of messages, and of connections. */
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "scale_fit.h"

static json_t *load(const char *path, struct failure *failure)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);

	if (!root)
		fail(failure, "cannot read %s: %s; give a file that p2p --json wrote", path,
		     error.text);
	return root;
}

/* The time of one message, without what hardware would do; in both directions, of one each way. */
static int add_point(const json_t *result, bool both, struct fit_point *point)
{
	double bytes = json_number_value(json_object_get(result, "size"));
	double seconds = json_number_value(json_object_get(result, "seconds_per_gb"));
	double nic = json_number_value(json_object_get(result, "nic_s_per_gb"));

	*point = (struct fit_point){bytes, bytes * (seconds - nic) / 1e9 * (both ? 2 : 1)};
	return bytes > 0 && point->seconds > 0 ? 0 : -1;
}

static bool wanted(const json_t *result, const char *plugin)
{
	const char *name = json_string_value(json_object_get(result, "plugin"));

	return name && strstr(name, plugin) &&
	       json_integer_value(json_object_get(result, "channels")) == 1;
}

static int take(const json_t *root, const char *path, const char *plugin, struct fit_point *points,
		unsigned int *n, struct failure *failure)
{
	bool both = json_is_true(json_object_get(root, "bidirectional"));
	const json_t *results = json_object_get(root, "results"), *result;
	size_t i;

	if (!json_is_array(results))
		return fail(failure,
			    "%s has no results of messages: give a file that p2p --json "
			    "wrote, without --connect",
			    path);
	json_array_foreach(results, i, result)
	{
		if (!wanted(result, plugin))
			continue;
		if (json_integer_value(json_object_get(result, "wrong")))
			return fail(failure, "%s: data was wrong at size %lld; measure again", path,
				    json_integer_value(json_object_get(result, "size")));
		if (*n == FIT_MAX_POINTS)
			return fail(failure, "%s: more than %u points; give fewer files", path,
				    FIT_MAX_POINTS);
		if (add_point(result, both, &points[*n]))
			return fail(failure,
				    "%s: result %zu has no size or no time; write it anew "
				    "with p2p --json",
				    path, i);
		++*n;
	}
	return 0;
}

int costs_read(const char *path, const char *plugin, struct fit_point points[FIT_MAX_POINTS],
	       unsigned int *n, struct failure *failure)
{
	json_t *root = load(path, failure);
	int ret;

	if (!root)
		return -1;
	ret = take(root, path, plugin, points, n, failure);
	json_decref(root);
	return ret;
}

int costs_read_connect(const char *path, double *seconds, struct failure *failure)
{
	json_t *root = load(path, failure);
	double connections, all;

	if (!root)
		return -1;
	connections = json_number_value(json_object_get(root, "connections"));
	all = json_number_value(json_object_get(root, "connect_seconds"));
	json_decref(root);
	if (!(connections > 0 && all > 0))
		return fail(failure,
			    "%s tells of no connections: give a file that p2p --connect N "
			    "--json wrote",
			    path);
	*seconds = all / connections;
	return 0;
}
