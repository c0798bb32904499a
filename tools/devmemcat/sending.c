// SPDX-License-Identifier: BSD-3-Clause
/* Whether a NIC can send an exporter's memory itself. */
#include "sending.h"

#include <errno.h>

#include "plan.h"

int sending_check(const struct devmem_nic *nic, const struct devmem_exporter *exporter,
		  struct devmem_error *err)
{
	struct devmem_nic_caps caps;
	struct plan plan;
	int ret = devmem_nic_probe(nic, &caps, err);

	if (ret)
		return ret;
	caps.net_admin = caps.bind_rx = caps.netmem_rx = caps.header_split = caps.ntuple =
		true; /* for receiving */
	plan_decide(PLAN_WISH_AUTO, devmem_exporter_kind(exporter), &caps, nic->name, &plan);
	if (plan.tx != PLAN_TX_DEVICE)
		return devmem_error_set(err, -EOPNOTSUPP, "%s", plan.reason);
	return 0;
}
