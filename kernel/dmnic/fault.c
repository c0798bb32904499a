// SPDX-License-Identifier: GPL-2.0-only
/* Faults on request: decides when one strikes, and counts it. */
#include <linux/random.h>

#include "dmnic.h"

const char dmnic_fault_names[DMNIC_N_FAULTS][ETH_GSTRING_LEN] = {
	[DMNIC_FAULT_LINEAR] = "linear",       [DMNIC_FAULT_PARTIAL] = "partial",
	[DMNIC_FAULT_SPLIT] = "split",	       [DMNIC_FAULT_LOSS] = "loss",
	[DMNIC_FAULT_DUPLICATE] = "duplicate", [DMNIC_FAULT_REORDER] = "reorder",
	[DMNIC_FAULT_CORRUPT] = "corrupt",     [DMNIC_FAULT_NOBUF] = "nobuf",
	[DMNIC_FAULT_MISSTEER] = "missteer",   [DMNIC_FAULT_BIND] = "bind",
	[DMNIC_FAULT_RESTART] = "restart",
};

bool dmnic_fault(struct dmnic *nic, enum dmnic_fault fault)
{
	u32 one_in = READ_ONCE(nic->faults[fault]);

	if (likely(!one_in) || get_random_u32_below(one_in))
		return false;
	atomic64_inc(&nic->fault_hits[fault]);
	return true;
}
