// SPDX-License-Identifier: GPL-2.0
/* Which view a task is in: attach, inherit, leave. */

#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "hook.h"
#include "kill.h"
#include "task.h"
#include "trace.h"
#include "view.h"

static_assert(offsetof(struct task_struct, thread_info.syscall_work) == VIEWOS_MARK_OFFSET);

/* Table of struct viewos_task; writers hold viewos_tree_lock, readers RCU. */
static struct hlist_head *task_table;
static unsigned int task_table_bits;

static struct hlist_head *task_bucket(const struct task_struct *task)
{
	return &task_table[hash_ptr(task, task_table_bits)];
}

static struct viewos_task *task_find(const struct task_struct *task)
{
	struct viewos_task *entry;

	hlist_for_each_entry_rcu(entry, task_bucket(task), node,
				 lockdep_is_held(&viewos_tree_lock))
		if (entry->task == task)
			return entry;
	return NULL;
}

struct viewos_view *viewos_task_view_rcu(void)
{
	struct viewos_task *entry;

	if (likely(!viewos_task_marked(current)))
		return viewos_root_view;
	entry = task_find(current);
	/* Every marked task that runs has an entry. */
	return WARN_ON_ONCE(!entry) ? viewos_root_view : READ_ONCE(entry->view);
}

struct viewos_view *viewos_task_view_get(void)
{
	struct viewos_view *view;

	/* Only current itself changes its view, so the reference is there. */
	rcu_read_lock();
	view = viewos_task_view_rcu();
	viewos_view_get(view);
	rcu_read_unlock();
	return view;
}

bool viewos_task_attached_locked(const struct task_struct *task)
{
	lockdep_assert_held(&viewos_tree_lock);

	return task_find(task);
}

bool viewos_task_within(const struct viewos_view *view)
{
	bool within;

	if (viewos_view_is_root(view))
		return true;
	rcu_read_lock();
	within = viewos_view_within(viewos_task_view_rcu(), view);
	rcu_read_unlock();
	return within;
}

void viewos_task_count_request(void)
{
	if (!viewos_task_marked(current))
		return;
	rcu_read_lock();
	atomic64_inc(&viewos_task_view_rcu()->requests);
	rcu_read_unlock();
}

static void task_set_mark(struct task_struct *task)
{
	set_bit(VIEWOS_MARK_BIT, &task_thread_info(task)->syscall_work);
}

static void task_clear_mark(struct task_struct *task)
{
	clear_bit(VIEWOS_MARK_BIT, &task_thread_info(task)->syscall_work);
}

static void task_link_locked(struct viewos_task *entry, struct viewos_view *view)
{
	lockdep_assert_held(&viewos_tree_lock);

	viewos_view_get(view);
	entry->view = view;
	list_add_tail(&entry->link, &view->tasks);
	view->nr_tasks++;
	view->tasks_total++;
}

static void task_unlink_locked(struct viewos_task *entry)
{
	lockdep_assert_held(&viewos_tree_lock);

	list_del(&entry->link);
	entry->view->nr_tasks--;
}

/* Puts @task, which has no entry, into a view other than the root. */
static int task_attach(struct task_struct *task, struct viewos_view *view)
{
	struct viewos_task *entry, *parent;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	entry->task = task;

	spin_lock(&viewos_tree_lock);
	if (view->dying) {
		spin_unlock(&viewos_tree_lock);
		kfree(entry);
		return -ENOENT;
	}
	task_link_locked(entry, view);
	parent = task == current ? NULL : task_find(current);
	if (parent)
		viewos_kill_inherit_locked(parent, entry);
	hlist_add_head_rcu(&entry->node, task_bucket(task));
	spin_unlock(&viewos_tree_lock);

	task_set_mark(task);
	trace_viewos_task_attach(task->pid, view->id);
	return 0;
}

/* Takes a task out of its view. Does not sleep: see hook.h. */
static void task_detach(struct task_struct *task)
{
	struct viewos_task *entry;

	task_clear_mark(task);
	spin_lock(&viewos_tree_lock);
	entry = task_find(task);
	if (entry) {
		hlist_del_rcu(&entry->node);
		task_unlink_locked(entry);
	}
	spin_unlock(&viewos_tree_lock);
	if (!entry)
		return;

	trace_viewos_task_detach(task->pid, entry->view->id);
	viewos_view_put(entry->view);
	kfree_rcu(entry, rcu);
}

/* Moves a task that has an entry to another view that is not the root. */
static int task_move(struct task_struct *task, struct viewos_view *view)
{
	struct viewos_task *entry;
	struct viewos_view *old = NULL;
	int err = -ENOENT;

	spin_lock(&viewos_tree_lock);
	entry = task_find(task);
	if (entry && !view->dying) {
		old = entry->view;
		task_unlink_locked(entry);
		task_link_locked(entry, view);
		err = 0;
	}
	spin_unlock(&viewos_tree_lock);
	if (old) {
		trace_viewos_task_detach(task->pid, old->id);
		trace_viewos_task_attach(task->pid, view->id);
		viewos_view_put(old);
	}
	return err;
}

int viewos_task_enter(struct viewos_view *view)
{
	/* Nobody else can add a thread to a process that has one. */
	if (!thread_group_empty(current))
		return -EINVAL;
	if (viewos_view_is_root(view)) {
		task_detach(current);
		return 0;
	}
	if (viewos_task_marked(current))
		return task_move(current, view);
	return task_attach(current, view);
}

void viewos_task_kill_locked(struct viewos_view *view)
{
	struct viewos_task *entry;

	lockdep_assert_held(&viewos_tree_lock);

	list_for_each_entry(entry, &view->tasks, link)
		send_sig(SIGKILL, entry->task, 1);
}

/* Which view a child of current gets, with a reference. */
static struct viewos_view *task_child_view(const struct kernel_clone_args *kargs)
{
	struct viewos_view *view = viewos_task_view_get();
	struct viewos_view *child;

	if (kargs->flags & CLONE_THREAD || kargs->io_thread)
		return view;

	switch (READ_ONCE(view->inherit)) {
	case VIEWOS_INHERIT_NEST:
		child = viewos_view_create(view, NULL, VIEWOS_INHERIT_NEST);
		break;
	case VIEWOS_INHERIT_LEAVE:
		child = view->parent;
		viewos_view_get(child);
		break;
	default:
		return view;
	}
	viewos_view_put(view);
	return child;
}

/* Attaches the child of a marked task, which carries the mark already. */
static int task_inherit(struct task_struct *child, const struct kernel_clone_args *kargs)
{
	struct viewos_view *view = task_child_view(kargs);
	int err = 0;

	if (IS_ERR(view))
		return PTR_ERR(view);
	if (viewos_view_is_root(view))
		task_clear_mark(child);
	else
		err = task_attach(child, view);
	viewos_view_put(view);
	return err;
}

/* fork(2) knows EAGAIN for what a limit refuses, and ENOMEM. */
static int fork_errno(int err)
{
	return !err || err == -ENOMEM ? err : -EAGAIN;
}

/* The kernel does not expect a task that never was to have signals, and would leak them. */
static void task_unborn(struct task_struct *child)
{
	task_detach(child);
	if (child->group_leader == child)
		flush_signals(child);
}

int viewos_hook_cgroup_can_fork(struct task_struct *child, struct kernel_clone_args *kargs)
{
	int err;

	err = fork_errno(task_inherit(child, kargs));
	if (err)
		return err;
	err = viewos_orig_cgroup_can_fork(child, kargs);
	if (err)
		task_unborn(child);
	return err;
}

void viewos_hook_cgroup_cancel_fork(struct task_struct *child, struct kernel_clone_args *kargs)
{
	viewos_orig_cgroup_cancel_fork(child, kargs);
	task_unborn(child);
}

void viewos_hook_cgroup_task_exit(struct task_struct *task)
{
	viewos_orig_cgroup_task_exit(task);
	task_detach(task);
}

int viewos_task_init(void)
{
	unsigned long i;

	/* A bucket for each 64 KiB of memory: about a bucket a task on a full machine. */
	task_table_bits = clamp(ilog2(totalram_pages() >> 4 | 1), 10, 17);
	task_table = kvcalloc(1UL << task_table_bits, sizeof(*task_table), GFP_KERNEL);
	if (!task_table)
		return -ENOMEM;
	for (i = 0; i < 1UL << task_table_bits; i++)
		INIT_HLIST_HEAD(&task_table[i]);
	return 0;
}

void viewos_task_exit(void)
{
	kvfree(task_table);
}
