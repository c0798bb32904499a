/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of the Python binding ask of the libraries that stand in for the real ones. */
#ifndef STANDIN_H
#define STANDIN_H

#include "devmem_http.h"

#pragma GCC visibility push(default)

#define STANDIN_NO_DEVICE 99	 /* ordinal of an exporter that does not open */
#define STANDIN_BROKEN_ENGINE 98 /* ordinal of one that copies nothing */

/* How many there are now. */
unsigned int standin_exporters(void);
unsigned int standin_memories(void);
unsigned int standin_stagings(void);
unsigned int standin_clients(void);
unsigned int standin_loaders(void);
unsigned int standin_objects_out(void);
/* How many copies were started. */
unsigned int standin_copies(void);
/* Releases of objects that were not out. */
unsigned int standin_wrong_releases(void);
/* What the last client was opened with. */
const struct devmem_http_options *standin_options(void);
const char *standin_nic(void);

#pragma GCC visibility pop

#endif
