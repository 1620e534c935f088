/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The class binfmt: programs that another one is to interpret, in a view.
 *
 * One linux_binfmt asks the policy of the caller's view what is to become of a file that is
 * executed. It is registered by the first rule, before all others, until the module goes.
 */
#ifndef _VIEWOS_BINFMT_H
#define _VIEWOS_BINFMT_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include <linux/viewos.h>

struct list_head;
struct viewos_binfmt_table;

/**
 * struct viewos_format - what a rule is for, and who interprets it
 * @rcu: delays the freeing for look-ups under RCU
 * @match: as user space gave it, checked; an extension ends with a NUL
 * @interpreter: path of the program, empty for another verdict than REDIRECT
 */
struct viewos_format {
	struct rcu_head rcu;
	struct viewos_binfmt match;
	char interpreter[];
};

/** viewos_binfmt_rule_valid() - is this a well-formed rule of the class binfmt? */
bool viewos_binfmt_rule_valid(const struct viewos_rule_add *add);

/**
 * viewos_format_create() - a format, of what user space gave
 * @add: the rule
 *
 * Return: the format, to be freed by viewos_format_free(); or ERR_PTR: -EINVAL, -E2BIG,
 * -EFAULT, -EPERM it needs privilege, -ENOMEM.
 */
struct viewos_format *viewos_format_create(const struct viewos_rule_add *add);
void viewos_format_free(struct viewos_format *format);

/**
 * viewos_binfmt_table_compile() - a view's formats, and those above it
 * @rules: a view's own, of any class; viewos_rule_mutex is held
 * @parent: the parent's table, or NULL
 *
 * Return: a table with a reference, maybe the parent's; NULL without any; ERR_PTR(-ENOMEM).
 */
struct viewos_binfmt_table *viewos_binfmt_table_compile(const struct list_head *rules,
							struct viewos_binfmt_table *parent);

/** viewos_binfmt_exit() - the module goes, and nobody is executing anything by a rule */
void viewos_binfmt_exit(void);

/** viewos_binfmt_table_put() - drop a reference, NULL is allowed; may sleep */
void viewos_binfmt_table_put(struct viewos_binfmt_table *table);

/** viewos_policy_binfmts_rcu() - the table of current's view, or NULL; under rcu_read_lock() */
const struct viewos_binfmt_table *viewos_policy_binfmts_rcu(void);

#endif /* _VIEWOS_BINFMT_H */
