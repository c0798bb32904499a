// SPDX-License-Identifier: BSD-3-Clause
/* Header split of a NIC for as long as a process needs it, then as it was found. */
#include "split.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "rings.h"
#include "uapi/devmem_uapi.h"

#define LOCK_MS 5000 /* longer than a driver needs to put header split back */
#define LOCK_STEP_NS 10000000

static const char note[] = "off\n";

struct split {
	char nic[DEVMEM_NIC_NAME];
	char path[256];
	int fd;
};

/* The exclusive lock is held only while header split is put back. */
static int lock_shared(int fd)
{
	int64_t deadline = clock_ms() + LOCK_MS;

	while (flock(fd, LOCK_SH | LOCK_NB)) {
		if (errno != EWOULDBLOCK || clock_ms() > deadline)
			return -errno;
		nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_NS}, NULL);
	}
	return 0;
}

static int open_note(struct split *split, const char *dir)
{
	struct stat ns;

	if (stat("/proc/self/ns/net", &ns))
		ns.st_ino = 0;
	if (snprintf(split->path, sizeof(split->path), "%s/%lu-%s-header-split", dir,
		     (unsigned long)ns.st_ino, split->nic) >= (int)sizeof(split->path))
		return -ENAMETOOLONG;
	split->fd = open(split->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return split->fd < 0 ? -errno : lock_shared(split->fd);
}

static int switch_on(struct split *split, struct devmem_error *err)
{
	struct nic_rings rings;
	int ret = nic_rings_get(split->nic, &rings, err);

	if (ret || rings.tcp_data_split == DEVMEM_TCP_DATA_SPLIT_ENABLED)
		return ret;
	if (pwrite(split->fd, note, strlen(note), 0) != (ssize_t)strlen(note))
		return devmem_error_set(err, -EIO, "cannot write to %s: %s", split->path,
					strerror(errno));
	ret = devmem_nic_set_header_split(split->nic, true, err);
	if (ret && ftruncate(split->fd, 0))
		return ret; /* the note says what is so anyway */
	return ret;
}

int split_hold(const char *nic, const char *dir, struct split **split, struct devmem_error *err)
{
	struct split *new = calloc(1, sizeof(*new));
	int ret;

	*split = NULL;
	if (!new)
		return devmem_error_set(err, -ENOMEM, "out of memory");
	new->fd = -1;
	snprintf(new->nic, sizeof(new->nic), "%s", nic);
	ret = open_note(new, dir);
	if (ret)
		devmem_error_set(err, ret, "cannot lock %s: %s", new->path[0] ? new->path : dir,
				 strerror(-ret));
	else
		ret = switch_on(new, err);
	if (ret) {
		if (new->fd >= 0)
			close(new->fd);
		free(new);
		return ret;
	}
	*split = new;
	return 0;
}

int split_release(struct split *split, struct devmem_error *err)
{
	char text[sizeof(note)] = "";
	int ret = 0;

	if (!split)
		return 0;
	/* Of two that leave at once, the kernel lets exactly one have it: the other has given up
	 * its share by asking. */
	if (!flock(split->fd, LOCK_EX | LOCK_NB) &&
	    pread(split->fd, text, sizeof(text) - 1, 0) > 0 && !strcmp(text, note)) {
		ret = devmem_nic_set_header_split(split->nic, false, err);
		if (!ret && ftruncate(split->fd, 0))
			ret = devmem_error_set(err, -errno, "cannot clear %s: %s", split->path,
					       strerror(errno));
	}
	close(split->fd);
	free(split);
	return ret;
}
