// SPDX-License-Identifier: BSD-3-Clause
/* The exporter that the command line asks for. */
#include "exporter.h"

int exporter_open(const struct options *options, struct devmem_exporter **exporter,
		  struct devmem_error *err)
{
	int ret;

	if (!options->any_kind)
		return devmem_exporter_open(options->kind, 0, exporter, err);
	if (!devmem_exporter_open(DEVMEM_MEM_CUDA, 0, exporter, NULL))
		return 0;
	ret = devmem_exporter_open(DEVMEM_MEM_UDMABUF, -1, exporter, err);
	if (ret)
		devmem_error_set(err, ret,
				 "there is neither a CUDA device nor udmabuf: %s; --exporter host "
				 "does without device memory",
				 err->text);
	return ret;
}
