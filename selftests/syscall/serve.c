// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that a server decides: what it sees, what it may answer, the caller's memory, both
 * tables, views in views, and servers that do what no server should.
 */

#include "served.h"

#include <sys/mman.h>

#define SERVER "test-calls"

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

TEST_F(served, value)
{
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, call64(X64_getppid, 0, 0) != 0x123400000007);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0x123400000007));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, errors)
{
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view,
		     call64(X64_getppid, 0, 0) != -EXDEV || call64(X64_getppid, 0, 0) != -511);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_error(self->session, self->req, EXDEV));
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_error(self->session, self->req, 511));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, what_is_seen)
{
	static const uint64_t args[6] = { 1, -2ULL, 3ULL << 60, 4, 5, 0x8000000000000006 };
	const struct viewos_call_in *in = &self->req->in;
	pid_t pid;
	int i;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, become_nobody() || call_six(X64_getppid, args) != getpgrp());
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(AUDIT_ARCH_X86_64, in->arch);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(args[i], in->args[i]);
	EXPECT_EQ(pid, in->pid);
	EXPECT_EQ(pid, in->tid);
	EXPECT_EQ(pid, self->req->header.pid);
	EXPECT_EQ(65534, self->req->header.uid);
	EXPECT_EQ(65534, self->req->header.gid);
	EXPECT_EQ(-ENODATA, in->fetched);
	EXPECT_EQ(0, in->tag);
	EXPECT_NE(0, in->ip);
	EXPECT_NE(0, in->sp);
	EXPECT_EQ(sizeof(self->req->header) + sizeof(*in), self->req->header.len);
	EXPECT_EQ(0, call_answer(self->session, self->req, getpgrp()));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, goes_on)
{
	pid_t own = getpid(), pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, call64(X64_getppid, 0, 0) != own);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
}

/* The program finds its own in its registers. */
static int write_less(int fd)
{
	register long rdx asm("rdx") = 10;
	long ret;

	asm volatile("syscall" : "=a" (ret), "+r" (rdx)
		     : "a" (X64_write), "D" (fd), "S" ("0123456789") : "rcx", "r11", "memory");
	return ret != 3 || rdx != 10;
}

TEST_F(served, with_other_arguments)
{
	char text[16] = { };
	int fds[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	SERVE_X64(X64_write);
	pid = CALLER(self->view, write_less(fds[1]));
	ASSERT_CALL(X64_write);
	self->req->in.args[2] = 3;
	EXPECT_EQ(0, call_continue(self->session, self->req,
				   VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(3, read(fds[0], text, sizeof(text)));
	EXPECT_STREQ("012", text);
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(3, self->req->result.value);
}

static long view_seconds(void)
{
	static long ts[2];

	return call64(X64_clock_gettime, CLOCK_REALTIME, (long)ts) ? -1 : ts[0];
}

/* What goes on, goes on in the view: it reads the view's clock. */
TEST_F(served, in_a_view_with_a_clock)
{
	const long day = 86400;
	struct viewos_view_clock clock = {
		.size = sizeof(clock), .flags = VIEWOS_CLOCK_OFFSET, .realtime = day * 1000000000,
	};
	long here = time(NULL);
	pid_t pid;

	ASSERT_EQ(0, ioctl(self->view, VIEWOS_IOC_VIEW_CLOCK, &clock));
	SERVE_X64(X64_clock_gettime);
	pid = CALLER(self->view, view_seconds() < here + day || view_seconds() < here + day);
	ASSERT_CALL(X64_clock_gettime);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_CALL(X64_clock_gettime);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(0, self->req->result.value);
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, a_string_is_sent_along)
{
	static char path[5000];
	pid_t pid;

	memset(path, 'a', sizeof(path) - 1);
	SERVE_X64(X64_open);
	EXPECT_EQ(0, call_fetch(self->session, AUDIT_ARCH_X86_64, X64_open,
				VIEWOS_CALL_FETCH_STRING, 0, VIEWOS_CALL_MAX_FETCH));
	pid = CALLER(self->view, call64(X64_open, (long)"/some/file", 0) ||
		     call64(X64_open, (long)"", 0) || call64(X64_open, 0, 0) ||
		     call64(X64_open, 16, 0) || call64(X64_open, -4096, 0) ||
		     call64(X64_open, (long)path, 0) ||
		     call64(X64_open, (long)path + sizeof(path) - 4096, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(10, self->req->in.fetched);
	EXPECT_STREQ("/some/file", self->req->data);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(0, self->req->in.fetched);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(-ENODATA, self->req->in.fetched);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(-EFAULT, self->req->in.fetched);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(-EFAULT, self->req->in.fetched);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(-ENAMETOOLONG, self->req->in.fetched);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_open);
	EXPECT_EQ(4095, self->req->in.fetched);
	EXPECT_EQ(4095, strlen(self->req->data));
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, bytes_are_sent_along)
{
	static const struct timespec time = { .tv_sec = 12345, .tv_nsec = 678 };
	pid_t pid;

	SERVE_X64(X64_nanosleep);
	EXPECT_EQ(0, call_fetch(self->session, AUDIT_ARCH_X86_64, X64_nanosleep,
				VIEWOS_CALL_FETCH_BYTES, 0, sizeof(time)));
	pid = CALLER(self->view, call64(X64_nanosleep, (long)&time, 0) ||
		     call64(X64_nanosleep, 8, 0) || call64(X64_nanosleep, (long)&time, 0));
	ASSERT_CALL(X64_nanosleep);
	EXPECT_EQ(sizeof(time), self->req->in.fetched);
	EXPECT_EQ(0, memcmp(&time, self->req->data, sizeof(time)));
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_nanosleep);
	EXPECT_EQ(-EFAULT, self->req->in.fetched);
	EXPECT_EQ(0, call_fetch(self->session, AUDIT_ARCH_X86_64, X64_nanosleep,
				VIEWOS_CALL_FETCH_NONE, 0, 0));
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	ASSERT_CALL(X64_nanosleep);
	EXPECT_EQ(-ENODATA, self->req->in.fetched);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, what_cannot_be_sent_along)
{
	int s;

	SERVE_X64(X64_open);
	s = self->session;
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_X86_64, VIEWOS_CALLS, 1, 0, 8));
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_AARCH64, X64_open, 1, 0, 8));
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_X86_64, X64_open, 3, 0, 8));
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_X86_64, X64_open, 1, 6, 8));
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_X86_64, X64_open, 1, 0, 0));
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_X86_64, X64_open, 2, 0, 4097));
	EXPECT_EQ(-EINVAL, call_fetch(s, AUDIT_ARCH_X86_64, X64_open, 0, 0, 1));
	EXPECT_EQ(-EINVAL, call_write(s, 0, VIEWOS_CALL_NOTIFY_FETCH, "", 1));
	EXPECT_EQ(-EINVAL, call_write(s, 0, 1, &(struct viewos_call_fetch){ }, 24));
}

/* getcwd(2) of its own, into the caller's memory. */
TEST_F(served, memory)
{
	static const char path[] = "/nowhere/at all";
	char buffer[64] = { };
	pid_t pid;

	SERVE_X64(X64_getcwd);
	pid = CALLER(self->view, ({
		char cwd[64] = "before";

		call64(X64_getcwd, (long)cwd, sizeof(cwd)) != sizeof(path) ||
		strcmp(cwd, path);
	}));
	ASSERT_CALL(X64_getcwd);
#define MEMORY(...) call_memory(self->session, self->req->header.unique, __VA_ARGS__)
	EXPECT_EQ(64, self->req->in.args[1]);
	EXPECT_EQ(sizeof(buffer), MEMORY(self->req->in.args[0], buffer, sizeof(buffer), 0));
	EXPECT_STREQ("before", buffer);
	EXPECT_EQ(sizeof(path), MEMORY(self->req->in.args[0], path, sizeof(path),
				       VIEWOS_MEMORY_WRITE));
	EXPECT_EQ(-EFAULT, MEMORY(16, buffer, 8, 0));
	EXPECT_EQ(-EFAULT, MEMORY(-4096, buffer, 8, VIEWOS_MEMORY_WRITE));
	EXPECT_EQ(-EFAULT, MEMORY(self->req->in.args[0], (void *)16, 8, 0));
	EXPECT_EQ(-EFAULT, MEMORY(self->req->in.args[0], (void *)16, 8, VIEWOS_MEMORY_WRITE));
	EXPECT_EQ(-EINVAL, MEMORY(self->req->in.args[0], buffer, 0, 0));
	EXPECT_EQ(-EINVAL, MEMORY(self->req->in.args[0], buffer, VIEWOS_CALL_MAX_MEMORY + 1, 0));
	EXPECT_EQ(-EINVAL, MEMORY(self->req->in.args[0], buffer, 8, 2));
	EXPECT_EQ(-ENOENT, call_memory(self->session, self->req->header.unique + 2,
				       self->req->in.args[0], buffer, 8, 0));
	EXPECT_EQ(-ENOENT, call_memory(self->session, 0, self->req->in.args[0], buffer, 8, 0));
	EXPECT_EQ(0, call_answer(self->session, self->req, sizeof(path)));
	/* It is over. */
	EXPECT_EQ(-ENOENT, MEMORY(self->req->in.args[0], buffer, 8, 0));
	EXPECT_EQ(-ENOENT, MEMORY(self->req->in.args[0], buffer, 8, VIEWOS_MEMORY_WRITE));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, memory_that_cannot_be_written)
{
	char buffer[8192] = { }, *pages;
	pid_t pid;

	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	strcpy(pages, "own");
	SERVE_X64(X64_getcwd);
	pid = CALLER(self->view, mprotect(pages, 4096, PROT_READ) || munmap(pages + 4096, 4096) ||
		     call64(X64_getcwd, (long)pages, 0));
	ASSERT_CALL(X64_getcwd);
	EXPECT_EQ(-EFAULT, MEMORY(self->req->in.args[0], buffer, 8, VIEWOS_MEMORY_WRITE));
	/* As much as there is. */
	EXPECT_EQ(4096, MEMORY(self->req->in.args[0], buffer, 8192, 0));
	EXPECT_STREQ("own", buffer);
	EXPECT_STREQ("own", pages);
	/* With other credentials than the session was accepted with. */
	EXPECT_EQ(0, IN_CHILD(become_nobody() ||
			      MEMORY(self->req->in.args[0], buffer, 8, 0) != -EPERM));
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
}

static struct viewos_call_out out_of(uint32_t action, uint32_t flags, int64_t value, uint64_t arg)
{
	return (struct viewos_call_out){
		.action = action, .flags = flags, .value = value, .args = { 0, 0, 0, 0, 0, arg } };
}

TEST_F(served, malformed_answers)
{
	const struct viewos_call_out wrong[] = {
		out_of(2, 0, 0, 0), out_of(1, 8, 0, 0), out_of(1, 0, 1, 0), out_of(1, 0, 0, 1),
		out_of(1, 2, 0, 1), out_of(0, 0, -1, 0), out_of(0, 0, -4095, 0),
		out_of(0, 0, -512, 0), out_of(0, 1, 0, 0), out_of(0, 2, 0, 0), out_of(0, 4, 0, 0),
		out_of(0, 0, 0, 1),
	};
	const struct viewos_call_out good = { .value = 7 };
	const char long_out[sizeof(good) + 8] = { };
	size_t i, n = sizeof(wrong) / sizeof(wrong[0]);
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, ({
		int bad = 0;

		for (i = 0; i < n + 3; i++)
			bad |= call64(X64_getppid, 0, 0) != -EIO;
		bad || call64(X64_getppid, 0, 0) != 7;
	}));
	for (i = 0; i < n; i++) {
		ASSERT_CALL(X64_getppid);
		EXPECT_EQ(-EINVAL, call_out(self->session, self->req, wrong[i])) TH_LOG("%zu", i);
	}
#define WRITE(len) call_write(self->session, self->req->header.unique, 0, &good, len)
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(-EINVAL, WRITE(sizeof(good) - 8));
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(-EINVAL, WRITE(0));
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(-EINVAL, call_write(self->session, self->req->header.unique, 0,
				      long_out, sizeof(long_out)));
	/* These are not taken for an answer. */
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(-EINVAL, call_error(self->session, self->req, 512));
	EXPECT_EQ(-EINVAL, call_error(self->session, self->req, -5));
	EXPECT_EQ(-ENOENT, call_write(self->session, self->req->header.unique + 2, 0, &good,
				      sizeof(good)));
	EXPECT_EQ(0, WRITE(sizeof(good)));
	/* Once and no more. */
	EXPECT_EQ(-ENOENT, WRITE(sizeof(good)));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, a_server_that_dies)
{
	pid_t pid;

	SERVE(calls_with(call_served(X64, X64_getppid, SERVER), X64, X64_exit_group));
	pid = CALLER(self->view,
		     call64(X64_getppid, 0, 0) != -EIO || call64(X64_getppid, 0, 0) != -EIO);
	ASSERT_CALL(X64_getppid);
	close(self->session);
	self->session = -1;
	/* It can still end. */
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, a_deaf_server)
{
	pid_t pid;

	SERVE_X64(X64_getppid);
	pid = CALLER(self->view, call64(X64_getppid, 0, 0) < 0);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	/* Neither it nor its memory is there any more. */
	EXPECT_EQ(-ENOENT, MEMORY(self->req->in.sp, self->req->rest, 8, 0));
	EXPECT_EQ(0, call_answer(self->session, self->req, 0));
	EXPECT_EQ(-ENOENT, call_answer(self->session, self->req, 0));
	/* One whose request was not even read. */
	pid = CALLER(self->view, call64(X64_getppid, 0, 0) < 0);
	sleep_ms(200);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	/* And the rest goes on. */
	pid = CALLER(self->view, call64(X64_getppid, 0, 0) != 5);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_answer(self->session, self->req, 5));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(served, nested)
{
	int child = view_create_in(self->control, self->view, "", 0);
	pid_t pid;

	SERVE_X64(X64_getppid);
	/* What the parent has a server for, native does not give back. */
	ASSERT_EQ(0, rule_add(child, call_native(X64, X64_getppid)));
	pid = CALLER(child, call64(X64_getppid, 0, 0) != 6);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_answer(self->session, self->req, 6));
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(0, rule_add(child, call_value(X64, X64_getppid, 8)));
	EXPECT_EQ(0, IN_VIEW(child, call64(X64_getppid, 0, 0) != 8));
	close(child);
}

/* What a server in an inner view lets go on is the business of the view around it. */
TEST_F(served, nested_and_goes_on)
{
	int child = view_create_in(self->control, self->view, "", 0);
	pid_t pid;

	ASSERT_EQ(0, rule_add(self->view, call_deny(X64, X64_getppid, EXDEV)));
	ASSERT_EQ(0, rule_add(self->view, call_value(X64, X64_getpgrp, 5)));
	self->session = call_session(self->server, child,
				     calls_with(call_served(X64, X64_getppid, SERVER), X64,
						X64_getpgrp));
	ASSERT_LE(0, self->session);
	pid = CALLER(child, call64(X64_getppid, 0, 0) != -EXDEV ||
		     call64(X64_getppid, 0, 0) != -EXDEV || call64(X64_getpgrp, 0, 0) != 5);
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_CALL(X64_getppid);
	EXPECT_EQ(0, call_continue(self->session, self->req,
				   VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(-EXDEV, self->req->result.value);
	ASSERT_CALL(X64_getpgrp);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(5, self->req->result.value);
	EXPECT_EQ(0, child_status(pid));
	close(child);
}

/* Two servers for one call: the outer one sees what the inner one has made of it. */
TEST_F(served, two_servers)
{
	int child = view_create_in(self->control, self->view, "", 0), inner, grandchild;
	uint64_t unique, inner_unique;
	pid_t pid;

	SERVE_X64(X64_getpgid);
	inner = call_session(self->server, child, call_served(X64, X64_getpgid, SERVER));
	ASSERT_LE(0, inner);
	/* One that says nothing of it, in between and beneath. */
	grandchild = view_create_in(self->control, child, "", 0);
	ASSERT_EQ(0, rule_add(grandchild, call_native(X64, X64_getpgid)));
	pid = CALLER(grandchild, ({
		close(inner);
		call64(X64_getpgid, 4711, 0) != getpgrp() || call64(X64_getpgid, 4711, 0) != 8;
	}));
	ASSERT_EQ(VIEWOS_CALL_MADE, call_of(inner, self->req, X64_getpgid));
	EXPECT_EQ(4711, self->req->in.args[0]);
	inner_unique = self->req->header.unique;
	self->req->in.args[0] = 4712;
	EXPECT_EQ(0, call_continue(inner, self->req,
				   VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT));
	ASSERT_CALL(X64_getpgid);
	EXPECT_EQ(4712, self->req->in.args[0]);
	unique = self->req->header.unique;
	self->req->in.args[0] = 0;
	EXPECT_EQ(0, call_continue(self->session, self->req,
				   VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(unique, self->req->result.unique);
	EXPECT_EQ(getpgrp(), self->req->result.value);
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(inner, self->req));
	EXPECT_EQ(inner_unique, self->req->result.unique);
	EXPECT_EQ(getpgrp(), self->req->result.value);
	ASSERT_EQ(VIEWOS_CALL_MADE, call_of(inner, self->req, X64_getpgid));
	EXPECT_EQ(0, call_continue(inner, self->req, 0));
	ASSERT_CALL(X64_getpgid);
	EXPECT_EQ(4711, self->req->in.args[0]);
	EXPECT_EQ(0, call_answer(self->session, self->req, 8));
	EXPECT_EQ(0, child_status(pid));
	close(inner);
	close(grandchild);
	close(child);
}

/* A number that the kernel does not know: the server alone does. */
TEST_F(served, a_number_of_its_own)
{
	pid_t pid;

	if (untraced("x64_sys_call"))
		SKIP(return, "the kernel's x64_sys_call() cannot be redirected");
	SERVE(calls_with(call_served(X64, X64_nice_hole, SERVER), I386, I386_nice_hole));
	pid = CALLER(self->view, call64(X64_nice_hole, 20, 22) != 42 ||
		     call64(X64_nice_hole + 1, 0, 0) != -ENOSYS ||
		     call64(X64_nice_hole, 0, 0) != -ENOSYS ||
		     call64(X64_nice_hole, 0, 0) != -ENOSYS ||
		     (has_call32() && call32(I386_nice_hole, 1, 2, 3) != 6));
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(X64_nice_hole, self->req->in.nr);
	EXPECT_EQ(20, self->req->in.args[0]);
	EXPECT_EQ(0, call_answer(self->session, self->req, 42));
	/* If it goes on nobody knows it. */
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(0, call_continue(self->session, self->req,
				   VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(-ENOSYS, self->req->result.value);
	if (has_call32()) {
		ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
		EXPECT_EQ(AUDIT_ARCH_I386, self->req->in.arch);
		EXPECT_EQ(I386_nice_hole, self->req->in.nr);
		EXPECT_EQ(0, call_answer(self->session, self->req, 6));
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(-ENOSYS, call64(X64_nice_hole, 20, 22));
}

TEST_F(served, by_the_other_table)
{
	pid_t pid;

	if (!has_call32())
		SKIP(return, "the kernel takes no 32-bit system calls");
	SERVE(calls_with(call_served(I386, I386_getppid, SERVER), I386, 132 /* getpgid */));
	pid = CALLER(self->view, call32(I386_getppid, 1, -2, 3) != 0x7fffffff ||
		     call64(X64_getppid, 0, 0) != getppid() ||
		     call32(I386_getppid, 0, 0, 0) != -EIO || call32(132, 7, 0, 0) != getpgrp());
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(AUDIT_ARCH_I386, self->req->in.arch);
	EXPECT_EQ(I386_getppid, self->req->in.nr);
	EXPECT_EQ(1, self->req->in.args[0]);
	EXPECT_EQ(0xfffffffe, self->req->in.args[1]);
	EXPECT_EQ(3, self->req->in.args[2]);
	EXPECT_EQ(0, call_answer(self->session, self->req, 0x7fffffff));
	/* An error for a program of 32 bits. */
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(-EINVAL, call_answer(self->session, self->req, 0xffffffff));
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(self->session, self->req));
	EXPECT_EQ(7, self->req->in.args[0]);
	self->req->in.args[0] = 0;
	EXPECT_EQ(0, call_continue(self->session, self->req,
				   VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(VIEWOS_CALL_RESULT, call_next(self->session, self->req));
	EXPECT_EQ(getpgrp(), self->req->result.value);
}

/* It may not return: no result is to be had, nor other arguments. */
TEST_F(served, reboot)
{
	pid_t pid;

	SERVE_X64(169);
	pid = CALLER(self->view, call64(169, 0, 0) != -EINVAL || call64(169, 0, 0) != -EIO ||
		     call64(169, 0, 0) != 3);
	ASSERT_CALL(169);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_CALL(169);
	EXPECT_EQ(-EINVAL, call_continue(self->session, self->req, VIEWOS_CALL_OUT_RESULT));
	ASSERT_CALL(169);
	EXPECT_EQ(0, call_answer(self->session, self->req, 3));
	EXPECT_EQ(0, child_status(pid));
}

/* The rule goes while a call that it decides waits. */
TEST_F(served, the_rule_goes)
{
	struct viewos_rule_add rule = call_served(X64, X64_getppid, SERVER);
	uint64_t id = 0;
	pid_t pid;

	SERVE(rule);
	pid = CALLER(self->view, call64(X64_getppid, 0, 0) != 4 ||
		     call64(X64_getppid, 0, 0) != getppid());
	ASSERT_CALL(X64_getppid);
	/* Ids are numbers that grow. */
	ASSERT_NE(0, id = rule_id(self->view, call_value(X64, X64_getpgrp, 1)));
	while (id && rule_del(self->view, --id))
		;
	EXPECT_NE(0, id);
	EXPECT_EQ(0, call_answer(self->session, self->req, 4));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(-ENODEV, call_next(self->session, self->req));
}

TEST_F(served, rules_that_cannot_be)
{
	struct viewos_rule_add rule;
	int other = call_server_create(SERVER "-path", 1 << VIEWOS_CLASS_PATH);

	EXPECT_EQ(-ENOENT, rule_add(self->view, call_served(X64, X64_getppid, "none")));
	EXPECT_EQ(-EPROTOTYPE, rule_add(self->view, call_served(X64, X64_getppid, SERVER "-path")));
	EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, call_served(X64, X64_rt_sigreturn, SERVER)));
	EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, call_served(X64, X64_restart_syscall, SERVER)));
	EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, call_served(I386, I386_sigreturn, SERVER)));
	EXPECT_EQ(-EOPNOTSUPP, rule_add(self->view, call_deny(X64, X64_exit, EPERM)));
	rule = call_served(X64, X64_getppid, SERVER);
	rule.error = 1;
	EXPECT_EQ(-EINVAL, rule_add(self->view, rule));
	rule = call_served(X64, X64_getppid, SERVER);
	rule.value = 1;
	EXPECT_EQ(-EINVAL, rule_add(self->view, rule));
	EXPECT_EQ(-EINVAL, rule_add(self->view, call_served(X64, X64_getppid, "")));
	EXPECT_EQ(-EINVAL, rule_add(self->view, call_served(X64, X64_getppid, "7")));
	close(other);
}

/* Servers that end a session before it begins. */
static int first_words(int server, int view, uint32_t major, int error, size_t len)
{
	struct viewos_call_init init = { .major = major };
	struct viewos_server_accept accept = { };
	struct call_request req;
	int session;
	pid_t pid = fork();

	if (!pid)
		_exit(-rule_add(view, call_served(X64, X64_getppid, SERVER)));
	session = server_accept(server, &accept);
	if (session < 0 || call_next(session, &req) != VIEWOS_CALL_INIT)
		return -1;
	/* It is no program's call. */
	if (call_memory(session, req.header.unique, 4096, &req, 8, 0) != -EINVAL)
		return -1;
	call_write(session, req.header.unique, error, &init, len);
	error = child_status(pid);
	close(session);
	return error;
}

TEST_F(served, first_words)
{
	size_t len = sizeof(struct viewos_call_init);

	EXPECT_EQ(EPROTO, first_words(self->server, self->view, 2, 0, len));
	EXPECT_EQ(EXDEV, first_words(self->server, self->view, 1, -EXDEV, 0));
	EXPECT_EQ(EIO, first_words(self->server, self->view, 1, 0, len - 8));
	EXPECT_EQ(0, IN_VIEW(self->view, call64(X64_getppid, 0, 0) < 0));
}

TEST_HARNESS_MAIN
