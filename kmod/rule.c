// SPDX-License-Identifier: GPL-2.0
/* Rules: adding, deleting, and putting them in force. */

#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "binfmt.h"
#include "control.h"
#include "netlink.h"
#include "policy.h"
#include "rule.h"
#include "socket/stack.h"
#include "syscall/calls.h"
#include "syscall/serve.h"
#include "task.h"
#include "view.h"

/*
 * Protects the rules of all views, and next_policy. Outside viewos_hook_mutex and
 * viewos_tree_lock.
 */
DEFINE_MUTEX(viewos_rule_mutex);

static atomic64_t rule_last_id;

void viewos_rule_get(struct viewos_rule *rule)
{
	refcount_inc(&rule->ref);
}

void viewos_rule_put(struct viewos_rule *rule)
{
	if (!refcount_dec_and_test(&rule->ref))
		return;
	if (rule->stack)
		viewos_stack_put(rule->stack);
	if (rule->net)
		put_net(rule->net);
	viewos_call_server_free(rule->server);
	viewos_calls_free(rule->calls);
	viewos_format_free(rule->format);
	kfree_rcu(rule, rcu);
}

/* The policy above @view, which is @top or beneath it, once the change is in force. */
static const struct viewos_policy *policy_above(const struct viewos_view *view,
						const struct viewos_view *top)
{
	while (view != top) {
		view = view->parent;
		if (view->next_policy)
			return view->next_policy;
	}
	/* Only who holds the mutex changes it. */
	return rcu_dereference_protected(top->parent->policy,
					 lockdep_is_held(&viewos_rule_mutex));
}

static void changes_drop(struct list_head *changed)
{
	struct viewos_view *view, *next;

	list_for_each_entry_safe(view, next, changed, next_node) {
		list_del(&view->next_node);
		viewos_policy_put(view->next_policy);
		view->next_policy = NULL;
		viewos_view_put(view);
	}
}

/* Compiles what changes with the rules of @top: it, and those beneath that have rules. */
static int changes_compile(struct viewos_view *top, struct list_head *changed)
{
	struct viewos_policy *policy;
	struct viewos_view *view;
	u64 id = top->id;

	lockdep_assert_held(&viewos_rule_mutex);

	/* A view's id is greater than its parent's. */
	while ((view = viewos_view_next(id))) {
		id = view->id + 1;
		if (!viewos_view_within(view, top) || list_empty(&view->rules)) {
			viewos_view_put(view);
			continue;
		}
		policy = viewos_policy_compile(view, policy_above(view, top));
		if (IS_ERR(policy)) {
			viewos_view_put(view);
			return PTR_ERR(policy);
		}
		view->next_policy = policy;
		list_add_tail(&view->next_node, changed);
	}
	return 0;
}

/* Puts the rules of @top in force for it and all beneath. */
static int rules_enforce(struct viewos_view *top)
{
	LIST_HEAD(changed);
	LIST_HEAD(gone);
	int err;

	lockdep_assert_held(&viewos_rule_mutex);

	err = changes_compile(top, &changed);
	if (!err)
		viewos_view_publish(top, &gone);
	changes_drop(&changed);
	viewos_policy_put_all(&gone);
	return err;
}

/* Who is in a view must not loosen it: that is for those above. */
static int rule_permitted(struct viewos_view *view)
{
	bool above;

	if (viewos_view_is_root(view) || !viewos_view_owned(view))
		return -EPERM;
	rcu_read_lock();
	above = viewos_view_within(view->parent, viewos_task_view_rcu());
	rcu_read_unlock();
	return above || viewos_view_privileged(view->parent) ? 0 : -EPERM;
}

static bool rule_match_valid(const struct viewos_rule_add *add)
{
	return !add->flags && !add->binfmt && !memchr_inv(add->calls, 0, sizeof(add->calls)) &&
	       add->family >= VIEWOS_RULE_ANY && add->family < AF_MAX &&
	       (add->type == VIEWOS_RULE_ANY || (add->type > 0 && add->type <= SOCK_PACKET)) &&
	       add->protocol >= VIEWOS_RULE_ANY && viewos_name_valid(add->stack, true);
}

/* Only what belongs to the verdict is given, and that is. */
static bool rule_verdict_valid(const struct viewos_rule_add *add)
{
	bool netns = add->netns_fd >= 0;
	bool target = add->target[0];
	bool deny = add->verdict == VIEWOS_VERDICT_DENY;

	if (add->netns_fd < -1 || !viewos_name_valid(add->target, true) || add->value)
		return false;
	if (add->verdict != VIEWOS_VERDICT_SERVE && (add->source || add->options))
		return false;
	if (deny != !!add->error || add->error >= 512)
		return false;
	switch (add->verdict) {
	case VIEWOS_VERDICT_NATIVE:
	case VIEWOS_VERDICT_DENY:
		return !netns && !target;
	case VIEWOS_VERDICT_REDIRECT:
		return netns != target;
	case VIEWOS_VERDICT_SERVE:
		return !netns && target;
	default:
		return false;
	}
}

static bool rule_valid(const struct viewos_rule_add *add)
{
	if (add->flags & ~VIEWOS_RULE_ADD_ALL || add->pad || add->id)
		return false;
	switch (add->class) {
	case VIEWOS_CLASS_SOCKET:
		return rule_match_valid(add) && rule_verdict_valid(add);
	case VIEWOS_CLASS_SYSCALL:
		return viewos_calls_rule_valid(add);
	case VIEWOS_CLASS_BINFMT:
		return viewos_binfmt_rule_valid(add);
	default:
		return false;
	}
}

static int rule_set_netns(struct viewos_rule *rule, int fd)
{
	struct net *net = get_net_ns_by_fd(fd);

	if (IS_ERR(net))
		return PTR_ERR(net);
	if (!ns_capable(net->user_ns, CAP_SYS_ADMIN)) {
		put_net(net);
		return -EPERM;
	}
	rule->net = net;
	return 0;
}

/* A string of the caller's, or an empty one. */
static char *rule_string(u64 from)
{
	if (!from)
		return kstrdup("", GFP_KERNEL_ACCOUNT);
	return strndup_user(u64_to_user_ptr(from), VIEWOS_SOURCE_LEN);
}

static int rule_connect(struct viewos_rule *rule, struct viewos_view *view, const char *source,
			const char *options)
{
	struct viewos_call_server *server;
	struct viewos_stack *stack;

	if (rule->class == VIEWOS_CLASS_SYSCALL) {
		server = viewos_call_server_connect(rule->target, source, options, view->id);
		if (IS_ERR(server))
			return PTR_ERR(server);
		rule->server = server;
		return 0;
	}
	stack = viewos_stack_connect(rule->target, source, options, view->id, rule->match.stack);
	if (IS_ERR(stack))
		return PTR_ERR(stack);
	rule->stack = stack;
	rule->net = viewos_stack_net(stack);
	return 0;
}

static int rule_set_server(struct viewos_rule *rule, struct viewos_view *view,
			   const struct viewos_rule_add *add)
{
	char *source, *options;
	int err;

	source = rule_string(add->source);
	if (IS_ERR_OR_NULL(source))
		return source ? PTR_ERR(source) : -ENOMEM;
	options = rule_string(add->options);
	if (IS_ERR_OR_NULL(options)) {
		kfree(source);
		return options ? PTR_ERR(options) : -ENOMEM;
	}
	err = rule_connect(rule, view, source, options);
	kfree(options);
	kfree(source);
	return err;
}

static int rule_set_calls(struct viewos_rule *rule, const struct viewos_rule_add *add)
{
	struct viewos_calls *calls = viewos_calls_create(add);

	if (IS_ERR(calls))
		return PTR_ERR(calls);
	rule->calls = calls;
	rule->value = add->value;
	return 0;
}

static int rule_set_format(struct viewos_rule *rule, const struct viewos_rule_add *add)
{
	struct viewos_format *format = viewos_format_create(add);

	if (IS_ERR(format))
		return PTR_ERR(format);
	rule->format = format;
	return 0;
}

static struct viewos_rule *rule_create(struct viewos_view *view, const struct viewos_rule_add *add)
{
	struct viewos_rule *rule;
	int err = 0;

	rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);
	if (!rule)
		return ERR_PTR(-ENOMEM);
	refcount_set(&rule->ref, 1);
	rule->id = atomic64_inc_return(&rule_last_id);
	rule->depth = view->depth;
	rule->class = add->class;
	rule->verdict = add->verdict;
	rule->error = -(int)add->error;
	memcpy(rule->match.stack, add->stack, sizeof(add->stack));
	rule->match.family = add->family;
	rule->match.type = add->type;
	rule->match.protocol = add->protocol;
	viewos_policy_normalize(&rule->match.family, rule->match.type, &rule->match.protocol);
	memcpy(rule->target, add->target, sizeof(add->target));
	if (add->class == VIEWOS_CLASS_SYSCALL)
		err = rule_set_calls(rule, add);
	else if (add->class == VIEWOS_CLASS_BINFMT)
		err = rule_set_format(rule, add);
	else if (add->netns_fd >= 0)
		err = rule_set_netns(rule, add->netns_fd);
	if (!err && add->verdict == VIEWOS_VERDICT_SERVE)
		err = rule_set_server(rule, view, add);
	if (err) {
		viewos_rule_put(rule);
		return ERR_PTR(err);
	}
	return rule;
}

static int rule_link(struct viewos_view *view, struct viewos_rule *rule)
{
	int err;

	if (mutex_lock_killable(&viewos_rule_mutex))
		return -EINTR;
	if (view->nr_rules >= VIEWOS_RULES_MAX) {
		err = -ENOSPC;
		goto unlock;
	}
	viewos_rule_get(rule);
	list_add(&rule->node, &view->rules);
	view->nr_rules++;
	err = rules_enforce(view);
	if (err) {
		list_del(&rule->node);
		view->nr_rules--;
		viewos_rule_put(rule);
	}
unlock:
	mutex_unlock(&viewos_rule_mutex);
	return err;
}

long viewos_rule_ioctl_add(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_rule_add add;
	struct viewos_rule *rule;
	long ret;

	ret = viewos_ioctl_copy_grown(&add, sizeof(add), VIEWOS_RULE_ADD_SIZE_2, arg, size);
	if (ret)
		return ret;
	if (!rule_valid(&add))
		return -EINVAL;
	ret = rule_permitted(view);
	if (ret)
		return ret;
	rule = rule_create(view, &add);
	if (IS_ERR(rule))
		return PTR_ERR(rule);
	add.id = rule->id;
	ret = viewos_ioctl_return(arg, size, &add, sizeof(add)) ?: rule_link(view, rule);
	if (!ret)
		viewos_netlink_rule_event(VIEWOS_CMD_RULE_NEW_NTF, view, rule);
	viewos_rule_put(rule);
	return ret;
}

static struct viewos_rule *rule_find_locked(struct viewos_view *view, u64 id)
{
	struct viewos_rule *rule;

	lockdep_assert_held(&viewos_rule_mutex);

	list_for_each_entry(rule, &view->rules, node)
		if (rule->id == id)
			return rule;
	return NULL;
}

static int rule_unlink(struct viewos_view *view, u64 id, struct viewos_rule **unlinked)
{
	struct viewos_rule *rule;
	struct list_head *before;
	int err = -ENOENT;

	if (mutex_lock_killable(&viewos_rule_mutex))
		return -EINTR;
	rule = rule_find_locked(view, id);
	if (rule) {
		before = rule->node.prev;
		list_del(&rule->node);
		view->nr_rules--;
		err = rules_enforce(view);
		if (err) {
			list_add(&rule->node, before);
			view->nr_rules++;
		}
	}
	mutex_unlock(&viewos_rule_mutex);
	*unlinked = rule;
	return err;
}

long viewos_rule_ioctl_del(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_rule_del del;
	struct viewos_rule *rule;
	long ret;

	ret = viewos_ioctl_copy(&del, sizeof(del), arg, size);
	if (ret)
		return ret;
	if (del.flags)
		return -EINVAL;
	ret = rule_permitted(view) ?: rule_unlink(view, del.id, &rule);
	if (ret)
		return ret;
	viewos_netlink_rule_event(VIEWOS_CMD_RULE_GONE_NTF, view, rule);
	viewos_rule_put(rule);
	return 0;
}

void viewos_rule_view_exit(struct viewos_view *view)
{
	struct viewos_rule *rule, *next;

	viewos_policy_put(rcu_dereference_protected(view->policy, 1));
	list_for_each_entry_safe(rule, next, &view->rules, node) {
		viewos_netlink_rule_event(VIEWOS_CMD_RULE_GONE_NTF, view, rule);
		viewos_rule_put(rule);
	}
}
