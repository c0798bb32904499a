/* SPDX-License-Identifier: GPL-2.0-only */
/* What one packet is to look like when the stack gets it. */
#ifndef _DMNIC_ARRIVAL_H
#define _DMNIC_ARRIVAL_H

#include "dmnic.h"

struct dmnic_arrival {
	unsigned int payload;  /* bytes */
	unsigned int segments; /* on the wire; more than one were coalesced */
	unsigned int linear;   /* bytes of the payload that stay with the headers */
	bool last;	       /* of the packet at the cursor */
	bool split;	       /* in fragments of odd sizes */
	bool corrupt;	       /* damaged on the wire */
	u64 hw_ns;	       /* out: time spent on what hardware would have done */
};

#endif
