// SPDX-License-Identifier: BSD-3-Clause
/* The system calls that the daemon's loop makes; all others fail. */
#include "privilege.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const uint32_t allowed[] = {
	/* descriptors */
	SYS_read,
	SYS_write,
	SYS_writev,
	SYS_close,
	SYS_openat,
	SYS_fcntl,
	SYS_fstat,
	SYS_newfstatat,
	SYS_lseek,
	SYS_pread64,
	SYS_pwrite64,
	SYS_ftruncate,
	SYS_flock,
	SYS_getdents64,
	SYS_mkdirat,
	SYS_ioctl,
	SYS_dup,
	/* sockets */
	SYS_socket,
	SYS_bind,
	SYS_listen,
	SYS_accept4,
	SYS_connect,
	SYS_getsockname,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_sendto,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_ppoll,
	/* memory, time, signals, the end */
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_futex,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_setitimer,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_getrandom,
	SYS_getpid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_tgkill,
	SYS_exit,
	SYS_exit_group,
#if defined(__x86_64__)
	SYS_open,
	SYS_stat,
	SYS_mkdir,
	SYS_poll,
	SYS_epoll_wait,
	SYS_time,
	SYS_gettimeofday,
#endif
};

int privilege_filter(void)
{
#ifdef OUR_ARCH
	struct sock_filter code[6 + N(allowed) + 2];
	struct sock_fprog program = {.filter = code};
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	/* Numbers of the x32 interface are large ones, and match none. */
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (unsigned int i = 0; i < N(allowed); i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							 (uint8_t)(N(allowed) - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
		return -errno;
	return 0;
#else
	return -EOPNOTSUPP; /* an architecture whose list nobody has tested */
#endif
}
