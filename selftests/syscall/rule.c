// SPDX-License-Identifier: GPL-2.0
/*
 * Rules for system calls: native, deny and value, by both of the kernel's tables, in nested
 * views, in threads and children, while they change, and what is refused.
 */

#include "../viewos_test.h"
#include "../calls.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* A child's exit status is only a byte. */
#define VALUE 77

/* The calls that all tests use, as this program makes them. */
#ifdef __x86_64__
#define OWN X64
#define NR_getppid X64_getppid
#define NR_getpgrp X64_getpgrp
#define NR_mkdir X64_mkdir
#define NR_exit X64_exit
#define call_own(nr) call64(nr, 0, 0)
#else
#define OWN I386
#define NR_getppid I386_getppid
#define NR_getpgrp I386_getpgrp
#define NR_mkdir I386_mkdir
#define NR_exit I386_exit
#define call_own(nr) call32(nr, 0, 0, 0)
#endif

FIXTURE(calls)
{
	int control, view;
};

FIXTURE_SETUP(calls)
{
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(calls)
{
	EXPECT_EQ(getppid(), call_own(NR_getppid));
	close(self->view);
	close(self->control);
}

TEST_F(calls, deny)
{
	ASSERT_EQ(0, rule_add(self->view, call_deny(OWN, NR_getppid, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -EXDEV));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getpgrp) != getpgrp()));
}

TEST_F(calls, value)
{
	ASSERT_EQ(0, rule_add(self->view, call_value(OWN, NR_getppid, VALUE)));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != VALUE));
}

TEST_F(calls, a_call_with_arguments_is_not_made)
{
	char dir[] = "/tmp/syscall.XXXXXX", path[64];

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/made", dir);
	ASSERT_EQ(0, rule_add(self->view, call_value(OWN, NR_mkdir, 0)));
	EXPECT_EQ(0, IN_VIEW(self->view, syscall(NR_mkdir, path, 0755) != 0));
	EXPECT_EQ(-1, access(path, F_OK));
	EXPECT_EQ(0, rmdir(dir));
}

TEST_F(calls, the_other_table_is_another)
{
#ifdef __x86_64__
	if (!has_call32())
		SKIP(return, "the kernel takes no 32-bit system calls");
	ASSERT_EQ(0, rule_add(self->view, call_deny(I386, I386_getppid, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(self->view, call32(I386_getppid, 0, 0, 0) != -EXDEV));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_getppid, 0, 0) < 0));
	/* The same function, and the same number by the other table. */
	ASSERT_EQ(0, rule_add(self->view, call_value(X64, X64_getppid, VALUE)));
	ASSERT_EQ(0, rule_add(self->view, call_value(X64, I386_getppid, VALUE)));
	EXPECT_EQ(0, IN_VIEW(self->view, call32(I386_getppid, 0, 0, 0) != -EXDEV));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_getppid, 0, 0) != VALUE));
#else
	ASSERT_EQ(0, rule_add(self->view, call_deny(X64, X64_getppid, EXDEV)));
	ASSERT_EQ(0, rule_add(self->view, call_deny(X64, I386_getppid, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) < 0));
#endif
}

TEST_F(calls, a_32_bit_compat_call)
{
	char path[] = "/dev/null";

	if (!has_call32())
		SKIP(return, "the kernel takes no 32-bit system calls");
	ASSERT_EQ(0, rule_add(self->view, call_deny(I386, I386_open, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(self->view, call32(I386_open, (long)path, 0, 0) != -EXDEV));
	EXPECT_EQ(0, IN_VIEW(self->view, open("/dev/null", O_RDONLY) < 0));
}

/* A number that the kernel looks up, and finds nothing for. */
TEST_F(calls, a_number_of_no_call)
{
#ifdef __x86_64__
	struct viewos_rule_add rule;
	uint64_t id;

	if (untraced("x64_sys_call")) {
		EXPECT_EQ(-ENOSYS, rule_add(self->view, call_value(X64, X64_nice_hole, VALUE)));
		SKIP(return, "the kernel's x64_sys_call() cannot be redirected");
	}
	rule = call_value(X64, X64_nice_hole, VALUE);
	id = rule_id(self->view, rule);
	ASSERT_NE(0, id);
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_nice_hole, 0, 0) != VALUE));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_nice_hole + 1, 0, 0) != -ENOSYS));
	EXPECT_EQ(-ENOSYS, call64(X64_nice_hole, 0, 0));
	EXPECT_EQ(0, rule_del(self->view, id));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_nice_hole, 0, 0) != -ENOSYS));
	/* It is none that the kernel has. */
	rule = call_value(X64, X64_getppid, VALUE);
	rule.flags = VIEWOS_RULE_ADD_KNOWN;
	ASSERT_EQ(0, rule_add(self->view, calls_with(rule, X64, X64_nice_hole)));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_getppid, 0, 0) != VALUE ||
			     call64(X64_nice_hole, 0, 0) != -ENOSYS));
	/* Calls that are in use are asked about once. */
	ASSERT_EQ(0, rule_add(self->view, call_deny(X64, X64_nice_hole, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_getppid, 0, 0) != VALUE ||
			     call64(X64_nice_hole, 0, 0) != -EXDEV));
#else
	SKIP(return, "for the other table alone");
#endif
}

TEST_F(calls, a_number_of_no_call_of_i386)
{
	if (!has_call32())
		SKIP(return, "the kernel takes no 32-bit system calls");
	if (untraced("ia32_sys_call")) {
		EXPECT_EQ(-ENOSYS, rule_add(self->view, call_value(I386, I386_nice_hole, VALUE)));
		SKIP(return, "the kernel's ia32_sys_call() cannot be redirected");
	}
	ASSERT_EQ(0, rule_add(self->view, call_value(I386, I386_nice_hole, VALUE)));
	EXPECT_EQ(0, IN_VIEW(self->view, call32(I386_nice_hole, 0, 0, 0) != VALUE ||
			     call32(I386_nice_hole + 1, 0, 0, 0) != -ENOSYS ||
			     call32(I386_getppid, 0, 0, 0) < 0));
	EXPECT_EQ(-ENOSYS, call32(I386_nice_hole, 0, 0, 0));
}

TEST_F(calls, large_values)
{
	ASSERT_EQ(0, rule_add(self->view, call_value(OWN, NR_getppid, 0x123400000007LL)));
#ifdef __x86_64__
	EXPECT_EQ(0, IN_VIEW(self->view, call64(NR_getppid, 0, 0) != 0x123400000007LL));
#else
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != 7));
#endif
	ASSERT_EQ(0, rule_add(self->view, call_value(OWN, NR_getppid, INT64_MIN)));
	ASSERT_EQ(0, rule_add(self->view, call_value(OWN, NR_getppid, -4096)));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -4096));
}

TEST_F(calls, the_fewest_calls_then_the_youngest)
{
	struct viewos_rule_add two = calls_rule(VIEWOS_VERDICT_DENY, EXDEV, 0);
	uint64_t one, other;

	two = calls_with(calls_with(two, OWN, NR_getppid), OWN, NR_getpgrp);
	one = rule_id(self->view, call_value(OWN, NR_getppid, VALUE));
	ASSERT_NE(0, one);
	ASSERT_EQ(0, rule_add(self->view, two));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != VALUE));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getpgrp) != -EXDEV));
	other = rule_id(self->view, call_deny(OWN, NR_getppid, ENOANO));
	ASSERT_NE(0, other);
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -ENOANO));
	ASSERT_EQ(0, rule_del(self->view, other));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != VALUE));
	ASSERT_EQ(0, rule_del(self->view, one));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -EXDEV));
	/* Allowed again, as an exception. */
	ASSERT_EQ(0, rule_add(self->view, call_native(OWN, NR_getppid)));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) < 0));
}

TEST_F(calls, nested)
{
	int child = view_create_in(self->control, self->view, "", 0);
	int grandchild = view_create_in(self->control, child, "", 0);

	ASSERT_LE(0, child);
	ASSERT_LE(0, grandchild);
	ASSERT_EQ(0, rule_add(self->view, call_deny(OWN, NR_getppid, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(grandchild, call_own(NR_getppid) != -EXDEV));
	/* What the parent denies, native does not give back. */
	ASSERT_EQ(0, rule_add(child, call_native(OWN, NR_getppid)));
	EXPECT_EQ(0, IN_VIEW(grandchild, call_own(NR_getppid) != -EXDEV));
	ASSERT_EQ(0, rule_add(child, call_value(OWN, NR_getppid, VALUE)));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -EXDEV));
	EXPECT_EQ(0, IN_VIEW(child, call_own(NR_getppid) != VALUE));
	EXPECT_EQ(0, IN_VIEW(grandchild, call_own(NR_getppid) != VALUE));
	/* The parent's changes arrive beneath, also through views with rules of their own. */
	ASSERT_EQ(0, rule_add(grandchild, call_deny(OWN, NR_mkdir, ENOANO)));
	ASSERT_EQ(0, rule_add(self->view, call_deny(OWN, NR_getpgrp, ENOLCK)));
	EXPECT_EQ(0, IN_VIEW(grandchild, call_own(NR_getpgrp) != -ENOLCK));
	EXPECT_EQ(0, IN_VIEW(grandchild, call_own(NR_getppid) != VALUE));
	EXPECT_EQ(0, IN_VIEW(grandchild, call_own(NR_mkdir) != -ENOANO));
	EXPECT_EQ(0, IN_VIEW(child, call_own(NR_mkdir) == -ENOANO));
	close(child);
	close(grandchild);
}

TEST_F(calls, beside_rules_for_sockets)
{
	ASSERT_EQ(0, rule_add(self->view, call_deny(OWN, NR_getppid, EXDEV)));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_UNIX, SOCK_STREAM, 0));
	ASSERT_EQ(0, deny(self->view, AF_UNIX, ANY, ANY, ENETDOWN));
	EXPECT_EQ(ENETDOWN, SOCKET_IN(self->view, AF_UNIX, SOCK_STREAM, 0));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -EXDEV));
}

static void *thread_getppid(void *arg)
{
	return (void *)(long)call_own(NR_getppid);
}

TEST_F(calls, threads_and_children)
{
	ASSERT_EQ(0, rule_add(self->view, call_value(OWN, NR_getppid, VALUE)));
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		pthread_t thread;
		void *ret = NULL;
		pid_t pid;

		pthread_create(&thread, NULL, thread_getppid, NULL);
		pthread_join(thread, &ret);
		pid = vfork();
		if (!pid)
			_exit(call_own(NR_getppid) != VALUE);
		ret != (void *)VALUE || child_status(pid) ||
		IN_CHILD(call_own(NR_getppid) != VALUE);
	})));
}

/* Fork fails where it is denied; a child of an allowed one is ruled as its parent is. */
TEST_F(calls, the_family_of_fork)
{
	struct viewos_rule_add all = calls_rule(VIEWOS_VERDICT_DENY, EAGAIN, 0);

	all = calls_with(calls_with(all, X64, X64_fork), X64, X64_vfork);
	all = calls_with(calls_with(all, X64, 56), X64, 435);
	all = calls_with(calls_with(all, I386, 2), I386, 190);
	all = calls_with(calls_with(all, I386, 120), I386, 435);
	ASSERT_EQ(0, rule_add(self->view, all));
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		errno = 0;
		fork() != -1 || errno != EAGAIN;
	})));
	EXPECT_EQ(0, IN_VIEW(self->view, execl("/bin/true", "true", NULL)));
}

#define ROUNDS 10

static volatile bool stop;
static pid_t own_group;

static bool view_has_tasks_at_least(int view, uint64_t tasks)
{
	struct viewos_view_info info;
	int i;

	for (i = 0; i < 6000; i++) {
		if (!view_info(view, &info) && info.tasks >= tasks)
			return true;
		sleep_ms(10);
	}
	return false;
}

static void *thread_call(void *arg)
{
	long *wrong = arg;
	long ret;

	while (!stop) {
		ret = call_own(NR_getpgrp);
		if (ret != -EXDEV && ret != VALUE && ret != own_group)
			*wrong = ret;
	}
	return NULL;
}

static void on_stop(int signal)
{
	stop = true;
}

/* Rules come and go under those who make the call, one of them exec'ing and forking. */
TEST_F(calls, live_changes_under_load)
{
	struct viewos_view_info info;
	pid_t pid, forker;
	int i, status = -1;

	own_group = getpgrp();
	forker = fork();
	if (!forker) {
		if (view_enter(self->view))
			_exit(1);
		for (;;)
			if (IN_CHILD(IN_CHILD(0)))
				_exit(2);
	}
	pid = fork();
	if (!pid) {
		pthread_t threads[3];
		long wrong = 0;

		if (view_enter(self->view))
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGUSR1, on_stop);
		for (i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, thread_call, &wrong);
		while (!stop)
			pause();
		for (i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		if (wrong)
			TH_LOG("it returned %ld", wrong);
		_exit(wrong ? 3 : 0);
	}
	/* Until then there is nothing to be stopped. */
	ASSERT_TRUE(view_has_tasks_at_least(self->view, 4));
	for (i = 0; i < ROUNDS; i++) {
		uint64_t one = rule_id(self->view, call_deny(OWN, NR_getpgrp, EXDEV));
		uint64_t two = rule_id(self->view, call_value(OWN, NR_getpgrp, VALUE));
		/* Installed anew each time, and most likely removed meanwhile. */
		uint64_t three = rule_id(self->view, call_native(OWN, i % 300 + 2));

		ASSERT_NE(0, one);
		ASSERT_NE(0, two);
		EXPECT_EQ(0, rule_del(self->view, one));
		EXPECT_EQ(0, rule_del(self->view, two));
		if (three)
			EXPECT_EQ(0, rule_del(self->view, three));
	}
	/* A signal may come just before the pause. */
	while (!waitpid(pid, &status, WNOHANG)) {
		kill(pid, SIGUSR1);
		sleep_ms(100);
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, view_info(self->view, &info));
	EXPECT_LT(1, info.tasks_total);
	EXPECT_EQ(0, waitpid(forker, NULL, WNOHANG));
	kill(forker, SIGKILL);
	waitpid(forker, NULL, 0);
}

/* seccomp is asked first. */
TEST_F(calls, seccomp_on_the_same_task)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOANO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = filter };

	ASSERT_EQ(0, rule_add(self->view, call_deny(OWN, NR_getppid, EXDEV)));
	ASSERT_EQ(0, rule_add(self->view, call_deny(OWN, NR_getpgrp, EXDEV)));
	EXPECT_EQ(0, IN_VIEW(self->view,
			     prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
			     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ||
			     call_own(NR_getppid) != -ENOANO || call_own(NR_getpgrp) != -EXDEV));
}

/* A tracer that changes the number of a call changes which rule is for it. */
TEST_F(calls, ptrace_on_the_same_task)
{
#ifdef __x86_64__
	int status;
	pid_t pid;

	ASSERT_EQ(0, rule_add(self->view, call_value(X64, X64_getppid, VALUE)));
	pid = fork();
	if (!pid) {
		if (view_enter(self->view) || ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		raise(SIGSTOP);
		_exit(call64(X64_getpgrp, 0, 0) != VALUE);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	while (WIFSTOPPED(status)) {
		long nr = ptrace(PTRACE_PEEKUSER, pid, 8 * 15 /* orig_rax */, 0);

		if (nr == X64_getpgrp)
			ptrace(PTRACE_POKEUSER, pid, 8 * 15, X64_getppid);
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
#else
	SKIP(return, "its registers have other places");
#endif
}

TEST_F(calls, what_must_not_be_ruled)
{
	static const struct {
		unsigned int arch, nr;
	} unruled[] = {
		{ X64, X64_exit }, { X64, X64_exit_group }, { X64, X64_rt_sigreturn },
		{ X64, X64_restart_syscall }, { I386, I386_exit }, { I386, I386_exit_group },
		{ I386, I386_sigreturn }, { I386, 173 }, { I386, 0 },
	};
	struct viewos_rule_add rule;

	for (size_t i = 0; i < sizeof(unruled) / sizeof(unruled[0]); i++) {
		rule = call_deny(unruled[i].arch, unruled[i].nr, EPERM);
		EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, rule))
			TH_LOG("%u/%u", unruled[i].arch, unruled[i].nr);
		rule.flags = VIEWOS_RULE_ADD_KNOWN;
		EXPECT_EQ(-EINVAL, rule_add(self->view, rule));
		rule.verdict = VIEWOS_VERDICT_NATIVE;
		rule.error = 0;
		rule.flags = 0;
		EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, rule));
	}
	/* Beside others they are left out, if that is asked for. */
	rule = calls_with(call_deny(OWN, NR_exit, EXDEV), OWN, NR_getppid);
	EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, rule));
	rule.flags = VIEWOS_RULE_ADD_KNOWN;
	EXPECT_EQ(0, rule_add(self->view, rule));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -EXDEV));
}

TEST_F(calls, what_the_kernel_does_not_have)
{
	struct viewos_rule_add rule = call_deny(X64, 511, EPERM);

	EXPECT_EQ(-ENOSYS, rule_add(self->view, rule));
	EXPECT_EQ(-ENOSYS, rule_add(self->view, call_deny(I386, 511, EPERM)));
	rule.flags = VIEWOS_RULE_ADD_KNOWN;
	EXPECT_EQ(-EINVAL, rule_add(self->view, rule));
	rule = calls_with(rule, OWN, NR_getppid);
	EXPECT_EQ(0, rule_add(self->view, rule));
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != -EPERM));
}

#define EXPECT_INVALID(change) do {						\
	struct viewos_rule_add rule = call_deny(OWN, NR_getppid, EPERM);	\
	change;									\
	EXPECT_EQ(-EINVAL, rule_add(self->view, rule)) TH_LOG("%s", #change);	\
} while (0)

TEST_F(calls, malformed)
{
	EXPECT_INVALID(rule.flags = 2);
	EXPECT_INVALID(rule.pad = 1);
	EXPECT_INVALID(rule.id = 1);
	EXPECT_INVALID(rule.class = VIEWOS_CLASS_PATH);
	EXPECT_INVALID(rule.class = 4);
	EXPECT_INVALID(rule.class = VIEWOS_CLASS_SOCKET);
	EXPECT_INVALID(rule.family = AF_INET);
	EXPECT_INVALID(rule.type = 0);
	EXPECT_INVALID(rule.protocol = 6);
	EXPECT_INVALID(rule.netns_fd = 0);
	EXPECT_INVALID(rule.stack[0] = 'a');
	EXPECT_INVALID(rule.stack[VIEWOS_NAME_LEN - 1] = 'a');
	EXPECT_INVALID(rule.target[0] = 'a');
	EXPECT_INVALID(rule.source = (uintptr_t)"a");
	EXPECT_INVALID(rule.options = (uintptr_t)"a");
	EXPECT_INVALID(rule.error = 0);
	EXPECT_INVALID(rule.error = 512);
	EXPECT_INVALID(rule.error = UINT32_MAX);
	EXPECT_INVALID(rule.value = 1);
	EXPECT_INVALID(rule.verdict = VIEWOS_VERDICT_NATIVE);
	EXPECT_INVALID(rule.verdict = VIEWOS_VERDICT_REDIRECT; rule.error = 0);
	EXPECT_INVALID(rule.verdict = VIEWOS_VERDICT_SERVE; rule.error = 0);
	EXPECT_INVALID(rule.verdict = 5; rule.error = 0);
	EXPECT_INVALID(memset(rule.calls, 0, sizeof(rule.calls)));
	/* A value that is an error, or would be one in 32 bits. */
	EXPECT_INVALID(rule.verdict = VIEWOS_VERDICT_VALUE);
	EXPECT_INVALID(rule = call_value(OWN, NR_getppid, -1));
	EXPECT_INVALID(rule = call_value(OWN, NR_getppid, -512));
	EXPECT_INVALID(rule = call_value(OWN, NR_getppid, -4095));
	EXPECT_INVALID(rule = call_value(OWN, NR_getppid, 0x1fffffe00LL));
	/* And what is for calls is nothing for sockets. */
	EXPECT_INVALID(rule = rule_deny(AF_INET, ANY, ANY, EPERM); rule.calls[0][0] = 1);
	EXPECT_INVALID(rule = rule_deny(AF_INET, ANY, ANY, EPERM); rule.value = 1);
	EXPECT_INVALID(rule = rule_deny(AF_INET, ANY, ANY, EPERM);
		       rule.flags = VIEWOS_RULE_ADD_KNOWN);
}

/* A program of ABI 2 has a shorter struct, and one of the future a longer. */
TEST_F(calls, the_struct_has_grown)
{
	struct {
		struct viewos_rule_add rule;
		uint64_t more;
	} grown = { .rule = call_deny(OWN, NR_getppid, EXDEV) };
	struct viewos_rule_add old = rule_deny(AF_UNIX, ANY, ANY, ENETDOWN);
	unsigned long cmd = VIEWOS_IOC_RULE_ADD & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT);

	old.size = VIEWOS_RULE_ADD_SIZE_2;
	/* It is not looked at. */
	old.value = 1;
	EXPECT_EQ(0, result(ioctl(self->view, cmd | (unsigned long)old.size << _IOC_SIZESHIFT,
				  &old)));
	EXPECT_NE(0, old.id);
	EXPECT_EQ(ENETDOWN, SOCKET_IN(self->view, AF_UNIX, SOCK_STREAM, 0));
	old.size -= 8;
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, cmd | (unsigned long)old.size << _IOC_SIZESHIFT,
					&old)));
	grown.rule.size = sizeof(grown);
	EXPECT_EQ(0, result(ioctl(self->view, cmd | sizeof(grown) << _IOC_SIZESHIFT, &grown)));
	grown.rule.id = 0;
	grown.more = 1;
	EXPECT_EQ(-E2BIG, result(ioctl(self->view, cmd | sizeof(grown) << _IOC_SIZESHIFT, &grown)));
}

TEST_F(calls, who_may)
{
	struct viewos_rule_add rule = call_native(OWN, NR_getppid);
	uint64_t id = rule_id(self->view, call_deny(OWN, NR_getppid, EXDEV));
	int root = view_open(self->control, 0, "", VIEWOS_VIEW_OPEN_SELF);

	ASSERT_NE(0, id);
	EXPECT_EQ(-EPERM, rule_add(root, rule));
	close(root);
	/* Another user, and who is in the view. */
	EXPECT_EQ(0, IN_CHILD(become_nobody() || rule_add(self->view, rule) != -EPERM ||
			      rule_del(self->view, id) != -EPERM));
	EXPECT_EQ(0, IN_CHILD(({
		int own, wrong = become_nobody() != 0;

		own = view_create(self->control, "");
		wrong |= own < 0 || rule_add(own, call_deny(OWN, NR_getppid, EXDEV)) != 0;
		wrong |= view_enter(own) != 0 || rule_add(own, rule) != -EPERM;
		wrong || call_own(NR_getppid) != -EXDEV;
	})));
}

TEST_F(calls, as_many_as_there_may_be)
{
	int i, ret = 0;

	for (i = 0; !ret && i <= VIEWOS_RULES_MAX; i++)
		ret = rule_add(self->view, call_value(OWN, NR_getppid, i));
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(VIEWOS_RULES_MAX + 1, i);
	EXPECT_EQ(0, IN_VIEW(self->view, call_own(NR_getppid) != VIEWOS_RULES_MAX - 1));
}

TEST_HARNESS_MAIN
