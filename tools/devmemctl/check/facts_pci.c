// SPDX-License-Identifier: BSD-3-Clause
/* Finds the GPU that is nearest to a NIC, by the tree of PCI devices in sysfs. */
#include "facts.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"
#define NVIDIA 0x10de
#define CLASS_VGA 0x0300
#define CLASS_3D 0x0302

static long read_number(const char *folder, const char *name)
{
	char path[PATH_MAX];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%li", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static bool is_gpu(const char *folder)
{
	long class = read_number(folder, "class") >> 8;

	return read_number(folder, "vendor") == NVIDIA && (class == CLASS_VGA || class == CLASS_3D);
}

/* Path components after the common beginning: the device itself, and the bridges above it. */
static unsigned int steps_below(const char *path, size_t common)
{
	unsigned int steps = 0;

	for (const char *c = path + common; *c; c++)
		steps += c[0] != '/' && (c == path + common || c[-1] == '/');
	return steps;
}

/* The length of what both paths begin with, whole components only. */
static size_t common_part(const char *a, const char *b)
{
	size_t common = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i + 1] == '/' && b[i + 1] == '/')
			common = i + 1;
	return common;
}

enum pci_distance facts_distance(const char *a, const char *b, int node_a, int node_b)
{
	size_t common = common_part(a, b);
	const char *root = strstr(a, "/pci");
	size_t root_end = root ? (size_t)(root - a) + 1 + strcspn(root + 1, "/") : SIZE_MAX;

	if (common < root_end)
		return node_a >= 0 && node_a == node_b ? PCI_PHB : PCI_SYS;
	if (common == root_end)
		return PCI_PHB;
	/* Below a common bridge; a switch has one for each of its ports. */
	return steps_below(a, common) <= 2 && steps_below(b, common) <= 2 ? PCI_PIX : PCI_PXB;
}

static void compare(struct nic_facts *nic, const char *address, int node)
{
	char folder[PATH_MAX], path[PATH_MAX];
	enum pci_distance distance;

	snprintf(folder, sizeof(folder), DEVICES "/%s", address);
	if (!is_gpu(folder) || !realpath(folder, path))
		return;
	/* NCCL hangs a NIC that is no PCI device on a CPU. */
	distance = nic->nic.pci_path[0] ? facts_distance(nic->nic.pci_path, path, node,
							 (int)read_number(folder, "numa_node"))
					: PCI_SYS;
	if (nic->gpu[0] && distance >= nic->distance)
		return;
	snprintf(nic->gpu, sizeof(nic->gpu), "%.*s", FACTS_WORD - 1, address);
	nic->distance = distance;
}

void facts_gpu(struct nic_facts *nic)
{
	int node = nic->nic.pci_path[0] ? (int)read_number(nic->nic.pci_path, "numa_node") : -1;
	DIR *devices = opendir(DEVICES);
	struct dirent *entry;

	while (devices && (entry = readdir(devices)))
		if (entry->d_name[0] != '.')
			compare(nic, entry->d_name, node);
	if (devices)
		closedir(devices);
}
