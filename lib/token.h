/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens of one socket: which are out, and a batch of those to give back. Pure bookkeeping: the
 * system call is the caller's. */
#ifndef DEVMEM_TOKEN_H
#define DEVMEM_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/devmem_uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The kernel reuses a token as soon as it is returned, so one returned twice could free a newer
 * fragment: every token is checked against a bitmap of those that are out. Zero-initialise before
 * use.
 */
struct token_set {
	uint64_t *out;	    /* bit t: token t was taken and not put back */
	uint32_t words;	    /* 64-bit words in out */
	uint32_t n_out;	    /* taken and not yet flushed: counts batched ones too */
	uint32_t n_ranges;  /* used entries of batch */
	uint32_t n_batched; /* tokens in batch */
	struct devmem_uapi_token batch[DEVMEM_UAPI_MAX_RANGES];
};

/* 0, -EEXIST when @token is out already (the kernel never does that), -ENOMEM. */
int token_take(struct token_set *set, uint32_t token);
/* Moves @token to the batch, joined to the last range if adjacent. -EINVAL: not out. -ENOSPC: the
 * batch is full, flush first. */
int token_put(struct token_set *set, uint32_t token);
/* True when the batch is worth a system call: no room for another range or another 1,024 tokens. */
bool token_batch_full(const struct token_set *set);
/* The batch was handed to the kernel. */
void token_batch_done(struct token_set *set);
void token_set_free(struct token_set *set);

#ifdef __cplusplus
}
#endif

#endif
