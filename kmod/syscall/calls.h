/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The class syscall: sets of system calls, rules for them, and what a call is answered.
 *
 * A call is known by the table that it was made by and its number there. Each has a
 * function in the kernel; the functions of those calls that some rule is for are
 * redirected (hook.h), and ask viewos_syscall_decide() what is to become of the call. If
 * nothing is, the function goes on as if nobody had asked.
 *
 * All numbers that are not in use have one function, which ftrace does not know. If a rule is for
 * such a number then the function is redirected that the kernel calls for each call, and
 * it asks for these numbers alone.
 */
#ifndef _VIEWOS_CALLS_H
#define _VIEWOS_CALLS_H

#include <linux/bitops.h>
#include <linux/types.h>

#include <linux/viewos.h>

struct list_head;
struct pt_regs;
struct viewos_call_table;
struct viewos_rule;

/* A call is one number here: of its table, enum viewos_arch, times VIEWOS_CALLS, and its own. */
#define VIEWOS_ALL_CALLS	(VIEWOS_ARCHES * VIEWOS_CALLS)

/**
 * struct viewos_calls - a set of system calls
 * @set: the calls
 * @weight: how many there are
 * @hooked: their functions are redirected on its behalf
 */
struct viewos_calls {
	DECLARE_BITMAP(set, VIEWOS_ALL_CALLS);
	unsigned int weight;
	bool hooked;
};

#define for_each_call(call, calls) for_each_set_bit(call, (calls)->set, VIEWOS_ALL_CALLS)

/**
 * viewos_call_symbol() - the kernel's function for a call
 * @call: the call
 *
 * Return: its name; for a number that is not in use but that the kernel looks up, the name of the
 * function that looks it up; NULL for one that reaches no function at all.
 */
const char *viewos_call_symbol(unsigned int call);

/** viewos_call_unused() - is it a number that the kernel looks up, and that is not in use? */
bool viewos_call_unused(unsigned int call);

/**
 * viewos_calls_create() - a set, of what user space gave
 * @add: the rule
 *
 * Return: the set, to be freed by viewos_calls_free(); or ERR_PTR: -EINVAL it is empty,
 * -EOPNOTSUPP a call must not be ruled, -ENOSYS the kernel has no such call, -ENOMEM, or
 * what redirecting gave.
 */
struct viewos_calls *viewos_calls_create(const struct viewos_rule_add *add);
void viewos_calls_free(struct viewos_calls *calls);

/** viewos_calls_rule_valid() - is this a well-formed rule of the class syscall? */
bool viewos_calls_rule_valid(const struct viewos_rule_add *add);

/**
 * viewos_call_table_compile() - which rule decides which call
 * @rules: a view's own, of any class; viewos_rule_mutex is held
 * @depth: of the view
 * @parent: the parent's table, or NULL
 *
 * Return: a table with a reference, maybe the parent's; NULL where no rule is for any call;
 * ERR_PTR(-ENOMEM).
 */
struct viewos_call_table *viewos_call_table_compile(const struct list_head *rules,
						    unsigned int depth,
						    struct viewos_call_table *parent);

/** viewos_call_table_put() - drop a reference, NULL is allowed; may sleep */
void viewos_call_table_put(struct viewos_call_table *table);

/** viewos_policy_calls_rcu() - the table of current's view, or NULL; under rcu_read_lock() */
const struct viewos_call_table *viewos_policy_calls_rcu(void);

/**
 * struct viewos_decision - what becomes of a system call
 * @decided: not zero: it is not to be made, but returns @value
 * @value: what it returns
 *
 * hook_entry.S finds them in two registers.
 */
struct viewos_decision {
	unsigned long decided;
	long value;
};

/**
 * viewos_syscall_number() - the call that current is making
 * @regs: of the call
 *
 * Return: the call, or VIEWOS_ALL_CALLS for none that can be ruled.
 */
unsigned int viewos_syscall_number(const struct pt_regs *regs);

/**
 * viewos_syscall_rule() - what the views above say of a call that current is making
 * @call: the call
 * @depth: those that are less deep than this
 * @rule: set to the rule if a server is to be asked, with a reference; else to NULL
 */
struct viewos_decision viewos_syscall_rule(unsigned int call, unsigned int depth,
					   struct viewos_rule **rule);

/**
 * viewos_syscall_decide() - what becomes of the call that current is making
 * @regs: of the call
 * @body: behind which ftrace site it is asked: by another than that of the call nothing is
 *	decided. A function may be called with the registers of another function's call
 */
struct viewos_decision viewos_syscall_decide(const struct pt_regs *regs, unsigned long body);

#endif /* _VIEWOS_CALLS_H */
