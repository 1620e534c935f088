// SPDX-License-Identifier: GPL-2.0
/* Rules that change while tasks make sockets, fork, enter views and die. */

#include "../viewos_test.h"

#include "../rules.h"

#include <sys/mman.h>

/* Counted by tasks in the view, watched by the test. */
struct shared {
	uint64_t denied;
	uint64_t made;
	uint64_t odd;
	int stop;
};

static struct shared *shared_create(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

static void count(struct shared *shared, int error)
{
	if (error == EACCES)
		__atomic_add_fetch(&shared->denied, 1, __ATOMIC_SEQ_CST);
	else if (!error)
		__atomic_add_fetch(&shared->made, 1, __ATOMIC_SEQ_CST);
	else
		__atomic_add_fetch(&shared->odd, 1, __ATOMIC_SEQ_CST);
}

static bool stopped(const struct shared *shared)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST);
}

/* Waits until the counter has grown by @by; false after a minute. */
static bool grows(const uint64_t *counter, uint64_t by)
{
	uint64_t from = __atomic_load_n(counter, __ATOMIC_SEQ_CST);
	int i;

	for (i = 0; i < 6000; i++) {
		if (__atomic_load_n(counter, __ATOMIC_SEQ_CST) >= from + by)
			return true;
		sleep_ms(10);
	}
	return false;
}

/* A task that is there all the time sees each change, and nothing else. */
TEST(live_changes)
{
	struct shared *shared = shared_create();
	int view = view_create(control_open(), "");
	uint64_t id;
	pid_t pid;

	ASSERT_NE(NULL, shared);
	pid = fork();
	if (!pid) {
		if (view_enter(view))
			_exit(1);
		while (!stopped(shared))
			count(shared, socket_error(AF_INET, SOCK_DGRAM, 0));
		_exit(0);
	}
	ASSERT_TRUE(grows(&shared->made, 3));
	for (int i = 0; i < 20; i++) {
		id = rule_id(view, rule_deny(AF_INET, ANY, ANY, EACCES));
		ASSERT_LT(0, id);
		ASSERT_TRUE(grows(&shared->denied, 2));
		ASSERT_EQ(0, rule_del(view, id));
		/* One may be under way. */
		ASSERT_TRUE(grows(&shared->made, 2));
	}
	shared->stop = 1;
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, shared->odd);
}

/* A change is there when the call returns: no later socket is made by the old rule. */
TEST(change_is_at_once)
{
	int view = view_create(control_open(), ""), to[2], from[2];
	uint64_t id = 0;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	pid = fork();
	if (!pid) {
		close(to[1]);
		if (view_enter(view))
			_exit(1);
		while (read(to[0], &byte, 1) == 1) {
			byte = socket_error(AF_INET, SOCK_DGRAM, 0);
			if (write(from[1], &byte, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		if (id) {
			ASSERT_EQ(0, rule_del(view, id));
			id = 0;
		} else {
			id = rule_id(view, rule_deny(AF_INET, ANY, ANY, 1 + i % 100));
			ASSERT_LT(0, id);
		}
		ASSERT_EQ(1, write(to[1], "", 1));
		ASSERT_EQ(1, read(from[0], &byte, 1));
		ASSERT_EQ(id ? 1 + i % 100 : 0, byte);
	}
	close(to[1]);
	EXPECT_EQ(0, child_status(pid));
}

/* Forks without end, each of which makes a socket. */
static void forker(struct shared *shared)
{
	pid_t pid;

	while (!stopped(shared)) {
		pid = fork();
		if (!pid) {
			count(shared, socket_error(AF_INET, SOCK_DGRAM, 0));
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	_exit(0);
}

TEST(fork_storm)
{
	static const uint32_t inherit[] = {
		VIEWOS_INHERIT_SHARE, VIEWOS_INHERIT_NEST, VIEWOS_INHERIT_SHARE,
	};
	struct shared *shared = shared_create();
	int control = control_open(), parent, views[3];
	uint64_t ids[3], above;
	pid_t pids[3];

	ASSERT_NE(NULL, shared);
	parent = view_create(control, "");
	for (int i = 0; i < 3; i++) {
		views[i] = view_create_in(control, parent, "", inherit[i]);
		ASSERT_LE(0, views[i]);
		pids[i] = fork();
		if (!pids[i]) {
			if (view_enter(views[i]))
				_exit(1);
			forker(shared);
		}
	}
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 3; i++) {
			ids[i] = rule_id(views[i], round % 2 ? rule_native() :
					 rule_deny(AF_INET, ANY, ANY, EACCES));
			ASSERT_LT(0, ids[i]);
		}
		above = rule_id(parent, rule_deny(AF_INET, SOCK_DGRAM, ANY, EACCES));
		ASSERT_LT(0, above);
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(0, rule_del(views[i], ids[i]));
		ASSERT_EQ(0, rule_del(parent, above));
	}
	/* Undisturbed, either way. */
	ASSERT_TRUE(grows(&shared->made, 10));
	above = rule_id(parent, rule_deny(AF_INET, SOCK_DGRAM, ANY, EACCES));
	ASSERT_TRUE(grows(&shared->denied, 10));
	shared->stop = 1;
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, child_status(pids[i]));
	EXPECT_EQ(0, shared->odd);
}

/* Rules are added, deleted and listed by many, while views are made and go. */
TEST(change_storm)
{
	struct shared *shared = shared_create();
	int control = control_open(), parent = view_create(control, "");
	pid_t pids[6];

	ASSERT_NE(NULL, shared);
	for (int i = 0; i < 6; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int round = 0; round < 60; round++) {
			int view = i % 2 ? view_create_in(control, parent, "",
							  VIEWOS_INHERIT_SHARE) : dup(parent);
			uint64_t id = rule_id(view, rule_deny(AF_INET, i, round, EACCES));
			int error;

			if (view < 0 || (!id && i))
				_exit(1);
			error = IN_VIEW(view, socket_error(AF_INET6, SOCK_STREAM, 0));
			if (error)
				_exit(2);
			if (id && rule_del(view, id))
				_exit(3);
			close(view);
		}
		_exit(0);
	}
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(0, child_status(pids[i]));
}

/* A view is killed while its rules change. */
TEST(killed_meanwhile)
{
	int control = control_open();

	for (int round = 0; round < 20; round++) {
		struct shared *shared = shared_create();
		int view = view_create(control, "");
		pid_t pid = fork();
		int ret;

		if (!pid) {
			if (view_enter(view))
				_exit(1);
			forker(shared);
		}
		ASSERT_TRUE(grows(&shared->made, 1));
		for (int i = 0; i < round; i++)
			ASSERT_EQ(0, deny(view, AF_INET, SOCK_DGRAM, ANY, EACCES));
		ASSERT_EQ(0, view_destroy(view, VIEWOS_VIEW_DESTROY_KILL));
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		/* A view that is being destroyed takes a rule or does not. */
		ret = deny(view, AF_INET, ANY, ANY, EACCES);
		EXPECT_TRUE(!ret || ret == -ENOENT);
		close(view);
		munmap(shared, 4096);
	}
}

TEST_HARNESS_MAIN
