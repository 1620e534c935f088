// SPDX-License-Identifier: GPL-2.0
/* Rules for system calls: which calls they are for, and which rule decides which call. */

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../control.h"
#include "../hook.h"
#include "../rule.h"
#include "calls.h"
#include "serve.h"
#include "table.h"

/*
 * A process that is denied one of these can neither go on nor end: the kernel or the C
 * library makes these calls on its behalf, and takes no answer.
 */
static const char *const unruled[] = {
	"rt_sigreturn", "sigreturn", "restart_syscall", "uretprobe", "uprobe",
};

/* A server may be told of those by which a process ends. */
static bool call_unruled(unsigned int call, const char *symbol, bool serve)
{
	const char *name = strstr(symbol, "sys_");
	size_t i;

	if (viewos_call_exits(call))
		return !serve;
	if (!name)
		return false;
	for (i = 0; i < ARRAY_SIZE(unruled); i++)
		if (!strcmp(name + strlen("sys_"), unruled[i]))
			return true;
	return false;
}

static int calls_check(struct viewos_calls *calls, bool known, bool serve)
{
	const char *symbol;
	unsigned int call;

	for_each_call(call, calls) {
		symbol = viewos_call_symbol(call);
		if (symbol && !call_unruled(call, symbol, serve) &&
		    !(known && viewos_call_unused(call)))
			continue;
		if (!known)
			return symbol ? -EOPNOTSUPP : -ENOSYS;
		__clear_bit(call, calls->set);
	}
	calls->weight = bitmap_weight(calls->set, VIEWOS_ALL_CALLS);
	return calls->weight ? 0 : -EINVAL;
}

struct viewos_calls *viewos_calls_create(const struct viewos_rule_add *add)
{
	bool known = add->flags & VIEWOS_RULE_ADD_KNOWN;
	bool serve = add->verdict == VIEWOS_VERDICT_SERVE;
	struct viewos_calls *calls;
	int err;

	static_assert(sizeof(calls->set) == sizeof(add->calls));

	calls = kzalloc(sizeof(*calls), GFP_KERNEL_ACCOUNT);
	if (!calls)
		return ERR_PTR(-ENOMEM);
	memcpy(calls->set, add->calls, sizeof(calls->set));
	err = calls_check(calls, known, serve) ?: viewos_hook_calls_get(calls, known);
	if (err) {
		kfree(calls);
		return ERR_PTR(err);
	}
	calls->hooked = true;
	return calls;
}

void viewos_calls_free(struct viewos_calls *calls)
{
	if (!calls)
		return;
	if (calls->hooked)
		viewos_hook_calls_put(calls);
	kfree(calls);
}

/* A value that would be taken for an error, or for the kernel's wish to restart the call. */
static bool value_is_error(s64 value)
{
	/* A 32-bit program gets the lower half. */
	return IS_ERR_VALUE((unsigned long)value) || IS_ERR_VALUE((long)(int)value);
}

bool viewos_calls_rule_valid(const struct viewos_rule_add *add)
{
	bool serve = add->verdict == VIEWOS_VERDICT_SERVE;

	if (add->binfmt || add->family != VIEWOS_RULE_ANY || add->type != VIEWOS_RULE_ANY ||
	    add->protocol != VIEWOS_RULE_ANY || add->netns_fd != -1 ||
	    memchr_inv(add->stack, 0, sizeof(add->stack)))
		return false;
	if (serve ? !viewos_name_valid(add->target, false) : add->source || add->options ||
	    memchr_inv(add->target, 0, sizeof(add->target)))
		return false;
	if (add->verdict != VIEWOS_VERDICT_VALUE && add->value)
		return false;
	if (add->verdict != VIEWOS_VERDICT_DENY && add->error)
		return false;
	switch (add->verdict) {
	case VIEWOS_VERDICT_NATIVE:
	case VIEWOS_VERDICT_SERVE:
		return true;
	case VIEWOS_VERDICT_DENY:
		return add->error && add->error < 512;
	case VIEWOS_VERDICT_VALUE:
		return !value_is_error(add->value);
	default:
		return false;
	}
}

/* The view's own: for each call the one for the fewest, then the youngest, which comes first. */
static void table_collect(struct viewos_call_table *table, const struct list_head *rules)
{
	struct viewos_rule *rule, **cell;
	unsigned int call;

	list_for_each_entry(rule, rules, node) {
		if (!rule->calls)
			continue;
		for_each_call(call, rule->calls) {
			cell = &table->cells[call];
			if (!*cell || rule->calls->weight < (*cell)->calls->weight)
				*cell = rule;
		}
		cond_resched();
	}
}

/* Where the view says nothing of its own, or native, the parent decides. */
static void table_inherit(struct viewos_call_table *table, const struct viewos_call_table *parent)
{
	struct viewos_rule **cell;
	unsigned int call;

	for (call = 0; call < VIEWOS_ALL_CALLS; call++) {
		cell = &table->cells[call];
		if (!*cell || (*cell)->verdict == VIEWOS_VERDICT_NATIVE)
			*cell = parent ? parent->cells[call] : NULL;
		if (*cell)
			viewos_rule_get(*cell);
	}
}

static bool rules_have_calls(const struct list_head *rules)
{
	struct viewos_rule *rule;

	list_for_each_entry(rule, rules, node)
		if (rule->calls)
			return true;
	return false;
}

struct viewos_call_table *viewos_call_table_compile(const struct list_head *rules,
						    unsigned int depth,
						    struct viewos_call_table *parent)
{
	struct viewos_call_table *table;

	lockdep_assert_held(&viewos_rule_mutex);

	if (!rules_have_calls(rules)) {
		if (parent)
			refcount_inc(&parent->ref);
		return parent;
	}
	table = kvzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	refcount_set(&table->ref, 1);
	table->depth = depth;
	table->parent = parent;
	if (parent)
		refcount_inc(&parent->ref);
	table_collect(table, rules);
	table_inherit(table, parent);
	return table;
}

void viewos_call_table_put(struct viewos_call_table *table)
{
	struct viewos_call_table *parent;
	unsigned int call;

	while (table && refcount_dec_and_test(&table->ref)) {
		for (call = 0; call < VIEWOS_ALL_CALLS; call++)
			if (table->cells[call])
				viewos_rule_put(table->cells[call]);
		parent = table->parent;
		kvfree_rcu(table, rcu);
		table = parent;
	}
}
