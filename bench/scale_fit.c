// SPDX-License-Identifier: BSD-3-Clause
/* Least squares of a line through times of messages. */
#include "scale_fit.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

struct sums {
	double weight, bytes, seconds; /* weighted */
	double spread, slope;	       /* about the mean of bytes */
	double square, product;	       /* about 0 */
};

static double weight_of(const struct fit_point *point)
{
	return 1 / (point->seconds * point->seconds);
}

static void add_up(const struct fit_point *points, unsigned int n, struct sums *sums)
{
	double mean;

	*sums = (struct sums){0};
	for (unsigned int i = 0; i < n; i++) {
		double weight = weight_of(&points[i]);

		sums->weight += weight;
		sums->bytes += weight * points[i].bytes;
		sums->seconds += weight * points[i].seconds;
		sums->square += weight * points[i].bytes * points[i].bytes;
		sums->product += weight * points[i].bytes * points[i].seconds;
	}
	mean = sums->bytes / sums->weight;
	for (unsigned int i = 0; i < n; i++) {
		double off = points[i].bytes - mean;

		sums->spread += weight_of(&points[i]) * off * off;
		sums->slope += weight_of(&points[i]) * off * points[i].seconds;
	}
}

/* Noise can make either negative, which no cost is: then the line of the other alone. */
static void solve(const struct sums *sums, struct fit *fit)
{
	fit->byte_s = sums->slope / sums->spread;
	fit->message_s = (sums->seconds - fit->byte_s * sums->bytes) / sums->weight;
	if (fit->message_s < 0) {
		fit->message_s = 0;
		fit->byte_s = sums->product / sums->square;
	} else if (fit->byte_s < 0) {
		fit->byte_s = 0;
		fit->message_s = sums->seconds / sums->weight;
	}
}

static void judge(const struct fit_point *points, unsigned int n, struct fit *fit)
{
	double sum = 0;

	fit->points = n;
	fit->worst = 0;
	for (unsigned int i = 0; i < n; i++) {
		double line = fit->message_s + fit->byte_s * points[i].bytes;
		double off = fabs(line - points[i].seconds) / points[i].seconds;

		sum += off * off;
		fit->worst = fmax(fit->worst, off);
	}
	fit->noise = sqrt(sum / n);
}

int fit_line(const struct fit_point *points, unsigned int n, struct fit *fit)
{
	bool sizes = false;
	struct sums sums;

	for (unsigned int i = 0; i < n; i++) {
		if (!(points[i].seconds > 0) || !isfinite(points[i].seconds))
			return -EINVAL;
		sizes |= points[i].bytes != points[0].bytes;
	}
	if (!sizes)
		return -EINVAL;
	add_up(points, n, &sums);
	solve(&sums, fit);
	judge(points, n, fit);
	return 0;
}
