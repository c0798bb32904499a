/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of a transfer: how far it is, and at its end where the bytes went. */
#ifndef DEVMEMCAT_REPORT_H
#define DEVMEMCAT_REPORT_H

#include "session.h"

/* With -v, on a terminal, once a second; @now_ms by clock_ms(). */
void report_progress(const struct session *session, int64_t now_ms);
/* Ends the line of progress if there is one. */
void report_progress_end(const struct session *session);
/* The figures as the options want them. False, after a message, when a file cannot be written. */
bool report_stats(const struct session *session, enum exit_status status);

#endif
