// SPDX-License-Identifier: GPL-2.0
/*
 * Syncing a mount as a whole: who waits for the server, and who must not.
 *
 * The server is a process of the test's own, on the bare ABI. It holds requests back when it
 * is told to, until somebody looks "go" up; "self" makes it sync its own mount.
 */

#include "../recorded.h"

#include <sys/syscall.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define SERVER "sync-test"
#define HELD_MAX 8

/* What the server and the test share. */
struct record {
	int error;		/* with which SYNCFS is answered */
	int write_error;	/* the same of WRITE */
	bool die;		/* upon SYNCFS */
	uint32_t hold;		/* the opcode of requests that are held back */
	uint32_t asked[64];	/* requests by opcode */
	uint32_t early;		/* SYNCFS while a WRITE was not answered */
	uint64_t nodeid;	/* of the last SYNCFS */
	uint32_t len;		/* of its body */
};

FIXTURE(sync)
{
	RECORDED_FIELDS;
};

/* The server's own. */
static uint64_t held[HELD_MAX];
static uint32_t held_opcodes[HELD_MAX], held_sizes[HELD_MAX];
static int nr_held;

static void serve_answer(struct fake_server *fake, const struct record *record, uint64_t unique,
			 uint32_t opcode, uint32_t size)
{
	struct fuse_write_out out = { .size = size };

	if (opcode == FUSE_WRITE && !record->write_error)
		fake_reply(fake, unique, 0, &out, sizeof(out));
	else
		fake_reply(fake, unique, opcode == FUSE_WRITE ? record->write_error :
						       record->error, NULL, 0);
}

static void serve_sync(struct fake_server *fake, struct record *record,
		       const struct fuse_in_header *in)
{
	const struct fuse_write_in *write = (const void *)(in + 1);
	uint32_t size = in->opcode == FUSE_WRITE ? write->size : 0;
	int i;

	if (in->opcode == FUSE_SYNCFS) {
		record->nodeid = in->nodeid;
		record->len = in->len - sizeof(*in);
		for (i = 0; i < nr_held; i++)
			record->early += held_opcodes[i] == FUSE_WRITE;
		if (record->die)
			_exit(0);
	}
	if (record->hold == in->opcode && nr_held < HELD_MAX) {
		held[nr_held] = in->unique;
		held_opcodes[nr_held] = in->opcode;
		held_sizes[nr_held++] = size;
		return;
	}
	serve_answer(fake, record, in->unique, in->opcode, size);
}

static void serve_go(struct fake_server *fake, struct record *record)
{
	record->hold = 0;
	for (int i = 0; i < nr_held; i++)
		serve_answer(fake, record, held[i], held_opcodes[i], held_sizes[i]);
	nr_held = 0;
}

/* Syncs the mount that the server is of. It opens the root without a request. */
static int serve_self(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY), ret;

	if (fd < 0)
		return -EPROTO;
	ret = result(syncfs(fd));
	close(fd);
	return ret;
}

static void serve_lookup(struct fake_server *fake, struct record *record,
			 const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = { .nodeid = NODE_FILE, .entry_valid = 1000,
					.attr_valid = 1000 };

	if (!strcmp(name, "go"))
		serve_go(fake, record);
	if (!strcmp(name, "file")) {
		fake_attr(&entry.attr, NODE_FILE);
		fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
	} else if (!strcmp(name, "self")) {
		fake_reply(fake, in->unique, serve_self(fake->mountpoint), NULL, 0);
	} else {
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
	}
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct fuse_attr_out attr = { .attr_valid = 1000 };

	if (in->opcode < 64)
		__atomic_fetch_add(&record->asked[in->opcode], 1, __ATOMIC_SEQ_CST);
	switch (in->opcode) {
	case FUSE_LOOKUP:
		serve_lookup(fake, record, in, (const char *)(in + 1));
		break;
	case FUSE_GETATTR:
		fake_attr(&attr.attr, in->nodeid);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPENDIR:
		fake_reply(fake, in->unique, -ENOSYS, NULL, 0);
		break;
	case FUSE_SYNCFS:
	case FUSE_WRITE:
		serve_sync(fake, record, in);
		break;
	default:
		fake_handle(fake, in, in + 1);
	}
}

struct serving {
	struct record *record;
	const char *dir;
};

static void serve(int session, void *data)
{
	const struct serving *serving = data;

	recorded_serve(session, serving->record, serving->dir, serve_one);
}

FIXTURE_SETUP(sync)
{
	struct serving serving;

	RECORDED_SETUP();
	serving = (struct serving){ .record = self->record, .dir = self->dir };
	RECORDED_SERVER(serve, &serving);
}

FIXTURE_TEARDOWN(sync)
{
	RECORDED_TEARDOWN();
}

static int mounted(struct _test_data_sync *self)
{
	return RECORDED_MOUNT("");
}

static uint32_t asked(const struct _test_data_sync *self, uint32_t opcode)
{
	return __atomic_load_n(&self->record->asked[opcode], __ATOMIC_SEQ_CST);
}

/* Waits until there were so many of these requests. */
static bool comes(const struct _test_data_sync *self, uint32_t opcode, uint32_t count)
{
	for (int i = 0; i < 10000 && asked(self, opcode) < count; i++)
		sleep_ms(1);
	return asked(self, opcode) == count;
}

/* 0 or a negative errno. */
static int do_syncfs(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY), ret;

	if (fd < 0)
		return -errno;
	ret = result(syncfs(fd));
	close(fd);
	return ret;
}

/* A process that calls syncfs(2); its exit status is the errno. */
static pid_t syncing(void)
{
	pid_t pid = server_fork();

	if (!pid)
		_exit(-do_syncfs());
	return pid;
}

static bool running(pid_t pid)
{
	sleep_ms(100);
	return !waitpid(pid, NULL, WNOHANG);
}

static void go(void)
{
	struct stat st;

	stat("go", &st);
}

/*
 * Makes a page of the file dirty; NULL if it cannot. The kernel may write it back at any time
 * from then on, so how that is to be answered is said before.
 */
static char *make_dirty(void)
{
	int fd = open("file", O_RDWR);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	if (page == MAP_FAILED)
		return NULL;
	*page = 'y';
	return page;
}

TEST_F(sync, asks_the_server)
{
	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(0, do_syncfs());
	EXPECT_EQ(1, asked(self, FUSE_SYNCFS));
	EXPECT_EQ(FUSE_ROOT_ID, self->record->nodeid);
	EXPECT_EQ(sizeof(struct fuse_syncfs_in), self->record->len);
	EXPECT_EQ(0, do_syncfs());
	EXPECT_EQ(2, asked(self, FUSE_SYNCFS));
}

TEST_F(sync, tells_what_the_server_says)
{
	static const int errors[] = { -EIO, -ENOSPC, -EPERM };

	ASSERT_EQ(0, mounted(self));
	for (int i = 0; i < 3; i++) {
		self->record->error = errors[i];
		EXPECT_EQ(errors[i], do_syncfs());
	}
	self->record->error = 0;
	EXPECT_EQ(0, do_syncfs());
	EXPECT_EQ(4, asked(self, FUSE_SYNCFS));
}

TEST_F(sync, is_not_asked_of_who_cannot)
{
	self->record->error = -ENOSYS;
	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(0, do_syncfs());
	EXPECT_EQ(0, do_syncfs());
	sync();
	EXPECT_EQ(0, do_syncfs());
	EXPECT_EQ(1, asked(self, FUSE_SYNCFS));
}

TEST_F(sync, comes_after_the_data)
{
	char *page;
	pid_t pid;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = FUSE_WRITE;
	page = make_dirty();
	ASSERT_NE(NULL, page);
	pid = syncing();
	EXPECT_TRUE(comes(self, FUSE_WRITE, 1));
	EXPECT_TRUE(running(pid));
	EXPECT_EQ(0, asked(self, FUSE_SYNCFS));
	go();
	EXPECT_EQ(0, status_soon(pid));
	EXPECT_EQ(1, asked(self, FUSE_SYNCFS));
	EXPECT_EQ(0, self->record->early);
	munmap(page, 4096);
}

TEST_F(sync, tells_that_data_were_not_taken)
{
	char *page;
	int fd;

	ASSERT_EQ(0, mounted(self));
	fd = open(".", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	self->record->write_error = -EIO;
	page = make_dirty();
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EIO, result(syncfs(fd)));
	/* Told once. */
	EXPECT_EQ(0, result(syncfs(fd)));
	close(fd);
	munmap(page, 4096);
}

TEST_F(sync, can_be_killed_while_it_waits)
{
	static const uint32_t opcodes[] = { FUSE_SYNCFS, FUSE_WRITE };
	char *page;
	pid_t pid;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = FUSE_WRITE;
	page = make_dirty();
	ASSERT_NE(NULL, page);
	for (int i = 1; i >= 0; i--) {
		self->record->hold = opcodes[i];
		pid = syncing();
		EXPECT_TRUE(comes(self, opcodes[i], 1));
		EXPECT_TRUE(running(pid));
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, status_soon(pid));
		go();
	}
	EXPECT_EQ(0, do_syncfs());
	munmap(page, 4096);
}

TEST_F(sync, of_everything_does_not_wait)
{
	pid_t pid;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = FUSE_SYNCFS;
	for (int i = 0; i < 3; i++) {
		pid = server_fork();
		if (!pid) {
			sync();
			_exit(0);
		}
		EXPECT_EQ(0, status_soon(pid));
	}
	/* But it was sent, and not sent anew while nobody has answered. */
	EXPECT_TRUE(comes(self, FUSE_SYNCFS, 1));
	go();
	sync();
	EXPECT_TRUE(comes(self, FUSE_SYNCFS, 2));
}

/* A remount wants what one who syncs has, and sync(2) what a remount has. */
TEST_F(sync, that_waits_is_in_nobodys_way)
{
	pid_t pid, other;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = FUSE_SYNCFS;
	pid = syncing();
	EXPECT_TRUE(comes(self, FUSE_SYNCFS, 1));
	other = server_fork();
	if (!other)
		_exit(-result(mount(NULL, self->dir, NULL, MS_REMOUNT | MS_NOATIME, NULL)));
	EXPECT_EQ(0, status_soon(other));
	other = server_fork();
	if (!other) {
		sync();
		_exit(0);
	}
	EXPECT_EQ(0, status_soon(other));
	EXPECT_TRUE(running(pid));
	/* Nor is the mount's end. */
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount2(self->dir, MNT_DETACH));
	self->mounted = false;
	EXPECT_TRUE(running(pid));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_soon(pid));
}

TEST_F(sync, ends_with_the_server)
{
	ASSERT_EQ(0, mounted(self));
	self->record->die = true;
	EXPECT_EQ(-ENOTCONN, do_syncfs());
	sync();
}

TEST_F(sync, ends_with_a_server_that_was_killed)
{
	pid_t pid;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = FUSE_SYNCFS;
	pid = syncing();
	EXPECT_TRUE(comes(self, FUSE_SYNCFS, 1));
	kill(self->server, SIGKILL);
	EXPECT_EQ(ENOTCONN, status_soon(pid));
}

TEST_F(sync, by_the_server_itself)
{
	struct stat st;

	ASSERT_EQ(0, mounted(self));
	/* From now on directories are opened without a request. */
	EXPECT_EQ(0, do_syncfs());
	EXPECT_EQ(-EDEADLK, result(stat("self", &st)));
	EXPECT_EQ(1, asked(self, FUSE_SYNCFS));
}

/* In a view of its own; tells by the pipe which fd is the mount's, and stays. */
static void mount_in_view(const char *dir, int ready)
{
	int view = view_create(control_open(), ""), fd = -1;

	if (view >= 0 && !view_enter(view) && !own_mounts() && !viewfs_mount(SERVER, dir, ""))
		fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (write(ready, &fd, sizeof(fd)) == sizeof(fd))
		pause();
	_exit(0);
}

TEST_F(sync, from_outside_the_view)
{
	int ready[2], there = -1, fd;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = server_fork();
	if (!pid)
		mount_in_view(self->dir, ready[1]);
	ASSERT_EQ(sizeof(there), read(ready[0], &there, sizeof(there)));
	ASSERT_LE(0, there);
	fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), there, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, result(syncfs(fd)));
	EXPECT_EQ(0, asked(self, FUSE_SYNCFS));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

TEST_HARNESS_MAIN
