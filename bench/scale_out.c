// SPDX-License-Identifier: BSD-3-Clause
/* Tables whose every line begins with the word model. */
#include "scale_out.h"

#include <errno.h>
#include <stdio.h>

static void add_column(struct out *out, const char *title, int flags)
{
	if (!scols_table_new_column(out->table, title, 0, flags))
		out->error = -ENOMEM;
}

void out_begin(struct out *out, const char *const *titles, unsigned int n, unsigned int left)
{
	*out = (struct out){.columns = n};
	scols_init_debug(0);
	out->table = scols_new_table();
	if (!out->table) {
		out->error = -ENOMEM;
		return;
	}
	scols_table_enable_nowrap(out->table, 1);
	/* A terminal's width would cut figures off. */
	scols_table_set_termforce(out->table, SCOLS_TERMFORCE_NEVER);
	add_column(out, "model", 0);
	for (unsigned int i = 0; i < n; i++)
		add_column(out, titles[i], left >> i & 1 ? 0 : SCOLS_FL_RIGHT);
}

void out_row(struct out *out, const struct out_row *row)
{
	struct libscols_line *line;

	if (out->error)
		return;
	line = scols_table_new_line(out->table, NULL);
	if (!line || scols_line_set_data(line, 0, "model"))
		out->error = -ENOMEM;
	for (unsigned int i = 0; i < out->columns && !out->error; i++)
		if (scols_line_set_data(line, i + 1, row->cells[i]))
			out->error = -ENOMEM;
}

int out_end(struct out *out)
{
	if (!out->error && scols_print_table(out->table))
		out->error = -EIO;
	scols_unref_table(out->table);
	return out->error;
}

const char *out_size(double bytes, char text[OUT_CELL])
{
	static const char units[] = " KMGT";
	unsigned int unit = 0;

	while (bytes >= 1024 && units[unit + 1]) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, OUT_CELL, unit ? "%g%c" : "%g", bytes, units[unit]);
	return text;
}
