/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel functions redirected by ftrace.
 *
 * A hook sends a call of one kernel function to a replacement if, and only if,
 * the calling task carries the mark of a view (task.h), or, of some, the socket that is the
 * first argument is a virtual one. The replacement reaches
 * the original through a static call to the instruction behind the ftrace site,
 * so it needs no recursion guard and no indirect call.
 *
 * A system call's function is not replaced, but asks first (syscall/calls.h), and then goes
 * on itself or returns what it was told. So nothing of ours is on the stack while it runs,
 * and a call that does not return (exit) is like any other. Only where a server changes
 * arguments, or wants the result, it is called from ours (syscall/serve.h).
 *
 * Hooks come in groups, each with a count of users: the first installs the
 * group, and some time after the last one has gone it is removed. A replacement
 * may sleep. It runs in a task that is in a view, or on a virtual socket; every view and
 * every virtual socket holds the module, and so nobody can be inside a replacement when
 * the module goes; a replacement that drops its task's view must not sleep afterwards.
 */
#ifndef _VIEWOS_HOOK_H
#define _VIEWOS_HOOK_H

#include <linux/types.h>

#include "compat.h"

struct itimerspec64;
struct kernel_clone_args;
struct linux_binprm;
struct net;
struct pt_regs;
struct socket;
struct task_struct;
struct timespec64;
struct timezone;
struct viewos_calls;
struct __kernel_itimerspec;
struct __kernel_timespec;
struct __kernel_timex;
struct old_itimerspec32;

/**
 * enum viewos_hook_group - hooks that are installed and removed together
 * @VIEWOS_HOOK_TASK: fork and exit, while there is a view
 * @VIEWOS_HOOK_SOCKET: creation of sockets, while there is a rule for it
 * @VIEWOS_HOOK_VIRTUAL: options of sockets, while there can be virtual ones
 * @VIEWOS_HOOK_CLOCK: vDSO, deadlines and setting of the time, while there is a clock
 * @VIEWOS_HOOK_SYSCALL: functions of system calls, while there are rules for them; their
 *	users are counted for each function, see viewos_hook_calls_get()
 * @VIEWOS_HOOK_GROUPS: how many groups there are
 */
enum viewos_hook_group {
	VIEWOS_HOOK_TASK,
	VIEWOS_HOOK_SOCKET,
	VIEWOS_HOOK_VIRTUAL,
	VIEWOS_HOOK_CLOCK,
	VIEWOS_HOOK_SYSCALL,
	VIEWOS_HOOK_GROUPS,
};

/**
 * viewos_hook_get() - become a user of a group, installing it if need be
 * @group: which
 *
 * Return: 0, or a negative errno: -EBUSY somebody else redirects one of its
 * functions in a way that excludes ours. Sleeps.
 */
int viewos_hook_get(enum viewos_hook_group group);

/** viewos_hook_put() - no longer a user; does not sleep */
void viewos_hook_put(enum viewos_hook_group group);

/** viewos_hook_mount_possible() - does this kernel have where mounts are attached? Ask first. */
bool viewos_hook_mount_possible(void);

/**
 * viewos_hook_mount_init() - have a function called before each mount is attached
 * @call: called by who attaches a mount or a tree of them, when its flags are set and nobody
 *	else can see it yet; must not sleep. Not changing anything else of the
 *	call, and for all tasks
 *
 * Return: 0, or a negative errno if the kernel does not let us.
 */
int viewos_hook_mount_init(void (*call)(void));

/** viewos_hook_mount_exit() - its mirror; @call does not run any more */
void viewos_hook_mount_exit(void);

/**
 * viewos_hook_calls_get() - have the functions of some system calls redirected
 * @calls: which; each has a function
 * @known: take those out that cannot be redirected
 *
 * Those that are not redirected yet are from now on, all at once, and stay so until none of
 * them has a user.
 *
 * Return: 0; -ENOSYS one cannot be redirected; -EBUSY; -EINTR; -ENOMEM. Sleeps.
 */
int viewos_hook_calls_get(struct viewos_calls *calls, bool known);

/** viewos_hook_calls_put() - no longer; does not sleep */
void viewos_hook_calls_put(const struct viewos_calls *calls);

/**
 * viewos_hook_call_make() - make a system call
 * @regs: its arguments; not those that the program goes on with
 * @body: of its function, see viewos_hook_call_body()
 *
 * Return: what it returns. Not for calls that do not return.
 */
long viewos_hook_call_make(const struct pt_regs *regs, unsigned long body);

/** viewos_hook_call_body() - where the function of a call goes on behind its ftrace site; or 0 */
unsigned long viewos_hook_call_body(unsigned int call);

/** viewos_hook_regs_body() - likewise, of the call that current is making */
unsigned long viewos_hook_regs_body(const struct pt_regs *regs);

int viewos_hook_init(void);
void viewos_hook_exit(void);

/* The replacements (task.c, socket/create.c, clockcall.c), and what they call the originals by. */
int viewos_hook_cgroup_can_fork(struct task_struct *child, struct kernel_clone_args *kargs);
void viewos_hook_cgroup_cancel_fork(struct task_struct *child, struct kernel_clone_args *kargs);
void viewos_hook_cgroup_task_exit(struct task_struct *task);
int viewos_hook_sock_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
				unsigned int len);
int viewos_hook_sock_getsockopt(VIEWOS_GETSOCKOPT_ARGS);
int viewos_hook_sock_create(struct net *net, int family, int type, int protocol,
			    struct socket **res, int kern);
int viewos_hook_arch_setup_additional_pages(struct linux_binprm *bprm, int interp);
int viewos_hook_compat_arch_setup_additional_pages(struct linux_binprm *bprm, int interp,
						   bool x32);
int viewos_hook_get_timespec64(struct timespec64 *ts, const struct __kernel_timespec __user *from);
int viewos_hook_get_old_timespec32(struct timespec64 *ts, const void __user *from);
int viewos_hook_get_itimerspec64(struct itimerspec64 *its,
				 const struct __kernel_itimerspec __user *from);
int viewos_hook_get_old_itimerspec32(struct itimerspec64 *its,
				     const struct old_itimerspec32 __user *from);
int viewos_hook_do_sys_settimeofday64(const struct timespec64 *tv, const struct timezone *tz);
int viewos_hook_do_adjtimex(struct __kernel_timex *txc);

int viewos_orig_cgroup_can_fork(struct task_struct *child, struct kernel_clone_args *kargs);
void viewos_orig_cgroup_cancel_fork(struct task_struct *child, struct kernel_clone_args *kargs);
void viewos_orig_cgroup_task_exit(struct task_struct *task);
int viewos_orig_sock_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
				unsigned int len);
int viewos_orig_sock_getsockopt(VIEWOS_GETSOCKOPT_ARGS);
int viewos_orig_sock_create(struct net *net, int family, int type, int protocol,
			    struct socket **res, int kern);
int viewos_orig_arch_setup_additional_pages(struct linux_binprm *bprm, int interp);
int viewos_orig_compat_arch_setup_additional_pages(struct linux_binprm *bprm, int interp,
						   bool x32);
int viewos_orig_get_timespec64(struct timespec64 *ts, const struct __kernel_timespec __user *from);
int viewos_orig_get_old_timespec32(struct timespec64 *ts, const void __user *from);
int viewos_orig_get_itimerspec64(struct itimerspec64 *its,
				 const struct __kernel_itimerspec __user *from);
int viewos_orig_get_old_itimerspec32(struct itimerspec64 *its,
				     const struct old_itimerspec32 __user *from);
int viewos_orig_do_sys_settimeofday64(const struct timespec64 *tv, const struct timezone *tz);
int viewos_orig_do_adjtimex(struct __kernel_timex *txc);

/* Where ftrace sends the calls (hook_entry.S). */
void viewos_entry_cgroup_can_fork(void);
void viewos_entry_cgroup_cancel_fork(void);
void viewos_entry_cgroup_task_exit(void);
void viewos_entry_sock_create(void);
void viewos_entry_sock_setsockopt(void);
void viewos_entry_sock_getsockopt(void);
void viewos_entry_arch_setup_additional_pages(void);
void viewos_entry_compat_arch_setup_additional_pages(void);
void viewos_entry_get_timespec64(void);
void viewos_entry_get_old_timespec32(void);
void viewos_entry_get_itimerspec64(void);
void viewos_entry_get_old_itimerspec32(void);
void viewos_entry_do_sys_settimeofday64(void);
void viewos_entry_do_adjtimex(void);
void viewos_entry_syscall(void);
/* Where they go in place of the function, if there is no direct call. */
void viewos_taken_syscall(void);

#endif /* _VIEWOS_HOOK_H */
