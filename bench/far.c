// SPDX-License-Identifier: BSD-3-Clause
/* Memory that the CPU cannot reach, as a GPU's: copies by its own engine. */
#include "far.h"

#include <errno.h>
#include <sched.h>

int far_copy(struct devmem_exporter *exporter, const struct devmem_copy *pieces, unsigned int n)
{
	uint64_t fence;
	int ret;

	while ((ret = devmem_copy_start(exporter, pieces, n, &fence)) == -EAGAIN)
		sched_yield();
	if (ret)
		return ret;
	while ((ret = devmem_copy_done(exporter, fence)) == 0)
		sched_yield();
	return ret < 0 ? ret : 0;
}
