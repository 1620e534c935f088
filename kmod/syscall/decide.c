// SPDX-License-Identifier: GPL-2.0
/* Where ruled system calls ask what is to become of them. */

#include <linux/atomic.h>
#include <linux/compat.h>
#include <linux/nospec.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "../clock.h"
#include "../hook.h"
#include "../rule.h"
#include "calls.h"
#include "serve.h"
#include "table.h"

unsigned int viewos_syscall_number(const struct pt_regs *regs)
{
	unsigned int arch = in_ia32_syscall() ? VIEWOS_ARCH_I386 : VIEWOS_ARCH_X86_64;
	unsigned int nr = regs->orig_ax;

	/* Those of the x32 ABI that are the same have the same function. */
	if (arch == VIEWOS_ARCH_X86_64)
		nr &= ~__X32_SYSCALL_BIT;
	/* The kernel makes some calls itself, for a program that wanted one by vsyscall. */
	if (nr >= VIEWOS_CALLS)
		return VIEWOS_ALL_CALLS;
	return arch * VIEWOS_CALLS + array_index_nospec(nr, VIEWOS_CALLS);
}

struct viewos_decision viewos_syscall_rule(unsigned int call, unsigned int depth,
					   struct viewos_rule **ask)
{
	struct viewos_decision decision = { };
	const struct viewos_call_table *table;
	struct viewos_rule *rule;
	bool serve, passes;

	rcu_read_lock();
	do {
		table = viewos_policy_calls_rcu();
		while (table && table->depth >= depth)
			table = table->parent;
		rule = table ? table->cells[call] : NULL;
		serve = rule && rule->verdict == VIEWOS_VERDICT_SERVE;
		passes = serve && viewos_call_passes(rule->server, call);
		if (passes)
			depth = rule->depth;
		/* A rule without references was taken out of force just now. */
	} while (passes || (serve && !refcount_inc_not_zero(&rule->ref)));
	if (rule)
		atomic64_inc(&rule->hits);
	if (rule && !serve) {
		decision.decided = true;
		decision.value = rule->verdict == VIEWOS_VERDICT_DENY ? rule->error : rule->value;
	}
	rcu_read_unlock();
	*ask = serve ? rule : NULL;
	return decision;
}

struct viewos_decision viewos_syscall_decide(const struct pt_regs *regs, unsigned long body)
{
	struct viewos_decision decision = { };
	unsigned int call = viewos_syscall_number(regs);
	struct viewos_rule *rule;

	if (call == VIEWOS_ALL_CALLS || body != viewos_hook_call_body(call))
		return decision;
	decision = viewos_syscall_rule(call, UINT_MAX, &rule);
	if (rule)
		decision = viewos_call_serve(rule, call, regs);
	return decision.decided ? decision : viewos_clock_answer(call, regs);
}
