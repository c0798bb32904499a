/* SPDX-License-Identifier: BSD-3-Clause */
/* Tracepoints for bpftrace, perf and gdb (docs/tracing.md): one nop each when nobody listens,
 * nothing at all where the build had no sys/sdt.h. */
#ifndef DEVMEM_PROBE_H
#define DEVMEM_PROBE_H

#ifdef DEVMEM_HAVE_SDT
#include <sys/sdt.h>
#define PROBE2(name, a, b) DTRACE_PROBE2(devmem, name, a, b)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(devmem, name, a, b, c)
#define PROBE4(name, a, b, c, d) DTRACE_PROBE4(devmem, name, a, b, c, d)
#else
#define PROBE2(name, a, b) ((void)(a), (void)(b))
#define PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define PROBE4(name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

#endif
