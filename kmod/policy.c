// SPDX-License-Identifier: GPL-2.0
/* Policies: rules compiled to a table, and the look-up in it. */

#include <linux/err.h>
#include <linux/hash.h>
#include <linux/in.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>

#include "binfmt.h"
#include "hook.h"
#include "limits.h"
#include "policy.h"
#include "rule.h"
#include "syscall/calls.h"
#include "task.h"
#include "view.h"

/* A number that no rule names, and that nobody can ask for: stands for all others. */
#define POLICY_OTHER		INT_MIN

/* SOCK_PACKET is the largest. */
#define POLICY_TYPES		16

/**
 * struct policy_set - numbers that the rules name, as rows or columns of the table
 * @nr: how many, with "any other", which is number 0
 * @value: the numbers; @value[0] is POLICY_OTHER
 */
struct policy_set {
	unsigned int nr;
	int value[VIEWOS_MAX_POLICY_SET];
};

/**
 * struct policy_protocol - an entry in the hash table of protocols
 * @value: the protocol
 * @index: its place in the set, 0 for an empty entry
 */
struct policy_protocol {
	int value;
	u32 index;
};

/**
 * struct viewos_policy - a compiled policy
 * @ref: references
 * @rcu: delays the freeing for look-ups
 * @gone: in a list of those whose last reference is to be dropped
 * @families: families that rules name
 * @types: types that they name
 * @protocols: protocols that they name
 * @family_index: number of a family in its set
 * @type_index: number of a type in its set
 * @protocol_hash: numbers of the protocols in their set
 * @nr_stacks: stacks, of which the first is the default
 * @stacks: their names
 * @loops: a stack leads to itself
 * @sockets: some rule is for sockets
 * @calls: which rule decides which system call, with a reference, or NULL
 * @binfmts: what is interpreted by what, with a reference, or NULL
 * @nr_cells: cells of the table
 * @cells: NULL for native, a rule with a reference, or an ERR_PTR
 */
struct viewos_policy {
	refcount_t ref;
	struct rcu_head rcu;
	struct list_head gone;
	struct policy_set families;
	struct policy_set types;
	struct policy_set protocols;
	u8 family_index[AF_MAX];
	u8 type_index[POLICY_TYPES];
	struct policy_protocol protocol_hash[VIEWOS_MAX_POLICY_SET * 2];
	unsigned int nr_stacks;
	char stacks[VIEWOS_MAX_STACKS][VIEWOS_NAME_LEN];
	bool loops;
	bool sockets;
	struct viewos_call_table *calls;
	struct viewos_binfmt_table *binfmts;
	unsigned int nr_cells;
	struct viewos_rule *cells[];
};

/** struct policy_key - what a cell is for */
struct policy_key {
	const char *stack;
	int family;
	int type;
	int protocol;
};

static int set_add(struct policy_set *set, int value)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->value[i] == value)
			return 0;
	if (set->nr == ARRAY_SIZE(set->value))
		return -ENOSPC;
	set->value[set->nr++] = value;
	return 0;
}

static int stack_find(const struct viewos_policy *policy, const char *name)
{
	unsigned int i;

	for (i = 0; i < policy->nr_stacks; i++)
		if (!strcmp(policy->stacks[i], name))
			return i;
	return -ENOENT;
}

static int stack_add(struct viewos_policy *policy, const char *name)
{
	if (stack_find(policy, name) >= 0)
		return 0;
	if (policy->nr_stacks == VIEWOS_MAX_STACKS)
		return -ENOSPC;
	strscpy(policy->stacks[policy->nr_stacks++], name, VIEWOS_NAME_LEN);
	return 0;
}

static unsigned int protocol_slot(int protocol)
{
	return hash_32(protocol, ilog2(VIEWOS_MAX_POLICY_SET * 2));
}

static unsigned int protocol_index(const struct viewos_policy *policy, int protocol)
{
	unsigned int slot = protocol_slot(protocol);

	/* At most half full, so there is an empty entry, and it is near. */
	while (policy->protocol_hash[slot].index) {
		if (policy->protocol_hash[slot].value == protocol)
			return policy->protocol_hash[slot].index;
		slot = (slot + 1) % ARRAY_SIZE(policy->protocol_hash);
	}
	return 0;
}

static void protocol_add(struct viewos_policy *policy, unsigned int index)
{
	unsigned int slot = protocol_slot(policy->protocols.value[index]);

	while (policy->protocol_hash[slot].index)
		slot = (slot + 1) % ARRAY_SIZE(policy->protocol_hash);
	policy->protocol_hash[slot].value = policy->protocols.value[index];
	policy->protocol_hash[slot].index = index;
}

static size_t cell_index(const struct viewos_policy *policy, unsigned int stack,
			 unsigned int family, unsigned int type, unsigned int protocol)
{
	return ((stack * policy->families.nr + family) * policy->types.nr + type) *
	       policy->protocols.nr + protocol;
}

/* What a policy says; NULL, a rule, or an ERR_PTR. */
static struct viewos_rule *policy_find(const struct viewos_policy *policy,
				       const struct policy_key *key)
{
	unsigned int family = 0, type = 0;
	int stack = 0;

	if (key->stack[0])
		stack = policy ? stack_find(policy, key->stack) : -ENOENT;
	if (stack < 0)
		return ERR_PTR(stack);
	if (!policy)
		return NULL;
	if (key->family >= 0 && key->family < AF_MAX)
		family = policy->family_index[key->family];
	if (key->type >= 0 && key->type < POLICY_TYPES)
		type = policy->type_index[key->type];
	return policy->cells[cell_index(policy, stack, family, type,
					protocol_index(policy, key->protocol))];
}

static bool part_matches(int rule, int asked)
{
	return rule == VIEWOS_RULE_ANY || rule == asked;
}

/* How specific a rule is: the family counts most. */
static unsigned int match_weight(const struct viewos_match *match)
{
	return (match->family != VIEWOS_RULE_ANY) << 2 | (match->type != VIEWOS_RULE_ANY) << 1 |
	       (match->protocol != VIEWOS_RULE_ANY);
}

/* The view's own rule: the most specific, then the youngest, which comes first. */
static struct viewos_rule *rule_best(const struct list_head *rules, const struct policy_key *key)
{
	struct viewos_rule *rule, *best = NULL;

	list_for_each_entry(rule, rules, node) {
		const struct viewos_match *match = &rule->match;

		if (rule->class != VIEWOS_CLASS_SOCKET)
			continue;
		if (!part_matches(match->family, key->family) ||
		    !part_matches(match->type, key->type) ||
		    !part_matches(match->protocol, key->protocol) ||
		    strcmp(match->stack, key->stack))
			continue;
		if (!best || match_weight(match) > match_weight(&best->match))
			best = rule;
	}
	return best;
}

static bool rule_denies(struct viewos_rule *rule)
{
	return IS_ERR(rule) || (rule && rule->verdict == VIEWOS_VERDICT_DENY);
}

static struct viewos_rule *cell_decide(struct viewos_policy *policy, const struct list_head *rules,
				       const struct viewos_policy *parent, struct policy_key key)
{
	struct viewos_rule *rule, *above;
	unsigned int hops;

	for (hops = 0; hops <= VIEWOS_MAX_STACKS; hops++) {
		rule = rule_best(rules, &key);
		if (!rule)
			return policy_find(parent, &key);
		if (rule->verdict == VIEWOS_VERDICT_DENY || rule->verdict == VIEWOS_VERDICT_SERVE)
			return rule;
		if (rule->verdict == VIEWOS_VERDICT_REDIRECT && !rule->net) {
			key.stack = rule->target;
			continue;
		}
		/* What the parent takes away, a child cannot have back. */
		key.stack = "";
		above = policy_find(parent, &key);
		if (rule->verdict == VIEWOS_VERDICT_NATIVE || rule_denies(above))
			return above;
		return rule;
	}
	policy->loops = true;
	return ERR_PTR(-ELOOP);
}

static void policy_fill(struct viewos_policy *policy, const struct list_head *rules,
			const struct viewos_policy *parent)
{
	unsigned int s, f, t, p;
	struct viewos_rule *rule;

	for (s = 0; s < policy->nr_stacks; s++)
		for (f = 0; f < policy->families.nr; f++)
			for (t = 0; t < policy->types.nr; t++) {
				for (p = 0; p < policy->protocols.nr; p++) {
					struct policy_key key = {
						.stack = policy->stacks[s],
						.family = policy->families.value[f],
						.type = policy->types.value[t],
						.protocol = policy->protocols.value[p],
					};

					rule = cell_decide(policy, rules, parent, key);
					if (!IS_ERR_OR_NULL(rule))
						viewos_rule_get(rule);
					policy->cells[cell_index(policy, s, f, t, p)] = rule;
				}
				cond_resched();
			}
}

static int set_copy(struct policy_set *to, const struct policy_set *from)
{
	unsigned int i;
	int err = 0;

	for (i = 1; i < from->nr && !err; i++)
		err = set_add(to, from->value[i]);
	return err;
}

static int policy_collect_parent(struct viewos_policy *policy, const struct viewos_policy *parent)
{
	unsigned int i;
	int err;

	policy->sockets = parent->sockets;
	err = set_copy(&policy->families, &parent->families) ?:
	      set_copy(&policy->types, &parent->types) ?:
	      set_copy(&policy->protocols, &parent->protocols);
	for (i = 1; i < parent->nr_stacks && !err; i++)
		err = stack_add(policy, parent->stacks[i]);
	return err;
}

static int policy_collect_rule(struct viewos_policy *policy, const struct viewos_match *match)
{
	int err = 0;

	if (match->family != VIEWOS_RULE_ANY)
		err = set_add(&policy->families, match->family);
	if (!err && match->type != VIEWOS_RULE_ANY)
		err = set_add(&policy->types, match->type);
	if (!err && match->protocol != VIEWOS_RULE_ANY)
		err = set_add(&policy->protocols, match->protocol);
	return err ?: stack_add(policy, match->stack);
}

/* All that the rules name; the cells come later. */
static int policy_collect(struct viewos_policy *policy, const struct list_head *rules,
			  const struct viewos_policy *parent)
{
	struct viewos_rule *rule;
	unsigned int i;
	int err;

	err = set_add(&policy->families, POLICY_OTHER) ?: set_add(&policy->types, POLICY_OTHER) ?:
	      set_add(&policy->protocols, POLICY_OTHER) ?: stack_add(policy, "");
	if (!err && parent)
		err = policy_collect_parent(policy, parent);
	list_for_each_entry(rule, rules, node) {
		if (err)
			return err;
		if (rule->class != VIEWOS_CLASS_SOCKET)
			continue;
		policy->sockets = true;
		err = policy_collect_rule(policy, &rule->match);
	}
	if (err)
		return err;
	for (i = 1; i < policy->families.nr; i++)
		policy->family_index[policy->families.value[i]] = i;
	for (i = 1; i < policy->types.nr; i++)
		policy->type_index[policy->types.value[i]] = i;
	for (i = 1; i < policy->protocols.nr; i++)
		protocol_add(policy, i);
	policy->nr_cells = policy->nr_stacks * policy->families.nr * policy->types.nr *
			   policy->protocols.nr;
	return policy->nr_cells > VIEWOS_MAX_CELLS ? -ENOSPC : 0;
}

/* Twice: first to know how many cells there are. */
static struct viewos_policy *policy_alloc(const struct list_head *rules,
					  const struct viewos_policy *parent)
{
	struct viewos_policy *small, *policy;
	int err;

	small = kvzalloc(sizeof(*small), GFP_KERNEL_ACCOUNT);
	if (!small)
		return ERR_PTR(-ENOMEM);
	err = policy_collect(small, rules, parent);
	if (err) {
		kvfree(small);
		return ERR_PTR(err);
	}
	policy = kvzalloc(struct_size(policy, cells, small->nr_cells), GFP_KERNEL_ACCOUNT);
	if (policy)
		memcpy(policy, small, sizeof(*policy));
	kvfree(small);
	if (!policy)
		return ERR_PTR(-ENOMEM);
	refcount_set(&policy->ref, 1);
	return policy;
}

struct viewos_policy *viewos_policy_compile(struct viewos_view *view,
					    const struct viewos_policy *parent)
{
	struct viewos_policy *policy;
	int err;

	lockdep_assert_held(&viewos_rule_mutex);

	policy = policy_alloc(&view->rules, parent);
	if (IS_ERR(policy))
		return policy;
	policy->calls = viewos_call_table_compile(&view->rules, view->depth,
						  parent ? parent->calls : NULL);
	err = PTR_ERR_OR_ZERO(policy->calls);
	if (err)
		goto free;
	policy->binfmts = viewos_binfmt_table_compile(&view->rules,
						      parent ? parent->binfmts : NULL);
	err = PTR_ERR_OR_ZERO(policy->binfmts);
	if (err)
		goto put_calls;
	/* Calls are redirected for as long as there is a rule. */
	err = policy->sockets ? viewos_hook_get(VIEWOS_HOOK_SOCKET) : 0;
	if (err)
		goto put_binfmts;
	policy_fill(policy, &view->rules, parent);
	if (policy->loops) {
		viewos_policy_put(policy);
		return ERR_PTR(-ELOOP);
	}
	return policy;

put_binfmts:
	viewos_binfmt_table_put(policy->binfmts);
put_calls:
	viewos_call_table_put(policy->calls);
free:
	kvfree(policy);
	return ERR_PTR(err);
}

void viewos_policy_put(struct viewos_policy *policy)
{
	unsigned int i;

	if (!policy || !refcount_dec_and_test(&policy->ref))
		return;
	for (i = 0; i < policy->nr_cells; i++)
		if (!IS_ERR_OR_NULL(policy->cells[i]))
			viewos_rule_put(policy->cells[i]);
	viewos_call_table_put(policy->calls);
	viewos_binfmt_table_put(policy->binfmts);
	if (policy->sockets)
		viewos_hook_put(VIEWOS_HOOK_SOCKET);
	kvfree_rcu(policy, rcu);
}

void viewos_policy_inherit_locked(struct viewos_view *view)
{
	struct viewos_policy *policy;

	policy = rcu_dereference_protected(view->parent->policy,
					   lockdep_is_held(&viewos_tree_lock));
	if (policy)
		refcount_inc(&policy->ref);
	rcu_assign_pointer(view->policy, policy);
}

void viewos_policy_set_locked(struct viewos_view *view, struct viewos_policy *policy,
			      struct list_head *gone)
{
	struct viewos_policy *old;

	if (policy)
		refcount_inc(&policy->ref);
	old = rcu_replace_pointer(view->policy, policy, lockdep_is_held(&viewos_tree_lock));
	/* The last reference is not to be dropped under a lock. */
	if (old && !refcount_dec_not_one(&old->ref))
		list_add(&old->gone, gone);
}

void viewos_policy_put_all(struct list_head *gone)
{
	struct viewos_policy *policy, *next;

	list_for_each_entry_safe(policy, next, gone, gone)
		viewos_policy_put(policy);
}

void viewos_policy_normalize(int *family, int type, int *protocol)
{
	if (*family == PF_INET && type == SOCK_PACKET)
		*family = PF_PACKET;
	if ((*family == PF_INET || *family == PF_INET6) && !*protocol) {
		if (type == SOCK_STREAM)
			*protocol = IPPROTO_TCP;
		else if (type == SOCK_DGRAM)
			*protocol = IPPROTO_UDP;
	}
}

struct viewos_rule *viewos_policy_decide(const char *stack, int family, int type, int protocol)
{
	struct policy_key key = { stack, family, type, protocol };
	struct viewos_rule *rule;

	viewos_policy_normalize(&key.family, type, &key.protocol);
	rcu_read_lock();
	do {
		rule = policy_find(rcu_dereference(viewos_task_view_rcu()->policy), &key);
		/* A rule without references was taken out of force just now. */
	} while (!IS_ERR_OR_NULL(rule) && !refcount_inc_not_zero(&rule->ref));
	rcu_read_unlock();
	if (!IS_ERR_OR_NULL(rule))
		atomic64_inc(&rule->hits);
	return rule;
}

const struct viewos_call_table *viewos_policy_calls_rcu(void)
{
	const struct viewos_policy *policy = rcu_dereference(viewos_task_view_rcu()->policy);

	return policy ? policy->calls : NULL;
}

const struct viewos_binfmt_table *viewos_policy_binfmts_rcu(void)
{
	const struct viewos_policy *policy = rcu_dereference(viewos_task_view_rcu()->policy);

	return policy ? policy->binfmts : NULL;
}
