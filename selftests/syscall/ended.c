// SPDX-License-Identifier: GPL-2.0
/*
 * System calls of which a server is asked when they have ended, and the file that a call is
 * about: by path and by number, by both tables, from inside of what the caller sees.
 */

#include "served.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SERVER "test-ended"

FIXTURE(ended)
{
	SERVED_FIELDS;
	struct stat *buffer;
	char dir[32];
};

FIXTURE_SETUP(ended)
{
	SERVED_SETUP(SERVER);
	self->buffer = calloc(1, sizeof(*self->buffer));
	strcpy(self->dir, "/tmp/ended-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	ASSERT_EQ(0, symlink("file", "link"));
	close(open("file", O_CREAT | O_WRONLY, 0640));
}

FIXTURE_TEARDOWN(ended)
{
	unlink("file");
	unlink("link");
	chdir("/");
	rmdir(self->dir);
	free(self->buffer);
	SERVED_TEARDOWN();
}

#define ASSERT_OP(op)	ASSERT_EQ(op, call_next(self->session, self->req))

/* The memory of who waits is its server's, and so is what the call returns. */
TEST_F(ended, after_a_call)
{
	uint64_t unique;
	char text[8] = "";
	int fds[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	SERVE_X64(X64_read);
	pid = CALLER(self->view, syscall(X64_read, fds[0], text, 6) != 4 || strcmp(text, "Abcd"));
	ASSERT_OP(VIEWOS_CALL_MADE);
	unique = self->req->header.unique;
	EXPECT_EQ(0, call_continue(self->session, self->req,
				   VIEWOS_CALL_OUT_ENDED | VIEWOS_CALL_OUT_RESULT));
	ASSERT_EQ(6, write(fds[1], "abcdef", 6));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(unique, self->req->ended.unique);
	EXPECT_EQ(6, self->req->ended.value);
	EXPECT_EQ(X64_read, self->req->in.nr);
	EXPECT_EQ(fds[0], self->req->in.args[0]);
	EXPECT_EQ(6, self->req->in.args[2]);
	EXPECT_EQ(1, call_memory(self->session, self->req->header.unique, self->req->in.args[1],
				 "A", 1, VIEWOS_MEMORY_WRITE));
	EXPECT_EQ(2, call_memory(self->session, self->req->header.unique,
				 self->req->in.args[1] + 4, "\0", 2, VIEWOS_MEMORY_WRITE));
	EXPECT_EQ(0, call_answer(self->session, self->req, 4));
	ASSERT_OP(VIEWOS_CALL_RESULT);
	EXPECT_EQ(unique, self->req->result.unique);
	EXPECT_EQ(4, self->req->result.value);
	EXPECT_EQ(0, child_status(pid));
	close(fds[0]);
	close(fds[1]);
}

/* Its value may stay, be an error, or have been one. */
TEST_F(ended, answers)
{
	pid_t pid;

	SERVE_X64(X64_close);
	pid = CALLER(self->view, call64(X64_close, 1000, 0) != -EBADF ||
		     call64(X64_close, 1001, 0) != 7 || call64(X64_close, 0, 0) != -EXDEV ||
		     call64(X64_close, 0, 0) != -EBADF || call64(X64_close, 1, 0) != -EIO);
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(-EBADF, self->req->ended.value);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	/* What fails can have succeeded all the same. */
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(0, call_answer(self->session, self->req, 7));
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(0, self->req->ended.value);
	EXPECT_EQ(0, call_error(self->session, self->req, EXDEV));
	/* It was made, though. */
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	/* No flag is for an answer then. */
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(-EINVAL, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	EXPECT_EQ(0, child_status(pid));
}

static bool is_file(const struct viewos_call_file *file, const struct stat *st)
{
	return makedev(file->dev_major, file->dev_minor) == st->st_dev &&
	       file->ino == st->st_ino && file->mode == st->st_mode &&
	       file->nlink == st->st_nlink && file->uid == st->st_uid &&
	       file->gid == st->st_gid && file->size == st->st_size &&
	       file->mtime.sec == st->st_mtime && file->mtime.nsec == st->st_mtim.tv_nsec &&
	       makedev(file->rdev_major, file->rdev_minor) == st->st_rdev;
}

/* The next one is an end of such a call, about this file. */
#define ASSERT_ENDED(path) do {							\
	struct stat st;								\
	ASSERT_OP(VIEWOS_CALL_ENDED);						\
	EXPECT_EQ(0, self->req->ended.unique);					\
	EXPECT_EQ(0, self->req->ended.value);					\
	ASSERT_EQ(0, lstat(path, &st));						\
	ASSERT_EQ(sizeof(struct viewos_call_file), self->req->in.fetched);	\
	EXPECT_TRUE(is_file((const void *)self->req->ended_data, &st));		\
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));		\
} while (0)

/* Asked once, when it has ended; and not at all if it has failed. */
TEST_F(ended, a_file_that_comes_along)
{
	struct viewos_rule_add rule = call_served(X64, X64_stat, SERVER);
	pid_t pid;

	rule = calls_with(calls_with(rule, X64, X64_lstat), X64, X64_fstat);
	self->session = call_session(self->server, self->view, rule);
	ASSERT_LE(0, self->session);
	ASSERT_EQ(0, call_fetch_file(self->session, AUDIT_ARCH_X86_64, X64_stat, 0,
				     VIEWOS_CALL_FILE_PATH, VIEWOS_CALL_FETCH_AFTER));
	ASSERT_EQ(0, call_fetch_file(self->session, AUDIT_ARCH_X86_64, X64_lstat, 0,
				     VIEWOS_CALL_FILE_PATH | VIEWOS_CALL_FILE_NOFOLLOW,
				     VIEWOS_CALL_FETCH_AFTER));
	ASSERT_EQ(0, call_fetch_file(self->session, AUDIT_ARCH_X86_64, X64_fstat, 0,
				     VIEWOS_CALL_FILE_FD, VIEWOS_CALL_FETCH_AFTER));
	pid = CALLER(self->view, syscall(X64_stat, "nothing", self->buffer) != -1 ||
		     syscall(X64_stat, "link", self->buffer) ||
		     syscall(X64_lstat, "link", self->buffer) ||
		     syscall(X64_fstat, open("file", O_PATH), self->buffer) ||
		     syscall(X64_stat, "/proc/self", self->buffer) ||
		     syscall(X64_stat, "/dev/null", self->buffer));
	ASSERT_ENDED("file");
	ASSERT_ENDED("link");
	ASSERT_ENDED("file");
	/* The caller's, not ours. */
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_ENDED("/dev/null");
	EXPECT_EQ(0, child_status(pid));
}

/* In the caller's own mounts, with its own root. */
TEST_F(ended, where_the_caller_is)
{
	const struct viewos_call_file *file = (const void *)self->req->ended_data;
	pid_t pid;

	SERVE_X64(X64_stat);
	ASSERT_EQ(0, call_fetch_file(self->session, AUDIT_ARCH_X86_64, X64_stat, 0,
				     VIEWOS_CALL_FILE_PATH, VIEWOS_CALL_FETCH_AFTER));
	pid = CALLER(self->view, unshare(CLONE_NEWNS) ||
		     mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		     mount("mine", self->dir, "tmpfs", 0, "mode=711,uid=12,gid=34") ||
		     chroot(self->dir) || syscall(X64_stat, "/", self->buffer));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	ASSERT_EQ(sizeof(*file), self->req->in.fetched);
	EXPECT_EQ(S_IFDIR | 0711, file->mode);
	EXPECT_EQ(12, file->uid);
	EXPECT_EQ(34, file->gid);
	EXPECT_EQ(0x01021994, file->magic);
	EXPECT_EQ(0, file->flags);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
}

/* Before a call, with its flags; and when there is none. */
TEST_F(ended, before_a_call)
{
	const struct viewos_call_file *file = (const void *)self->req->data;
	struct stat st;
	pid_t pid;
	int dir = open(".", O_PATH);

	SERVE_X64(X64_fchownat);
	ASSERT_EQ(0, call_fetch_file(self->session, AUDIT_ARCH_X86_64, X64_fchownat, 1,
				     VIEWOS_CALL_FILE_PATH | VIEWOS_CALL_FILE_AT |
				     VIEWOS_CALL_FILE_FLAGS(4), 0));
	pid = CALLER(self->view, syscall(X64_fchownat, dir, "link", -1, -1, AT_SYMLINK_NOFOLLOW) ||
		     syscall(X64_fchownat, dir, "link", -1, -1, 0) ||
		     syscall(X64_fchownat, dir, "", -1, -1, AT_EMPTY_PATH) ||
		     syscall(X64_fchownat, 1000, "link", -1, -1, 0) != -1);
	ASSERT_OP(VIEWOS_CALL_MADE);
	ASSERT_EQ(sizeof(*file), self->req->in.fetched);
	ASSERT_EQ(0, lstat("link", &st));
	EXPECT_EQ(st.st_ino, file->ino);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_OP(VIEWOS_CALL_MADE);
	ASSERT_EQ(0, lstat("file", &st));
	EXPECT_EQ(st.st_ino, file->ino);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_OP(VIEWOS_CALL_MADE);
	ASSERT_EQ(0, lstat(".", &st));
	EXPECT_EQ(st.st_ino, file->ino);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(-EBADF, self->req->in.fetched);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
	close(dir);
}

TEST_F(ended, what_cannot_come_along)
{
	const uint32_t arch = AUDIT_ARCH_X86_64, path = VIEWOS_CALL_FILE_PATH,
		       fd = VIEWOS_CALL_FILE_FD, at = VIEWOS_CALL_FILE_AT;
	int s;

	SERVE_X64(X64_stat);
	s = self->session;
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0, 0, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 6, path, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0, path | fd, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0, at | path, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 1, at, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0, path | 0x100, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0, path | 2 << 5, 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0,
					   path | VIEWOS_CALL_FILE_FLAGS(6), 0));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_stat, 0, path, 4));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, X64_exit, 0, fd, VIEWOS_CALL_FETCH_AFTER));
	EXPECT_EQ(-EINVAL, call_fetch_file(s, arch, 169 /* reboot */, 0, fd,
					   VIEWOS_CALL_FETCH_AFTER));
	EXPECT_EQ(0, call_fetch_file(s, arch, X64_exit, 0, fd, 0));
}

/* The outer view's server is asked before, and both see what they have made of it. */
TEST_F(ended, nested)
{
	int child = view_create_in(self->control, self->view, "", 0);
	int inner;
	pid_t pid;

	SERVE_X64(X64_getpgrp);
	inner = call_session(self->server, child, call_served(X64, X64_getpgrp, SERVER));
	ASSERT_LE(0, inner);
	pid = CALLER(child, call64(X64_getpgrp, 0, 0) != 8);
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(inner, self->req));
	EXPECT_EQ(0, call_continue(inner, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(getpgrp(), self->req->ended.value);
	EXPECT_EQ(0, call_answer(self->session, self->req, 6));
	ASSERT_EQ(VIEWOS_CALL_ENDED, call_next(inner, self->req));
	EXPECT_EQ(6, self->req->ended.value);
	EXPECT_EQ(0, call_answer(inner, self->req, 8));
	EXPECT_EQ(0, child_status(pid));
	close(inner);
	close(child);
}

/* It has been made, and is an error nevertheless. */
TEST_F(ended, a_server_that_dies)
{
	pid_t pid;

	SERVE_X64(X64_close);
	pid = CALLER(self->view, call64(X64_close, 0, 0) != -EIO || fcntl(0, F_GETFD) != -1);
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	close(self->session);
	self->session = -1;
	EXPECT_EQ(0, child_status(pid));
}

static volatile int signals;

static void on_signal(int signal)
{
	signals++;
}

/* What has been done is not begun again; its program waits on. */
TEST_F(ended, a_signal)
{
	pid_t pid;

	SERVE_X64(X64_close);
	pid = CALLER(self->view, signal(SIGUSR1, on_signal) == SIG_ERR ||
		     call64(X64_close, 0, 0) || !signals);
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	usleep(100000);
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	usleep(100000);
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(ended, killed)
{
	pid_t pid;

	SERVE_X64(X64_close);
	pid = CALLER(self->view, call64(X64_close, 0, 0));
	ASSERT_OP(VIEWOS_CALL_MADE);
	EXPECT_EQ(0, call_continue(self->session, self->req, VIEWOS_CALL_OUT_ENDED));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_EQ(-ENOENT, call_memory(self->session, self->req->header.unique,
				       self->req->in.sp, "", 1, 0));
	EXPECT_EQ(0, call_continue(self->session, self->req, 0));
}

/* Serves prctl(2) as an ordinary user; ends with 4 if asked of who may not be traced. */
static void serve_nobody(struct call_request *req, int ready)
{
	int view, server, session, op;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (become_nobody())
		_exit(1);
	view = view_create(control_open(), "nobodys");
	server = call_server_create(SERVER, 1 << VIEWOS_CLASS_SYSCALL);
	session = call_session(server, view, call_served(X64, SYS_prctl, SERVER));
	if (session < 0 || write(ready, "", 1) != 1)
		_exit(2);
	for (;;) {
		op = call_next(session, req);
		if (op == VIEWOS_CALL_MADE)
			call_continue(session, req, VIEWOS_CALL_OUT_ENDED);
		else if (op == VIEWOS_CALL_ENDED && req->in.args[1])
			call_answer(session, req, 7);
		else
			_exit(op == VIEWOS_CALL_ENDED ? 4 : 3);
	}
}

/* The call has made its program one that the server may not trace: its memory is not for it. */
TEST_F(ended, not_of_who_has_become_more)
{
	int view, fds[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid)
		serve_nobody(self->req, fds[1]);
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	view = view_open(self->control, 0, "nobodys", 0);
	ASSERT_LE(0, view);
	EXPECT_EQ(0, IN_CHILD(become_nobody() || prctl(PR_SET_DUMPABLE, 1) || view_enter(view) ||
			      call64(SYS_prctl, PR_SET_DUMPABLE, 1) != 7 ||
			      call64(SYS_prctl, PR_SET_DUMPABLE, 0) != 0));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	close(view);
	close(fds[0]);
}

TEST_F(ended, by_the_other_table)
{
	char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const struct viewos_call_file *file = (const void *)self->req->ended_data;
	struct stat st;
	pid_t pid;

	if (!has_call32())
		SKIP(return, "the kernel takes no 32-bit system calls");
	strcpy(name, "file");
	self->session = call_session(self->server, self->view,
				     call_served(I386, 195 /* stat64 */, SERVER));
	ASSERT_LE(0, self->session);
	ASSERT_EQ(0, call_fetch_file(self->session, AUDIT_ARCH_I386, 195, 0,
				     VIEWOS_CALL_FILE_PATH, VIEWOS_CALL_FETCH_AFTER));
	pid = CALLER(self->view, call32(195, (long)name, (long)name + 1024, 0) != -EXDEV ||
		     call32(195, (long)name, (long)name + 1024, 0) != 5);
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(AUDIT_ARCH_I386, self->req->in.arch);
	ASSERT_EQ(sizeof(*file), self->req->in.fetched);
	ASSERT_EQ(0, stat("file", &st));
	EXPECT_EQ(st.st_ino, file->ino);
	EXPECT_EQ(0, call_error(self->session, self->req, EXDEV));
	ASSERT_OP(VIEWOS_CALL_ENDED);
	EXPECT_EQ(0, call_answer(self->session, self->req, 5));
	EXPECT_EQ(0, child_status(pid));
	munmap(name, 4096);
}

TEST_HARNESS_MAIN
