/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin's variables (params.def), read from the environment. */
#ifndef PLUGIN_PARAMS_H
#define PLUGIN_PARAMS_H

#include "devmem.h"
#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

struct params {
#define TEXT(member, name, value, help) const char *member;
#define NUMBER(member, name, value, min, max, help) long member;
#define CHOICE(member, name, value, choices, help) long member;
#include "params.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
};

/*
 * Reads all variables. One that cannot be understood is an error, said by @log: -EINVAL. An unknown
 * NCCL_DEVMEM_* is a warning with the nearest name. Texts belong to the environment.
 */
int params_read(struct params *params, log_fn log);
/* The kind that NCCL_DEVMEM_MEMORY stands for; auto asks for CUDA's first. */
enum devmem_mem_kind params_memory(const struct params *params);

#ifdef __cplusplus
}
#endif

#endif
