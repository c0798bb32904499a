// SPDX-License-Identifier: BSD-3-Clause
/* Runs all checks in the order in which a user would put things right. */
#include "finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK] = "OK", [FINDING_WARN] = "WARN", [FINDING_FAIL] = "FAIL"};

	return names[level];
}

bool finding_set(struct finding *finding, enum finding_level level, const char *fmt, ...)
{
	va_list args;

	finding->level = level;
	va_start(args, fmt);
	vsnprintf(finding->seen, sizeof(finding->seen), fmt, args);
	va_end(args);
	return true;
}

void finding_mend(struct finding *finding, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding->mend, sizeof(finding->mend), fmt, args);
	va_end(args);
}

void finding_mend_root(struct finding *finding, bool safe, const char *fmt, ...)
{
	va_list args;

	finding->root = true;
	finding->safe = safe;
	va_start(args, fmt);
	vsnprintf(finding->mend, sizeof(finding->mend), fmt, args);
	va_end(args);
}

void finding_advise(struct finding *finding, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding->advice, sizeof(finding->advice), fmt, args);
	va_end(args);
}

static struct finding *next(struct findings *findings, const char *check, const char *nic)
{
	struct finding *finding = &findings->list[findings->n];

	*finding = (struct finding){.check = check};
	snprintf(finding->nic, sizeof(finding->nic), "%s", nic);
	return finding;
}

static void run(const struct machine_check *checks, unsigned int n, const struct facts *facts,
		struct findings *findings)
{
	for (unsigned int i = 0; i < n; i++)
		findings->n += checks[i].look(facts, next(findings, checks[i].name, ""));
}

int findings_of(const struct facts *facts, struct findings *findings)
{
	size_t most = checks_machine_n + checks_job_n + (size_t)checks_nic_n * facts->n_nics;

	findings->n = 0;
	findings->list = calloc(most, sizeof(*findings->list));
	if (!findings->list)
		return -ENOMEM;
	run(checks_machine, checks_machine_n, facts, findings);
	for (unsigned int i = 0; i < facts->n_nics; i++)
		for (unsigned int j = 0; j < checks_nic_n; j++)
			findings->n += checks_nic[j].look(
				facts, &facts->nics[i],
				next(findings, checks_nic[j].name, facts->nics[i].nic.name));
	run(checks_job, checks_job_n, facts, findings);
	return 0;
}

enum finding_level findings_worst(const struct findings *findings)
{
	enum finding_level worst = FINDING_OK;

	for (unsigned int i = 0; i < findings->n; i++)
		if (findings->list[i].level > worst)
			worst = findings->list[i].level;
	return worst;
}

const struct finding *findings_first(const struct findings *findings)
{
	enum finding_level worst = findings_worst(findings);

	for (unsigned int i = 0; worst > FINDING_OK && i < findings->n; i++)
		if (findings->list[i].level == worst)
			return &findings->list[i];
	return NULL;
}
