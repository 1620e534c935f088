/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules: what a view says of a kind of call.
 *
 * References: the view's list has one, every policy that was compiled from it has one,
 * and a call that it decides has one. A rule does not change; @ref and @hits do.
 *
 * Locks: viewos_rule_mutex protects the lists of rules, and is held while policies are
 * compiled and published.
 */
#ifndef _VIEWOS_RULE_H
#define _VIEWOS_RULE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>

#include <linux/viewos.h>

struct net;
struct viewos_call_server;
struct viewos_calls;
struct viewos_format;
struct viewos_stack;
struct viewos_view;

extern struct mutex viewos_rule_mutex;

/**
 * struct viewos_match - what a rule is for
 * @stack: name of a stack, empty for the default; padded with NULs
 * @family: AF_*, or VIEWOS_RULE_ANY
 * @type: SOCK_*, or VIEWOS_RULE_ANY
 * @protocol: a protocol, or VIEWOS_RULE_ANY
 */
struct viewos_match {
	char stack[VIEWOS_NAME_LEN];
	int family;
	int type;
	int protocol;
};

/**
 * struct viewos_rule - class, match, verdict
 * @ref: references
 * @node: in its view's list, youngest first (viewos_rule_mutex)
 * @id: number, never used again
 * @depth: of its view
 * @class: enum viewos_class
 * @verdict: enum viewos_verdict
 * @match: what it is for, of the class socket
 * @calls: what it is for, of the class syscall, owned; else NULL
 * @format: what it is for, of the class binfmt, owned; else NULL
 * @value: for VALUE
 * @error: for DENY: a negative errno
 * @target: name of a server or a stack, or empty
 * @net: for REDIRECT, and for a server that answers with one: referenced, or NULL
 * @stack: for SERVE of the class socket: the server at work, referenced
 * @server: likewise of the class syscall, owned
 * @hits: calls that it decided
 * @rcu: delays the freeing for look-ups under RCU
 */
struct viewos_rule {
	refcount_t ref;
	struct list_head node;
	u64 id;
	unsigned int depth;
	unsigned int class;
	unsigned int verdict;
	struct viewos_match match;
	struct viewos_calls *calls;
	struct viewos_format *format;
	long value;
	int error;
	char target[VIEWOS_NAME_LEN];
	struct net *net;
	struct viewos_stack *stack;
	struct viewos_call_server *server;
	atomic64_t hits;
	struct rcu_head rcu;
};

void viewos_rule_get(struct viewos_rule *rule);
/** viewos_rule_put() - drop a reference; may sleep */
void viewos_rule_put(struct viewos_rule *rule);

/** viewos_rule_view_exit() - the view has gone: so have its rules */
void viewos_rule_view_exit(struct viewos_view *view);

/* VIEWOS_IOC_RULE_ADD and VIEWOS_IOC_RULE_DEL on a view fd. */
long viewos_rule_ioctl_add(struct viewos_view *view, void __user *arg, unsigned int size);
long viewos_rule_ioctl_del(struct viewos_view *view, void __user *arg, unsigned int size);

#endif /* _VIEWOS_RULE_H */
