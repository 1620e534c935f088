/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A signal to each process of a view, once, though they fork.
 *
 * Signals are sent under viewos_tree_lock, and fork(2) attaches a child under it. A child that
 * is attached has got the signal, even if it is not finished yet. One that is attached later
 * would be without it; so it gets what was sent to its parent and has not been handled there.
 */
#ifndef _VIEWOS_KILL_H
#define _VIEWOS_KILL_H

struct viewos_task;
struct viewos_view;

/**
 * viewos_kill_inherit_locked() - the signals of a new process, or of a new thread
 * @parent: current
 * @child: which is being attached
 *
 * A signal to a process is for all of its threads, so that a new one need not get it.
 */
void viewos_kill_inherit_locked(struct viewos_task *parent, struct viewos_task *child);

/* VIEWOS_IOC_VIEW_KILL on a view fd. */
long viewos_kill_ioctl(struct viewos_view *view, void __user *arg, unsigned int size);

#endif /* _VIEWOS_KILL_H */
