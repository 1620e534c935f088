/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policies: the rules of a view and all above it, compiled to a table.
 *
 * A policy does not change. A view points to one under RCU, or to none where no rule
 * is in force; a view without rules of its own shares its parent's. When rules change,
 * new policies are compiled for the view and all beneath it that have rules, and
 * published together under viewos_tree_lock.
 *
 * The table has a cell for each combination of the stacks, families, types and protocols
 * that some rule names, and of "any other" for each; so a look-up takes the same few
 * steps however many rules and views there are.
 *
 * References: each view that points to it has one.
 */
#ifndef _VIEWOS_POLICY_H
#define _VIEWOS_POLICY_H

#include <linux/types.h>

struct list_head;
struct viewos_match;
struct viewos_policy;
struct viewos_rule;
struct viewos_view;

/**
 * viewos_policy_compile() - the policy of a view
 * @view: the view; viewos_rule_mutex is held
 * @parent: policy of its parent, or NULL
 *
 * Return: a policy with one reference, or ERR_PTR: -ENOSPC too many different matches,
 * -ELOOP stacks lead to each other, -ENOMEM, or what installing the hooks gave.
 */
struct viewos_policy *viewos_policy_compile(struct viewos_view *view,
					    const struct viewos_policy *parent);

/** viewos_policy_normalize() - write what is asked for as socket(2) understands it */
void viewos_policy_normalize(int *family, int type, int *protocol);

/**
 * viewos_policy_inherit_locked() - a new view's policy is its parent's
 * @view: not in the tree yet; viewos_tree_lock is held
 */
void viewos_policy_inherit_locked(struct viewos_view *view);

/**
 * viewos_policy_set_locked() - publish a view's policy
 * @view: the view; viewos_tree_lock is held
 * @policy: the policy, or NULL; it gets a reference
 * @gone: list of old policies to be given to viewos_policy_put_all() later
 */
void viewos_policy_set_locked(struct viewos_view *view, struct viewos_policy *policy,
			      struct list_head *gone);
void viewos_policy_put_all(struct list_head *gone);

/** viewos_policy_put() - drop a reference, NULL is allowed; may sleep */
void viewos_policy_put(struct viewos_policy *policy);

/**
 * viewos_policy_decide() - the rule for a socket that current makes
 * @stack: name of a stack, or "" for the default
 * @family: as given to socket(2), likewise the next two
 * @type: without flags
 * @protocol: the protocol
 *
 * Return: NULL, which is native; the rule, with a reference, which counts as a hit; or an
 * ERR_PTR with which the call is to fail: -ENOENT no such stack, -ELOOP.
 */
struct viewos_rule *viewos_policy_decide(const char *stack, int family, int type, int protocol);

#endif /* _VIEWOS_POLICY_H */
