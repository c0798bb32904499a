// SPDX-License-Identifier: BSD-3-Clause
/* What the stand-in's device memory is made of: a memfd that udmabuf exports, or memory of
 * /dev/dmvram, which no CPU reaches. */
#include "fake_cuda.h"

#include <dmvram_uapi.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define COPY_NS 20000000000ull /* a copy of dmvram's that takes longer will not end */

static int dmvram = -1; /* open while there is memory of it */
static unsigned int dmvram_allocs;

static bool open_dmvram(struct fake_alloc *alloc)
{
	struct dmvram_alloc request = {.size = alloc->size};

	if (!dmvram_allocs)
		dmvram = open("/dev/dmvram", O_RDWR | O_CLOEXEC);
	if (ioctl(dmvram, DMVRAM_IOC_ALLOC, &request)) {
		if (!dmvram_allocs && dmvram >= 0)
			close(dmvram);
		return false;
	}
	alloc->fd = request.fd;
	dmvram_allocs++;
	return true;
}

/* What udmabuf takes: sealed against shrinking. */
static bool open_memfd(struct fake_alloc *alloc)
{
	void *map;

	alloc->fd = memfd_create("fake-cuda", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (alloc->fd < 0)
		return false;
	map = MAP_FAILED;
	if (!ftruncate(alloc->fd, (off_t)alloc->size) &&
	    !fcntl(alloc->fd, F_ADD_SEALS, F_SEAL_SHRINK))
		map = mmap(NULL, alloc->size, PROT_READ | PROT_WRITE, MAP_SHARED, alloc->fd, 0);
	if (map == MAP_FAILED) {
		close(alloc->fd);
		return false;
	}
	alloc->cpu = map;
	return true;
}

bool fake_backing_open(struct fake_alloc *alloc)
{
	return alloc->dmvram ? open_dmvram(alloc) : open_memfd(alloc);
}

void fake_backing_close(struct fake_alloc *alloc)
{
	close(alloc->fd);
	if (alloc->dmvram && --dmvram_allocs == 0)
		close(dmvram);
	/* A copy of a broken context may still be at it. */
	if (alloc->cpu && !alloc->uses)
		munmap(alloc->cpu, alloc->size);
}

static int export_udmabuf(const struct fake_alloc *alloc, size_t offset, size_t size)
{
	struct udmabuf_create create = {
		.memfd = (unsigned int)alloc->fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (device < 0)
		return -1;
	fd = ioctl(device, UDMABUF_CREATE, &create);
	close(device);
	return fd;
}

int fake_backing_export(const struct fake_alloc *alloc, size_t offset, size_t size)
{
	if (!alloc->dmvram)
		return export_udmabuf(alloc, offset, size);
	return offset || size != alloc->size ? -1 : fcntl(alloc->fd, F_DUPFD_CLOEXEC, 3);
}

static uint8_t *cpu_address(const struct fake_place *place)
{
	return place->alloc ? place->alloc->cpu + place->offset : place->host;
}

static struct dmvram_side side_of(const struct fake_place *place)
{
	if (place->alloc && place->alloc->dmvram)
		return (struct dmvram_side){.addr = place->offset, .fd = place->alloc->fd};
	return (struct dmvram_side){.addr = (uintptr_t)cpu_address(place), .fd = -1};
}

void fake_move(const struct fake_place *dst, const struct fake_place *src, size_t size)
{
	struct dmvram_piece piece;
	struct dmvram_copy copy = {.pieces = (uintptr_t)&piece, .n = 1};
	struct dmvram_wait wait = {.timeout_ns = COPY_NS};

	if (!(dst->alloc && dst->alloc->dmvram) && !(src->alloc && src->alloc->dmvram)) {
		memmove(cpu_address(dst), cpu_address(src), size);
		return;
	}
	piece = (struct dmvram_piece){.dst = side_of(dst), .src = side_of(src), .len = size};
	if (ioctl(dmvram, DMVRAM_IOC_COPY, &copy))
		fake_misuse("/dev/dmvram does not copy %zu bytes: %m", size);
	wait.fence = copy.fence;
	if (ioctl(dmvram, DMVRAM_IOC_WAIT, &wait) != 1)
		fake_misuse("/dev/dmvram has not copied %zu bytes: %m", size);
}
