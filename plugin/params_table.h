/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin's variables as a table (params.def), and the form of their values. */
#ifndef PLUGIN_PARAMS_TABLE_H
#define PLUGIN_PARAMS_TABLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PARAMS_PREFIX "NCCL_DEVMEM_"
#define PARAMS_NAME 64 /* room for a whole name */
#define PARAMS_TEXT 64 /* room for a number, or a range of them */

enum param_kind { PARAM_TEXT, PARAM_NUMBER, PARAM_CHOICE };

struct param {
	const char *name; /* without PARAMS_PREFIX */
	enum param_kind kind;
	size_t offset;	     /* of the value in struct params: const char * for TEXT, else long */
	const char *text;    /* default of TEXT */
	long number;	     /* default of the others; of CHOICE the position in choices */
	long min, max;	     /* NUMBER */
	const char *choices; /* CHOICE: "a|b|c" */
	const char *help;
};

extern const struct param params_table[];
extern const unsigned int params_count;

/* Reads @value of a NUMBER or CHOICE, in any case of letters. 0 or -EINVAL. */
int params_parse(const struct param *param, const char *value, long *out);
/* The default as one would write it, in @text of PARAMS_TEXT bytes or elsewhere. */
const char *params_default(const struct param *param, char *text);
/* What a value may be: "0 to 1", "a|b|c", "text". In @text of PARAMS_TEXT bytes or elsewhere. */
const char *params_allowed(const struct param *param, char *text);

/* The known name that is nearest to @name by edits, "" when none is near. Names without the prefix.
 */
const char *params_nearest(const char *name);

/* Calls @found for each variable of @environment that has the prefix and is not in the table; @name
 * and @nearest are without the prefix and valid during the call. */
void params_unknown(char *const *environment,
		    void (*found)(const char *name, const char *nearest, void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
