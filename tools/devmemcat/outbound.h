/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the source to the socket: bytes are read into slots of host memory, copied by the copy
 * engine to slots of device memory, and sent from there by the NIC. A slot is free again when its
 * bytes are acknowledged. Without device memory to send from, slots of host memory are sent.
 */
#ifndef DEVMEMCAT_OUTBOUND_H
#define DEVMEMCAT_OUTBOUND_H

#include "devmem.h"
#include "source.h"

#define OUTBOUND_SLOTS 16
#define OUTBOUND_SLOT_BYTES ((size_t)256 << 10)

struct outbound_slot {
	uint8_t *bytes;
	size_t len, sent;
	uint64_t fence;
	uint32_t completion; /* of the slot's last send */
};

struct outbound {
	struct devmem_stream *stream;
	struct devmem_exporter *exporter;
	struct devmem_mem *mem; /* NULL: sent from host memory */
	struct devmem_binding *binding;
	struct source *source;
	bool eof;	 /* of the source */
	bool shut;	 /* the peer was told */
	uint64_t staged; /* bytes that the copy engine moved to device memory */
	uint64_t sends;	 /* calls that took bytes of device memory */
	uint64_t
		completions; /* notifications that bytes sent from device memory are acknowledged */
	/* Slots are used in turn: freed <= sent <= copied <= started <= filled <= freed + SLOTS. */
	unsigned int filled, started, copied, sent, freed;
	struct outbound_slot slots[OUTBOUND_SLOTS];
};

int outbound_open(struct outbound *out, struct devmem_stream *stream,
		  struct devmem_exporter *exporter, struct source *source,
		  struct devmem_error *err);
/* Makes the device memory and binds it to the NIC @ifindex. On failure @out sends from host memory.
 */
int outbound_bind(struct outbound *out, unsigned int ifindex, struct devmem_error *err);
/* The stream must be closed before. */
void outbound_close(struct outbound *out);
/* Moves everything as far as it goes without waiting. 1: something moved, 0: nothing, -errno with
 * @err. */
int outbound_step(struct outbound *out, struct devmem_error *err);
/* The source's end came, all before it was sent and the peer knows that no more comes. */
bool outbound_done(const struct outbound *out);
/* Nothing that was read waits to be sent. */
bool outbound_empty(const struct outbound *out);
bool outbound_wants_socket(const struct outbound *out);
bool outbound_wants_source(const struct outbound *out);
bool outbound_copying(const struct outbound *out);

#endif
