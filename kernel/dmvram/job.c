// SPDX-License-Identifier: GPL-2.0-only
/* A job of the copy engine: a list of pieces with all that they hold, made from a user's list. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "job.h"

static void side_free(struct dmvram_copy_side *side, bool written)
{
	if (side->dmabuf)
		dma_buf_put(side->dmabuf);
	if (side->pages)
		unpin_user_pages_dirty_lock(side->pages, side->n_pages, written);
	kvfree(side->pages);
}

void dmvram_job_free(struct dmvram_job *job)
{
	unsigned int i;

	for (i = 0; i < job->n; i++) {
		side_free(&job->pieces[i].dst, true);
		side_free(&job->pieces[i].src, false);
	}
	kvfree(job);
}

static int pin(struct dmvram_copy_side *side, u64 addr, size_t len, bool write)
{
	unsigned long n = DIV_ROUND_UP(offset_in_page(addr) + len, PAGE_SIZE);
	unsigned int flags = FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
	int got;

	if (addr + len < addr)
		return -EFAULT;
	side->pages = kvmalloc_array(n, sizeof(*side->pages), GFP_KERNEL);
	if (!side->pages)
		return -ENOMEM;
	side->addr = offset_in_page(addr);
	while (side->n_pages < n) {
		got = pin_user_pages_fast((addr & PAGE_MASK) + side->n_pages * PAGE_SIZE,
					  n - side->n_pages, flags, side->pages + side->n_pages);
		if (got <= 0)
			return got == -ENOMEM || got == -EINTR ? got : -EFAULT;
		side->n_pages += got;
	}
	return 0;
}

/* What it holds is given back by side_free(), also after an error. */
static int side_init(struct dmvram_device *dev, struct dmvram_copy_side *side,
		     const struct dmvram_side *user, size_t len, bool write)
{
	const struct dmvram_buffer *buffer;
	struct dma_buf *dmabuf;

	if (user->pad)
		return -EINVAL;
	if (user->fd == -1)
		return pin(side, user->addr, len, write);
	dmabuf = dmvram_dmabuf_get(dev, user->fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	side->dmabuf = dmabuf;
	buffer = dmabuf->priv;
	if (user->addr > buffer->size || len > buffer->size - user->addr)
		return -ERANGE;
	side->addr = buffer->start + user->addr;
	return 0;
}

static int job_fill(struct dmvram_job *job, const struct dmvram_piece __user *pieces,
		    unsigned int n)
{
	struct dmvram_device *dev = job->file->dev;
	struct dmvram_piece user;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		struct dmvram_copy_piece *piece = &job->pieces[i];

		if (copy_from_user(&user, &pieces[i], sizeof(user)))
			return -EFAULT;
		if (!user.len || user.len > DMVRAM_MAX_PIECE_BYTES)
			return -EINVAL;
		piece->len = user.len;
		err = side_init(dev, &piece->dst, &user.dst, user.len, true);
		if (!err)
			err = side_init(dev, &piece->src, &user.src, user.len, false);
		if (err)
			return err;
	}
	return 0;
}

struct dmvram_job *dmvram_job_new(struct dmvram_file *file, const struct dmvram_copy *copy)
{
	struct dmvram_job *job;
	int err;

	if (!copy->n || copy->n > DMVRAM_MAX_PIECES || copy->pad)
		return ERR_PTR(-EINVAL);
	job = kvzalloc(struct_size(job, pieces, copy->n), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->n = copy->n;
	job->file = file;
	err = job_fill(job, u64_to_user_ptr(copy->pieces), copy->n);
	if (err) {
		dmvram_job_free(job);
		return ERR_PTR(err);
	}
	return job;
}
