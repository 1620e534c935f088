// SPDX-License-Identifier: GPL-2.0
/* View objects: tree, owner, lifetime, view fds. */

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/seq_file.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "clock.h"
#include "control.h"
#include "hook.h"
#include "kill.h"
#include "netlink.h"
#include "policy.h"
#include "rule.h"
#include "task.h"
#include "trace.h"
#include "user.h"
#include "uts.h"
#include "view.h"

/*
 * Protects the tree: names, children, tasks and counts of all views, and the
 * table of tasks.
 */
DEFINE_SPINLOCK(viewos_tree_lock);

/* Views that have a name (viewos_tree_lock). */
static DEFINE_HASHTABLE(view_names, 10);

/*
 * Views by id, the root's excepted; RCU for readers. A view that is not born yet
 * is in it with no reference, so that a destroyer of its parent sees it.
 */
static DEFINE_XARRAY_FLAGS(view_ids, XA_FLAGS_ACCOUNT);
static atomic64_t view_last_id;

struct viewos_view *viewos_root_view;

static u32 name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static struct viewos_view *name_find_locked(const char *name, kuid_t owner, bool any)
{
	struct viewos_view *view;

	lockdep_assert_held(&viewos_tree_lock);

	hash_for_each_possible(view_names, view, name_node, name_hash(name))
		if (!strcmp(view->name, name) && (any || uid_eq(view->owner, owner)))
			return view;
	return NULL;
}

static struct viewos_view *view_alloc(struct viewos_view *parent, unsigned int inherit)
{
	unsigned int depth = parent ? parent->depth + 1 : 0;
	struct viewos_view *view;

	view = kzalloc(struct_size(view, path, depth + 1), GFP_KERNEL_ACCOUNT);
	if (!view)
		return NULL;
	view->depth = depth;
	view->inherit = inherit;
	view->parent = parent;
	INIT_LIST_HEAD(&view->tasks);
	INIT_LIST_HEAD(&view->rules);
	INIT_LIST_HEAD(&view->next_node);
	INIT_HLIST_NODE(&view->name_node);
	if (parent)
		memcpy(view->path, parent->path, depth * sizeof(view->path[0]));
	view->path[depth] = view;
	return view;
}

/* The view becomes part of the tree, with its first reference. */
static int view_link(struct viewos_view *view, const char *name)
{
	int err = 0;

	spin_lock(&viewos_tree_lock);
	if (view->parent->dying || view->dying) {
		err = -ENOENT;
	} else if (name && name[0] && name_find_locked(name, view->owner, false)) {
		err = -EEXIST;
	} else {
		if (name && name[0]) {
			memcpy(view->name, name, sizeof(view->name));
			hash_add(view_names, &view->name_node, name_hash(name));
		}
		view->parent->nr_children++;
		viewos_policy_inherit_locked(view);
		viewos_clock_inherit_locked(view);
		refcount_set(&view->ref, 1);
	}
	spin_unlock(&viewos_tree_lock);
	return err;
}

struct viewos_view *viewos_view_create(struct viewos_view *parent, const char *name,
				       unsigned int inherit)
{
	struct viewos_view *view;
	int err;

	if (parent->depth >= VIEWOS_DEPTH_MAX)
		return ERR_PTR(-ENOSPC);

	view = view_alloc(parent, inherit);
	if (!view)
		return ERR_PTR(-ENOMEM);
	view->owner = current_euid();
	view->user = viewos_user_charge(view->owner, VIEWOS_COUNT_VIEWS);
	if (IS_ERR(view->user)) {
		err = PTR_ERR(view->user);
		goto free_view;
	}
	err = viewos_hook_get(VIEWOS_HOOK_TASK);
	if (err)
		goto uncharge;
	view->user_ns = get_user_ns(current_user_ns());
	view->id = atomic64_inc_return(&view_last_id);
	err = xa_insert(&view_ids, view->id, view, GFP_KERNEL_ACCOUNT);
	if (err)
		goto put_user_ns;
	/* The caller came through an fd or a task that holds the module. */
	__module_get(THIS_MODULE);
	err = view_link(view, name);
	if (err)
		goto erase;

	viewos_view_get(parent);
	trace_viewos_view_create(view->id, parent->id);
	viewos_netlink_view_event(VIEWOS_CMD_VIEW_NEW_NTF, view);
	return view;

erase:
	xa_erase(&view_ids, view->id);
	module_put(THIS_MODULE);
put_user_ns:
	put_user_ns(view->user_ns);
	viewos_hook_put(VIEWOS_HOOK_TASK);
uncharge:
	viewos_user_uncharge(view->user, VIEWOS_COUNT_VIEWS);
free_view:
	kfree_rcu(view, rcu);
	return ERR_PTR(err);
}

static void view_free(struct viewos_view *view)
{
	viewos_netlink_view_event(VIEWOS_CMD_VIEW_GONE_NTF, view);
	trace_viewos_view_gone(view->id);

	xa_erase(&view_ids, view->id);
	spin_lock(&viewos_tree_lock);
	hash_del(&view->name_node);
	view->parent->nr_children--;
	spin_unlock(&viewos_tree_lock);

	viewos_rule_view_exit(view);
	viewos_uts_view_exit(view);
	viewos_clock_view_exit(view);
	put_user_ns(view->user_ns);
	viewos_hook_put(VIEWOS_HOOK_TASK);
	viewos_user_uncharge(view->user, VIEWOS_COUNT_VIEWS);
	kfree_rcu(view, rcu);
	module_put(THIS_MODULE);
}

void viewos_view_get(struct viewos_view *view)
{
	refcount_inc(&view->ref);
}

void viewos_view_put(struct viewos_view *view)
{
	struct viewos_view *parent;

	/* A loop, since a view may be the last thing that holds its parent. */
	while (view && refcount_dec_and_test(&view->ref)) {
		parent = view->parent;
		view_free(view);
		view = parent;
	}
}

struct viewos_view *viewos_view_find(u64 id)
{
	struct viewos_view *view;

	rcu_read_lock();
	view = id == VIEWOS_VIEW_ROOT ? viewos_root_view : xa_load(&view_ids, id);
	if (view && !refcount_inc_not_zero(&view->ref))
		view = NULL;
	rcu_read_unlock();
	return view;
}

struct viewos_view *viewos_view_find_name(const char *name, kuid_t owner, bool any)
{
	struct viewos_view *view;

	spin_lock(&viewos_tree_lock);
	view = name_find_locked(name, owner, any);
	if (view && !refcount_inc_not_zero(&view->ref))
		view = NULL;
	spin_unlock(&viewos_tree_lock);
	return view;
}

struct viewos_view *viewos_view_next(u64 id)
{
	struct viewos_view *view;
	unsigned long index = id;

	if (id == VIEWOS_VIEW_ROOT)
		return viewos_view_find(id);

	rcu_read_lock();
	xa_for_each_start(&view_ids, index, view, id)
		if (refcount_inc_not_zero(&view->ref))
			break;
	rcu_read_unlock();
	return view;
}

void viewos_view_tasks_locked(struct viewos_view *top,
			      void (*call)(struct viewos_task *entry, void *arg), void *arg)
{
	struct viewos_task *entry;
	struct viewos_view *view;
	unsigned long id;

	lockdep_assert_held(&viewos_tree_lock);

	xa_for_each_start(&view_ids, id, view, top->id)
		if (viewos_view_within(view, top))
			list_for_each_entry(entry, &view->tasks, link)
				call(entry, arg);
}

void viewos_view_publish(struct viewos_view *top, struct list_head *gone)
{
	struct viewos_policy *policy;
	struct viewos_view *view;
	unsigned long id;

	spin_lock(&viewos_tree_lock);
	xa_for_each_start(&view_ids, id, view, top->id) {
		/* One that is not born yet will inherit, and one that is gone needs none. */
		if (!viewos_view_within(view, top) || !refcount_read(&view->ref))
			continue;
		policy = view->next_policy;
		if (!policy)
			policy = rcu_dereference_protected(view->parent->policy,
							   lockdep_is_held(&viewos_tree_lock));
		viewos_policy_set_locked(view, policy, gone);
	}
	spin_unlock(&viewos_tree_lock);
}

bool viewos_view_privileged(const struct viewos_view *view)
{
	return ns_capable(view->user_ns, CAP_SYS_ADMIN);
}

bool viewos_view_owned(const struct viewos_view *view)
{
	return uid_eq(view->owner, current_euid()) || viewos_view_privileged(view);
}

bool viewos_view_reachable(const struct viewos_view *view)
{
	bool within;

	rcu_read_lock();
	within = viewos_view_within(view, viewos_task_view_rcu());
	rcu_read_unlock();
	return within || viewos_view_privileged(view);
}

/* May current give @view this way of inheriting? */
static int inherit_check(const struct viewos_view *parent, unsigned int inherit)
{
	switch (inherit) {
	case VIEWOS_INHERIT_SHARE:
	case VIEWOS_INHERIT_NEST:
		return 0;
	case VIEWOS_INHERIT_LEAVE:
		return viewos_view_privileged(parent) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

static long view_ioctl_enter(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_enter enter;
	bool privileged;
	int err;

	err = viewos_ioctl_copy(&enter, sizeof(enter), arg, size);
	if (err)
		return err;
	if (enter.flags)
		return -EINVAL;
	if (!viewos_view_reachable(view))
		return -EPERM;
	privileged = viewos_view_privileged(view);
	err = viewos_task_enter(view);
	if (err)
		return err;
	if (!privileged)
		task_set_no_new_privs(current);
	viewos_netlink_task_event(VIEWOS_CMD_TASK_ENTER_NTF, view, current);
	return 0;
}

static long view_ioctl_attach(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_attach attach;
	struct task_struct *leader;
	struct pid *pid;
	int err;

	err = viewos_ioctl_copy(&attach, sizeof(attach), arg, size);
	if (err)
		return err;
	if (attach.flags || attach.pad)
		return -EINVAL;
	if (!viewos_view_reachable(view))
		return -EPERM;
	pid = find_get_pid(attach.pid);
	leader = get_pid_task(pid, PIDTYPE_TGID);
	put_pid(pid);
	if (!leader)
		return -ESRCH;
	err = viewos_task_move_traced(leader, view, !viewos_view_privileged(view));
	if (!err)
		viewos_netlink_task_event(VIEWOS_CMD_TASK_ENTER_NTF, view, leader);
	put_task_struct(leader);
	return err;
}

static long view_ioctl_info(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_info info;
	int err;

	err = viewos_ioctl_copy(&info, sizeof(info), arg, size);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;

	info.id = view->id;
	info.parent_id = view->parent ? view->parent->id : view->id;
	info.depth = view->depth;
	info.owner = from_kuid_munged(current_user_ns(), view->owner);
	info.pad = 0;
	info.requests = atomic64_read(&view->requests);
	spin_lock(&viewos_tree_lock);
	info.inherit = view->inherit;
	info.tasks = view->nr_tasks;
	info.tasks_total = view->tasks_total;
	info.children = view->nr_children;
	memcpy(info.name, view->name, sizeof(info.name));
	spin_unlock(&viewos_tree_lock);
	return viewos_ioctl_return(arg, size, &info, sizeof(info));
}

static long view_ioctl_set(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_set set;
	int err;

	err = viewos_ioctl_copy(&set, sizeof(set), arg, size);
	if (err)
		return err;
	if (set.flags || set.pad)
		return -EINVAL;
	if (viewos_view_is_root(view) || !viewos_view_owned(view))
		return -EPERM;
	err = inherit_check(view->parent, set.inherit);
	if (err)
		return err;
	spin_lock(&viewos_tree_lock);
	view->inherit = set.inherit;
	spin_unlock(&viewos_tree_lock);
	return 0;
}

static void view_doom_locked(struct viewos_view *view)
{
	lockdep_assert_held(&viewos_tree_lock);

	view->dying = true;
	hash_del(&view->name_node);
	memset(view->name, 0, sizeof(view->name));
	viewos_task_kill_locked(view);
}

static long view_ioctl_destroy(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_destroy destroy;
	struct viewos_view *other;
	unsigned long id;
	int err;

	err = viewos_ioctl_copy(&destroy, sizeof(destroy), arg, size);
	if (err)
		return err;
	if (destroy.flags & ~VIEWOS_VIEW_DESTROY_ALL)
		return -EINVAL;
	if (viewos_view_is_root(view) || !viewos_view_owned(view))
		return -EPERM;

	spin_lock(&viewos_tree_lock);
	if ((view->nr_tasks || view->nr_children) && !(destroy.flags & VIEWOS_VIEW_DESTROY_KILL))
		err = -EBUSY;
	else
		xa_for_each(&view_ids, id, other)
			if (viewos_view_within(other, view))
				view_doom_locked(other);
	spin_unlock(&viewos_tree_lock);
	return err;
}

static long view_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct viewos_view *view = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (viewos_ioctl_key(cmd)) {
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_ENTER):
		return view_ioctl_enter(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_ATTACH):
		return view_ioctl_attach(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_INFO):
		return view_ioctl_info(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_SET):
		return view_ioctl_set(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_DESTROY):
		return view_ioctl_destroy(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_KILL):
		return viewos_kill_ioctl(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_RULE_ADD):
		return viewos_rule_ioctl_add(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_RULE_DEL):
		return viewos_rule_ioctl_del(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_UTS):
		return viewos_uts_ioctl(view, uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_CLOCK):
		return viewos_clock_ioctl(view, uarg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

static int view_release(struct inode *inode, struct file *file)
{
	viewos_view_put(file->private_data);
	return 0;
}

static void view_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct viewos_view *view = file->private_data;

	seq_printf(m, "viewos-view:\t%llu\n", view->id);
}

static const struct file_operations view_fops = {
	.owner = THIS_MODULE,
	.release = view_release,
	.unlocked_ioctl = view_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = view_show_fdinfo,
	.llseek = noop_llseek,
};

int viewos_view_fd(struct viewos_view *view)
{
	int fd;

	viewos_view_get(view);
	fd = anon_inode_getfd("[viewos:view]", &view_fops, view, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		viewos_view_put(view);
	return fd;
}

struct viewos_view *viewos_view_from_fd(int fd)
{
	struct viewos_view *view = ERR_PTR(-EINVAL);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &view_fops) {
		view = file->private_data;
		viewos_view_get(view);
	}
	fput(file);
	return view;
}

static struct viewos_view *create_parent(int fd)
{
	struct viewos_view *parent;

	parent = fd == -1 ? viewos_task_view_get() : viewos_view_from_fd(fd);
	if (!IS_ERR(parent) && !viewos_view_reachable(parent)) {
		viewos_view_put(parent);
		return ERR_PTR(-EPERM);
	}
	return parent;
}

long viewos_view_ioctl_create(void __user *arg, unsigned int size)
{
	struct viewos_view *parent, *view;
	struct viewos_view_create create;
	long ret;

	ret = viewos_ioctl_copy(&create, sizeof(create), arg, size);
	if (ret)
		return ret;
	if (create.flags || create.id || !viewos_name_valid(create.name, true))
		return -EINVAL;
	parent = create_parent(create.parent_fd);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	ret = inherit_check(parent, create.inherit);
	if (ret)
		goto put_parent;

	view = viewos_view_create(parent, create.name, create.inherit);
	if (IS_ERR(view)) {
		ret = PTR_ERR(view);
		goto put_parent;
	}
	create.id = view->id;
	ret = viewos_ioctl_return(arg, size, &create, sizeof(create));
	if (!ret)
		ret = viewos_view_fd(view);
	viewos_view_put(view);
put_parent:
	viewos_view_put(parent);
	return ret;
}

static struct viewos_view *open_find(const struct viewos_view_open *open)
{
	struct viewos_view *view;

	if (open->flags & VIEWOS_VIEW_OPEN_SELF)
		return viewos_task_view_get();
	if (!open->name[0])
		return viewos_view_find(open->id);
	view = viewos_view_find_name(open->name, current_euid(), false);
	if (!view && capable(CAP_SYS_ADMIN))
		view = viewos_view_find_name(open->name, current_euid(), true);
	return view;
}

long viewos_view_ioctl_open(void __user *arg, unsigned int size)
{
	struct viewos_view_open open;
	struct viewos_view *view;
	long ret;

	ret = viewos_ioctl_copy(&open, sizeof(open), arg, size);
	if (ret)
		return ret;
	if (open.flags & ~VIEWOS_VIEW_OPEN_ALL || !viewos_name_valid(open.name, true))
		return -EINVAL;
	if ((open.name[0] && open.id) ||
	    (open.flags & VIEWOS_VIEW_OPEN_SELF && (open.name[0] || open.id)))
		return -EINVAL;

	view = open_find(&open);
	if (!view)
		return -ENOENT;
	if (open.flags & VIEWOS_VIEW_OPEN_SELF || viewos_view_owned(view))
		ret = viewos_view_fd(view);
	else
		ret = -EPERM;
	viewos_view_put(view);
	return ret;
}

int viewos_view_init(void)
{
	viewos_root_view = view_alloc(NULL, VIEWOS_INHERIT_SHARE);
	if (!viewos_root_view)
		return -ENOMEM;
	viewos_root_view->owner = GLOBAL_ROOT_UID;
	viewos_root_view->user_ns = &init_user_ns;
	refcount_set(&viewos_root_view->ref, 1);
	return 0;
}

void viewos_view_exit(void)
{
	kfree(viewos_root_view);
	xa_destroy(&view_ids);
}
