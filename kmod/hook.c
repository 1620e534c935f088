// SPDX-License-Identifier: GPL-2.0
/* Kernel functions redirected by ftrace: the only file attached to kernel text. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/static_call.h>
#include <linux/workqueue.h>
#include <asm/ibt.h>

#include "compat.h"
#include "hook.h"
#include "mark.h"
#include "socket/sock.h"
#include "syscall/calls.h"

static_assert(offsetof(struct socket, ops) == VIEWOS_SOCKET_OPS_OFFSET);

/*
 * A removal costs a grace period of RCU tasks, and views come and go: a group
 * stays for this long after its last user.
 */
#define VIEWOS_HOOK_LINGER	HZ

/**
 * struct viewos_hook - a redirected function
 * @symbol: its name
 * @group: its group
 * @entry: the code in hook_entry.S
 * @replacement: what takes a marked task's call
 * @key: static call by which the replacement reaches the original
 * @tramp: its trampoline
 * @site: address of the ftrace site, the function's first instruction
 * @ops: our registration with ftrace
 * @direct: registered as a direct call, not as a changed instruction pointer
 */
struct viewos_hook {
	const char *symbol;
	enum viewos_hook_group group;
	void (*entry)(void);
	void *replacement;
	struct static_call_key *key;
	void *tramp;
	unsigned long site;
	struct ftrace_ops ops;
	bool direct;
};

static int viewos_none_cgroup_can_fork(struct task_struct *child, struct kernel_clone_args *kargs)
{
	return -EAGAIN;
}

static void viewos_none_cgroup_cancel_fork(struct task_struct *child,
					   struct kernel_clone_args *kargs)
{
}

static void viewos_none_cgroup_task_exit(struct task_struct *task)
{
}

static int viewos_none_sock_create(struct net *net, int family, int type, int protocol,
				   struct socket **res, int kern)
{
	return -EAGAIN;
}

static int viewos_none_sock_setsockopt(struct socket *sock, int level, int name,
				       sockptr_t value, unsigned int len)
{
	return -EAGAIN;
}

static int viewos_none_sock_getsockopt(VIEWOS_GETSOCKOPT_ARGS)
{
	return -EAGAIN;
}

DEFINE_STATIC_CALL(viewos_call_cgroup_can_fork, viewos_none_cgroup_can_fork);
DEFINE_STATIC_CALL(viewos_call_cgroup_cancel_fork, viewos_none_cgroup_cancel_fork);
DEFINE_STATIC_CALL(viewos_call_cgroup_task_exit, viewos_none_cgroup_task_exit);
DEFINE_STATIC_CALL(viewos_call_sock_create, viewos_none_sock_create);
DEFINE_STATIC_CALL(viewos_call_sock_setsockopt, viewos_none_sock_setsockopt);
DEFINE_STATIC_CALL(viewos_call_sock_getsockopt, viewos_none_sock_getsockopt);

int viewos_orig_cgroup_can_fork(struct task_struct *child, struct kernel_clone_args *kargs)
{
	return static_call(viewos_call_cgroup_can_fork)(child, kargs);
}

void viewos_orig_cgroup_cancel_fork(struct task_struct *child, struct kernel_clone_args *kargs)
{
	static_call(viewos_call_cgroup_cancel_fork)(child, kargs);
}

void viewos_orig_cgroup_task_exit(struct task_struct *task)
{
	static_call(viewos_call_cgroup_task_exit)(task);
}

int viewos_orig_sock_create(struct net *net, int family, int type, int protocol,
			    struct socket **res, int kern)
{
	return static_call(viewos_call_sock_create)(net, family, type, protocol, res, kern);
}

int viewos_orig_sock_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
				unsigned int len)
{
	return static_call(viewos_call_sock_setsockopt)(sock, level, name, value, len);
}

int viewos_orig_sock_getsockopt(VIEWOS_GETSOCKOPT_ARGS)
{
	return static_call(viewos_call_sock_getsockopt)(viewos_getsockopt_pass(sock));
}

/*
 * The originals of the functions of VIEWOS_HOOK_CLOCK; of the type of the replacements, by
 * which alone they are called, and so not before they are found.
 */
#define VIEWOS_CLOCK_FUNCTION(function, parameters, arguments)			\
	DEFINE_STATIC_CALL_NULL(viewos_call_##function, viewos_hook_##function);	\
	int viewos_orig_##function parameters					\
	{									\
		return static_call(viewos_call_##function) arguments;		\
	}

VIEWOS_CLOCK_FUNCTION(arch_setup_additional_pages, (struct linux_binprm *bprm, int interp),
		      (bprm, interp))
VIEWOS_CLOCK_FUNCTION(compat_arch_setup_additional_pages,
		      (struct linux_binprm *bprm, int interp, bool x32), (bprm, interp, x32))
VIEWOS_CLOCK_FUNCTION(get_timespec64,
		      (struct timespec64 *ts, const struct __kernel_timespec __user *from),
		      (ts, from))
VIEWOS_CLOCK_FUNCTION(get_old_timespec32, (struct timespec64 *ts, const void __user *from),
		      (ts, from))
VIEWOS_CLOCK_FUNCTION(get_itimerspec64,
		      (struct itimerspec64 *its, const struct __kernel_itimerspec __user *from),
		      (its, from))
VIEWOS_CLOCK_FUNCTION(get_old_itimerspec32,
		      (struct itimerspec64 *its, const struct old_itimerspec32 __user *from),
		      (its, from))
VIEWOS_CLOCK_FUNCTION(do_sys_settimeofday64,
		      (const struct timespec64 *tv, const struct timezone *tz), (tv, tz))
VIEWOS_CLOCK_FUNCTION(do_adjtimex, (struct __kernel_timex *txc), (txc))

#define VIEWOS_HOOK_ENTRY(function, name, hook_group)			\
	{								\
		.symbol = name,						\
		.group = hook_group,					\
		.entry = viewos_entry_##function,			\
		.replacement = viewos_hook_##function,			\
		.key = &STATIC_CALL_KEY(viewos_call_##function),	\
		.tramp = STATIC_CALL_TRAMP_ADDR(viewos_call_##function),	\
	}

#define VIEWOS_HOOK_ENTRY_CLOCK(function) \
	VIEWOS_HOOK_ENTRY(function, #function, VIEWOS_HOOK_CLOCK)

/*
 * fork and exit are taken where the kernel itself counts a task into its cgroup:
 * can_fork may fail the fork before the child can be seen or run, cancel_fork
 * undoes it, and exit comes when the task has closed its files. All three are
 * called for threads and io_uring workers too.
 *
 * Every socket that a program makes, by whatever call, passes __sock_create(). Options
 * of SOL_SOCKET are done by the kernel before a socket's own operations are asked.
 *
 * Where a program gets its vDSO, where a deadline is taken from user space (clockcall.c tells
 * by the call what it is), and where the time is set, by whatever call.
 */
static struct viewos_hook viewos_hooks[] = {
	VIEWOS_HOOK_ENTRY(cgroup_can_fork, "cgroup_can_fork", VIEWOS_HOOK_TASK),
	VIEWOS_HOOK_ENTRY(cgroup_cancel_fork, "cgroup_cancel_fork", VIEWOS_HOOK_TASK),
	VIEWOS_HOOK_ENTRY(cgroup_task_exit, VIEWOS_CGROUP_TASK_EXIT, VIEWOS_HOOK_TASK),
	VIEWOS_HOOK_ENTRY(sock_create, "__sock_create", VIEWOS_HOOK_SOCKET),
#ifdef VIEWOS_SETSOCKOPT
	VIEWOS_HOOK_ENTRY(sock_setsockopt, VIEWOS_SETSOCKOPT, VIEWOS_HOOK_VIRTUAL),
#endif
	VIEWOS_HOOK_ENTRY(sock_getsockopt, VIEWOS_GETSOCKOPT, VIEWOS_HOOK_VIRTUAL),
	VIEWOS_HOOK_ENTRY_CLOCK(arch_setup_additional_pages),
	VIEWOS_HOOK_ENTRY_CLOCK(compat_arch_setup_additional_pages),
	VIEWOS_HOOK_ENTRY_CLOCK(get_timespec64),
	VIEWOS_HOOK_ENTRY_CLOCK(get_old_timespec32),
	VIEWOS_HOOK_ENTRY_CLOCK(get_itimerspec64),
	VIEWOS_HOOK_ENTRY_CLOCK(get_old_itimerspec32),
	VIEWOS_HOOK_ENTRY_CLOCK(do_sys_settimeofday64),
	VIEWOS_HOOK_ENTRY_CLOCK(do_adjtimex),
};

/* Protects installed[], and registering and unregistering. */
static DEFINE_MUTEX(viewos_hook_mutex);
static bool installed[VIEWOS_HOOK_GROUPS];
static atomic_t users[VIEWOS_HOOK_GROUPS];

static void viewos_hook_linger(struct work_struct *work);
static DECLARE_DELAYED_WORK(viewos_hook_work, viewos_hook_linger);

static bool direct_calls = true;
module_param(direct_calls, bool, 0644);
MODULE_PARM_DESC(direct_calls, "redirect kernel functions by ftrace direct calls (faster), not by IPMODIFY");

/**
 * struct hook_function - the function of a system call, or of several
 * @node: in the list of all; it stays until the module goes (viewos_hook_mutex)
 * @site: address of its ftrace site
 * @users: rules for its calls
 * @batch: by which it is redirected, or NULL (viewos_hook_mutex)
 */
struct hook_function {
	struct list_head node;
	unsigned long site;
	atomic_t users;
	struct hook_batch *batch;
};

/**
 * struct hook_batch - functions that were redirected together, and are so until none has users
 * @node: in the list of all (viewos_hook_mutex)
 * @hook: for all of them; its @site is not used
 * @nr: how many
 * @functions: which
 */
struct hook_batch {
	struct list_head node;
	struct viewos_hook hook;
	unsigned int nr;
	struct hook_function *functions[];
};

static LIST_HEAD(call_functions);
static LIST_HEAD(call_batches);

/* For each call; NULL for those that nobody wanted yet. Set once. */
static struct hook_function *calls_known[VIEWOS_ALL_CALLS];

static struct hook_function *call_function(const struct pt_regs *regs)
{
	unsigned int call = viewos_syscall_number(regs);

	return call < VIEWOS_ALL_CALLS ? READ_ONCE(calls_known[call]) : NULL;
}

unsigned long viewos_hook_call_body(unsigned int call)
{
	const struct hook_function *function = READ_ONCE(calls_known[call]);

	return function ? function->site + MCOUNT_INSN_SIZE : 0;
}

unsigned long viewos_hook_regs_body(const struct pt_regs *regs)
{
	/* Whoever comes here was sent by hook_concerns(), which has seen that there is one. */
	return call_function(regs)->site + MCOUNT_INSN_SIZE;
}

static bool hook_concerns(const struct viewos_hook *hook, unsigned long ip,
			  struct ftrace_regs *fregs)
{
	const struct hook_function *function;
	const struct socket *sock;

	if (hook->group != VIEWOS_HOOK_VIRTUAL &&
	    !test_bit(VIEWOS_MARK_BIT, &current_thread_info()->syscall_work))
		return false;
	if (hook->group == VIEWOS_HOOK_SYSCALL) {
		/* The function may be called with registers that are of no call of its own. */
		function = call_function((const void *)ftrace_regs_get_argument(fregs, 0));
		return function && function->site == ip;
	}
	if (hook->group != VIEWOS_HOOK_VIRTUAL)
		return true;
	sock = (const struct socket *)ftrace_regs_get_argument(fregs, 0);
	return sock->ops == &viewos_sock_ops;
}

/* The fall-back where a direct call cannot be had: changes the instruction pointer. */
static void notrace viewos_hook_redirect(unsigned long ip, unsigned long parent_ip,
					 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct viewos_hook *hook = container_of(ops, struct viewos_hook, ops);

	if (hook_concerns(hook, ip, fregs))
		ftrace_regs_set_instruction_pointer(fregs, (unsigned long)hook->replacement);
}

/* Its filter is set. */
static int hook_register(struct viewos_hook *hook)
{
	int err;

	if (direct_calls) {
		err = viewos_register_ftrace_direct(&hook->ops, (unsigned long)hook->entry);
		hook->direct = !err;
		if (!err)
			return 0;
		pr_info("%s: no direct call (%d), falling back to IPMODIFY\n", hook->symbol, err);
	}
	hook->ops.flags = FTRACE_OPS_FL_IPMODIFY;
	hook->ops.func = viewos_hook_redirect;
	err = register_ftrace_function(&hook->ops);
	if (err) {
		ftrace_free_filter(&hook->ops);
		memset(&hook->ops, 0, sizeof(hook->ops));
	}
	return err;
}

static int hook_install(struct viewos_hook *hook)
{
	if (!hook->site)
		return -ENOSYS;
	return ftrace_set_filter_ip(&hook->ops, hook->site, 0, 0) ?: hook_register(hook);
}

static void hook_remove(struct viewos_hook *hook)
{
	int err;

	if (hook->direct)
		err = viewos_unregister_ftrace_direct(&hook->ops, (unsigned long)hook->entry);
	else
		err = unregister_ftrace_function(&hook->ops);
	WARN_ON_ONCE(err);
	ftrace_free_filter(&hook->ops);
	/* ftrace takes a direct call only from a registration that was not used otherwise. */
	memset(&hook->ops, 0, sizeof(hook->ops));
	hook->direct = false;
}

static void group_remove_locked(enum viewos_hook_group group, size_t end)
{
	lockdep_assert_held(&viewos_hook_mutex);

	while (end--)
		if (viewos_hooks[end].group == group)
			hook_remove(&viewos_hooks[end]);
	installed[group] = false;
}

static int group_install_locked(enum viewos_hook_group group)
{
	size_t i;
	int err;

	lockdep_assert_held(&viewos_hook_mutex);

	for (i = 0; i < ARRAY_SIZE(viewos_hooks); i++) {
		if (viewos_hooks[i].group != group)
			continue;
		err = hook_install(&viewos_hooks[i]);
		if (err) {
			pr_warn("%s: cannot be redirected: %d\n", viewos_hooks[i].symbol, err);
			group_remove_locked(group, i);
			return err;
		}
	}
	installed[group] = true;
	return 0;
}

int viewos_hook_get(enum viewos_hook_group group)
{
	int err = 0;

	if (atomic_inc_not_zero(&users[group]))
		return 0;

	mutex_lock(&viewos_hook_mutex);
	if (!installed[group])
		err = group_install_locked(group);
	if (!err)
		atomic_inc(&users[group]);
	mutex_unlock(&viewos_hook_mutex);
	return err;
}

void viewos_hook_put(enum viewos_hook_group group)
{
	if (atomic_dec_and_test(&users[group]))
		mod_delayed_work(system_percpu_wq, &viewos_hook_work, VIEWOS_HOOK_LINGER);
}

static void hook_remove_unused(void)
{
	int group;

	mutex_lock(&viewos_hook_mutex);
	for (group = 0; group < VIEWOS_HOOK_GROUPS; group++)
		if (installed[group] && !atomic_read(&users[group]))
			group_remove_locked(group, ARRAY_SIZE(viewos_hooks));
	mutex_unlock(&viewos_hook_mutex);
}

/* The address of the ftrace site of a function that the kernel does not export. */
static unsigned long hook_site(const char *symbol)
{
	struct kprobe probe = { .symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED };
	unsigned long site;

	if (register_kprobe(&probe))
		return 0;
	site = (unsigned long)probe.addr;
	unregister_kprobe(&probe);

	if (__is_endbr(*(u32 *)site))
		site += 4;
	return site;
}

/* Where mounts are attached, or 0. */
static unsigned long mount_site;
static void (*mount_call)(void);

static void notrace mount_attach(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	mount_call();
}

/* Permanent: not to be switched off by sysctl, since security depends on it. */
static struct ftrace_ops mount_ops = {
	.func = mount_attach,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_RECURSION,
};

bool viewos_hook_mount_possible(void)
{
	static const char * const symbols[] = {
		"attach_recursive_mnt",
		/* What the compiler makes of it where it drops an argument. */
		"attach_recursive_mnt.isra.0",
		"attach_recursive_mnt.constprop.0",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(symbols) && !mount_site; i++)
		mount_site = hook_site(symbols[i]);
	return mount_site;
}

int viewos_hook_mount_init(void (*call)(void))
{
	int err;

	mount_call = call;
	err = ftrace_set_filter_ip(&mount_ops, mount_site, 0, 0);
	if (!err)
		err = register_ftrace_function(&mount_ops);
	if (!err)
		return 0;
	ftrace_free_filter(&mount_ops);
	pr_warn("attach_recursive_mnt: cannot be watched: %d; no redirects of files\n", err);
	return err;
}

void viewos_hook_mount_exit(void)
{
	WARN_ON_ONCE(unregister_ftrace_function(&mount_ops));
	ftrace_free_filter(&mount_ops);
}

static struct hook_function *function_at_locked(unsigned long site)
{
	struct hook_function *function;

	lockdep_assert_held(&viewos_hook_mutex);

	list_for_each_entry(function, &call_functions, node)
		if (function->site == site)
			return function;
	function = kzalloc(sizeof(*function), GFP_KERNEL);
	if (!function)
		return NULL;
	function->site = site;
	list_add(&function->node, &call_functions);
	return function;
}

/* Does ftrace know the function? Some of the kernel are built without. */
static bool site_traced_locked(unsigned long site)
{
	static struct ftrace_ops probe;
	int err;

	lockdep_assert_held(&viewos_hook_mutex);

	err = ftrace_set_filter_ip(&probe, site, 0, 1);
	ftrace_free_filter(&probe);
	memset(&probe, 0, sizeof(probe));
	return !err;
}

/* Finds the functions of calls that nobody wanted before. */
static int calls_find_locked(struct viewos_calls *calls, bool known)
{
	struct hook_function *function;
	unsigned int call;
	unsigned long site;

	lockdep_assert_held(&viewos_hook_mutex);

	for_each_call(call, calls) {
		if (calls_known[call])
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		site = hook_site(viewos_call_symbol(call));
		if (!site || !site_traced_locked(site)) {
			pr_info_ratelimited("%s: cannot be redirected\n", viewos_call_symbol(call));
			if (!known)
				return -ENOSYS;
			__clear_bit(call, calls->set);
			calls->weight--;
			continue;
		}
		function = function_at_locked(site);
		if (!function)
			return -ENOMEM;
		WRITE_ONCE(calls_known[call], function);
	}
	return calls->weight ? 0 : -ENOSYS;
}

static int batch_install_locked(struct hook_batch *batch)
{
	unsigned long *sites;
	unsigned int i;
	int err;

	lockdep_assert_held(&viewos_hook_mutex);

	sites = kvmalloc_array(batch->nr, sizeof(*sites), GFP_KERNEL);
	if (!sites)
		return -ENOMEM;
	for (i = 0; i < batch->nr; i++)
		sites[i] = batch->functions[i]->site;
	err = ftrace_set_filter_ips(&batch->hook.ops, sites, batch->nr, 0, 0);
	kvfree(sites);
	if (!err)
		return hook_register(&batch->hook);
	ftrace_free_filter(&batch->hook.ops);
	return err;
}

static void batch_free_locked(struct hook_batch *batch)
{
	unsigned int i;

	lockdep_assert_held(&viewos_hook_mutex);

	for (i = 0; i < batch->nr; i++)
		batch->functions[i]->batch = NULL;
	kvfree(batch);
}

/* Redirects functions that are not; how many, at most VIEWOS_DIRECT_BATCH, or an errno. */
static int batch_add_locked(const struct viewos_calls *calls)
{
	struct hook_function *function;
	struct hook_batch *batch;
	unsigned int call;
	int err = 0;

	lockdep_assert_held(&viewos_hook_mutex);

	batch = kvzalloc(struct_size(batch, functions, calls->weight), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;
	batch->hook.symbol = "system calls";
	batch->hook.group = VIEWOS_HOOK_SYSCALL;
	batch->hook.entry = viewos_entry_syscall;
	batch->hook.replacement = viewos_taken_syscall;
	for_each_call(call, calls) {
		function = calls_known[call];
		if (function->batch || batch->nr == VIEWOS_DIRECT_BATCH)
			continue;
		function->batch = batch;
		batch->functions[batch->nr++] = function;
	}
	if (batch->nr)
		err = batch_install_locked(batch);
	if (err || !batch->nr) {
		batch_free_locked(batch);
		return err;
	}
	list_add(&batch->node, &call_batches);
	return batch->nr;
}

static int calls_install_locked(const struct viewos_calls *calls)
{
	int ret;

	lockdep_assert_held(&viewos_hook_mutex);

	do {
		ret = batch_add_locked(calls);
	} while (ret > 0 && !fatal_signal_pending(current));
	if (!ret)
		return 0;
	/* What was redirected so far has no users. */
	mod_delayed_work(system_percpu_wq, &viewos_hook_work, VIEWOS_HOOK_LINGER);
	return ret < 0 ? ret : -EINTR;
}

int viewos_hook_calls_get(struct viewos_calls *calls, bool known)
{
	unsigned int call;
	int err;

	if (mutex_lock_killable(&viewos_hook_mutex))
		return -EINTR;
	err = calls_find_locked(calls, known) ?: calls_install_locked(calls);
	if (!err)
		for_each_call(call, calls)
			atomic_inc(&calls_known[call]->users);
	mutex_unlock(&viewos_hook_mutex);
	return err;
}

void viewos_hook_calls_put(const struct viewos_calls *calls)
{
	unsigned int call;

	for_each_call(call, calls)
		atomic_dec(&calls_known[call]->users);
	mod_delayed_work(system_percpu_wq, &viewos_hook_work, VIEWOS_HOOK_LINGER);
}

static bool batch_used(const struct hook_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++)
		if (atomic_read(&batch->functions[i]->users))
			return true;
	return false;
}

/* Whether there was one. A removal takes long, and others may want the mutex in between. */
static bool batch_remove_unused(void)
{
	struct hook_batch *batch;
	bool found = false;

	mutex_lock(&viewos_hook_mutex);
	list_for_each_entry(batch, &call_batches, node) {
		if (batch_used(batch))
			continue;
		list_del(&batch->node);
		hook_remove(&batch->hook);
		batch_free_locked(batch);
		found = true;
		break;
	}
	mutex_unlock(&viewos_hook_mutex);
	return found;
}

static void viewos_hook_linger(struct work_struct *work)
{
	hook_remove_unused();
	while (batch_remove_unused())
		cond_resched();
}

static void functions_free(void)
{
	struct hook_function *function, *next;

	list_for_each_entry_safe(function, next, &call_functions, node)
		kfree(function);
}

int viewos_hook_init(void)
{
	struct viewos_hook *hook;

	for (hook = viewos_hooks; hook < viewos_hooks + ARRAY_SIZE(viewos_hooks); hook++) {
		hook->site = hook_site(hook->symbol);
		if (!hook->site && hook->group == VIEWOS_HOOK_CLOCK) {
			pr_info("this kernel has no function %s: no clocks of views\n",
				hook->symbol);
			continue;
		}
		if (!hook->site) {
			pr_err("this kernel has no function %s that can be redirected\n",
			       hook->symbol);
			return -ENOENT;
		}
		__static_call_update(hook->key, hook->tramp,
				     (void *)(hook->site + MCOUNT_INSN_SIZE));
	}
	return 0;
}

void viewos_hook_exit(void)
{
	cancel_delayed_work_sync(&viewos_hook_work);
	hook_remove_unused();
	while (batch_remove_unused())
		;
	/* A task may have been preempted in hook_entry.S, or on its way out of a replacement. */
	synchronize_rcu_tasks();
	functions_free();
}
