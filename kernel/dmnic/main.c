// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading: the platform device that stands for the hardware, and the link type. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "dmnic.h"

static struct platform_device *hardware;

/* dma-bufs are attached to, and pages mapped for, the parent of the network device. */
struct device *dmnic_dma_device(void)
{
	return &hardware->dev;
}

static int __init dmnic_module_init(void)
{
	int err;

	hardware = platform_device_register_simple("dmnic", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(hardware))
		return PTR_ERR(hardware);
	err = dma_coerce_mask_and_coherent(&hardware->dev, DMA_BIT_MASK(64));
	if (err)
		goto err_device;
	err = dmnic_stack_init();
	if (err)
		goto err_device;
	err = rtnl_link_register(&dmnic_link_ops);
	if (err)
		goto err_stack;
#ifndef DMNIC_HAVE_NETMEM_TX
	pr_info("this kernel has no transmit of device memory (netmem_tx): receive only\n");
#endif
	return 0;

err_stack:
	dmnic_stack_exit();
err_device:
	platform_device_unregister(hardware);
	return err;
}

static void __exit dmnic_module_exit(void)
{
	rtnl_link_unregister(&dmnic_link_ops);
	dmnic_stack_exit();
	rcu_barrier();
	platform_device_unregister(hardware);
}

module_init(dmnic_module_init);
module_exit(dmnic_module_exit);

MODULE_DESCRIPTION("Software NIC with device memory TCP");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("dmnic");
