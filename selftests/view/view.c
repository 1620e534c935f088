// SPDX-License-Identifier: GPL-2.0
/* Views: create, open, enter, inherit, destroy, limits, lifetime. */

#include "../viewos_test.h"

#include <pthread.h>
#include <sys/prctl.h>

FIXTURE(view)
{
	int control;
	int view;
};

FIXTURE_SETUP(view)
{
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "test-view");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(view)
{
	close(self->view);
	close(self->control);
}

TEST_F(view, create_info)
{
	struct viewos_view_info info;

	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_LT(0, info.id);
	EXPECT_EQ(VIEWOS_VIEW_ROOT, info.parent_id);
	EXPECT_EQ(1, info.depth);
	EXPECT_EQ(VIEWOS_INHERIT_SHARE, info.inherit);
	EXPECT_EQ(getuid(), info.owner);
	EXPECT_EQ(0, info.tasks);
	EXPECT_EQ(0, info.children);
	EXPECT_STREQ("test-view", info.name);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->view, F_GETFD));
}

TEST_F(view, name_unique_and_free_again)
{
	EXPECT_EQ(-EEXIST, view_create(self->control, "test-view"));
	ASSERT_EQ(0, view_destroy(self->view, 0));
	close(self->view);
	self->view = view_create(self->control, "test-view");
	EXPECT_LE(0, self->view);
}

TEST_F(view, open_by_id_and_name)
{
	struct viewos_view_info info, other;
	int fd;

	ASSERT_EQ(0, view_info(self->view, &info));
	fd = view_open(self->control, info.id, "", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, view_info(fd, &other));
	EXPECT_EQ(info.id, other.id);
	close(fd);

	fd = view_open(self->control, 0, "test-view", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, view_info(fd, &other));
	EXPECT_EQ(info.id, other.id);
	close(fd);

	EXPECT_EQ(-ENOENT, view_open(self->control, 0, "no-such-view", 0));
	EXPECT_EQ(-ENOENT, view_open(self->control, UINT64_MAX, "", 0));
}

TEST_F(view, gone_with_last_reference)
{
	struct viewos_view_info info;

	ASSERT_EQ(0, view_info(self->view, &info));
	close(self->view);
	EXPECT_EQ(-ENOENT, view_open(self->control, info.id, "", 0));
	EXPECT_EQ(-ENOENT, view_open(self->control, 0, "test-view", 0));
	self->view = -1;
}

TEST_F(view, enter_and_share)
{
	struct viewos_view_info info;

	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(VIEWOS_VIEW_ROOT, view_self());
	EXPECT_EQ(0, IN_CHILD(({
		int bad = view_enter(self->view);

		bad |= view_self() != info.id;
		/* A child, its child, a vfork, and an exec. */
		bad |= IN_CHILD(view_self() != info.id || IN_CHILD(view_self() != info.id));
		bad |= system("exit 0");
		bad;
	})));
	ASSERT_TRUE(view_has_tasks(self->view, 0));
	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_LE(4, info.tasks_total);
}

static void *thread_self(void *id)
{
	*(uint64_t *)id = view_self();
	return NULL;
}

TEST_F(view, threads_share_even_if_nesting)
{
	int nest = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_NEST);
	struct viewos_view_info info;

	ASSERT_LE(0, nest);
	ASSERT_EQ(0, view_info(nest, &info));
	EXPECT_EQ(0, IN_CHILD(({
		uint64_t id = 0;
		pthread_t thread;
		int bad = view_enter(nest);

		bad |= pthread_create(&thread, NULL, thread_self, &id);
		pthread_join(thread, NULL);
		bad || id != info.id;
	})));
	close(nest);
}

static void *thread_pause(void *unused)
{
	pause();
	return unused;
}

TEST_F(view, enter_refused_with_threads)
{
	EXPECT_EQ(EINVAL, IN_CHILD(({
		pthread_t thread;

		pthread_create(&thread, NULL, thread_pause, NULL);
		-view_enter(self->view);
	})));
}

TEST_F(view, nest)
{
	struct viewos_view_info info;

	ASSERT_EQ(0, view_set(self->view, VIEWOS_INHERIT_NEST));
	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(0, IN_CHILD(({
		int bad = view_enter(self->view);
		uint64_t parent = view_self();

		bad |= parent != info.id;
		bad |= IN_CHILD(({
			struct viewos_view_info child;
			int fd = view_open(self->control, 0, "", VIEWOS_VIEW_OPEN_SELF);
			int worse = view_info(fd, &child);

			close(fd);
			worse |= child.parent_id != parent || child.depth != 2;
			worse |= child.inherit != VIEWOS_INHERIT_NEST;
			worse || IN_CHILD(view_self() == child.id);
		}));
		bad;
	})));
	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(0, info.children);
}

TEST_F(view, nest_depth_limit_fails_fork)
{
	/* Each generation forks once; the one at the limit must not get a child. */
	ASSERT_EQ(0, view_set(self->view, VIEWOS_INHERIT_NEST));
	EXPECT_EQ(VIEWOS_DEPTH_MAX, IN_CHILD(({
		struct viewos_view_info info = { };
		int fd, status = 0;
		pid_t pid;

		if (view_enter(self->view))
			_exit(255);
		while ((pid = fork()) == 0)
			;
		if (pid > 0) {
			status = child_status(pid);
		} else if (errno == EAGAIN) {
			fd = view_open(self->control, 0, "", VIEWOS_VIEW_OPEN_SELF);
			view_info(fd, &info);
			status = info.depth;
		}
		status;
	})));
}

TEST_F(view, leave)
{
	ASSERT_EQ(0, view_set(self->view, VIEWOS_INHERIT_LEAVE));
	EXPECT_EQ(0, IN_CHILD(({
		int bad = view_enter(self->view);

		bad |= view_self() == VIEWOS_VIEW_ROOT;
		bad || IN_CHILD(view_self() != VIEWOS_VIEW_ROOT);
	})));
}

TEST_F(view, no_way_up_without_privilege)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);

	ASSERT_LE(0, child);
	EXPECT_EQ(EPERM, IN_CHILD(({
		if (view_enter(child) || become_nobody())
			_exit(255);
		-view_enter(self->view);
	})));
	/* root may. */
	EXPECT_EQ(0, IN_CHILD(({
		if (view_enter(child))
			_exit(255);
		-view_enter(self->view);
	})));
	close(child);
}

TEST_F(view, foreign_view_refused)
{
	struct viewos_view_info info;

	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(EPERM, IN_CHILD(({
		if (become_nobody())
			_exit(255);
		-view_open(self->control, info.id, "", 0);
	})));
	EXPECT_EQ(ENOENT, IN_CHILD(({
		if (become_nobody())
			_exit(255);
		-view_open(self->control, 0, "test-view", 0);
	})));
	EXPECT_EQ(EPERM, IN_CHILD(({
		if (become_nobody())
			_exit(255);
		-view_set(self->view, VIEWOS_INHERIT_NEST);
	})));
	EXPECT_EQ(EPERM, IN_CHILD(({
		if (become_nobody())
			_exit(255);
		-view_destroy(self->view, VIEWOS_VIEW_DESTROY_KILL);
	})));
	EXPECT_EQ(EPERM, IN_CHILD(({
		if (become_nobody())
			_exit(255);
		-view_open(self->control, VIEWOS_VIEW_ROOT, "", 0);
	})));
}

TEST_F(view, unprivileged_enter_sets_no_new_privs)
{
	EXPECT_EQ(1, IN_CHILD(({
		if (become_nobody() || view_enter(view_create(self->control, "mine")))
			_exit(255);
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	})));
	EXPECT_EQ(0, IN_CHILD(({
		if (view_enter(self->view))
			_exit(255);
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	})));
}

TEST_F(view, leave_needs_privilege_over_parent)
{
	EXPECT_EQ(EPERM, IN_CHILD(({
		if (become_nobody())
			_exit(255);
		-view_create_in(self->control, -1, "", VIEWOS_INHERIT_LEAVE);
	})));
}

TEST_F(view, destroy_busy_then_kill)
{
	pid_t pid = fork();

	if (!pid) {
		if (view_enter(self->view))
			_exit(255);
		fork();
		for (;;)
			pause();
	}
	ASSERT_TRUE(view_has_tasks(self->view, 2));
	EXPECT_EQ(-EBUSY, view_destroy(self->view, 0));
	EXPECT_EQ(0, view_destroy(self->view, VIEWOS_VIEW_DESTROY_KILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_TRUE(view_has_tasks(self->view, 0));
	/* A destroyed view takes nobody in, and gets no children. */
	EXPECT_EQ(ENOENT, IN_CHILD(-view_enter(self->view)));
	EXPECT_EQ(-ENOENT, view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE));
}

TEST_F(view, kill_reaches_a_fork_storm)
{
	pid_t pid;
	int round;

	for (round = 0; round < 5; round++) {
		int view = view_create(self->control, "");

		ASSERT_LE(0, view);
		pid = fork();
		if (!pid) {
			if (view_enter(view))
				_exit(255);
			signal(SIGCHLD, SIG_IGN);
			for (;;)
				if (fork() == 0 && fork() == 0)
					_exit(0);
				else
					usleep(100);
		}
		sleep_ms(50);
		EXPECT_EQ(0, view_destroy(view, VIEWOS_VIEW_DESTROY_KILL));
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_TRUE(view_has_tasks(view, 0));
		close(view);
	}
}

TEST_F(view, child_keeps_parent)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	struct viewos_view_info info;
	uint64_t parent;

	ASSERT_LE(0, child);
	ASSERT_EQ(0, view_info(child, &info));
	parent = info.parent_id;
	close(self->view);
	self->view = view_open(self->control, parent, "", 0);
	EXPECT_LE(0, self->view);
	close(child);
}

TEST_F(view, thousand_views)
{
	struct viewos_view_info info;
	struct rlimit { unsigned long cur, max; } limit = { 4096, 4096 };
	static int fds[1000];
	size_t i;

	ASSERT_EQ(0, syscall(SYS_setrlimit, 7 /* RLIMIT_NOFILE */, &limit));
	for (i = 0; i < 1000; i++) {
		char name[VIEWOS_NAME_LEN];

		snprintf(name, sizeof(name), "many-%zu", i);
		fds[i] = view_create_in(self->control, self->view, name, VIEWOS_INHERIT_SHARE);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(1000, info.children);
	EXPECT_EQ(0, IN_CHILD(view_enter(fds[999]) || system("true")));
	for (i = 0; i < 1000; i++)
		close(fds[i]);
	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(0, info.children);
}

TEST_F(view, depth_limit)
{
	int depth, view = self->view, next;

	for (depth = 1; ; depth++) {
		next = view_create_in(self->control, view, "", VIEWOS_INHERIT_SHARE);
		if (view != self->view)
			close(view);
		if (next < 0)
			break;
		view = next;
	}
	EXPECT_EQ(-ENOSPC, next);
	EXPECT_EQ(VIEWOS_DEPTH_MAX, depth);
}

/* Views come and go while others fork; nobody may get lost or stay. */
TEST_F(view, fork_storm_while_views_come_and_go)
{
	pid_t pids[4];
	size_t i;

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int round = 0; round < 30; round++) {
			int bad = IN_CHILD(({
				int view = view_create(self->control, "");
				int err = view < 0 || view_enter(view);
				uint64_t id = view_self();

				for (int n = 0; n < 10; n++)
					err |= IN_CHILD(view_self() != id);
				err;
			}));
			if (bad)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, child_status(pids[i]));
}

TEST_HARNESS_MAIN
