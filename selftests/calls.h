/* SPDX-License-Identifier: GPL-2.0 */
/* Rules for system calls by the bare ABI, and calls by both of the kernel's tables. */
#ifndef _VIEWOS_CALLS_TEST_H
#define _VIEWOS_CALLS_TEST_H

#include "rules.h"

enum { X64 = VIEWOS_ARCH_X86_64, I386 = VIEWOS_ARCH_I386 };

/* Numbers, since a test can be a program of either kind. */
enum {
	X64_getpid = 39, X64_getppid = 110, X64_getpgrp = 111, X64_sync = 162, X64_mount = 165,
	X64_umount2 = 166, X64_exit = 60, X64_exit_group = 231, X64_rt_sigreturn = 15,
	X64_restart_syscall = 219, X64_mkdir = 83, X64_nice_hole = 400, X64_getuid = 102,
	X64_getgid = 104, X64_vfork = 58, X64_fork = 57, X64_nanosleep = 35,
	I386_getpid = 20, I386_getppid = 64, I386_exit = 1, I386_sigreturn = 119,
	I386_nice_hole = 222, I386_exit_group = 252, I386_mkdir = 39, I386_getpgrp = 65,
	I386_open = 5,
};

/* A rule for no call yet. */
static inline struct viewos_rule_add calls_rule(unsigned int verdict, int error, int64_t value)
{
	struct viewos_rule_add rule = rule_native();

	rule.class = VIEWOS_CLASS_SYSCALL;
	rule.verdict = verdict;
	rule.error = error;
	rule.value = value;
	return rule;
}

static inline struct viewos_rule_add calls_with(struct viewos_rule_add rule, unsigned int arch,
						unsigned int nr)
{
	rule.calls[arch][nr / 64] |= 1ULL << nr % 64;
	return rule;
}

static inline struct viewos_rule_add call_deny(unsigned int arch, unsigned int nr, int error)
{
	return calls_with(calls_rule(VIEWOS_VERDICT_DENY, error, 0), arch, nr);
}

static inline struct viewos_rule_add call_value(unsigned int arch, unsigned int nr, int64_t value)
{
	return calls_with(calls_rule(VIEWOS_VERDICT_VALUE, 0, value), arch, nr);
}

static inline struct viewos_rule_add call_native(unsigned int arch, unsigned int nr)
{
	return calls_with(calls_rule(VIEWOS_VERDICT_NATIVE, 0, 0), arch, nr);
}

/* By int 0x80; what it returns, which may be a negative errno. */
static inline int call32(long nr, long a, long b, long c)
{
	long ret;

#ifdef __x86_64__
	asm volatile("int $0x80" : "=a" (ret) : "a" (nr), "b" (a), "c" (b), "d" (c)
		     : "r8", "r9", "r10", "r11", "memory");
#else
	asm volatile("int $0x80" : "=a" (ret) : "a" (nr), "b" (a), "c" (b), "d" (c) : "memory");
#endif
	return ret;
}

#ifdef __x86_64__
/* By the syscall instruction. */
static inline long call64(long nr, long a, long b)
{
	long ret;

	asm volatile("syscall" : "=a" (ret) : "a" (nr), "D" (a), "S" (b)
		     : "rcx", "r11", "memory");
	return ret;
}
#endif

/* Where the kernel takes 32-bit calls at all: it may kill who makes one. */
static inline bool has_call32(void)
{
	return !IN_CHILD(call32(I386_getpid, 0, 0, 0) != getpid());
}

/* Can ftrace not redirect the function that all calls pass? Newer kernels have it inline. */
static inline bool untraced(const char *function)
{
	FILE *list = fopen("/sys/kernel/tracing/available_filter_functions", "r");
	char line[512], name[256];
	bool found = false;

	if (!list)
		return false;
	while (!found && fgets(line, sizeof(line), list))
		found = sscanf(line, "%255s", name) == 1 && !strcmp(name, function);
	fclose(list);
	return !found;
}

#endif /* _VIEWOS_CALLS_TEST_H */
