// SPDX-License-Identifier: BSD-3-Clause
/* Tells NCCL's kernels where received payload lies, and keeps its tokens until they have moved it.
 */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REACH ((uintptr_t)1 << 31) /* to either side of what the base was made for */
#define FIRST_TOKENS 64

struct unpack_shared {
	struct nccl_unpack_meta meta; /* first: it needs the alignment */
	struct nccl_unpack_handle handle;
};

uintptr_t unpack_base(const void *near)
{
	return (uintptr_t)near > REACH ? (uintptr_t)near - REACH : 0;
}

int unpack_new(struct devmem_exporter *exporter, uintptr_t base, struct unpack **unpack,
	       struct devmem_error *err)
{
	struct unpack *new = calloc(1, sizeof(*new));
	struct unpack_shared *shared = devmem_staging_alloc(exporter, sizeof(*shared));

	*unpack = NULL;
	if (!new || !shared) {
		devmem_staging_free(exporter, shared);
		free(new);
		return devmem_error_set(
			err, -ENOMEM,
			"no %zu bytes of page-locked host memory are left for a connection's "
			"metadata: raise the limit of locked memory (ulimit -l), use fewer "
			"channels (NCCL_MAX_NCHANNELS), or unset NCCL_DEVMEM_PLACEMENT",
			sizeof(*shared));
	}
	memset(shared->meta.count, 0, sizeof(shared->meta.count));
	shared->handle = (struct nccl_unpack_handle){
		.meta = &shared->meta,
		.bounce_buf = (void *)base,
		.head = NCCL_UNPACK_NO_MESSAGE,
	};
	*new = (struct unpack){.exporter = exporter, .shared = shared, .base = base};
	*unpack = new;
	return 0;
}

void unpack_free(struct unpack *unpack)
{
	if (!unpack)
		return;
	for (unsigned int i = 0; i < NCCL_UNPACK_SLOTS; i++)
		free(unpack->slots[i].tokens);
	devmem_staging_free(unpack->exporter, unpack->shared);
	free(unpack);
}

struct nccl_unpack_handle *unpack_handle(struct unpack *unpack)
{
	return &unpack->shared->handle;
}

static struct unpack_slot *slot_of(struct unpack *unpack, uint32_t seq)
{
	return &unpack->slots[seq % NCCL_UNPACK_SLOTS];
}

void unpack_begin(struct unpack *unpack, uint32_t seq)
{
	struct unpack_slot *slot = slot_of(unpack, seq);

	slot->loads = 0;
	slot->n_tokens = 0;
}

bool unpack_reaches(const struct unpack *unpack, const void *src, size_t len)
{
	uintptr_t first = (uintptr_t)src;

	return first >= unpack->base && len <= UINT32_MAX &&
	       first - unpack->base <= UINT32_MAX - len;
}

bool unpack_has_room(const struct unpack *unpack, uint32_t seq, unsigned int n)
{
	return unpack->slots[seq % NCCL_UNPACK_SLOTS].loads + n <= NCCL_UNPACK_LOADS;
}

void unpack_add(struct unpack *unpack, uint32_t seq, const void *src, size_t len, size_t offset)
{
	struct unpack_slot *slot = slot_of(unpack, seq);
	struct nccl_unpack_load *loads = unpack->shared->meta.loads[seq % NCCL_UNPACK_SLOTS];
	struct nccl_unpack_load *last = slot->loads ? &loads[slot->loads - 1] : NULL;
	uint32_t src_off = (uint32_t)((uintptr_t)src - unpack->base);

	/* Fragments of one train of packets often lie side by side. */
	if (last && last->src_off + last->len == src_off && last->dst_off + last->len == offset)
		last->len += (uint32_t)len;
	else
		loads[slot->loads++] = (struct nccl_unpack_load){
			.src_off = src_off, .len = (uint32_t)len, .dst_off = offset};
}

int unpack_hold(struct unpack *unpack, uint32_t seq, uint32_t stream, uint32_t token)
{
	struct unpack_slot *slot = slot_of(unpack, seq);

	if (slot->n_tokens == slot->room) {
		unsigned int room = slot->room ? 2 * slot->room : FIRST_TOKENS;
		struct place_token *more = realloc(slot->tokens, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		slot->tokens = more;
		slot->room = room;
	}
	slot->tokens[slot->n_tokens++] = (struct place_token){.token = token, .stream = stream};
	return 0;
}

void unpack_publish(struct unpack *unpack, uint32_t seq)
{
	unsigned int slot = seq % NCCL_UNPACK_SLOTS;

	/* A device reads it once NCCL, told that the message is done, has written its own flag. */
	__atomic_store_n(&unpack->shared->meta.count[slot], unpack->slots[slot].loads,
			 __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool unpack_next(struct unpack *unpack, uint32_t seq, struct place_token *token)
{
	struct unpack_slot *slot = slot_of(unpack, seq);

	if (!slot->n_tokens)
		return false;
	*token = slot->tokens[--slot->n_tokens];
	return true;
}
