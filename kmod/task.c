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
#include "session.h"
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
	if (likely(entry))
		return READ_ONCE(entry->view);
	/* Every marked task that runs has an entry; whoever takes that away unmarks it before. */
	smp_rmb();
	WARN_ON_ONCE(viewos_task_marked(current));
	return viewos_root_view;
}

struct viewos_view *viewos_task_view_get(void)
{
	struct viewos_view *view;

	/* Who else takes current out of a view lets it go after a grace period. */
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

u32 viewos_task_tag(u64 session)
{
	struct viewos_task *entry;
	unsigned int i;
	u32 tag = 0;

	rcu_read_lock();
	entry = task_find(current);
	for (i = 0; entry && i < ARRAY_SIZE(entry->tags); i++)
		if (entry->tags[i].session == session)
			tag = entry->tags[i].tag;
	rcu_read_unlock();
	return tag;
}

/* Where a session's tag is, or is to be; NULL if there is no room. */
static struct viewos_tag *tag_room(struct viewos_task *entry, u64 session)
{
	struct viewos_tag *room = NULL, *tag;

	for (tag = entry->tags; tag < entry->tags + ARRAY_SIZE(entry->tags); tag++) {
		if (tag->session == session)
			return tag;
		if (!room && (!tag->tag || !viewos_session_exists(tag->session)))
			room = tag;
	}
	return room;
}

int viewos_task_set_tag(u64 session, u32 tag)
{
	struct viewos_task *entry;
	struct viewos_tag *room;
	int err = -ENOENT;

	rcu_read_lock();
	entry = task_find(current);
	if (entry) {
		room = tag_room(entry, session);
		if (room)
			*room = (struct viewos_tag){ .session = session, .tag = tag };
		err = room || !tag ? 0 : -ENOSPC;
	}
	rcu_read_unlock();
	return err;
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
	if (parent) {
		viewos_kill_inherit_locked(parent, entry);
		memcpy(entry->tags, parent->tags, sizeof(entry->tags));
	}
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

/**
 * struct task_moves - a process on its way to a view
 * @view: where
 * @no_new_privs: to be set
 * @spare: entries, one for each thread
 * @used: of these, those that hold a view that a thread was in
 * @detached: entries that are no longer in the table
 */
struct task_moves {
	struct viewos_view *view;
	bool no_new_privs;
	struct list_head spare;
	struct list_head used;
	struct list_head detached;
};

static void moves_free(struct task_moves *moves)
{
	struct viewos_task *entry, *next;

	/* Whoever reads the view of a thread that was killed meanwhile still gets it. */
	if (!list_empty(&moves->used) || !list_empty(&moves->detached))
		synchronize_rcu();
	list_splice_init(&moves->detached, &moves->used);
	list_for_each_entry_safe(entry, next, &moves->used, link) {
		viewos_view_put(entry->view);
		kfree(entry);
	}
	list_for_each_entry_safe(entry, next, &moves->spare, link)
		kfree(entry);
}

static int moves_alloc(struct task_moves *moves, struct task_struct *leader)
{
	struct viewos_task *entry;
	struct task_struct *thread;
	unsigned int nr = 0;

	rcu_read_lock();
	for_each_thread(leader, thread)
		nr++;
	rcu_read_unlock();
	while (nr--) {
		entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
		if (!entry)
			return -ENOMEM;
		list_add(&entry->link, &moves->spare);
		cond_resched();
	}
	return 0;
}

/* Does it end, so that it takes no part? Then task_detach() has been or will be called. */
static bool thread_leaves(const struct task_struct *thread)
{
	return READ_ONCE(thread->flags) & PF_EXITING;
}

/* May current move it now? Who is stopped neither makes threads nor decides by its view. */
static int thread_check_locked(struct task_struct *thread)
{
	struct viewos_view *view = viewos_root_view;
	struct viewos_task *entry;

	lockdep_assert_held(&viewos_tree_lock);

	if (!thread->ptrace || rcu_access_pointer(thread->parent) != current ||
	    !task_is_traced(thread))
		return -ESRCH;
	entry = task_find(thread);
	if (entry)
		view = entry->view;
	return viewos_view_within(view, viewos_task_view_rcu()) ||
	       viewos_view_privileged(view) ? 0 : -EPERM;
}

static void thread_detach_locked(struct task_moves *moves, struct viewos_task *entry)
{
	task_clear_mark(entry->task);
	/* Pairs with viewos_task_view_rcu(). */
	smp_mb__after_atomic();
	hlist_del_rcu(&entry->node);
	task_unlink_locked(entry);
	list_add(&entry->link, &moves->detached);
}

static void thread_move_locked(struct task_moves *moves, struct task_struct *thread)
{
	struct viewos_task *entry = task_find(thread);
	struct viewos_task *spare = list_first_entry(&moves->spare, struct viewos_task, link);

	lockdep_assert_held(&viewos_tree_lock);

	if (moves->no_new_privs)
		task_set_no_new_privs(thread);
	if (viewos_view_is_root(moves->view)) {
		if (entry)
			thread_detach_locked(moves, entry);
		return;
	}
	if (entry) {
		spare->view = entry->view;
		list_move(&spare->link, &moves->used);
		task_unlink_locked(entry);
		task_link_locked(entry, moves->view);
		return;
	}
	list_del(&spare->link);
	spare->task = thread;
	task_link_locked(spare, moves->view);
	hlist_add_head_rcu(&spare->node, task_bucket(thread));
	task_set_mark(thread);
	/*
	 * It may have been killed just now: either it sees the mark when it passes our hook, after
	 * it has said that it ends, or we see that.
	 */
	smp_mb__after_atomic();
	if (thread_leaves(thread))
		thread_detach_locked(moves, spare);
}

static int moves_check_locked(struct task_moves *moves, struct task_struct *leader)
{
	struct list_head *room = &moves->spare;
	struct task_struct *thread;
	int err = -ESRCH;

	lockdep_assert_held(&viewos_tree_lock);

	if (moves->view->dying)
		return -ENOENT;
	for_each_thread(leader, thread) {
		room = room->next;
		/* There was another one before it was stopped. */
		if (room == &moves->spare)
			return -ESRCH;
		if (thread_leaves(thread))
			continue;
		err = thread_check_locked(thread);
		if (err)
			return err;
	}
	return err;
}

int viewos_task_move_traced(struct task_struct *leader, struct viewos_view *view,
			    bool no_new_privs)
{
	struct task_moves moves = { .view = view, .no_new_privs = no_new_privs };
	struct task_struct *thread;
	int err;

	INIT_LIST_HEAD(&moves.spare);
	INIT_LIST_HEAD(&moves.used);
	INIT_LIST_HEAD(&moves.detached);
	err = moves_alloc(&moves, leader);
	if (!err) {
		rcu_read_lock();
		spin_lock(&viewos_tree_lock);
		err = moves_check_locked(&moves, leader);
		if (!err)
			for_each_thread(leader, thread)
				if (!thread_leaves(thread))
					thread_move_locked(&moves, thread);
		spin_unlock(&viewos_tree_lock);
		rcu_read_unlock();
	}
	moves_free(&moves);
	return err;
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
