// SPDX-License-Identifier: GPL-2.0
/* io_uring in a view: workers and polling threads are of the view, and see its files. */

#include "../mem_server.h"
#include "../ring.h"

#include <dirent.h>

#define SERVER "uring-test"

static struct io_uring_sqe sqe_open(const char *path, int flags, uint8_t sqe_flags)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .flags = sqe_flags,
				      .fd = AT_FDCWD, .addr = (uintptr_t)path, .len = 0644,
				      .open_flags = flags };
}

/* How many threads of this process have a name that begins so. */
static size_t threads_named(const char *prefix)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	char path[300], comm[32] = "";
	size_t count = 0;
	FILE *file;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file) && !strncmp(comm, prefix, strlen(prefix)))
			count++;
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return count;
}

static bool thread_comes(const char *prefix)
{
	int i;

	for (i = 0; i < 1000 && !threads_named(prefix); i++)
		sleep_ms(10);
	return i < 1000;
}

FIXTURE(uring)
{
	struct ring ring;
	char dir[32];
	pid_t server;
	int view;
};

FIXTURE_VARIANT(uring)
{
	uint32_t setup;
	uint8_t sqe_flags;
	const char *thread;
};

FIXTURE_VARIANT_ADD(uring, inline)
{
	.setup = 0,
};

FIXTURE_VARIANT_ADD(uring, worker)
{
	.sqe_flags = IOSQE_ASYNC,
	.thread = "iou-wrk-",
};

FIXTURE_VARIANT_ADD(uring, sqpoll)
{
	.setup = IORING_SETUP_SQPOLL,
	.thread = "iou-sqp-",
};

/* The test itself enters the view: the harness gave it a process of its own. */
FIXTURE_SETUP(uring)
{
	int err;

	self->server = -1;
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/uring.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->view = view_create(control_open(), "");
	ASSERT_LE(0, self->view);
	self->server = mem_start(SERVER);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, view_enter(self->view));
	ASSERT_EQ(0, mem_mount(SERVER, self->dir));
	err = ring_create(&self->ring, variant->setup);
	if (err == -EPERM)
		SKIP(return, "io_uring is not permitted (kernel.io_uring_disabled?)");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(uring)
{
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
}

TEST_F(uring, files)
{
	struct io_uring_sqe sqe;
	char name[64], other[64], text[] = "in the view", back[32] = "";
	struct statx stx = { };
	int fd;

	snprintf(name, sizeof(name), "%s/file", self->dir);
	snprintf(other, sizeof(other), "%s/other", self->dir);

	sqe = sqe_open(name, O_RDWR, variant->sqe_flags);
	EXPECT_EQ(-ENOENT, ring_do(&self->ring, &sqe));
	sqe = sqe_open(name, O_RDWR | O_CREAT, variant->sqe_flags);
	fd = ring_do(&self->ring, &sqe);
	ASSERT_LE(0, fd);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .flags = variant->sqe_flags,
				     .fd = fd, .addr = (uintptr_t)text, .len = sizeof(text) };
	EXPECT_EQ(sizeof(text), ring_do(&self->ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_FSYNC, .flags = variant->sqe_flags,
				     .fd = fd };
	EXPECT_EQ(0, ring_do(&self->ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_READ, .flags = variant->sqe_flags,
				     .fd = fd, .addr = (uintptr_t)back, .len = sizeof(back) };
	EXPECT_EQ(sizeof(text), ring_do(&self->ring, &sqe));
	EXPECT_STREQ(text, back);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .flags = variant->sqe_flags,
				     .fd = fd };
	EXPECT_EQ(0, ring_do(&self->ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT, .flags = variant->sqe_flags,
				     .fd = AT_FDCWD, .addr = (uintptr_t)name, .len = AT_FDCWD,
				     .addr2 = (uintptr_t)other };
	EXPECT_EQ(0, ring_do(&self->ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_STATX, .flags = variant->sqe_flags,
				     .fd = AT_FDCWD, .addr = (uintptr_t)other,
				     .len = STATX_BASIC_STATS, .off = (uintptr_t)&stx };
	EXPECT_EQ(0, ring_do(&self->ring, &sqe));
	EXPECT_EQ(sizeof(text), stx.stx_size);
	EXPECT_TRUE(S_ISREG(stx.stx_mode));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT, .flags = variant->sqe_flags,
				     .fd = AT_FDCWD, .addr = (uintptr_t)other };
	EXPECT_EQ(0, ring_do(&self->ring, &sqe));
	EXPECT_EQ(-ENOENT, ring_do(&self->ring, &sqe));

	/* It was the kind of thread that we mean to test. */
	EXPECT_TRUE(!variant->thread || threads_named(variant->thread));
}

/* Whatever thread does it is a task of this view, as threads are, even if it nests. */
TEST_F(uring, threads_are_tasks_of_the_view)
{
	struct io_uring_sqe sqe = sqe_open(self->dir, O_RDONLY, variant->sqe_flags);
	struct viewos_view_info info;
	struct ring ring;

	ASSERT_EQ(0, view_set(self->view, VIEWOS_INHERIT_NEST));
	ASSERT_EQ(0, ring_create(&ring, variant->setup));
	ASSERT_LE(0, ring_do(&ring, &sqe));
	ASSERT_TRUE(!variant->thread || threads_named(variant->thread));
	EXPECT_TRUE(view_has_tasks(self->view, threads_named("")));
	ASSERT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(0, info.children);
}

/* A process with a worker has a second thread, with which there is no entering. */
TEST_F(uring, no_enter_with_a_worker)
{
	struct io_uring_sqe sqe = sqe_open(self->dir, O_RDONLY, variant->sqe_flags);
	int beneath = view_create_in(control_open(), self->view, "", VIEWOS_INHERIT_SHARE);

	ASSERT_LE(0, beneath);
	ASSERT_LE(0, ring_do(&self->ring, &sqe));
	ASSERT_TRUE(!variant->thread || threads_named(variant->thread));
	EXPECT_EQ(threads_named("") > 1 ? -EINVAL : 0, view_enter(beneath));
}

FIXTURE(worker)
{
	struct ring ring;
	char dir[32];
	char path[64];
	pid_t server;
	int view;
};

FIXTURE_SETUP(worker)
{
	int err;

	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/uring.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->view = view_create(control_open(), "");
	ASSERT_LE(0, self->view);
	self->server = fake_start(SERVER, self->dir);
	ASSERT_LT(0, self->server);
	err = ring_create(&self->ring, 0);
	if (err == -EPERM)
		SKIP(return, "io_uring is not permitted (kernel.io_uring_disabled?)");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(worker)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
}

TEST_F(worker, server_dies_under_it)
{
	struct io_uring_sqe sqe = sqe_open(self->path, O_RDONLY, IOSQE_ASYNC);

	ASSERT_EQ(0, view_enter(self->view));
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
	snprintf(self->path, sizeof(self->path), "%s/deaf", self->dir);
	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	ASSERT_TRUE(thread_comes("iou-wrk-"));
	EXPECT_TRUE(view_has_tasks(self->view, threads_named("")));
	sleep_ms(200);
	ASSERT_EQ(0, kill(self->server, SIGKILL));
	EXPECT_EQ(-ENOTCONN, ring_wait(&self->ring));
}

TEST_F(worker, is_killed_with_its_process)
{
	pid_t pid = fork();

	if (!pid) {
		struct io_uring_sqe sqe = sqe_open(self->path, O_RDONLY, IOSQE_ASYNC);
		struct ring ring;

		if (view_enter(self->view) || viewfs_mount(SERVER, self->dir, "") ||
		    ring_create(&ring, 0))
			_exit(1);
		snprintf(self->path, sizeof(self->path), "%s/deaf", self->dir);
		_exit(ring_do(&ring, &sqe) != 0);
	}
	ASSERT_TRUE(view_has_tasks(self->view, 2));
	ASSERT_EQ(0, view_destroy(self->view, VIEWOS_VIEW_DESTROY_KILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_TRUE(view_has_tasks(self->view, 0));
}

/*
 * A ring that was made outside: what is submitted from the view is done by the
 * submitter's own workers, and so in the view.
 */
TEST_F(worker, ring_from_outside)
{
	EXPECT_EQ(0, IN_CHILD(({
		struct io_uring_sqe sqe = sqe_open(self->path, O_RDONLY, IOSQE_ASYNC);
		int bad;

		bad = own_mounts() || view_enter(self->view) ||
		      viewfs_mount(SERVER, self->dir, "");
		snprintf(self->path, sizeof(self->path), "%s/file", self->dir);
		bad || ring_do(&self->ring, &sqe) < 0 || threads_named("iou-wrk-") != 1 ||
			!view_has_tasks(self->view, 2);
	})));
}

/*
 * But the polling thread of a ring from outside is its maker's: it works outside, with
 * the maker's files and memory. Who gives the ring to a view gives it that, as with any fd.
 */
TEST_F(worker, polling_ring_from_outside_works_outside)
{
	char *path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct io_uring_sqe sqe = sqe_open(path, O_RDONLY, 0);
	struct ring ring;

	ASSERT_NE(MAP_FAILED, path);
	if (ring_create(&ring, IORING_SETUP_SQPOLL))
		SKIP(return, "polling by a kernel thread is not permitted");
	EXPECT_EQ(EACCES, IN_CHILD(({
		if (own_mounts() || view_enter(self->view) || viewfs_mount(SERVER, self->dir, ""))
			_exit(255);
		strcpy(path, self->dir);
		if (ring_do(&ring, &sqe) < 0)
			_exit(254);
		snprintf(path, 4096, "%s/file", self->dir);
		if (access(path, F_OK) || ring_do(&ring, &sqe) != -ENOENT)
			_exit(253);
		/* Nor by a way round. */
		snprintf(path, 4096, "/proc/%d/root%s/file", getpid(), self->dir);
		access(path, F_OK) ? 252 : -ring_do(&ring, &sqe);
	})));
	EXPECT_EQ(1, threads_named("iou-sqp-"));
}

TEST_HARNESS_MAIN
