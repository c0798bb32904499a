/* SPDX-License-Identifier: BSD-3-Clause */
/* What devmemctl check has seen of this machine and this environment, before it judges. */
#ifndef DEVMEMCTL_FACTS_H
#define DEVMEMCTL_FACTS_H

#include "devmem.h"
#include "params.h"
#include "plan.h"
#include "rings.h"
#include "steer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FACTS_NICS 32
#define FACTS_PATH 512
#define FACTS_WORD 64
#define FACTS_VARIABLES 8 /* more than so many that are wrong are not told */

enum broker_state {
	BROKER_NOT_ASKED, /* NCCL_DEVMEM_BROKER=off, or the privilege makes it needless */
	BROKER_ABSENT,
	BROKER_REFUSES,
	BROKER_SERVES,
};

/* How far a PCI device is from another, in NCCL's terms (NCCL_NET_GDR_LEVEL). */
enum pci_distance {
	PCI_PIX, /* at most one bridge between them */
	PCI_PXB, /* several bridges, no host bridge */
	PCI_PHB, /* a host bridge */
	PCI_SYS, /* the interconnect of NUMA nodes */
};

struct kernel_facts {
	char release[65];
	bool bind_rx, bind_tx; /* commands of the netdev family */
};

struct privilege_facts {
	bool net_admin; /* CAP_NET_ADMIN in the initial user namespace */
	bool root;
	bool systemd;
	enum broker_state broker;
	bool broker_named; /* NCCL_DEVMEM_BROKER is a path: used whatever the privilege */
	char broker_path[FACTS_PATH];
	char user[FACTS_WORD];
	struct devmem_error broker_said;
};

/* The memory that a pool would be made of, tried with as much as a pool takes. */
struct memory_facts {
	bool any;    /* NCCL_DEVMEM_MEMORY=auto */
	bool usable; /* allocated and exported */
	enum devmem_mem_kind kind;
	size_t bytes;
	bool no_node, node_refused; /* /dev/udmabuf or /dev/dmvram */
	struct devmem_error why;    /* unless usable */
};

struct nic_facts {
	struct devmem_nic nic;
	struct devmem_nic_caps caps;
	bool rings_told;
	struct nic_rings rings;
	struct steer_table steering;
	bool ntuple_fixed;	    /* steering.on cannot be changed */
	unsigned int max_queues;    /* as ethtool -L can set; 0: not told */
	bool combined;		    /* and by which name */
	unsigned int spread_queues; /* that RSS spreads ordinary traffic over; 0: no table */
	unsigned int bound;	    /* others that have device memory bound */
	unsigned int free;	    /* others, queue 0 apart, that have not */
	char gpu[FACTS_WORD];	    /* PCI address of the nearest NVIDIA GPU; "": none */
	enum pci_distance distance;
	struct plan plan; /* what the plugin would do */
};

struct firewall_facts {
	bool looked;		    /* nf_tables could be read */
	char chain[3 * FACTS_WORD]; /* an input chain that drops by default: family table chain */
	unsigned int first_port, last_port; /* where listening sockets get their ports */
};

struct nccl_facts {
	char path[FACTS_PATH];	 /* of libnccl.so.2; "": not found */
	int version;		 /* as ncclGetVersion() tells; 0: it does not */
	char plugin[FACTS_PATH]; /* of the plugin, as the loader finds it; "": not found */
	char plugin_error[FACTS_PATH + 64];
	char plugin_beside[FACTS_PATH]; /* a folder with the plugin that belongs to this program */
	unsigned int lowest_abi, highest_abi; /* of the plugin */
};

/* A variable of NCCL's, from the environment or a file that NCCL reads into it. */
struct setting_facts {
	const char *value;     /* NULL: not set */
	char file[FACTS_PATH]; /* "": the environment */
};

struct variable_facts {
	unsigned int n_invalid, n_unknown;
	char invalid[FACTS_VARIABLES][FACTS_WORD], unknown[FACTS_VARIABLES][FACTS_WORD];
	char nearest[FACTS_VARIABLES][FACTS_WORD]; /* "": none is near */
};

struct facts {
	struct kernel_facts kernel;
	struct privilege_facts privilege;
	struct memory_facts memory;
	unsigned int n_nics;
	struct nic_facts nics[FACTS_NICS];
	struct devmem_error no_nic; /* why there is none */
	struct firewall_facts firewall;
	struct nccl_facts nccl;
	struct setting_facts net_plugin, net, gdr_level, dmabuf_enable, ifname, devmem_ifname,
		devmem_plan;
	struct variable_facts variables;
	bool plan_host;		/* NCCL_DEVMEM_PLAN=host */
	char tools[FACTS_PATH]; /* the folder of this program, with a slash at its end; "" when it
				   is in PATH */
};

/* Looks at all of it and changes nothing. @nccl: path of libnccl.so.2, or NULL for the loader's.
 * Blocks while the broker answers, 5 s at most. */
void facts_gather(struct facts *facts, const char *nccl);
/* The same without what costs or needs NCCL: memory is not tried, firewall and NCCL are left out.
 */
void facts_devices(struct facts *facts);
/* After facts_devices(): looks at the NICs once more. */
void facts_devices_again(struct facts *facts);

/* The parts; for facts_gather(). */
void facts_kernel(struct facts *facts);
void facts_privilege(struct facts *facts, const char *broker);
/* @pool_bytes 0: allocates nothing. */
void facts_memory(struct facts *facts, const struct params *params, size_t pool_bytes);
void facts_nic(struct nic_facts *nic);
/* True when the driver has no such switch as @feature, or it cannot be moved (ethtool -k: fixed).
 */
bool facts_feature_fixed(const char *ifname, const char *feature);
void facts_gpu(struct nic_facts *nic);
void facts_firewall(struct firewall_facts *firewall);
void facts_nccl(struct facts *facts, const char *nccl);
/* Reads NCCL's configuration files into the environment, as NCCL does; what is set stays. */
void facts_settings(struct facts *facts);
void facts_variables(struct variable_facts *variables);

/* Distance of two devices by their canonical sysfs paths and NUMA nodes (-1: not told). */
enum pci_distance facts_distance(const char *a, const char *b, int node_a, int node_b);
/* A line of an NCCL configuration file, cut in two in place. False when it sets nothing. */
bool facts_conf_line(char *line, char **name, char **value);

#ifdef __cplusplus
}
#endif

#endif
