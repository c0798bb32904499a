// SPDX-License-Identifier: BSD-3-Clause
/* struct devmem_error: one sentence beside an error number. */
#include "error.h"
#include "devmem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int devmem_error_set(struct devmem_error *err, int code, const char *fmt, ...)
{
	char text[DEVMEM_ERROR_TEXT]; /* the arguments may be parts of the old text */
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err->code = code;
	strcpy(err->text, text);
	return code;
}

const char *error_advice(int code)
{
	switch (abs(code)) {
	case ECONNRESET:
	case EPIPE:
		return "the peer's process has ended or given up: see the log of that rank, and "
		       "dmesg "
		       "there for a process killed for memory";
	case ECONNREFUSED:
		return "nobody listens there: see the log of that rank; has it ended?";
	case ETIMEDOUT:
		return "peer or network are silent: ping the peer, and see ss -ti";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "there is no way there: ip route get ADDRESS";
	case EMFILE:
	case ENFILE:
		return "too many files are open: raise ulimit -n";
	case ENOMEM:
	case ENOBUFS:
		return "memory is short: see free -m, ulimit -a and memory.max of the cgroup";
	case EADDRNOTAVAIL:
		return "the interface has lost its address: ip -br addr";
	case EADDRINUSE:
		return "no port is left: see ss -tan, and widen net.ipv4.ip_local_port_range";
	case EPERM:
	case EACCES:
		return "a firewall, a security policy or a missing privilege forbids it: nft list "
		       "ruleset, capsh --print";
	case EPROTO:
		return "the two sides do not understand each other: install the same release on "
		       "all "
		       "hosts";
	case EMSGSIZE:
		return "the two sides disagree about sizes: run the same program with the same "
		       "NCCL "
		       "settings on every rank";
	case EFAULT:
		return "memory was freed before its transfer was done, or cannot be read by the "
		       "CPU";
	case EIO:
		return "a device failed: see dmesg, and for NVIDIA's Xid errors nvidia-smi -q";
	default:
		return "see dmesg";
	}
}
