// SPDX-License-Identifier: GPL-2.0
/* Rules for system calls and programs, served calls, and moving a process, with failures. */

#include "../call_server.h"
#include "faults.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#define SERVER		"faults-call"
#define VALUE		77
#define THREADS		4

enum { X64_stat = 4, X64_access = 21, X64_getcwd = 79 };

static int inner = -1;
static uint64_t rule;
static pid_t child;

/*
 * In memory: what the root file system of a machine makes of failures is not looked at here,
 * and 9p does not recover from each.
 */
static char dir[] = "/tmp/faults.XXXXXX";
static char program[64], interpreter[64];
static char page[4096];

/* What a child tells. */
static struct shared {
	pid_t tids[THREADS];
	uint64_t views[THREADS];
	unsigned int rounds[THREADS];
	unsigned int fault;
} *shared;

/* What a step does from here on has no failures; the walk is to see whether the one came. */
static void fail_settle(bool left)
{
	fail_at(left ? MAX_FAULTS : 0);
}

static void child_end(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, __WALL);
	}
	child = 0;
}

static int programs_make(void)
{
	char command[256];

	strcpy(dir, "/tmp/faults.XXXXXX");
	if (!mkdtemp(dir))
		return -errno;
	snprintf(program, sizeof(program), "%s/a.prog", dir);
	snprintf(interpreter, sizeof(interpreter), "%s/interpreter", dir);
	snprintf(command, sizeof(command), "cp /bin/busybox %s && cp /bin/busybox %s", program,
		 interpreter);
	return system(command) ? -EIO : 0;
}

static void programs_remove(void)
{
	unlink(program);
	unlink(interpreter);
	rmdir(dir);
}

/* Rules */

static int rule_made(struct viewos_rule_add add)
{
	int ret = rule_add_in(inner, &add);

	rule = ret ? 0 : add.id;
	return ret;
}

static void again_add(void)
{
	if (rule)
		rule_del(inner, rule);
	rule = 0;
}

static int run_deny(void) { return rule_made(call_deny(X64, X64_sync, EPERM)); }
static int run_value(void) { return rule_made(call_value(X64, X64_getppid, VALUE)); }
static int run_serve(void) { return rule_made(call_served(X64, X64_sync, SERVER)); }
static int run_del(void) { return rule_del(inner, rule); }

static int run_format(void)
{
	struct viewos_binfmt match = { .size = sizeof(match), .flags = VIEWOS_BINFMT_EXTENSION,
				       .len = 4, .magic = "prog" };
	struct viewos_rule_add add = rule_native();

	add.class = VIEWOS_CLASS_BINFMT;
	add.verdict = VIEWOS_VERDICT_REDIRECT;
	add.binfmt = (uintptr_t)&match;
	add.source = (uintptr_t)interpreter;
	return rule_made(add);
}

static void again_del(void)
{
	again_add();
	run_format();
}

static int run_rules(void) { return dump(VIEWOS_CMD_RULE_GET); }

static int run_clock(void)
{
	struct viewos_view_clock clock = {
		.size = sizeof(clock), .flags = VIEWOS_CLOCK_OFFSET, .realtime = 1000000000 };

	return result(ioctl(made, VIEWOS_IOC_VIEW_CLOCK, &clock));
}

/* Another time it would have its clock. */
static void again_clock(void)
{
	close_made();
	made = view_create_in(control, view, "made", VIEWOS_INHERIT_SHARE);
}

/* Calls */

static int serve(int session, const struct call_request *req, int op)
{
	struct viewos_call_init init = { .major = VIEWOS_CALL_MAJOR };
	uint32_t flags = 0;

	switch (op) {
	case VIEWOS_CALL_INIT:
		call_fetch(session, AUDIT_ARCH_X86_64, X64_access, VIEWOS_CALL_FETCH_STRING, 0,
			   64);
		call_fetch_file(session, AUDIT_ARCH_X86_64, X64_stat, 0, VIEWOS_CALL_FILE_PATH,
				VIEWOS_CALL_FETCH_AFTER);
		return call_write(session, req->header.unique, 0, &init, sizeof(init));
	case VIEWOS_CALL_MADE:
		if (req->in.nr == X64_getppid)
			return call_answer(session, req, VALUE);
		if (req->in.nr == X64_getpgrp)
			flags = VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT;
		else if (req->in.nr == X64_getcwd)
			flags = VIEWOS_CALL_OUT_ENDED;
		return call_continue(session, req, flags);
	case VIEWOS_CALL_ENDED:
		return call_continue(session, req, 0);
	default:
		return 0;
	}
}

/* Answers in one session at a time, the newest. */
static void serve_all(int server)
{
	struct pollfd fds[] = { { .fd = server, .events = POLLIN },
				{ .fd = -1, .events = POLLIN } };
	struct viewos_server_accept accept = { };
	static struct call_request req;
	int op;

	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents) {
			op = call_next(fds[1].fd, &req);
			if (op < 0) {
				close(fds[1].fd);
				fds[1].fd = -1;
			} else {
				serve(fds[1].fd, &req, op);
			}
		} else if (fds[0].revents) {
			op = server_accept(server, &accept);
			if (op >= 0) {
				if (fds[1].fd >= 0)
					close(fds[1].fd);
				fds[1].fd = op;
			}
		}
	}
}

/* Outside of the view, where no call is served. */
static pid_t server_start(void)
{
	int ready[2], server;
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		server = call_server_create(SERVER, 1 << VIEWOS_CLASS_SYSCALL);
		if (server < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		serve_all(server);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -EPROTO;
	close(ready[0]);
	return pid;
}

static void server_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int inner_create(void)
{
	inner = view_create_in(control, view, "inner", VIEWOS_INHERIT_SHARE);
	return inner < 0 ? inner : 0;
}

static int inner_enter(void)
{
	int err = view_enter(inner);

	home = view_self();
	return err;
}

/* A call gives this, or fails. */
static int call_gives(long ret, long value)
{
	if (ret < 0 && ret > -4096)
		return ret;
	return ret == value ? 0 : -EPROTO;
}

static int run_answered(void) { return call_gives(call64(X64_getppid, 0, 0), VALUE); }
static int run_result(void) { return call_gives(call64(X64_getpgrp, 0, 0), getpgid(0)); }

static int run_string(void)
{
	return call_gives(call64(X64_access, (long)"/proc/self", F_OK), 0);
}

static int run_file(void) { return call_gives(call64(X64_stat, (long)"/proc", (long)page), 0); }

static int run_ended(void)
{
	int ret = call64(X64_getcwd, (long)page, sizeof(page));

	return ret < 0 ? ret : ret == (int)strlen(page) + 1 ? 0 : -EPROTO;
}

TEST_F(faults, rules_for_calls)
{
	static const struct step steps[] = {
		{ "add a rule that denies a call", run_deny, again_add },
		{ "add a rule that gives a value", run_value, again_add },
		{ "add a rule that a server answers for", run_serve, again_add },
		{ "add a rule for programs", run_format, again_add },
		{ },
	};
	static const struct step clock = { "give a clock", run_clock, again_clock };
	static const struct step del[] = {
		{ "delete a rule for programs", run_del, again_del },
		{ "list rules", run_rules },
		{ },
	};
	pid_t pid = server_start();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, programs_make());
	ASSERT_EQ(0, inner_create());
	walk_all(_metadata, steps);
	again_del();
	walk_all(_metadata, del);
	again_clock();
	walk(_metadata, &clock);
	close_made();
	programs_remove();
	server_stop(pid);
}

TEST_F(faults, served_calls)
{
	static const struct step steps[] = {
		{ "a call with a value", run_answered },
		{ "a call that goes on", run_result },
		{ "a call with a string", run_string },
		{ "a call with its file, when it has ended", run_file },
		{ "a call that has ended", run_ended },
		{ },
	};
	struct viewos_rule_add add = call_served(X64, X64_getppid, SERVER);
	pid_t pid = server_start();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, inner_create());
	add = calls_with(add, X64, X64_getpgrp);
	add = calls_with(add, X64, X64_access);
	add = calls_with(add, X64, X64_stat);
	add = calls_with(add, X64, X64_getcwd);
	ASSERT_EQ(0, rule_made(add));
	ASSERT_EQ(0, inner_enter());
	walk_all(_metadata, steps);
	server_stop(pid);
}

/* The server's side */

static int server = -1, session = -1;

/* A child has made a call, which is there to be read; of one before nobody speaks any more. */
static void again_caller(void)
{
	static struct call_request req;
	struct pollfd fd = { .fd = session, .events = POLLIN };

	child_end();
	while (poll(&fd, 1, 0) > 0)
		call_next(session, &req);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(session);
		if (view_enter(inner))
			_exit(1);
		call64(X64_access, (long)"/proc/self", F_OK);
		_exit(0);
	}
	poll(&fd, 1, -1);
}

static int run_serving(void)
{
	static struct call_request req;
	int ret = call_next(session, &req);

	if (ret < 0)
		return ret;
	if (ret != VIEWOS_CALL_MADE || req.in.nr != X64_access)
		return -EPROTO;
	ret = call_memory(session, req.header.unique, req.in.args[0], page, 6, 0);
	if (ret >= 0 && (ret != 6 || memcmp(page, "/proc/", 6)))
		ret = -EPROTO;
	if (ret >= 0)
		ret = call_memory(session, req.header.unique, req.in.sp - 512, page, 6,
				  VIEWOS_MEMORY_WRITE);
	return ret < 0 ? ret : call_continue(session, &req, VIEWOS_CALL_OUT_ARGS);
}

TEST_F(faults, serving)
{
	static const struct step step = {
		"read a call, its memory, and answer", run_serving, again_caller };

	ASSERT_EQ(0, inner_create());
	server = call_server_create(SERVER, 1 << VIEWOS_CLASS_SYSCALL);
	ASSERT_LE(0, server);
	session = call_session(server, inner, call_served(X64, X64_access, SERVER));
	ASSERT_LE(0, session);
	again_caller();
	walk(_metadata, &step);
	child_end();
	close(session);
	close(server);
}

/* Programs */

/* A child that executes the program when it is let go. */
static void again_exec(void)
{
	char *const argv[] = { program, NULL }, *const environment[] = { NULL };

	child_end();
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		raise(SIGSTOP);
		fail_at(shared->fault);
		execve(program, argv, environment);
		/* The one who waits sees whether there was a failure to blame. */
		_exit(fail_left() ? 255 : errno);
	}
	waitpid(child, NULL, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
}

/* Whether what runs is the interpreter: the program itself could run, too. */
static int interpreted(void)
{
	char path[64], exe[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", child);
	if (readlink(path, exe, sizeof(exe) - 1) < 0)
		return -errno;
	return strcmp(exe, interpreter) ? -EPROTO : 0;
}

static bool child_left(void)
{
	char path[64], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", child);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		abort();
	close(fd);
	return atoi(text) > 0;
}

static int run_exec(void)
{
	bool left = false;
	int status, ret;

	fail_at(0);
	shared->fault = fault;
	ptrace(PTRACE_CONT, child, 0, 0);
	if (waitpid(child, &status, 0) != child)
		return -errno;
	if (WIFSTOPPED(status) && status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
		left = child_left();
		ret = interpreted();
	} else if (WIFEXITED(status)) {
		child = 0;
		left = WEXITSTATUS(status) == 255;
		/* What its arguments are copied to cannot be had: that is how it is told. */
		ret = WEXITSTATUS(status) == E2BIG ? -ENOMEM : -WEXITSTATUS(status);
	} else {
		/* Too late for the old program, too early for the new one: it is killed. */
		ret = -EFAULT;
	}
	fail_settle(left);
	return ret;
}

TEST_F(faults, programs)
{
	static const struct step step = { "execute by a rule", run_exec, again_exec };

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, programs_make());
	ASSERT_EQ(0, inner_create());
	ASSERT_EQ(0, run_format());
	ASSERT_EQ(0, inner_enter());
	again_exec();
	walk(_metadata, &step);
	child_end();
	programs_remove();
	munmap(shared, sizeof(*shared));
}

/* A process that is moved */

static void *tell_view(void *arg)
{
	unsigned int i = (uintptr_t)arg;

	shared->tids[i] = gettid();
	for (;;) {
		__atomic_store_n(&shared->views[i], view_self(), __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&shared->rounds[i], 1, __ATOMIC_SEQ_CST);
		sleep_ms(1);
	}
	return NULL;
}

/* Until each thread has told it once more, twice: the first may have been under way. */
static void threads_told(void)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		unsigned int rounds = __atomic_load_n(&shared->rounds[i], __ATOMIC_SEQ_CST);

		while (__atomic_load_n(&shared->rounds[i], __ATOMIC_SEQ_CST) - rounds < 2)
			sleep_ms(1);
	}
}

/* A child with all its threads stopped, in our view. */
static void again_attach(void)
{
	child_end();
	memset(shared, 0, sizeof(*shared));
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (uintptr_t i = 1; i < THREADS; i++) {
			pthread_t thread;

			if (pthread_create(&thread, NULL, tell_view, (void *)i))
				_exit(1);
		}
		tell_view(NULL);
	}
	threads_told();
	for (unsigned int i = 0; i < THREADS; i++)
		if (ptrace(PTRACE_SEIZE, shared->tids[i], 0, 0) ||
		    ptrace(PTRACE_INTERRUPT, shared->tids[i], 0, 0) ||
		    waitpid(shared->tids[i], NULL, __WALL) < 0)
			abort();
}

/* They go on; who is stopped when it is killed would be ours to bury, thread by thread. */
static void detach_all(void)
{
	for (unsigned int i = 0; i < THREADS; i++)
		ptrace(PTRACE_DETACH, shared->tids[i], 0, 0);
}

/* All threads are where they are to be, or none is. */
static int run_attach(void)
{
	struct viewos_view_attach attach = { .size = sizeof(attach), .pid = child };
	int ret = result(ioctl(inner, VIEWOS_IOC_VIEW_ATTACH, &attach));
	bool left = fail_left();
	struct viewos_view_info info;

	if (view_info(inner, &info))
		abort();
	detach_all();
	threads_told();
	for (unsigned int i = 0; i < THREADS; i++)
		if (shared->views[i] != (ret ? home : info.id))
			ret = -EPROTO;
	fail_settle(left);
	return ret;
}

TEST_F(faults, attach)
{
	static const struct step step = { "move a process", run_attach, again_attach };

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, inner_create());
	again_attach();
	walk(_metadata, &step);
	detach_all();
	child_end();
	munmap(shared, sizeof(*shared));
}

TEST_HARNESS_MAIN
