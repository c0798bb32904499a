// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading: the device backed by RAM, and the driver of those backed by a PCI BAR. */
#include <linux/module.h>

#include "dmvram.h"

static unsigned int size_mb;
module_param(size_mb, uint, 0444);
MODULE_PARM_DESC(size_mb, "MiB of device memory to make of RAM, taken as it is used; 0: none");

static struct dmvram_device *ram;

static int __init dmvram_module_init(void)
{
	int err;

	if (size_mb) {
		ram = dmvram_ram_create((size_t)size_mb << 20);
		if (IS_ERR(ram))
			return PTR_ERR(ram);
	}
	err = dmvram_pci_init();
	if (err && ram)
		dmvram_ram_destroy(ram);
	return err;
}

static void __exit dmvram_module_exit(void)
{
	dmvram_pci_exit();
	if (ram)
		dmvram_ram_destroy(ram);
}

module_init(dmvram_module_init);
module_exit(dmvram_module_exit);

MODULE_DESCRIPTION("Device memory made of software");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
