// SPDX-License-Identifier: GPL-2.0
/* Every way of making a task makes one of the view, and one that fails leaves nothing. */

#include "../viewos_test.h"

#include <linux/sched.h>
#include <pthread.h>
#include <spawn.h>

#define CGROUP "/sys/fs/cgroup/viewos-inherit"

FIXTURE(inherit)
{
	uint64_t id;
	int view;
};

/* The test itself enters: the harness gave it a process of its own. */
FIXTURE_SETUP(inherit)
{
	struct viewos_view_info info;

	self->view = view_create(control_open(), "");
	ASSERT_LE(0, self->view);
	ASSERT_EQ(0, view_info(self->view, &info));
	self->id = info.id;
	ASSERT_EQ(0, view_enter(self->view));
}

/* Nobody was lost, and nobody stayed. */
FIXTURE_TEARDOWN(inherit)
{
	EXPECT_TRUE(view_has_tasks(self->view, 1));
	close(self->view);
}

static int elsewhere(void *id)
{
	return view_self() != *(uint64_t *)id;
}

static pid_t make_task(uint64_t flags, int cgroup)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD, .cgroup = cgroup };

	if (flags & CLONE_PARENT)
		args.exit_signal = 0;
	return result(syscall(SYS_clone3, &args, sizeof(args)));
}

TEST_F(inherit, fork)
{
	EXPECT_EQ(0, IN_CHILD(elsewhere(&self->id)));
	EXPECT_EQ(0, IN_CHILD(IN_CHILD(IN_CHILD(elsewhere(&self->id)))));
}

TEST_F(inherit, vfork)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(elsewhere(&self->id));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(inherit, clone)
{
	static char stack[65536];
	static const int flags[] = {
		0, CLONE_FS, CLONE_FILES, CLONE_IO, CLONE_SYSVSEM, CLONE_VM | CLONE_VFORK,
		CLONE_VM | CLONE_SIGHAND | CLONE_VFORK, CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID,
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWCGROUP,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t pid = clone(elsewhere, stack + sizeof(stack), flags[i] | SIGCHLD, &self->id);

		EXPECT_EQ(0, child_status(pid)) {
			TH_LOG("clone with flags %#x", flags[i]);
		}
	}
}

TEST_F(inherit, clone3)
{
	static const uint64_t flags[] = { 0, CLONE_CLEAR_SIGHAND, CLONE_FS | CLONE_FILES };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t pid = make_task(flags[i], 0);

		if (!pid)
			_exit(elsewhere(&self->id));
		EXPECT_EQ(0, child_status(pid));
	}
}

TEST_F(inherit, sibling)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		pid = make_task(CLONE_PARENT, 0);
		_exit(pid < 0 || elsewhere(&self->id));
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_LT(0, waitpid(-1, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(inherit, spawn_and_exec)
{
	static char *const argv[] = { "sleep", "1000", NULL };
	pid_t pid;

	ASSERT_EQ(0, posix_spawnp(&pid, "sleep", NULL, NULL, argv, environ));
	EXPECT_TRUE(view_has_tasks(self->view, 2));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

static void *thread_elsewhere(void *id)
{
	return elsewhere(id) || IN_CHILD(elsewhere(id)) ? id : NULL;
}

TEST_F(inherit, threads_and_their_children)
{
	pthread_t threads[8];
	void *bad;
	size_t i;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, thread_elsewhere, &self->id));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &bad));
		EXPECT_EQ(NULL, bad);
	}
}

static void *thread_exec(void *unused)
{
	execlp("sleep", "sleep", "1000", NULL);
	return unused;
}

static void *thread_wait(void *unused)
{
	pause();
	return unused;
}

/* The thread takes its leader's place. */
TEST_F(inherit, exec_by_a_thread)
{
	pid_t pid = fork();
	char path[64], comm[16] = "";
	int i, fd, len;

	if (!pid) {
		pthread_t thread;

		pthread_create(&thread, NULL, thread_wait, NULL);
		pthread_create(&thread, NULL, thread_exec, NULL);
		pthread_join(thread, NULL);
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (i = 0; i < 1000 && strcmp(comm, "sleep\n"); i++) {
		sleep_ms(10);
		fd = open(path, O_RDONLY);
		len = read(fd, comm, sizeof(comm) - 1);
		comm[len > 0 ? len : 0] = 0;
		close(fd);
	}
	EXPECT_STREQ("sleep\n", comm);
	EXPECT_TRUE(view_has_tasks(self->view, 2));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

TEST_F(inherit, leader_ends_first)
{
	pid_t pid = fork();

	if (!pid) {
		pthread_t thread;

		pthread_create(&thread, NULL, thread_wait, NULL);
		pthread_create(&thread, NULL, thread_wait, NULL);
		syscall(SYS_exit, 0);
	}
	EXPECT_TRUE(view_has_tasks(self->view, 3));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return err;
}

static int cgroup_make(void)
{
	int err = write_file("/sys/fs/cgroup/cgroup.subtree_control", "+pids");

	if (!err && mkdir(CGROUP, 0755) && errno != EEXIST)
		err = -errno;
	return err ?: result(open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

TEST_F(inherit, into_a_cgroup)
{
	int cgroup = cgroup_make();
	pid_t pid;

	if (cgroup < 0)
		SKIP(return, "no cgroup2 with the pids controller");
	ASSERT_EQ(0, write_file(CGROUP "/pids.max", "max"));
	pid = make_task(CLONE_INTO_CGROUP, cgroup);
	if (!pid)
		_exit(elsewhere(&self->id));
	EXPECT_EQ(0, child_status(pid));
	close(cgroup);
	EXPECT_EQ(0, rmdir(CGROUP));
}

/* The cgroup refuses what the view had taken in. */
TEST_F(inherit, refused_by_a_cgroup)
{
	int i, cgroup = cgroup_make();

	if (cgroup < 0)
		SKIP(return, "no cgroup2 with the pids controller");
	ASSERT_EQ(0, write_file(CGROUP "/pids.max", "0"));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-EAGAIN, make_task(CLONE_INTO_CGROUP, cgroup));
	EXPECT_TRUE(view_has_tasks(self->view, 1));
	close(cgroup);
	EXPECT_EQ(0, rmdir(CGROUP));
}

TEST_F(inherit, refused_before)
{
	pid_t taken = getpid();
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&taken,
		.set_tid_size = 1,
	};

	EXPECT_EQ(-EEXIST, result(syscall(SYS_clone3, &args, sizeof(args))));
	EXPECT_TRUE(view_has_tasks(self->view, 1));
}

TEST_HARNESS_MAIN
