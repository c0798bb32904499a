// SPDX-License-Identifier: GPL-2.0-only
/* The copy engine: works off the jobs of all open files in turn, and tells how far it is. */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "../dmbus/dmbus.h"
#include "job.h"

#define STEP SZ_64K /* bytes between two looks at whether anybody still waits */

static void file_free(struct kref *ref)
{
	struct dmvram_file *file = container_of(ref, struct dmvram_file, ref);

	dmvram_device_put(file->dev);
	mutex_destroy(&file->lock);
	kfree(file);
}

void dmvram_file_put(struct dmvram_file *file)
{
	kref_put(&file->ref, file_free);
}

/* The page of @side that holds byte @done; *@len shrinks to what is left of it. */
static struct page *page_at(const struct dmvram_copy_side *side, size_t done, size_t *len)
{
	size_t at = side->addr + done;

	*len = min_t(size_t, *len, PAGE_SIZE - offset_in_page(at));
	return side->pages[at >> PAGE_SHIFT];
}

static int move(const struct dmvram_copy_piece *piece, size_t done, size_t *len)
{
	const struct dmvram_copy_side *dst = &piece->dst, *src = &piece->src;
	void *to = NULL, *from = NULL;
	struct page *page;
	int err = 0;

	if (src->pages) {
		page = page_at(src, done, len);
		from = kmap_local_page(page) + offset_in_page(src->addr + done);
	}
	if (dst->pages) {
		page = page_at(dst, done, len);
		to = kmap_local_page(page) + offset_in_page(dst->addr + done);
	}
	if (to && from)
		memcpy(to, from, *len);
	else if (to)
		err = dmbus_read(src->addr + done, to, *len);
	else if (from)
		err = dmbus_write(dst->addr + done, from, *len);
	else
		err = dmbus_copy(dst->addr + done, src->addr + done, *len, NULL);
	if (to)
		kunmap_local(to);
	if (from)
		kunmap_local(from);
	return err;
}

/* Adds to *@ns the time that hardware would work: not what others have of the CPU in between. */
static int run_piece(const struct dmvram_file *file, const struct dmvram_copy_piece *piece, u64 *ns)
{
	size_t done, len;
	int err = 0;
	u64 start;

	for (done = 0; !err && done < piece->len; done += len) {
		if (READ_ONCE(file->closed))
			return -ECANCELED;
		len = min_t(size_t, piece->len - done, STEP);
		start = ktime_get_ns();
		err = move(piece, done, &len);
		*ns += ktime_get_ns() - start;
		cond_resched();
	}
	return err;
}

static int run(const struct dmvram_job *job)
{
	struct dmvram_device *dev = job->file->dev;
	u64 ns = 0, bytes = 0;
	unsigned int i;
	int err = 0;

	if (READ_ONCE(dev->fail_copies)) {
		WRITE_ONCE(dev->fail_copies, dev->fail_copies - 1);
		return -EIO;
	}
	for (i = 0; !err && i < job->n; i++) {
		err = run_piece(job->file, &job->pieces[i], &ns);
		bytes += job->pieces[i].len;
	}
	if (err)
		return err;
	WRITE_ONCE(dev->copies, dev->copies + 1);
	WRITE_ONCE(dev->copy_bytes, dev->copy_bytes + bytes);
	WRITE_ONCE(dev->copy_ns, dev->copy_ns + ns);
	return 0;
}

/* What failed once stays failed: later copies may build on what is not there. */
static void engine_work(struct work_struct *work)
{
	struct dmvram_job *job = container_of(work, struct dmvram_job, work);
	struct dmvram_file *file = job->file;
	u64 fence = job->fence;
	int err = file->error;

	if (!err)
		err = run(job);
	/* Whoever is told that it is done finds nothing held any more. */
	dmvram_job_free(job);
	if (err)
		WRITE_ONCE(file->error, err);
	else /* pairs with passed() */
		smp_store_release(&file->done, fence);
	wake_up_all(&file->wait);
	dmvram_file_put(file);
}

/* Called under the file's lock. */
static int submit(struct dmvram_file *file, struct dmvram_job *job, __u64 __user *fence)
{
	int err = READ_ONCE(file->error);

	if (err)
		return err;
	if (file->started - READ_ONCE(file->done) >= DMVRAM_MAX_COPIES)
		return -EAGAIN;
	INIT_WORK(&job->work, engine_work);
	job->fence = file->started + 1;
	if (put_user(job->fence, fence))
		return -EFAULT;
	file->started++;
	kref_get(&file->ref);
	queue_work(file->dev->engine, &job->work);
	return 0;
}

int dmvram_copy(struct dmvram_file *file, struct dmvram_copy __user *arg)
{
	struct dmvram_copy copy;
	struct dmvram_job *job;
	int err;

	if (copy_from_user(&copy, arg, sizeof(copy)))
		return -EFAULT;
	job = dmvram_job_new(file, &copy);
	if (IS_ERR(job))
		return PTR_ERR(job);
	mutex_lock(&file->lock);
	err = submit(file, job, &arg->fence);
	mutex_unlock(&file->lock);
	if (err)
		dmvram_job_free(job);
	return err;
}

static bool passed(struct dmvram_file *file, u64 fence)
{
	/* What the engine wrote before it said so is seen by whoever looks afterwards. */
	return smp_load_acquire(&file->done) >= fence;
}

static bool over(struct dmvram_file *file, u64 fence)
{
	return passed(file, fence) || READ_ONCE(file->error);
}

int dmvram_wait(struct dmvram_file *file, struct dmvram_wait __user *arg)
{
	struct dmvram_wait wait;
	unsigned long ticks;
	u64 started;

	if (copy_from_user(&wait, arg, sizeof(wait)))
		return -EFAULT;
	mutex_lock(&file->lock);
	started = file->started;
	mutex_unlock(&file->lock);
	if (wait.fence > started)
		return -EINVAL;
	ticks = wait.timeout_ns ? nsecs_to_jiffies(wait.timeout_ns) + 1 : 0;
	if (wait_event_interruptible_timeout(file->wait, over(file, wait.fence), ticks) < 0)
		return -EINTR;
	if (!passed(file, wait.fence) && READ_ONCE(file->error))
		return READ_ONCE(file->error);
	if (put_user(smp_load_acquire(&file->done), &arg->fence)) /* pairs with engine_work() */
		return -EFAULT;
	return passed(file, wait.fence);
}
