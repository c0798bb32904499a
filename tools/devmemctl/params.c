// SPDX-License-Identifier: BSD-3-Clause
/* devmemctl params: every variable of the plugin, what it is set to here, and which are misspelt.
 */
#include "devmemctl.h"
#include "json_out.h"

#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "params_table.h"

extern char **environ;

struct report {
	bool json;
	json_t *params, *unknown;
	struct libscols_table *table;
	bool faults;
};

enum column { COLUMN_NAME, COLUMN_VALUE, COLUMN_SET, COLUMN_ALLOWED, COLUMN_HELP };

static const struct {
	const char *title;
	double width; /* as libsmartcols takes it: characters, or a share of the terminal */
	int flags;
} columns[] = {
	[COLUMN_NAME] = {"VARIABLE", 30, 0},
	[COLUMN_VALUE] = {"VALUE", 10, 0},
	[COLUMN_SET] = {"FROM", 11, 0},
	[COLUMN_ALLOWED] = {"ALLOWED", 12, 0},
	[COLUMN_HELP] = {"MEANING", 0.4, SCOLS_FL_WRAP},
};

static const char *const kinds[] = {
	[PARAM_TEXT] = "text",
	[PARAM_NUMBER] = "number",
	[PARAM_CHOICE] = "choice",
};

/* An empty number or choice is as good as none, as the plugin reads it. */
static bool is_set(const struct param *param, const char *value)
{
	return value && (*value || param->kind == PARAM_TEXT);
}

static bool is_valid(const struct param *param, const char *value)
{
	long ignored;

	return !is_set(param, value) || param->kind == PARAM_TEXT ||
	       !params_parse(param, value, &ignored);
}

static int add_json(struct report *report, const struct param *param, const char *name,
		    const char *value)
{
	char preset[PARAMS_TEXT], allowed[PARAMS_TEXT];
	json_t *object = json_pack(
		"{ss ss ss ss ss sb sb ss}", "name", name, "kind", kinds[param->kind], "value",
		is_set(param, value) ? value : params_default(param, preset), "default",
		params_default(param, preset), "allowed", params_allowed(param, allowed), "set",
		is_set(param, value), "valid", is_valid(param, value), "help", param->help);

	return object ? json_array_append_new(report->params, object) : -1;
}

static int add_line(struct report *report, const struct param *param, const char *name,
		    const char *value)
{
	char preset[PARAMS_TEXT], allowed[PARAMS_TEXT];
	struct libscols_line *line = scols_table_new_line(report->table, NULL);
	const char *from = !is_set(param, value)    ? "default"
			   : is_valid(param, value) ? "environment"
						    : "INVALID";

	if (!line)
		return -1;
	return scols_line_set_data(line, COLUMN_NAME, name) ||
	       scols_line_set_data(line, COLUMN_VALUE,
				   is_set(param, value) ? value : params_default(param, preset)) ||
	       scols_line_set_data(line, COLUMN_SET, from) ||
	       scols_line_set_data(line, COLUMN_ALLOWED, params_allowed(param, allowed)) ||
	       scols_line_set_data(line, COLUMN_HELP, param->help);
}

static void add_unknown(const char *name, const char *nearest, void *arg)
{
	struct report *report = arg;

	report->faults = true;
	if (report->json)
		json_array_append_new(report->unknown,
				      json_pack("{so so}", "name",
						json_sprintf(PARAMS_PREFIX "%s", name), "nearest",
						*nearest ? json_sprintf(PARAMS_PREFIX "%s", nearest)
							 : json_null()));
	else
		fprintf(stderr,
			PARAMS_PREFIX
			"%s is not a variable of the plugin and has no effect%s%s%s\n",
			name, *nearest ? "; did you mean " PARAMS_PREFIX : "", nearest,
			*nearest ? "?" : "");
}

static int start(struct report *report)
{
	if (report->json) {
		report->params = json_array();
		report->unknown = json_array();
		return report->params && report->unknown ? 0 : -1;
	}
	scols_init_debug(0);
	report->table = scols_new_table();
	if (!report->table)
		return -1;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (!scols_table_new_column(report->table, columns[i].title, columns[i].width,
					    columns[i].flags))
			return -1;
	return 0;
}

static int fill(struct report *report)
{
	for (unsigned int i = 0; i < params_count; i++) {
		const struct param *param = &params_table[i];
		char name[PARAMS_NAME];
		const char *value;

		snprintf(name, sizeof(name), PARAMS_PREFIX "%s", param->name);
		value = getenv(name);
		report->faults |= !is_valid(param, value);
		if ((report->json ? add_json : add_line)(report, param, name, value))
			return -1;
	}
	params_unknown(environ, add_unknown, report);
	return 0;
}

static int print(struct report *report)
{
	if (!report->json)
		return scols_print_table(report->table);
	return json_out(stdout,
			json_pack("{sO sO}", "params", report->params, "unknown", report->unknown),
			false);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != 'j')
		return key == ARGP_KEY_ARG ? (argp_usage(state), EINVAL) : ARGP_ERR_UNKNOWN;
	((struct report *)state->input)->json = true;
	return 0;
}

int cmd_params(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', 0, 0, "Print JSON", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Shows every variable of NCCL's devmem plugin as it is in this "
		       "environment.\v"
		       "Exit status: 0; 1 when a value cannot be or a variable is misspelt; 2 when "
		       "the list could not be printed.",
	};
	struct report report = {0};
	int failed;

	argp_parse(&argp, argc, argv, 0, NULL, &report);
	failed = start(&report) || fill(&report) || print(&report) || fflush(stdout);
	if (failed)
		fprintf(stderr, "%s: cannot print the list: %m\n", argv[0]);
	scols_unref_table(report.table);
	json_decref(report.params);
	json_decref(report.unknown);
	return failed ? EXIT_BROKEN : report.faults ? EXIT_FOUND_FAULTS : EXIT_GOOD;
}
