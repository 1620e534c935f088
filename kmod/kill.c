// SPDX-License-Identifier: GPL-2.0
/* A signal to each process of a view: see kill.h. */

#include <linux/bitops.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "control.h"
#include "kill.h"
#include "task.h"
#include "view.h"

/* A set of signals is one word. */
static_assert(_NSIG == BITS_PER_LONG);

/**
 * struct kill - a signal on its way
 * @signal: which
 * @except: the process that is left out, or NULL
 * @processes: how many got it
 * @refused: how many the caller may not send it to
 */
struct kill {
	int signal;
	struct pid *except;
	unsigned int processes;
	unsigned int refused;
};

/* Does fork(2) make this task, which does not run yet, for a new process? */
static bool new_process(const struct task_struct *task)
{
	return READ_ONCE(task->__state) == TASK_NEW && task->group_leader == task;
}

/* Is or will this new process be the first of its PID namespace? */
static bool new_reaper(const struct task_struct *task)
{
	struct task_struct *reaper = READ_ONCE(task->nsproxy->pid_ns_for_children->child_reaper);

	return !reaper || reaper == task;
}

void viewos_kill_inherit_locked(struct viewos_task *parent, struct viewos_task *child)
{
	unsigned long pending;
	unsigned int bit;

	lockdep_assert_held(&viewos_tree_lock);

	child->forker = current;
	if (child->task->group_leader != child->task) {
		child->signals = parent->signals;
		return;
	}
	if (likely(!parent->signals))
		return;
	/* Another thread may be about to handle one of them: then it comes before the child. */
	pending = current->pending.signal.sig[0] | current->signal->shared_pending.signal.sig[0];
	parent->signals &= pending;
	if (new_reaper(child->task))
		return;
	child->signals = parent->signals;
	for_each_set_bit(bit, &child->signals, _NSIG)
		send_sig(bit + 1, child->task, 0);
}

/* Is this the one of its process's threads that stands for it? The first may have ended. */
static bool first_of_process(struct task_struct *task)
{
	struct task_struct *thread, *first = NULL;

	rcu_read_lock();
	for_each_thread(task, thread) {
		if (viewos_task_attached_locked(thread)) {
			first = thread;
			break;
		}
	}
	rcu_read_unlock();
	return first == task;
}

/* kill(2) for a process that has no pid yet: who may send its parent signals may send it some. */
static int new_process_signal(const struct viewos_task *entry, int signal)
{
	int err = kill_pid(task_tgid(entry->forker), 0, 0);

	if (!err && signal)
		send_sig(signal, entry->task, 0);
	return err;
}

static void process_signal(struct viewos_task *entry, void *arg)
{
	struct task_struct *task = entry->task;
	bool new = new_process(task), first = new || first_of_process(task);
	struct kill *kill = arg;
	struct pid *pid;
	int err;

	if (same_thread_group(task, current))
		return;
	pid = new ? NULL : task_tgid(task);
	if (pid && pid == kill->except)
		return;
	/* Whatever is in its namespace has it from us; passing it on would be once more. */
	if (kill->signal != SIGKILL && (new ? new_reaper(task) : is_child_reaper(pid)))
		return;
	if (new)
		err = new_process_signal(entry, kill->signal);
	else	/* Of other threads it is only seen whether their process got it. */
		err = kill_pid(pid, first ? kill->signal : 0, 0);
	/* Where it was refused a child has nothing of it either. */
	if (!err && kill->signal)
		__set_bit(kill->signal - 1, &entry->signals);
	if (!first)
		return;
	if (!err)
		kill->processes++;
	else if (err != -ESRCH)
		kill->refused++;
}

long viewos_kill_ioctl(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_kill args;
	struct kill kill = { };
	int err;

	err = viewos_ioctl_copy(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.flags || args.signal < 0 || !valid_signal(args.signal))
		return -EINVAL;
	if (viewos_view_is_root(view) || !viewos_view_owned(view))
		return -EPERM;

	kill.signal = args.signal;
	kill.except = args.except ? find_get_pid(args.except) : NULL;
	spin_lock(&viewos_tree_lock);
	viewos_view_tasks_locked(view, process_signal, &kill);
	spin_unlock(&viewos_tree_lock);
	put_pid(kill.except);

	args.processes = kill.processes;
	args.refused = kill.refused;
	err = viewos_ioctl_return(arg, size, &args, sizeof(args));
	if (err || kill.processes)
		return err;
	return kill.refused ? -EPERM : -ESRCH;
}
