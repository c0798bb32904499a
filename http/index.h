/* SPDX-License-Identifier: BSD-3-Clause */
/* The two kinds of index that devmem_index_parse() knows. */
#ifndef DEVMEM_HTTP_INDEX_H
#define DEVMEM_HTTP_INDEX_H

#include "devmem_http.h"
#include "url.h"

/* Both read all of the index before they call @entry, which gets nothing of a broken one. */
int index_text(const char *text, size_t len, const struct url *base, devmem_index_fn entry,
	       void *arg, struct devmem_error *err);
int index_xml(const char *text, size_t len, const struct url *base, devmem_index_fn entry,
	      void *arg, struct devmem_error *err);

#endif
