// SPDX-License-Identifier: BSD-3-Clause
/* Runs those commands that mend something and harm nobody, each after it was shown. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static bool agreed(void)
{
	char answer[16];

	if (!isatty(STDIN_FILENO))
		return true;
	fputs("Run it? [y/N] ", stderr);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool possible(const struct facts *facts, const struct finding *finding)
{
	return finding->level != FINDING_OK && finding->mend[0] && finding->safe &&
	       (!finding->root || facts->privilege.root);
}

static const char *why_not(const struct finding *finding)
{
	return finding->root && finding->safe ? "it takes root"
	       : finding->root		      ? "others may notice; run it yourself"
					      : "it is for the job's own shell";
}

int check_fix(const struct facts *facts, const struct findings *findings)
{
	int n = 0;

	for (unsigned int i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->list[i];
		bool possibly = possible(facts, finding);

		if (finding->level == FINDING_OK || !finding->mend[0])
			continue;
		fprintf(stderr, "%s %s: %s\n", finding->check, finding->nic, finding->mend);
		if (!possibly)
			fprintf(stderr, "  not run: %s\n", why_not(finding));
		if (!possibly || !agreed())
			continue;
		if (system(finding->mend)) {
			fprintf(stderr, "  it failed, for the reason above\n");
			return -1;
		}
		n++;
	}
	return n;
}
