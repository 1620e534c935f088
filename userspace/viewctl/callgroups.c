// SPDX-License-Identifier: GPL-2.0
/* viewctl: groups of system calls, and the calls' numbers */
#include <seccomp.h>
#include <string.h>

#include "calls.h"

#define GROUP(group, ...) { group, (const char *const []){ __VA_ARGS__, NULL } }

/*
 * By the names that systemd.exec(5) has for them, as far as x86 has these calls. A name
 * that one of the tables lacks is left out there.
 */
const struct call_group call_groups[] = {
	GROUP("@aio", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
	      "io_pgetevents_time64", "io_setup", "io_submit", "io_uring_enter",
	      "io_uring_register", "io_uring_setup"),
	GROUP("@chown", "chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32"),
	GROUP("@clock", "adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime",
	      "clock_settime64", "settimeofday", "stime"),
	GROUP("@debug", "lookup_dcookie", "perf_event_open", "pidfd_getfd", "ptrace"),
	/* Not systemd's: what viewos-ids(8) answers. */
	GROUP("@ids", "chmod", "chown", "chown32", "creat", "fchmod", "fchmodat", "fchmodat2",
	      "fchown", "fchown32", "fchownat", "fstat", "fstat64", "fstatat64", "getegid",
	      "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
	      "getgroups32", "getresgid", "getresgid32", "getresuid", "getresuid32", "getuid",
	      "getuid32", "lchown", "lchown32", "lstat", "lstat64", "mkdir", "mkdirat", "mknod",
	      "mknodat", "newfstatat", "oldfstat", "oldlstat", "oldstat", "open", "openat",
	      "openat2", "prctl", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid",
	      "setgid32", "setgroups", "setgroups32", "setregid", "setregid32", "setresgid",
	      "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setuid",
	      "setuid32", "stat", "stat64", "statx", "symlink", "symlinkat"),
	/* Not systemd's: what goes around rules for other calls. */
	GROUP("@io-uring", "io_uring_enter", "io_uring_register", "io_uring_setup"),
	GROUP("@ipc", "ipc", "memfd_create", "mq_getsetattr", "mq_notify", "mq_open",
	      "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64",
	      "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "pipe", "pipe2",
	      "process_madvise", "process_vm_readv", "process_vm_writev", "semctl", "semget",
	      "semop", "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt", "shmget"),
	GROUP("@keyring", "add_key", "keyctl", "request_key"),
	GROUP("@module", "delete_module", "finit_module", "init_module"),
	GROUP("@mount", "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount",
	      "mount_setattr", "move_mount", "open_tree", "pivot_root", "umount", "umount2"),
	GROUP("@network-io", "accept", "accept4", "bind", "connect", "getpeername", "getsockname",
	      "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg",
	      "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketcall",
	      "socketpair"),
	GROUP("@process", "capget", "clone", "clone3", "execveat", "fork", "getrusage", "kill",
	      "pidfd_open", "pidfd_send_signal", "prctl", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	      "setns", "tgkill", "times", "tkill", "unshare", "vfork", "wait4", "waitid",
	      "waitpid"),
	GROUP("@raw-io", "ioperm", "iopl"),
	GROUP("@reboot", "kexec_file_load", "kexec_load", "reboot"),
	GROUP("@resources", "ioprio_set", "mbind", "migrate_pages", "move_pages", "nice",
	      "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
	      "set_mempolicy", "set_mempolicy_home_node", "setpriority", "setrlimit"),
	GROUP("@setuid", "setgid", "setgid32", "setgroups", "setgroups32", "setregid",
	      "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid",
	      "setreuid32", "setuid", "setuid32"),
	GROUP("@signal", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigsuspend",
	      "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaction", "sigaltstack", "signal",
	      "signalfd", "signalfd4", "sigpending", "sigprocmask", "sigsuspend"),
	GROUP("@swap", "swapoff", "swapon"),
	GROUP("@sync", "fdatasync", "fsync", "msync", "sync", "sync_file_range", "syncfs"),
	GROUP("@timer", "alarm", "getitimer", "setitimer", "timer_create", "timer_delete",
	      "timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime",
	      "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
	      "timerfd_settime", "timerfd_settime64", "times"),
	{ NULL, NULL },
};

int call_number(unsigned int arch, const char *name)
{
	/* libseccomp may be older than this one. */
	if (!strcmp(name, "fchmodat2"))
		return 452;
	/* Below zero are those that this table lacks, and names that there are not. */
	return seccomp_syscall_resolve_name_arch(arch == VIEWOS_ARCH_I386 ? SCMP_ARCH_X86 :
						 SCMP_ARCH_X86_64, name);
}

bool call_unruled(const char *name, bool serve)
{
	static const char *const names[] = {
		"rt_sigreturn", "sigreturn", "restart_syscall", "uretprobe", "uprobe",
	};
	size_t i;

	if (!strcmp(name, "exit") || !strcmp(name, "exit_group"))
		return !serve;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}
