/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of the command line that become numbers: sizes, lists of queues, kinds of memory. */
#ifndef DEVMEMCAT_TEXT_H
#define DEVMEMCAT_TEXT_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUEUE_LIST_MAX 64

struct queue_list {
	unsigned int n;
	unsigned int queue[QUEUE_LIST_MAX];
};

/* "8", "64K", "1M", "2G": powers of 1024. False when @text is something else or too large. */
bool text_size(const char *text, uint64_t *bytes);
/* A whole number from @min to @max. */
bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);
/* "3", "3,5" or "4-7", in that order. False for another form, a queue named twice, queue 0 (it
 * takes the traffic that no rule steers), or more than QUEUE_LIST_MAX. */
bool text_queues(const char *text, struct queue_list *queues);
/* The name of a kind of memory, as devmem_mem_kind_name() gives it. */
bool text_kind(const char *text, enum devmem_mem_kind *kind);
/* All those names, with ", " between them, in @text. */
void text_kinds(char *text, size_t room);

#ifdef __cplusplus
}
#endif

#endif
