// SPDX-License-Identifier: BSD-3-Clause
/* Figures as JSON, and their file. */
#include "json_file.h"

#include <errno.h>

#define DIGITS 12	/* more than any figure has: 99.9 is to be read, not 99.900000000000006 */

void json_set_text(json_t *object, const char *name, const char *value)
{
	json_object_set_new(object, name, json_string(value));
}

void json_set_count(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

void json_set_real(json_t *object, const char *name, double value)
{
	json_object_set_new(object, name, json_real(value));
}

int json_write_file(json_t *root, const char *path)
{
	int ret;

	if (!root)
		return -ENOMEM;
	errno = 0;
	ret = json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(DIGITS))
		      ? -(errno ? errno : EIO)
		      : 0;
	json_decref(root);
	return ret;
}
