/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Views: the tree, owners, lifetime.
 *
 * References: an open view fd, a task in the view, a child view, and a session
 * made in the view hold one each. The view leaves the tree with the last of
 * them. The root view is static and never goes.
 *
 * Locks: viewos_tree_lock protects the fields marked T. The others do not change
 * while the view lives.
 */
#ifndef _VIEWOS_VIEW_H
#define _VIEWOS_VIEW_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>

#include <linux/viewos.h>

struct file;
struct viewos_clock;
struct viewos_policy;
struct viewos_task;
struct viewos_user;
struct uts_namespace;

extern spinlock_t viewos_tree_lock;

/**
 * struct viewos_view - a view
 * @ref: references
 * @id: number, never used again
 * @parent: parent view, referenced; NULL for the root view
 * @depth: 0 for the root view
 * @owner: effective uid of the creator
 * @user_ns: user namespace of the creator, referenced
 * @user: whose limit it counts against
 * @name: name, padded with NULs, maybe empty; changes to empty by destroy (T)
 * @name_node: in the table of names, if it has one (T)
 * @inherit: enum viewos_inherit
 * @dying: nobody may enter it, or be born into it (T)
 * @tasks: struct viewos_task of its tasks (T)
 * @nr_tasks: how many (T)
 * @tasks_total: tasks that ever were in it (T)
 * @nr_children: child views (T)
 * @requests: requests that its tasks caused
 * @rules: its own rules, youngest first (viewos_rule_mutex)
 * @nr_rules: how many (viewos_rule_mutex)
 * @next_policy: the policy that is about to be published (viewos_rule_mutex)
 * @next_node: in the list of views that have one (viewos_rule_mutex)
 * @policy: what decides its tasks' calls, with a reference, NULL without rules (T;
 *	RCU for readers)
 * @uts: UTS namespace that is shown as its own, referenced, or NULL (T)
 * @clock: its time, maybe an ancestor's, referenced; NULL for the host's (T; unlocked for its
 *	tasks)
 * @rcu: delays the freeing for look-ups under RCU
 * @path: views from depth 0 to this one; @path[@depth] is the view itself
 */
struct viewos_view {
	refcount_t ref;
	u64 id;
	struct viewos_view *parent;
	unsigned int depth;
	kuid_t owner;
	struct user_namespace *user_ns;
	struct viewos_user *user;
	char name[VIEWOS_NAME_LEN];
	struct hlist_node name_node;
	unsigned int inherit;
	bool dying;
	struct list_head tasks;
	u64 nr_tasks;
	u64 tasks_total;
	u64 nr_children;
	atomic64_t requests;
	struct list_head rules;
	unsigned int nr_rules;
	struct viewos_policy *next_policy;
	struct list_head next_node;
	struct viewos_policy __rcu *policy;
	struct uts_namespace *uts;
	struct viewos_clock *clock;
	struct rcu_head rcu;
	struct viewos_view *path[];
};

extern struct viewos_view *viewos_root_view;

static inline bool viewos_view_is_root(const struct viewos_view *view)
{
	return !view->depth;
}

/** viewos_view_within() - is @view @ancestor, or a descendant of it? Constant time. */
static inline bool viewos_view_within(const struct viewos_view *view,
				      const struct viewos_view *ancestor)
{
	return view->depth >= ancestor->depth && view->path[ancestor->depth] == ancestor;
}

/**
 * viewos_view_create() - make a view, with current as its owner
 * @parent: the parent; the caller holds a reference
 * @name: padded and checked, or NULL
 * @inherit: enum viewos_inherit, checked
 *
 * Return: the view with one reference, or ERR_PTR: -ENOSPC too deep, -EUSERS,
 * -EEXIST, -ENOENT the parent is dying, -ENOMEM, or what installing the hooks
 * gave.
 */
struct viewos_view *viewos_view_create(struct viewos_view *parent, const char *name,
				       unsigned int inherit);

void viewos_view_get(struct viewos_view *view);
/**
 * viewos_view_put() - drop a reference
 * @view: the view
 *
 * May sleep, but not after it has dropped the module's last reference.
 */
void viewos_view_put(struct viewos_view *view);

/** viewos_view_find() - a view by id, with a reference, or NULL */
struct viewos_view *viewos_view_find(u64 id);

/** viewos_view_find_name() - by owner (or @any) and name, with a reference, or NULL */
struct viewos_view *viewos_view_find_name(const char *name, kuid_t owner, bool any);

/** viewos_view_next() - the view with the least id from @id on, with a reference, or NULL */
struct viewos_view *viewos_view_next(u64 id);

/**
 * viewos_view_tasks_locked() - for each task of a view and of those beneath it
 * @top: the view, not the root
 * @call: called with it
 * @arg: for @call
 */
void viewos_view_tasks_locked(struct viewos_view *top,
			      void (*call)(struct viewos_task *entry, void *arg), void *arg);

/**
 * viewos_view_publish() - give a view and those beneath it their next policies
 * @top: the view; viewos_rule_mutex is held
 * @gone: old policies, to be given to viewos_policy_put_all()
 *
 * A view without rules of its own gets its parent's.
 */
void viewos_view_publish(struct viewos_view *top, struct list_head *gone);

/** viewos_view_privileged() - has current CAP_SYS_ADMIN over the view's owner? */
bool viewos_view_privileged(const struct viewos_view *view);

/** viewos_view_owned() - may current change the view? */
bool viewos_view_owned(const struct viewos_view *view);

/** viewos_view_reachable() - may current put a task there: own subtree, or privileged? */
bool viewos_view_reachable(const struct viewos_view *view);

/** viewos_view_fd() - make an fd for a view; the fd has a reference of its own */
int viewos_view_fd(struct viewos_view *view);

/** viewos_view_from_fd() - the view of a view fd, with a reference; -EBADF, -EINVAL */
struct viewos_view *viewos_view_from_fd(int fd);

/* VIEWOS_IOC_VIEW_CREATE and VIEWOS_IOC_VIEW_OPEN on /dev/viewos. */
long viewos_view_ioctl_create(void __user *arg, unsigned int size);
long viewos_view_ioctl_open(void __user *arg, unsigned int size);

int viewos_view_init(void);
void viewos_view_exit(void);

#endif /* _VIEWOS_VIEW_H */
