/* SPDX-License-Identifier: BSD-3-Clause */
/* What one header field of a response means for its head. */
#ifndef DEVMEM_HTTP_HEAD_FIELD_H
#define DEVMEM_HTTP_HEAD_FIELD_H

#include "head.h"

/* True for a field that head_field() takes. */
bool head_field_known(const char *name);
/* Takes the field @name, which may be any, with @value, without blanks around it. -EPROTO: it
 * contradicts itself or an earlier field. */
int head_field(struct head *head, const char *name, const char *value, struct devmem_error *err);

#endif
