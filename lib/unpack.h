/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the payload of received messages lies in a pool, told to NCCL's kernels, which bring it to
 * its place (UNPACK, nccl/unpack.h); and the tokens of that payload, kept until they have.
 *
 * What a connection shares with the kernels is page-locked host memory, which unified addressing
 * lets a device read by the address that the CPU has. Belongs to one connection and its thread.
 */
#ifndef DEVMEM_UNPACK_H
#define DEVMEM_UNPACK_H

#include "devmem.h"
#include "nccl/unpack.h"
#include "place.h"

#ifdef __cplusplus
extern "C" {
#endif

struct unpack_slot {
	unsigned int loads;
	unsigned int n_tokens, room;
	struct place_token *tokens;
};

struct unpack_shared;

struct unpack {
	struct devmem_exporter *exporter;
	struct unpack_shared *shared;
	uintptr_t base;
	struct unpack_slot slots[NCCL_UNPACK_SLOTS];
};

/*
 * The bounce_buf for all connections of a device: 2 GiB below @near, so that memory within 2 GiB of
 * it to either side is within reach of the 32 bits of a load. No memory need lie there.
 */
uintptr_t unpack_base(const void *near);

/* @base is the same for all connections of @exporter's device, which must outlive it. -ENOMEM. */
int unpack_new(struct devmem_exporter *exporter, uintptr_t base, struct unpack **unpack,
	       struct devmem_error *err);
void unpack_free(struct unpack *unpack);
/* What NCCL's kernels are given. */
struct nccl_unpack_handle *unpack_handle(struct unpack *unpack);

/* The connection's message @seq, whose slot the kernels have done with, begins. */
void unpack_begin(struct unpack *unpack, uint32_t seq);
/* Whether @len bytes at @src could be told. */
bool unpack_reaches(const struct unpack *unpack, const void *src, size_t len);
/* Whether @n more pieces could be told. */
bool unpack_has_room(const struct unpack *unpack, uint32_t seq, unsigned int n);
/* Tells of @len bytes at @src, within reach, that belong @offset bytes into the message. */
void unpack_add(struct unpack *unpack, uint32_t seq, const void *src, size_t len, size_t offset);
/* A token of the message's payload. -ENOMEM. */
int unpack_hold(struct unpack *unpack, uint32_t seq, uint32_t stream, uint32_t token);
/* All was told: the kernels may read it. */
void unpack_publish(struct unpack *unpack, uint32_t seq);
/* The kernels have done with it: takes one of its tokens; false when none is left. */
bool unpack_next(struct unpack *unpack, uint32_t seq, struct place_token *token);

#ifdef __cplusplus
}
#endif

#endif
