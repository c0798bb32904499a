/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers of the kernel's device memory TCP interface that Debian 12's headers lack (source: Linux 6.12 and 6.16 uapi). */
#ifndef DEVMEM_UAPI_H
#define DEVMEM_UAPI_H

#include <stdint.h>
#include <sys/socket.h>

/* include/linux/socket.h in the kernel; in no uapi header */
#ifndef MSG_SOCK_DEVMEM
#define MSG_SOCK_DEVMEM 0x2000000
#endif

/* include/uapi/asm-generic/socket.h; parisc and sparc have other numbers and are not supported here */
#ifndef SO_DEVMEM_LINEAR
#define SO_DEVMEM_LINEAR 78
#define SCM_DEVMEM_LINEAR SO_DEVMEM_LINEAR
#define SO_DEVMEM_DMABUF 79
#define SCM_DEVMEM_DMABUF SO_DEVMEM_DMABUF
#define SO_DEVMEM_DONTNEED 80
#endif

/* limits of SO_DEVMEM_DONTNEED, net/core/sock.c */
#define DEVMEM_UAPI_MAX_RANGES 128
#define DEVMEM_UAPI_MAX_FRAGS 1024

/* recvmsg gives this, a number that no libc names, when not one cmsg fits in msg_control */
#define DEVMEM_UAPI_ETOOSMALL 525

/* struct dmabuf_cmsg and struct dmabuf_token of include/uapi/linux/uio.h under names that cannot clash with newer headers */
struct devmem_uapi_cmsg {
	uint64_t frag_offset;
	uint32_t frag_size;
	uint32_t frag_token;
	uint32_t dmabuf_id;
	uint32_t flags;
};

struct devmem_uapi_token {
	uint32_t token_start;
	uint32_t token_count;
};

/* include/uapi/linux/netdev.h: generic netlink family "netdev", version 1 */
#define DEVMEM_NETDEV_FAMILY "netdev"
enum {
	DEVMEM_NETDEV_CMD_DEV_GET = 1,
	DEVMEM_NETDEV_CMD_QUEUE_GET = 10,
	DEVMEM_NETDEV_CMD_BIND_RX = 13,
	DEVMEM_NETDEV_CMD_BIND_TX = 15,
};

enum { DEVMEM_NETDEV_A_DMABUF_IFINDEX = 1, DEVMEM_NETDEV_A_DMABUF_QUEUES, DEVMEM_NETDEV_A_DMABUF_FD, DEVMEM_NETDEV_A_DMABUF_ID, DEVMEM_NETDEV_A_DMABUF_RX_BUF_SIZE };

enum {
	DEVMEM_NETDEV_A_QUEUE_ID = 1,
	DEVMEM_NETDEV_A_QUEUE_IFINDEX,
	DEVMEM_NETDEV_A_QUEUE_TYPE,
	DEVMEM_NETDEV_A_QUEUE_NAPI_ID,
	DEVMEM_NETDEV_A_QUEUE_DMABUF,
};

enum { DEVMEM_NETDEV_QUEUE_TYPE_RX, DEVMEM_NETDEV_QUEUE_TYPE_TX };

/* include/uapi/linux/ethtool_netlink.h: values of ETHTOOL_A_RINGS_TCP_DATA_SPLIT (attribute 11) */
#define DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT 11
#define DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH 17 /* u32 bytes; Linux 6.14 and later */
enum { DEVMEM_TCP_DATA_SPLIT_UNKNOWN, DEVMEM_TCP_DATA_SPLIT_DISABLED, DEVMEM_TCP_DATA_SPLIT_ENABLED };

#endif
