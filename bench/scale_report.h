/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints what the model says, as tables and as JSON. Every line says that it is a model. */
#ifndef BENCH_SCALE_REPORT_H
#define BENCH_SCALE_REPORT_H

#include "scale_args.h"
#include "scale_fit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the model is calibrated with. */
void report_costs(const struct scale_options *options, const struct fit *fit);
/* All-reduces of 8 B to 8 GiB, set-up and limits of one system. 0 or -errno. */
int report_one(const struct scale_options *options);
/* Four sizes side by side, and the limits. 0 or -errno. */
int report_table(const struct scale_options *options);
/* The same as JSON in options->json. 0 or -errno. */
int report_json(const struct scale_options *options, const struct fit *fit);

/* Their sizes in bytes, and GPUs of the systems side by side. */
#define REPORT_SIZES 31u
#define REPORT_SYSTEMS 4u
double report_size(unsigned int i);
extern const unsigned int report_gpus[REPORT_SYSTEMS];

#ifdef __cplusplus
}
#endif

#endif
