/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which data stream takes the next chunk: the one that will have it delivered first, going by what
 * it has under way and how fast it was of late.
 *
 * So a slow stream gets few chunks, and delays no message much, instead of an equal part of all.
 */
#ifndef DEVMEM_CHUNK_SCHED_H
#define DEVMEM_CHUNK_SCHED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SCHED_STREAMS 8
#define SCHED_WAITING (1024 * 1024) /* bytes that may wait for room in a stream's socket */
#define SCHED_CHUNK_MIN (128 * 1024)
#define SCHED_CHUNK_MAX (512 * 1024)

/* One stream's. Zero-initialise before use. */
struct sched_load {
	size_t under_way;	      /* bytes assigned and not yet acknowledged */
	size_t waiting;		      /* bytes of them that the socket has not taken */
	uint64_t since_ns;	      /* up to when busy_ns is counted */
	double busy_ns, acknowledged; /* time with bytes under way, and bytes in it; of late */
};

/* @len bytes are given to the stream at @now_ns, of any clock. */
void sched_assigned(struct sched_load *load, size_t len, uint64_t now_ns);
/* @len of them have arrived. */
void sched_acknowledged(struct sched_load *load, size_t len, uint64_t now_ns);
/* The stream for the next @len bytes, or -1 when all have enough waiting. @last: the one before, so
 * that equals take turns. */
int sched_pick(const struct sched_load *loads, unsigned int n, unsigned int last, size_t len);
/* Bytes of the next chunk of a message of @len bytes over @n streams: whole pages but for the last
 * chunk. */
size_t sched_chunk(size_t len, unsigned int n);

#ifdef __cplusplus
}
#endif

#endif
