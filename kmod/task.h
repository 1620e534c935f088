/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which view a task is in.
 *
 * A task in a view other than the root carries the mark (mark.h) and has an entry
 * in a table keyed by its task_struct. The entry holds a reference to the view.
 * The order is: entry, then mark, and backwards at the end; so a marked task
 * without an entry is one that fork copied and that has not been attached, and
 * it can never run, because its fork fails.
 */
#ifndef _VIEWOS_TASK_H
#define _VIEWOS_TASK_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include <linux/viewos_syscall.h>

#include "mark.h"

struct viewos_view;

/** struct viewos_tag - what a server of system calls keeps of a task: session's id, number */
struct viewos_tag {
	u64 session;
	u32 tag;
};

/**
 * struct viewos_task - a task in a view
 * @node: in the table (viewos_tree_lock; RCU for readers)
 * @link: in view->tasks (viewos_tree_lock)
 * @task: who; the entry goes before the task_struct
 * @view: where, referenced
 * @forker: who made it; only while the task is new
 * @signals: signal N is bit N - 1: sent to it as one of its view (viewos_tree_lock)
 * @tags: of servers of system calls; tag 0 is none. The task's own: only it reads and writes
 *	them, and no lock is needed; who forks copies them before the child runs
 * @rcu: delays the freeing for readers
 */
struct viewos_task {
	struct hlist_node node;
	struct list_head link;
	struct task_struct *task;
	struct viewos_view *view;
	struct task_struct *forker;
	unsigned long signals;
	struct viewos_tag tags[VIEWOS_CALL_MAX_TAGS];
	struct rcu_head rcu;
};

static inline bool viewos_task_marked(struct task_struct *task)
{
	return test_bit(VIEWOS_MARK_BIT, &task_thread_info(task)->syscall_work);
}

/** viewos_task_view_rcu() - current's view; constant time, under rcu_read_lock() */
struct viewos_view *viewos_task_view_rcu(void);

/** viewos_task_view_get() - current's view, with a reference */
struct viewos_view *viewos_task_view_get(void);

/** viewos_task_within() - is current in @view or beneath it? Any context */
bool viewos_task_within(const struct viewos_view *view);

/** viewos_task_count_request() - count one request for current's view */
void viewos_task_count_request(void);

/** viewos_task_tag() - current's tag of a session, by the session's id; or 0 */
u32 viewos_task_tag(u64 session);

/**
 * viewos_task_set_tag() - give current a tag of a session, or take it away
 * @session: the session's id
 * @tag: the tag, or 0
 *
 * Return: 0; -ENOSPC it has those of too many other sessions; -ENOENT it is in no view.
 */
int viewos_task_set_tag(u64 session, u32 tag);

/**
 * viewos_task_enter() - move current into a view
 * @view: where; the caller holds a reference and has checked that it may
 *
 * Return: 0; -EINVAL current has other threads; -ENOENT the view is dying;
 * -ENOMEM.
 */
int viewos_task_enter(struct viewos_view *view);

/**
 * viewos_task_move_traced() - move a process that current has stopped by ptrace(2)
 * @leader: its thread group leader, referenced
 * @view: where; the caller holds a reference and has checked that it may
 * @no_new_privs: give that to all of its threads
 *
 * All of its threads or none. Those that are on their way out are left alone.
 *
 * Return: 0; -ESRCH a thread of it is not traced by current, or not stopped; -EPERM one is in
 * a view that current's is not above; -ENOENT the view is dying; -ENOMEM.
 */
int viewos_task_move_traced(struct task_struct *leader, struct viewos_view *view,
			    bool no_new_privs);

/** viewos_task_attached_locked() - is @task in a view other than the root? */
bool viewos_task_attached_locked(const struct task_struct *task);

/** viewos_task_kill_locked() - SIGKILL every task of a view */
void viewos_task_kill_locked(struct viewos_view *view);

int viewos_task_init(void);
void viewos_task_exit(void);

#endif /* _VIEWOS_TASK_H */
