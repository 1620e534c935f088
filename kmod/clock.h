/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The class clock: what time it is in a view.
 *
 * A clock is CLOCK_REALTIME as a line over the time of the view above: an instant there, the
 * time that it is here at that instant, and a rate. The line from the host's time to the
 * clock's is kept ready, so a reading costs the same at any depth; a clock that is set
 * computes it anew for itself and for all clocks above which it is. CLOCK_TAI, the alarm
 * and the coarse clock go with CLOCK_REALTIME. The monotonic clock and the time since boot
 * are the business of the kernel's time namespaces, and intervals are measured by these.
 *
 * While there is a clock,
 *  - programs that are executed in a view with one get no vDSO, and so read it by calls,
 *  - the calls that read it are answered here (clockcall.c), as system calls by a rule are,
 *  - where the kernel takes a deadline from user space it is translated to the host's time,
 *  - where the kernel sets its time, the clock is set instead.
 * All that only for tasks in views, and without effect for those whose view has no clock.
 *
 * A view's clock is its parent's unless it is given one of its own, while it has neither
 * tasks nor children. So the clock of a task's view does not change while the task is
 * there, and is used without a reference.
 *
 * References: each view that has it, own or not, and each clock beneath it.
 * Locks: viewos_clock_lock protects the list of clocks and the lines of all; readers of
 * the line from the host's time use its sequence count. Innermost, but for user accounting.
 */
#ifndef _VIEWOS_CLOCK_H
#define _VIEWOS_CLOCK_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/seqlock.h>
#include <linux/time64.h>
#include <linux/uidgid.h>

#include <linux/viewos.h>

#include "syscall/calls.h"

struct sk_buff;
struct user_namespace;
struct viewos_view;

/**
 * struct viewos_clock_line - one time by another, in nanoseconds since 1970
 * @from: an instant of the one
 * @to: the other at that instant
 * @rate: how fast the other is, in parts of VIEWOS_CLOCK_RATE_ONE
 */
struct viewos_clock_line {
	s64 from;
	s64 to;
	u64 rate;
};

/**
 * struct viewos_clock - the time of a view
 * @ref: references
 * @parent: the clock that it is relative to, referenced; NULL for the host's
 * @view_id: the view that it was made for
 * @owner: of that view
 * @user_ns: of that view, referenced
 * @node: in the list of clocks, behind those above (viewos_clock_lock)
 * @renewed: computed anew by the change that is under way (viewos_clock_lock)
 * @own: from the parent's time to this (viewos_clock_lock)
 * @seq: of @line
 * @line: from the host's time to this (viewos_clock_lock; @seq for readers)
 * @calls: the calls that are redirected on its behalf
 */
struct viewos_clock {
	refcount_t ref;
	struct viewos_clock *parent;
	u64 view_id;
	kuid_t owner;
	struct user_namespace *user_ns;
	struct list_head node;
	bool renewed;
	struct viewos_clock_line own;
	seqcount_spinlock_t seq;
	struct viewos_clock_line line;
	struct viewos_calls calls;
};

/** viewos_clock_current() - the clock of current's view, NULL for the host's; without reference */
struct viewos_clock *viewos_clock_current(void);

/** viewos_clock_from_host() - what a clock says at an instant of the host's, never negative */
s64 viewos_clock_from_host(struct viewos_clock *clock, s64 host);

/** viewos_clock_to_host() - when the host's clock is there where a clock says @time, or nearly */
s64 viewos_clock_to_host(struct viewos_clock *clock, s64 time);

/** viewos_clock_to_host_interval() - how much passes on the host meanwhile, at least 1 */
s64 viewos_clock_to_host_interval(struct viewos_clock *clock, s64 interval);

/**
 * viewos_clock_set() - set a clock, as settimeofday(2) does
 * @clock: of current's view
 * @time: what it says from now on
 *
 * Return: 0; -EPERM current may not; -EINVAL no such time.
 */
int viewos_clock_set(struct viewos_clock *clock, s64 time);

/** viewos_clock_shift() - likewise, by so much */
int viewos_clock_shift(struct viewos_clock *clock, s64 by);

/**
 * viewos_clock_answer() - answer a call that reads the clock
 * @call: which, as in viewos_syscall_number()
 * @regs: its arguments
 *
 * May sleep.
 */
struct viewos_decision viewos_clock_answer(unsigned int call, const struct pt_regs *regs);

/** viewos_clock_calls() - the calls that viewos_clock_answer() answers */
void viewos_clock_calls(struct viewos_calls *calls);

/** viewos_clock_inherit_locked() - a new view's clock is its parent's; viewos_tree_lock is held */
void viewos_clock_inherit_locked(struct viewos_view *view);

/** viewos_clock_view_exit() - the view has gone: let go of its clock */
void viewos_clock_view_exit(struct viewos_view *view);

/** viewos_clock_fill() - put a view's clock into a message; 0, -EMSGSIZE */
int viewos_clock_fill(struct sk_buff *skb, struct viewos_view *view);

/* VIEWOS_IOC_VIEW_CLOCK on a view fd. */
long viewos_clock_ioctl(struct viewos_view *view, void __user *arg, unsigned int size);

#endif /* _VIEWOS_CLOCK_H */
