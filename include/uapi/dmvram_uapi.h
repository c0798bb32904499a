/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The interface of /dev/dmvram: memory of a device made of software, exported as dmabufs, and the
 * device's copy engine. Shared by the kernel module (kernel/dmvram) and programs.
 */
#ifndef DMVRAM_UAPI_H
#define DMVRAM_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DMVRAM_ALLOC_MMAP 1u /* the CPU may mmap the dmabuf; otherwise mmap fails with EPERM */
#define DMVRAM_ALLOC_ODD 2u  /* importers see parts that are not whole pages, as a test of them */
#define DMVRAM_ALLOC_LOST 4u /* importers see addresses at which there is nothing, likewise */

/*
 * Allocates contiguous, zeroed device memory; it is freed when the dmabuf's last user is gone.
 * EINVAL: size is 0 or no multiple of the page size, or an unknown flag. ENOMEM: the device has no
 * such piece left.
 */
struct dmvram_alloc {
	__u64 size;  /* bytes */
	__u32 flags; /* DMVRAM_ALLOC_* */
	__s32 fd;    /* out: the dmabuf, close-on-exec */
};

/* One side of a copy: byte @addr of the dmabuf @fd, or memory of the caller at @addr if @fd is -1. */
struct dmvram_side {
	__u64 addr;
	__s32 fd;
	__u32 pad; /* 0 */
};

#define DMVRAM_MAX_PIECES 1024u
#define DMVRAM_MAX_PIECE_BYTES (1ull << 30)
#define DMVRAM_MAX_COPIES 256u

/* Any offset and length; the two sides may not overlap. */
struct dmvram_piece {
	struct dmvram_side dst, src;
	__u64 len; /* bytes, 1 to DMVRAM_MAX_PIECE_BYTES */
};

/*
 * Starts copying a list of pieces, in order, after all copies that were started by this open file
 * before. Buffers and the caller's pages are held until it is done. The list is checked as a whole
 * and nothing is started on an error. EINVAL: an empty or too long list or piece, or a dmabuf of
 * another exporter. EBADF: no dmabuf. ERANGE: beyond the end of a dmabuf. EFAULT: caller's memory
 * that is not there or not writable. EAGAIN: DMVRAM_MAX_COPIES are under way. Anything else is what
 * an earlier copy of this open file failed with: it stays failed.
 */
struct dmvram_copy {
	__u64 pieces; /* address of struct dmvram_piece[n] */
	__u32 n;      /* 1 to DMVRAM_MAX_PIECES */
	__u32 pad;    /* 0 */
	__u64 fence;  /* out: for DMVRAM_IOC_WAIT; counts up from 1 */
};

/*
 * Waits until the copy with that fence, and so all before it, is done: returns 1 when it is, 0 when
 * it is not after @timeout_ns (0: do not wait). EINVAL: no such fence was given yet. EINTR. Other
 * errors are the copy's.
 */
struct dmvram_wait {
	__u64 fence; /* out, where no error: the last one that is done, which may be later */
	__u64 timeout_ns;
};

struct dmvram_info {
	__u64 size, free; /* bytes of the device's memory */
	__u64 copies;	  /* done by the copy engine since load */
	__u64 copy_bytes; /* moved by it */
	__u64 copy_ns;	  /* its working time */
};

/* What a dmabuf is. EBADF: no dmabuf. EINVAL: not of this device. */
struct dmvram_buffer_info {
	__s32 fd;
	__u32 flags; /* out: DMVRAM_ALLOC_* */
	__u64 size;  /* out */
};

#define DMVRAM_IOC_ALLOC _IOWR('V', 0xd0, struct dmvram_alloc)
#define DMVRAM_IOC_COPY _IOWR('V', 0xd1, struct dmvram_copy)
#define DMVRAM_IOC_WAIT _IOWR('V', 0xd2, struct dmvram_wait)
#define DMVRAM_IOC_INFO _IOR('V', 0xd3, struct dmvram_info)
#define DMVRAM_IOC_BUFFER_INFO _IOWR('V', 0xd4, struct dmvram_buffer_info)

#endif
