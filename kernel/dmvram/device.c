// SPDX-License-Identifier: GPL-2.0-only
/* A device: its node in /dev, its files and its life. */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "dmvram.h"

static DEFINE_IDA(ids);

void dmvram_device_get(struct dmvram_device *dev)
{
	refcount_inc(&dev->users);
}

void dmvram_device_put(struct dmvram_device *dev)
{
	if (refcount_dec_and_test(&dev->users))
		complete(&dev->unused);
}

static int dmvram_open(struct inode *inode, struct file *filp)
{
	struct miscdevice *misc = filp->private_data;
	struct dmvram_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	file->dev = container_of(misc, struct dmvram_device, misc);
	dmvram_device_get(file->dev);
	kref_init(&file->ref);
	mutex_init(&file->lock);
	init_waitqueue_head(&file->wait);
	filp->private_data = file;
	return 0;
}

static int dmvram_release(struct inode *inode, struct file *filp)
{
	struct dmvram_file *file = filp->private_data;

	WRITE_ONCE(file->closed, true);
	dmvram_file_put(file);
	return 0;
}

static int dmvram_info(struct dmvram_device *dev, struct dmvram_info __user *arg)
{
	struct dmvram_info info = {
		.size = dev->size,
		.free = gen_pool_avail(dev->pool),
		.copies = READ_ONCE(dev->copies),
		.copy_bytes = READ_ONCE(dev->copy_bytes),
		.copy_ns = READ_ONCE(dev->copy_ns),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long dmvram_ioctl(struct file *filp, unsigned int cmd, unsigned long value)
{
	struct dmvram_file *file = filp->private_data;
	void __user *arg = (void __user *)value;

	switch (cmd) {
	case DMVRAM_IOC_ALLOC:
		return dmvram_alloc(file->dev, arg);
	case DMVRAM_IOC_COPY:
		return dmvram_copy(file, arg);
	case DMVRAM_IOC_WAIT:
		return dmvram_wait(file, arg);
	case DMVRAM_IOC_INFO:
		return dmvram_info(file->dev, arg);
	case DMVRAM_IOC_BUFFER_INFO:
		return dmvram_buffer_info(file->dev, arg);
	}
	return -ENOTTY;
}

static const struct file_operations dmvram_fops = {
	.owner = THIS_MODULE,
	.open = dmvram_open,
	.release = dmvram_release,
	.unlocked_ioctl = dmvram_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static int make_parts(struct dmvram_device *dev)
{
	int err;

	dev->pool = gen_pool_create(PAGE_SHIFT, NUMA_NO_NODE);
	if (!dev->pool)
		return -ENOMEM;
	err = gen_pool_add(dev->pool, dev->base, dev->size, NUMA_NO_NODE);
	if (err)
		goto destroy_pool;
	/* One engine works off everybody's copies in turn. */
	dev->engine = alloc_ordered_workqueue("%s", 0, dev->name);
	err = -ENOMEM;
	if (!dev->engine)
		goto destroy_pool;
	return 0;

destroy_pool:
	gen_pool_destroy(dev->pool);
	return err;
}

/* Takes a device with its backing, base and size set, and makes it known as /dev/dmvram[N]. */
int dmvram_device_add(struct dmvram_device *dev, struct device *parent)
{
	int err;

	dev->id = ida_alloc(&ids, GFP_KERNEL);
	if (dev->id < 0)
		return dev->id;
	snprintf(dev->name, sizeof(dev->name), dev->id ? "dmvram%d" : "dmvram", dev->id);
	refcount_set(&dev->users, 1);
	init_completion(&dev->unused);
	err = make_parts(dev);
	if (err)
		goto free_id;
	dev->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR,
		.name = dev->name,
		.fops = &dmvram_fops,
		.parent = parent,
	};
	err = misc_register(&dev->misc);
	if (err)
		goto free_parts;
	dev->debugfs = debugfs_create_dir(dev->name, NULL);
	debugfs_create_u32("fail_copies", 0600, dev->debugfs, &dev->fail_copies);
	return 0;

free_parts:
	destroy_workqueue(dev->engine);
	gen_pool_destroy(dev->pool);
free_id:
	ida_free(&ids, dev->id);
	return err;
}

/* Returns when the last file and buffer of the device are gone. */
void dmvram_device_remove(struct dmvram_device *dev)
{
	debugfs_remove(dev->debugfs);
	misc_deregister(&dev->misc);
	dmvram_device_put(dev);
	wait_for_completion(&dev->unused);
	destroy_workqueue(dev->engine);
	gen_pool_destroy(dev->pool);
	ida_free(&ids, dev->id);
}
