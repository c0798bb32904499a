/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control sockets of closed connections whose last bytes the peer has not acknowledged.
 *
 * A socket that is closed while bytes of the peer are unread, or come later, is reset, and what is
 * still on its way to the peer is lost. So such sockets are kept and emptied until all has arrived.
 */
#ifndef DEVMEM_LINGER_H
#define DEVMEM_LINGER_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lingering;

struct linger_list {
	pthread_mutex_t lock;
	struct lingering *first;
};

void linger_init(struct linger_list *list);
/* Says to the peer that no more comes, and takes over @fd: closes it as soon as the peer has
 * everything or has reset it, after @patience_ms in any case. */
void linger_add(struct linger_list *list, int fd, int patience_ms);
/* Closes those that are through. To be called now and then. */
void linger_sweep(struct linger_list *list);
/* Closes all; waits at most @wait_ms for those that are not through. */
void linger_end(struct linger_list *list, int wait_ms);

#ifdef __cplusplus
}
#endif

#endif
