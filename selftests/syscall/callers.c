// SPDX-License-Identifier: GPL-2.0
/*
 * Who makes system calls that a server decides: programs that get signals, fork, have threads,
 * are traced, exit, are killed; and the results of what they went on with.
 */

#include "served.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/ptrace.h>

#define SERVER "test-callers"

FIXTURE(served)
{
	SERVED_FIELDS;
};

FIXTURE_SETUP(served)
{
	SERVED_SETUP(SERVER);
}

FIXTURE_TEARDOWN(served)
{
	/* Here, outside of the view, nothing is served. */
	EXPECT_EQ(getppid(), call64(X64_getppid, 0, 0));
	SERVED_TEARDOWN();
}

TEST_F(served, results)
{
	uint64_t unique;
	pid_t pid;
	int i;

	SERVE_X64(X64_close);
	pid = CALLER(self->view,
		     call64(X64_close, 1000, 0) != -EBADF || call64(X64_close, 0, 0) ||
		     call64(X64_close, 0, 0) != -EBADF);
	/* Each before the next call of the same task, though nobody was woken for it. */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
		ASSERT_EQ(X64_close, self->req->in.nr);
		unique = self->req->header.unique;
		EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
		ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
		EXPECT_EQ(unique, self->req->result.unique);
		EXPECT_EQ(i == 1 ? 0 : -EBADF, self->req->result.value);
		/* There is nothing to be answered. */
		EXPECT_EQ(-ENOENT, call_answer(self->session, self->req, 0));
	}
	EXPECT_EQ(0, child_status(pid));
}

/* The time that it took, by a clock that may be as coarse as jiffies are. */
TEST_F(served, time_in_results)
{
	struct timespec time = { .tv_nsec = 100000000 };
	pid_t pid;

	SERVE_X64(X64_nanosleep);
	pid = CALLER(self->view, call64(X64_nanosleep, (long)&time, 0) != 0);
	ASSERT_CALL(X64_nanosleep);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(0, self->req->result.value);
	EXPECT_LE(80000000, self->req->result.time);
}

static volatile int signals;

static void on_signal(int signal)
{
	signals++;
}

static int with_handler(int flags, long expected, int expected_signals)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	long ret;

	sigaction(SIGUSR1, &action, NULL);
	ret = call64(X64_getppid, 0, 0);
	return ret != expected || signals != expected_signals;
}

/* The server is told, and its answer alone ends the waiting. */
TEST_F(served, a_signal)
{
	uint64_t unique;
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, with_handler(0, 7, 1));
	ASSERT_CALL(X64_getppid);
	unique = self->req->header.unique;
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	ASSERT_EQ(FUSE_INTERRUPT, call_next(self->session, self->req));
	EXPECT_EQ(unique, self->req->interrupt.unique);
	self->req->header.unique = unique;
	EXPECT_EQ(0, call_answer(self->session, self->req, 7));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, a_signal_ends_the_call)
{
	uint64_t unique;
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, with_handler(0, -EINTR, 1));
	ASSERT_CALL(X64_getppid);
	unique = self->req->header.unique;
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	ASSERT_EQ(FUSE_INTERRUPT, call_next(self->session, self->req));
	self->req->header.unique = unique;
	EXPECT_EQ(0, call_error(self->session, self->req, EINTR));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, a_signal_restarts_the_call)
{
	uint64_t unique;
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, with_handler(SA_RESTART, 9, 1));
	ASSERT_CALL(X64_getppid);
	unique = self->req->header.unique;
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	ASSERT_EQ(FUSE_INTERRUPT, call_next(self->session, self->req));
	self->req->header.unique = unique;
	EXPECT_EQ(0, call_error(self->session, self->req, EINTR));
	/* The same call, asked for anew. */
	ASSERT_CALL(X64_getppid);
	EXPECT_NE(unique, self->req->header.unique);
	EXPECT_EQ(0, call_answer(self->session, self->req, 9));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, a_signal_takes_back_what_nobody_read)
{
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, with_handler(0, -EINTR, 1));
	sleep_ms(500);
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(0, child_status(pid));
	fcntl(self->session, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, call_next(self->session, self->req));
}

/* A call that sleeps, and is restarted by the kernel by its own means. */
TEST_F(served, a_sleep_that_is_stopped)
{
	static const struct timespec time = { .tv_sec = 1 };
	pid_t pid;
	int status;

	SERVE_X64(X64_nanosleep);
	pid = CALLER(self->view, call64(X64_nanosleep, (long)&time, 0) != 0);
	ASSERT_CALL(X64_nanosleep);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	sleep_ms(200);
	EXPECT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	EXPECT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	/* ERESTART_RESTARTBLOCK. */
	EXPECT_EQ(-516, self->req->result.value);
}

/* All of them go on, and tell of their ends, until the process has ended. */
static int go_on(int session, struct call_request *req, pid_t pid, unsigned int *counts)
{
	int op = 0, ended = 0;

	fcntl(session, F_SETFL, O_NONBLOCK);
	while (!ended || op != -EAGAIN) {
		struct pollfd fd = { .fd = session, .events = POLLIN };
		bool exits;

		op = call_next(session, req);
		if (op == -EAGAIN) {
			if (!ended && waitpid(pid, &ended, WNOHANG) == pid)
				ended |= 1 << 16;
			poll(&fd, 1, 10);
		} else if (op == VIEWOS_CALL_RESULT) {
			counts[VIEWOS_CALLS]++;
		} else if (op == VIEWOS_CALL_MADE) {
			exits = req->in.nr == X64_exit || req->in.nr == X64_exit_group;
			counts[req->in.nr]++;
			call_continue(session, req, exits ? 0 : VIEWOS_CALL_OUT_RESULT |
				      (counts[req->in.nr] & 1 ? VIEWOS_CALL_OUT_ARGS : 0));
		} else {
			return -1;
		}
	}
	return ended & 0xffff;
}

static struct viewos_rule_add of_processes(void)
{
	struct viewos_rule_add rule = call_served(X64, X64_vfork, SERVER);

	rule = calls_with(calls_with(rule, X64, X64_fork), X64, X64_clone);
	rule = calls_with(calls_with(rule, X64, X64_clone3), X64, X64_execve);
	return calls_with(calls_with(rule, X64, X64_exit), X64, X64_exit_group);
}

TEST_F(served, fork_exec_exit)
{
	unsigned int counts[VIEWOS_CALLS + 1] = { };
	pid_t pid;

	SERVE(of_processes());
	pid = CALLER(self->view, ({
		pid_t child = vfork();

		if (!child) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		child_status(child) || IN_CHILD(42) != 42 ||
		IN_CHILD(execl("/bin/sh", "sh", "-c", "(exit 3); exit $?", NULL)) != 3 ||
		IN_CHILD(execl("/none", "none", NULL)) != 255;
	}));
	EXPECT_EQ(0, go_on(self->session, self->req, pid, counts));
	EXPECT_EQ(1, counts[X64_vfork]);
	EXPECT_LE(3, counts[X64_execve]);
	EXPECT_LE(5, counts[X64_exit_group]);
	/* All but exits have one. */
	EXPECT_LE(7, counts[VIEWOS_CALLS]);
}

static void *thread_calls(void *arg)
{
	long i;

	for (i = 0; i < 200; i++)
		if (call64(X64_getpgid, 0, 0) != (long)arg)
			return (void *)1;
	return NULL;
}

static int many_threads(void)
{
	pthread_t threads[8];
	void *wrong, *any = NULL;
	int i;

	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, thread_calls, (void *)(long)getpgrp());
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &wrong);
		any = wrong ? wrong : any;
	}
	return !!any;
}

TEST_F(served, many_threads)
{
	struct viewos_rule_add rule = of_processes();
	unsigned int counts[VIEWOS_CALLS + 1] = { };
	pid_t pid;

	SERVE(calls_with(rule, X64, X64_getpgid));
	pid = CALLER(self->view, many_threads());
	EXPECT_EQ(0, go_on(self->session, self->req, pid, counts));
	EXPECT_EQ(1600, counts[X64_getpgid]);
	EXPECT_EQ(8, counts[X64_exit]);
	EXPECT_LE(1600, counts[VIEWOS_CALLS]);
}

/* It has no say in them. */
TEST_F(served, exits)
{
	pid_t pid;

	SERVE(of_processes());
	pid = CALLER(self->view, 42);
	ASSERT_CALL(X64_exit_group);
	EXPECT_EQ(42, self->req->in.args[0]);
	EXPECT_EQ(-EINVAL, call_answer(self->session, self->req, 0));
	EXPECT_EQ(42, child_status(pid));
	pid = CALLER(self->view, 43);
	ASSERT_CALL(X64_exit_group);
	EXPECT_EQ(-EINVAL, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(43, child_status(pid));
	pid = CALLER(self->view, 44);
	ASSERT_CALL(X64_exit_group);
	EXPECT_EQ(0, call_error(self->session, self->req, EPERM));
	EXPECT_EQ(44, child_status(pid));
}

/* seccomp is asked first. */
TEST_F(served, seccomp_on_the_same_task)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, X64_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOANO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = filter };
	pid_t pid;

	SERVE(calls_with(call_served(X64, X64_getppid, SERVER), X64, X64_getpgrp));
	pid = CALLER(self->view, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ||
		     call64(X64_getppid, 0, 0) != -ENOANO || call64(X64_getpgrp, 0, 0) != 3);
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(X64_getpgrp, self->req->in.nr);
	EXPECT_EQ(0, call_answer(self->session, self->req, 3));
	EXPECT_EQ(0, child_status(pid));
}

/* A tracer sees the program's arguments and the server's answer. */
TEST_F(served, ptrace_on_the_same_task)
{
	long args[2] = { }, ret = 0;
	int status, stops = 0;
	pid_t pid;

	SERVE_X64(X64_getpgid);
	pid = CALLER(self->view, ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP) ||
		     call64(X64_getpgid, 4711, 0) != getpgrp());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	while (WIFSTOPPED(status)) {
		if (ptrace(PTRACE_PEEKUSER, pid, 8 * 15 /* orig_rax */, 0) == X64_getpgid &&
		    WSTOPSIG(status) == SIGTRAP && stops < 2) {
			args[stops++] = ptrace(PTRACE_PEEKUSER, pid, 8 * 14 /* rdi */, 0);
			ret = ptrace(PTRACE_PEEKUSER, pid, 8 * 10 /* rax */, 0);
		}
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		if (stops == 1) {
			ASSERT_CALL(X64_getpgid);
			EXPECT_EQ(4711, self->req->in.args[0]);
			self->req->in.args[0] = 0;
			EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ARGS));
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(2, stops);
	EXPECT_EQ(4711, args[0]);
	EXPECT_EQ(4711, args[1]);
	EXPECT_EQ(getpgrp(), ret);
}

/* It would wait for itself. */
TEST_F(served, the_server_itself)
{
	SERVE_X64(X64_getppid);
	/* A process that has accepted, and comes into the view. */
	EXPECT_EQ(0, IN_CHILD(({
		int server = call_server_create(SERVER "2", 1 << VIEWOS_CLASS_SYSCALL);
		int view = view_create(self->control, ""), session;

		session = call_session(server, view, call_served(X64, X64_getppid, SERVER "2"));
		session < 0 || view_enter(view) || call64(X64_getppid, 0, 0) != -EDEADLK;
	})));
}

/* Who has more rights than the server is not to be led by it. */
TEST_F(served, who_may_be_served)
{
	int view, server, session, fds[2];
	pid_t pid;
	char byte = 0;

	ASSERT_EQ(0, pipe(fds));
	view = -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (become_nobody())
			_exit(1);
		view = view_create(control_open(), "nobodys");
		server = call_server_create(SERVER, 1 << VIEWOS_CLASS_SYSCALL);
		session = call_session(server, view, call_served(X64, X64_getppid, SERVER));
		if (session < 0 || write(fds[1], &byte, 1) != 1)
			_exit(2);
		while (call_next(session, self->req) == VIEWOS_CALL_MADE)
			call_answer(session, self->req, 7);
		_exit(3);
	}
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	view = view_open(self->control, 0, "nobodys", 0);
	ASSERT_LE(0, view);
	EXPECT_EQ(0, IN_CHILD(view_enter(view) || call64(X64_getppid, 0, 0) != -EACCES));
	/* Who is its equal is; but not, if it may not be dumped. */
	EXPECT_EQ(0, IN_CHILD(become_nobody() || prctl(PR_SET_DUMPABLE, 1) || view_enter(view) ||
			      call64(X64_getppid, 0, 0) != 7 || prctl(PR_SET_DUMPABLE, 0) ||
			      call64(X64_getppid, 0, 0) != -EACCES));
	/* Nor with one right more. */
	EXPECT_EQ(0, IN_CHILD(prctl(PR_SET_KEEPCAPS, 1) || become_nobody() ||
			      prctl(PR_SET_DUMPABLE, 1) || view_enter(view) ||
			      call64(X64_getppid, 0, 0) != -EACCES));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(view);
}

static long call_read(int fd, char *byte)
{
	const uint64_t args[6] = { fd, (uintptr_t)byte, 1 };

	return call_six(X64_read, args);
}

/* The server dies while a call is made whose end it wanted to know. */
TEST_F(served, a_server_that_dies_before_the_result)
{
	int fds[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	SERVE_X64(X64_read);
	pid = CALLER(self->view, ({
		close(fds[1]);
		call_read(fds[0], &byte) != 1 ||
		call_read(fds[0], &byte) != -EIO;
	}));
	ASSERT_CALL(X64_read);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, close(self->session));
	self->session = -1;
	EXPECT_EQ(1, write(fds[1], "x", 1));
	EXPECT_EQ(0, child_status(pid));
	close(fds[0]);
	close(fds[1]);
}

/* Who is killed in a call has an end of it nevertheless. */
TEST_F(served, killed_before_the_result)
{
	uint64_t unique;
	int fds[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	SERVE_X64(X64_read);
	pid = CALLER(self->view, call_read(fds[0], &byte));
	ASSERT_CALL(X64_read);
	unique = self->req->header.unique;
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(unique, self->req->result.unique);
	EXPECT_EQ(-512, self->req->result.value);
	close(fds[0]);
	close(fds[1]);
}

/* What has been made is told of, though nobody read it before the view went. */
TEST_F(served, results_outlast_the_view)
{
	struct pollfd fd = { .events = POLLIN };
	uint64_t unique;
	pid_t pid;

	SERVE_X64(X64_getpgid);
	pid = CALLER(self->view, call64(X64_getpgid, 0, 0) < 0);
	ASSERT_CALL(X64_getpgid);
	unique = self->req->header.unique;
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, close(self->view));
	self->view = -1;
	/* What is deferred until after the last close may come a little later. */
	sleep_ms(200);
	fd.fd = self->session;
	EXPECT_EQ(1, poll(&fd, 1, 0));
	EXPECT_EQ(POLLIN, fd.revents);
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(unique, self->req->result.unique);
	EXPECT_LT(0, self->req->result.value);
	EXPECT_EQ(1, poll(&fd, 1, 0));
	EXPECT_EQ(POLLERR, fd.revents);
	EXPECT_EQ(-ENODEV, call_next(self->session, self->req));
}

/* The same, but nobody ever reads it. */
TEST_F(served, results_that_are_never_read)
{
	pid_t pid;

	SERVE_X64(X64_getpgid);
	pid = CALLER(self->view, call64(X64_getpgid, 0, 0) < 0);
	ASSERT_CALL(X64_getpgid);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, close(self->view));
	self->view = -1;
	sleep_ms(200);
	EXPECT_EQ(0, close(self->session));
	self->session = -1;
}

TEST_HARNESS_MAIN
