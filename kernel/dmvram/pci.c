// SPDX-License-Identifier: GPL-2.0-only
/* Device memory that is the BAR of a PCI device: ivshmem-plain of QEMU, whose BAR 2 is all memory.
 */
#include <linux/io.h>
#include <linux/pci.h>

#include "../dmbus/dmbus.h"
#include "dmvram.h"

#define BAR 2

static unsigned long pci_pfn(struct dmvram_device *dev, dma_addr_t addr)
{
	return PHYS_PFN(addr);
}

static const struct dmvram_backing pci_backing = {
	.pfn = pci_pfn,
};

static int dmvram_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct dmvram_device *dev;
	void *cpu;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	err = pcim_request_region(pdev, BAR, "dmvram");
	if (err)
		return err;
	dev = devm_kzalloc(&pdev->dev, sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	dev->backing = &pci_backing;
	dev->base = pci_resource_start(pdev, BAR);
	dev->size = pci_resource_len(pdev, BAR);
	cpu = devm_memremap(&pdev->dev, dev->base, dev->size, MEMREMAP_WB);
	if (IS_ERR(cpu))
		return PTR_ERR(cpu);
	err = dmbus_add(dev->base, dev->size, cpu);
	if (err)
		return err;
	err = dmvram_device_add(dev, &pdev->dev);
	if (err) {
		dmbus_remove(dev->base);
		return err;
	}
	pci_set_drvdata(pdev, dev);
	return 0;
}

/* A device that is pulled out waits here for the last file and buffer. */
static void dmvram_pci_remove(struct pci_dev *pdev)
{
	struct dmvram_device *dev = pci_get_drvdata(pdev);

	dmvram_device_remove(dev);
	dmbus_remove(dev->base);
}

static const struct pci_device_id dmvram_pci_ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110)}, {}};
MODULE_DEVICE_TABLE(pci, dmvram_pci_ids);

static struct pci_driver dmvram_pci_driver = {
	.name = "dmvram",
	.id_table = dmvram_pci_ids,
	.probe = dmvram_pci_probe,
	.remove = dmvram_pci_remove,
};

int dmvram_pci_init(void)
{
	return pci_register_driver(&dmvram_pci_driver);
}

void dmvram_pci_exit(void)
{
	pci_unregister_driver(&dmvram_pci_driver);
}
