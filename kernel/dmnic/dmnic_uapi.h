/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Attributes of the link type dmnic (IFLA_INFO_DATA) and the faults that it makes on request. */
#ifndef _DMNIC_UAPI_H
#define _DMNIC_UAPI_H

enum {
	IFLA_DMNIC_UNSPEC,
	IFLA_DMNIC_PEER,   /* struct ifinfomsg and attributes of the other end, as veth has it */
	IFLA_DMNIC_FAULTS, /* nest: attribute 1 + enum dmnic_fault holds a u32, see below */
	__IFLA_DMNIC_MAX,
};

#define IFLA_DMNIC_MAX (__IFLA_DMNIC_MAX - 1)

/*
 * Each happens, at random, to one in N of the packets or calls that it is about; 0: never. They
 * strike on the device that they are set on: what it receives, and what is asked of its queues.
 */
enum dmnic_fault {
	DMNIC_FAULT_LINEAR,    /* all payload of a packet is left with its headers */
	DMNIC_FAULT_PARTIAL,   /* the first bytes of the payload are left with the headers */
	DMNIC_FAULT_SPLIT,     /* payload lies in several fragments of odd sizes and offsets */
	DMNIC_FAULT_LOSS,      /* the packet is lost on the wire */
	DMNIC_FAULT_DUPLICATE, /* it comes twice */
	DMNIC_FAULT_REORDER,   /* the next one overtakes it */
	DMNIC_FAULT_CORRUPT,   /* a bit of the payload flips, so that the checksum fails */
	DMNIC_FAULT_NOBUF,     /* the queue's pool has no buffer */
	DMNIC_FAULT_MISSTEER,  /* it goes to another queue than the rules say */
	DMNIC_FAULT_BIND,      /* a queue cannot get its buffers from a dma-buf: binding fails */
	DMNIC_FAULT_RESTART,   /* a queue cannot get new buffers of either kind */
	DMNIC_N_FAULTS,
};

#endif
