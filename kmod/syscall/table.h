/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which rule decides which call, for a view: compiled from its own rules and its parent's
 * table. It does not change once it is part of a policy; views whose parents' rules are in
 * force for them share it.
 *
 * References: each policy that has it, and each table beneath. Readers hold RCU.
 */
#ifndef _VIEWOS_TABLE_H
#define _VIEWOS_TABLE_H

#include <linux/rcupdate.h>
#include <linux/refcount.h>

#include "calls.h"

struct viewos_rule;

/**
 * struct viewos_call_table - a rule for each call
 * @ref: references
 * @rcu: delays the freeing for look-ups
 * @parent: of the next view above that has rules, referenced; or NULL
 * @depth: of the view whose rules these are
 * @cells: for each call NULL for native, or a rule with a reference
 */
struct viewos_call_table {
	refcount_t ref;
	struct rcu_head rcu;
	struct viewos_call_table *parent;
	unsigned int depth;
	struct viewos_rule *cells[VIEWOS_ALL_CALLS];
};

#endif /* _VIEWOS_TABLE_H */
