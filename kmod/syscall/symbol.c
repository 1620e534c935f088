// SPDX-License-Identifier: GPL-2.0
/* System calls and their functions in the kernel, by the kernel's own tables. */

#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/unistd.h>

#include "calls.h"

/* The kernel's headers are lists of calls of these. */
#define __SYSCALL_NORETURN(nr, function)		__SYSCALL(nr, function)
#define __SYSCALL_WITH_COMPAT(nr, native, compat)	__SYSCALL(nr, compat)
#define __SYSCALL_COMPAT_NORETURN(nr, native, compat)	__SYSCALL(nr, compat)

#define __SYSCALL(nr, function) \
	[nr] = "__x64_" #function,

static const char *const x86_64_symbols[VIEWOS_CALLS] = {
#include <asm/syscalls_64.h>
};

#undef __SYSCALL
#define __SYSCALL(nr, function) \
	[nr] = "__ia32_" #function,

static const char *const i386_symbols[VIEWOS_CALLS] = {
#include <asm/syscalls_32.h>
};

#undef __SYSCALL

/* What the kernel calls for each call that is made: the only place to see unused numbers. */
static const char x86_64_dispatcher[] = "x64_sys_call", i386_dispatcher[] = "ia32_sys_call";

static_assert(NR_syscalls <= VIEWOS_CALLS);
static_assert(IA32_NR_syscalls <= VIEWOS_CALLS);

static bool symbol_unused(const char *symbol)
{
	return !symbol || strstr(symbol, "_sys_ni_syscall");
}

bool viewos_call_unused(unsigned int call)
{
	const char *symbol = viewos_call_symbol(call);

	return symbol == x86_64_dispatcher || symbol == i386_dispatcher;
}

const char *viewos_call_symbol(unsigned int call)
{
	unsigned int nr = call % VIEWOS_CALLS;

	switch (call / VIEWOS_CALLS) {
	case VIEWOS_ARCH_X86_64:
		if (nr >= NR_syscalls)
			return NULL;
		return symbol_unused(x86_64_symbols[nr]) ? x86_64_dispatcher : x86_64_symbols[nr];
	case VIEWOS_ARCH_I386:
		if (nr >= IA32_NR_syscalls)
			return NULL;
		return symbol_unused(i386_symbols[nr]) ? i386_dispatcher : i386_symbols[nr];
	default:
		return NULL;
	}
}
