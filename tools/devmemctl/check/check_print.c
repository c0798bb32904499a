// SPDX-License-Identifier: BSD-3-Clause
/* Prints findings: a line for each, what mends it, and what to do first. */
#include "check.h"
#include "json_out.h"

#include <unistd.h>

static const char *colour(FILE *file, enum finding_level level)
{
	static const char *const colours[] = {[FINDING_OK] = "\033[32m",
					      [FINDING_WARN] = "\033[33m",
					      [FINDING_FAIL] = "\033[31m"};

	return isatty(fileno(file)) ? colours[level] : "";
}

static void print_one(FILE *file, const struct finding *finding)
{
	const char *begin = colour(file, finding->level);

	fprintf(file, "%s%-4s%s %s%s%s: %s\n", begin, finding_level_name(finding->level),
		*begin ? "\033[0m" : "", finding->check, finding->nic[0] ? " " : "", finding->nic,
		finding->seen);
	if (finding->level == FINDING_OK)
		return;
	if (finding->mend[0])
		fprintf(file, "       mend%s: %s\n", finding->root ? " (as root)" : "",
			finding->mend);
	if (finding->advice[0])
		fprintf(file, "       %s\n", finding->advice);
}

static void print_plans(FILE *file, const struct facts *facts)
{
	for (unsigned int i = 0; i < facts->n_nics; i++)
		fprintf(file, "Plan of %s: %s\n", facts->nics[i].nic.name,
			plan_text(&facts->nics[i].plan));
}

int check_print(FILE *file, const struct facts *facts, const struct findings *findings)
{
	const struct finding *first = findings_first(findings);

	for (unsigned int i = 0; i < findings->n; i++)
		print_one(file, &findings->list[i]);
	fputc('\n', file);
	print_plans(file, facts);
	if (!first)
		fputs("All is in order.\n", file);
	else
		fprintf(file, "First: %s%s%s: %s\n", first->check, first->nic[0] ? " " : "",
			first->nic, first->mend[0] ? first->mend : first->advice);
	return fflush(file) || ferror(file) ? -1 : 0;
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *finding_json(const struct finding *finding)
{
	bool mends = finding->level != FINDING_OK;

	return json_pack("{ss so ss ss so so sb sb}", "check", finding->check, "nic",
			 text_or_null(finding->nic), "level", finding_level_name(finding->level),
			 "seen", finding->seen, "mend", text_or_null(mends ? finding->mend : ""),
			 "advice", text_or_null(mends ? finding->advice : ""), "root",
			 finding->root, "safe", finding->safe);
}

int check_print_json(FILE *file, const struct facts *facts, const struct findings *findings)
{
	json_t *list = json_array(), *plans = json_array();
	const struct finding *first = findings_first(findings);

	for (unsigned int i = 0; i < findings->n; i++)
		json_array_append_new(list, finding_json(&findings->list[i]));
	for (unsigned int i = 0; i < facts->n_nics; i++)
		json_array_append_new(plans, json_pack("{ss ss ss}", "nic", facts->nics[i].nic.name,
						       "plan", plan_text(&facts->nics[i].plan),
						       "reason", facts->nics[i].plan.reason));
	return json_out(file,
			json_pack("{ss so so so}", "worst",
				  finding_level_name(findings_worst(findings)), "findings", list,
				  "plans", plans, "first",
				  first ? finding_json(first) : json_null()),
			false);
}
