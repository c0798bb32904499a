// SPDX-License-Identifier: BSD-3-Clause
/* Versions 12 and 11 of the net plugin interface: the newest, and the one that differs from it in the properties alone. */
#include "net_abi.h"

#include <string.h>

#include "nccl/net_v11.h"

static const ncclNet_v11_t *plugin(void)
{
	return net_table;
}

void net_adapt_v12(const void *table, ncclNet_v12_t *ops)
{
	*ops = *(const ncclNet_v12_t *)table;
}

static ncclResult_t get_properties(int dev, ncclNetProperties_v12_t *props)
{
	ncclNetProperties_v11_t old;
	ncclResult_t result;

	memset(&old, 0, sizeof(old));
	result = plugin()->getProperties(dev, &old);
	if (result != ncclSuccess)
		return result;
	NET_COPY_PROPS_V9(props, &old);
	props->maxMultiRequestSize = old.maxMultiRequestSize;
	return ncclSuccess;
}

void net_adapt_v11(const void *table, ncclNet_v12_t *ops)
{
	const ncclNet_v11_t *old = table;

	NET_COPY_SHARED(ops, old);
	ops->init = old->init;
	ops->getProperties = get_properties;
	ops->listen = old->listen;
	ops->connect = old->connect;
	ops->isend = old->isend;
	ops->irecv = old->irecv;
	ops->finalize = old->finalize;
	ops->setNetAttr = old->setNetAttr;
}
