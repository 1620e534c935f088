// SPDX-License-Identifier: GPL-2.0
/*
 * Locks that the server keeps: fcntl(2), flock(2), locks of open files; and those that the
 * kernel keeps where the server does not want to.
 *
 * The server is a process of the test's own. It has one file, "file", and writes down what it is
 * asked.
 */

#include "../fake_server.h"

#include <sys/file.h>
#include <sys/mman.h>

#define SERVER "locks-test"
#define LOCKS_MAX 32

#define FLAGS_BOTH (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS)

/* One that somebody has, or waits for: then with the unique of the request. */
struct held {
	uint64_t unique;
	uint64_t owner;
	uint64_t fh;
	bool flock;
	struct fuse_file_lock lk;
};

/* What the server and the test share. The test changes the first few only. */
struct record {
	uint32_t flags;		/* what the server takes at INIT */
	bool deaf;		/* interrupts are not heeded */
	bool no_flush;		/* FLUSH is ENOSYS */
	bool no_open;		/* OPEN is ENOSYS */
	bool telling;
	struct fuse_file_lock tell;	/* what GETLK says then */
	uint32_t asked[64];	/* requests by opcode */
	uint32_t waiting;	/* for a lock */
	uint32_t held;
	uint32_t early;		/* RELEASEs of what a request was still using */
	uint32_t unlocks_at_release;
	uint64_t opened;
};

struct lock_server {
	struct fake_server fake;
	struct record *record;
	struct held held[LOCKS_MAX];
	struct held waiting[LOCKS_MAX];
	uint32_t nr_held;
};

FIXTURE(locks)
{
	char dir[32];
	struct record *record;
	pid_t server;
};

static void held_add(struct lock_server *server, const struct held *lock)
{
	if (server->nr_held == LOCKS_MAX)
		abort();
	server->held[server->nr_held++] = *lock;
	server->record->held = server->nr_held;
}

static bool overlap(const struct fuse_file_lock *a, const struct fuse_file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* Another owner's, of the same kind, that is in the way; or NULL. */
static const struct held *conflict(const struct lock_server *server, const struct held *want)
{
	for (uint32_t i = 0; i < server->nr_held; i++) {
		const struct held *lock = &server->held[i];

		if (lock->flock == want->flock && lock->owner != want->owner &&
		    overlap(&lock->lk, &want->lk) &&
		    (lock->lk.type == F_WRLCK || want->lk.type == F_WRLCK))
			return lock;
	}
	return NULL;
}

/* Takes a range away from an owner; what is left at either side of it stays. */
static void held_cut(struct lock_server *server, const struct held *cut)
{
	uint32_t i = 0;

	while (i < server->nr_held) {
		struct held lock = server->held[i], part;

		if (lock.flock != cut->flock || lock.owner != cut->owner ||
		    !overlap(&lock.lk, &cut->lk)) {
			i++;
			continue;
		}
		server->held[i] = server->held[--server->nr_held];
		part = lock;
		part.lk.end = cut->lk.start - 1;
		if (lock.lk.start < cut->lk.start)
			held_add(server, &part);
		part = lock;
		part.lk.start = cut->lk.end + 1;
		if (lock.lk.end > cut->lk.end)
			held_add(server, &part);
		i = 0;
	}
	server->record->held = server->nr_held;
}

static void lock_take(struct lock_server *server, const struct held *lock)
{
	held_cut(server, lock);
	if (lock->lk.type != F_UNLCK)
		held_add(server, lock);
}

/* Gives what can be given to those who wait. */
static void waiting_grant(struct lock_server *server)
{
	for (int i = 0; i < LOCKS_MAX; i++) {
		struct held *lock = &server->waiting[i];
		uint64_t unique = lock->unique;

		if (!unique || conflict(server, lock))
			continue;
		lock_take(server, lock);
		lock->unique = 0;
		server->record->waiting--;
		fake_reply(&server->fake, unique, 0, NULL, 0);
	}
}

static void waiting_add(struct lock_server *server, const struct held *lock)
{
	int i = 0;

	while (server->waiting[i].unique)
		if (++i == LOCKS_MAX)
			abort();
	server->waiting[i] = *lock;
	server->record->waiting++;
}

static void serve_setlk(struct lock_server *server, const struct fuse_in_header *in,
			const struct fuse_lk_in *body)
{
	const struct held lock = {
		.unique = in->unique, .owner = body->owner, .fh = body->fh,
		.flock = body->lk_flags & FUSE_LK_FLOCK, .lk = body->lk,
	};

	if (body->lk.type != F_UNLCK && conflict(server, &lock)) {
		if (in->opcode == FUSE_SETLKW)
			waiting_add(server, &lock);
		else
			fake_reply(&server->fake, in->unique, -EAGAIN, NULL, 0);
		return;
	}
	lock_take(server, &lock);
	/* Who waits is answered first: if it is dead, that is undone before anything else. */
	waiting_grant(server);
	fake_reply(&server->fake, in->unique, 0, NULL, 0);
}

static void serve_getlk(struct lock_server *server, const struct fuse_in_header *in,
			const struct fuse_lk_in *body)
{
	const struct held want = { .owner = body->owner, .lk = body->lk };
	const struct held *lock = conflict(server, &want);
	struct fuse_lk_out out = { .lk = { .type = F_UNLCK } };

	if (lock)
		out.lk = lock->lk;
	if (server->record->telling)
		out.lk = server->record->tell;
	fake_reply(&server->fake, in->unique, 0, &out, sizeof(out));
}

static void unlock_owner(struct lock_server *server, uint64_t owner, bool flock)
{
	const struct held all = { .owner = owner, .flock = flock, .lk = { .end = INT64_MAX } };

	held_cut(server, &all);
	waiting_grant(server);
}

static void serve_interrupt(struct lock_server *server, const struct fuse_interrupt_in *body)
{
	for (int i = 0; i < LOCKS_MAX && !server->record->deaf; i++) {
		struct held *lock = &server->waiting[i];

		if (lock->unique != body->unique)
			continue;
		lock->unique = 0;
		server->record->waiting--;
		fake_reply(&server->fake, body->unique, -EINTR, NULL, 0);
	}
}

static void serve_release(struct lock_server *server, const struct fuse_in_header *in,
			  const struct fuse_release_in *body)
{
	for (int i = 0; i < LOCKS_MAX; i++)
		if (server->waiting[i].unique && server->waiting[i].fh == body->fh)
			server->record->early++;
	if (body->release_flags & FUSE_RELEASE_FLOCK_UNLOCK) {
		server->record->unlocks_at_release++;
		unlock_owner(server, body->lock_owner, true);
	}
	fake_reply(&server->fake, in->unique, 0, NULL, 0);
}

static void serve_one(struct lock_server *server, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = 7, .minor = 36, .max_write = 65536, .flags = server->record->flags,
	};
	struct fuse_open_out open = { .fh = ++server->record->opened };
	const void *body = in + 1;

	if (in->opcode < 64)
		server->record->asked[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		fake_reply(&server->fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETLK:
		serve_getlk(server, in, body);
		break;
	case FUSE_SETLK:
	case FUSE_SETLKW:
		serve_setlk(server, in, body);
		break;
	case FUSE_OPEN:
		fake_reply(&server->fake, in->unique, server->record->no_open ? -ENOSYS : 0, &open,
			   server->record->no_open ? 0 : sizeof(open));
		break;
	case FUSE_FLUSH:
		if (!server->record->no_flush)
			unlock_owner(server, ((const struct fuse_flush_in *)body)->lock_owner,
				     false);
		fake_reply(&server->fake, in->unique, server->record->no_flush ? -ENOSYS : 0,
			   NULL, 0);
		break;
	case FUSE_RELEASE:
		serve_release(server, in, body);
		break;
	case FUSE_INTERRUPT:
		serve_interrupt(server, body);
		break;
	default:
		fake_handle(&server->fake, in, body);
	}
}

static void serve(int session, void *data)
{
	struct lock_server server = { .fake.session = session, .record = data };
	static char buffer[1 << 17] __attribute__((aligned(8)));
	ssize_t len;

	for (;;) {
		len = read(session, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR)
			break;
		if (len >= (ssize_t)sizeof(struct fuse_in_header))
			serve_one(&server, (void *)buffer);
	}
}

static int locks_mount(struct _test_data_locks *self, uint32_t flags, const char *options)
{
	int err;

	self->record->flags = flags;
	self->server = server_start(SERVER, serve, self->record);
	if (self->server < 0)
		return -ECHILD;
	err = viewfs_mount(SERVER, self->dir, options);
	return err ?: result(chdir(self->dir));
}

FIXTURE_SETUP(locks)
{
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/locks.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->record = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->record);
	/* What the tests' own children are told by a signal. */
	signal(SIGUSR1, SIG_IGN);
}

FIXTURE_TEARDOWN(locks)
{
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount(self->dir));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(0, self->record->early);
	rmdir(self->dir);
	munmap(self->record, sizeof(struct record));
}

/* Waits until a word that the server changes is this. */
static bool becomes(const volatile uint32_t *word, uint32_t value)
{
	for (int i = 0; i < 10000 && *word != value; i++)
		sleep_ms(1);
	return *word == value;
}

static int lock_cmd(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return result(fcntl(fd, cmd, &lock));
}

static int lock_write(int fd)
{
	return lock_cmd(fd, F_SETLK, F_WRLCK, 0, 0);
}

/* A child that waits for the whole file, and then exits with 0 or the errno. */
static pid_t child_waits(int fd, void (*before)(void))
{
	pid_t pid = fork();

	if (!pid) {
		before();
		_exit(-lock_cmd(fd, F_SETLKW, F_WRLCK, 0, 0));
	}
	return pid;
}

static void nothing(void)
{
}

static void caught(int signal)
{
}

static void catch_it(void)
{
	const struct sigaction action = { .sa_handler = caught };

	sigaction(SIGUSR1, &action, NULL);
}

static void catch_and_restart(void)
{
	const struct sigaction action = { .sa_handler = caught, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
}

TEST_F(locks, local_ones)
{
	int fd;

	ASSERT_EQ(0, locks_mount(self, 0, ""));
	fd = open("file", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lock_write(fd));
	EXPECT_EQ(0, flock(fd, LOCK_EX));
	EXPECT_EQ(EAGAIN, IN_CHILD(-lock_write(open("file", O_RDWR))));
	EXPECT_EQ(EAGAIN, IN_CHILD(-result(flock(open("file", O_RDWR), LOCK_SH | LOCK_NB))));
	close(fd);
	EXPECT_EQ(0, self->record->asked[FUSE_SETLK] + self->record->asked[FUSE_GETLK]);
}

TEST_F(locks, one_kind_only)
{
	int fd;

	ASSERT_EQ(0, locks_mount(self, FUSE_POSIX_LOCKS, ""));
	fd = open("file", O_RDWR);
	EXPECT_EQ(0, flock(fd, LOCK_EX));
	EXPECT_EQ(0, self->record->held);
	EXPECT_EQ(EAGAIN, IN_CHILD(-result(flock(open("file", O_RDWR), LOCK_EX | LOCK_NB))));
	EXPECT_EQ(0, lock_write(fd));
	EXPECT_EQ(1, self->record->held);
	close(fd);
	EXPECT_EQ(0, self->record->unlocks_at_release);
}

TEST_F(locks, of_processes)
{
	pid_t own = getpid();
	int fd, other;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_WRLCK, 10, 10));
	/* The same process is the same owner, by whatever file. */
	other = open("file", O_RDWR);
	EXPECT_EQ(0, lock_cmd(other, F_SETLK, F_WRLCK, 12, 2));
	EXPECT_EQ(0, IN_CHILD(({
		struct flock got = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

		fcntl(fd, F_GETLK, &got) || got.l_type != F_WRLCK || got.l_pid != own ||
			got.l_start < 10 || got.l_start + got.l_len > 20;
	})));
	EXPECT_EQ(0, IN_CHILD(({
		struct flock got = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 10 };

		fcntl(fd, F_GETLK, &got) || got.l_type != F_UNLCK;
	})));
	EXPECT_EQ(EAGAIN, IN_CHILD(-lock_cmd(fd, F_SETLK, F_RDLCK, 15, 1)));
	ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_UNLCK, 14, 3));
	EXPECT_EQ(0, IN_CHILD(-lock_cmd(fd, F_SETLK, F_RDLCK, 15, 1)));
	/* That child's went with it; the others go with any file that is closed. */
	EXPECT_EQ(0, lock_cmd(fd, F_SETLK, F_WRLCK, 15, 1));
	close(open("file", O_RDONLY));
	EXPECT_EQ(0, self->record->held);
	EXPECT_EQ(0, IN_CHILD(-lock_write(fd)));
	/* Of a file that is open for reading, too. */
	close(other);
	other = open("file", O_RDONLY);
	EXPECT_EQ(-EBADF, lock_write(other));
	EXPECT_EQ(0, lock_cmd(other, F_SETLK, F_RDLCK, 0, 0));
	EXPECT_EQ(EAGAIN, IN_CHILD(-lock_write(fd)));
	close(other);
	EXPECT_EQ(0, IN_CHILD(-lock_write(fd)));
	close(fd);
}

/* Nobody waits for the server when a process exits, and its locks are free all the same. */
TEST_F(locks, of_one_that_exits)
{
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, IN_CHILD(-lock_write(open("file", O_RDWR))));
		ASSERT_EQ(0, lock_write(fd));
		ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 0));
		ASSERT_EQ(0, IN_CHILD(-result(flock(open("file", O_RDWR), LOCK_EX))));
		ASSERT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
		ASSERT_EQ(0, flock(fd, LOCK_UN));
	}
	close(fd);
}

TEST_F(locks, waiting)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_write(fd));
	pid = child_waits(fd, nothing);
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, child_status(pid));
	close(fd);
}

TEST_F(locks, interrupted)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_write(fd));
	pid = child_waits(fd, catch_it);
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(EINTR, child_status(pid));
	EXPECT_EQ(0, self->record->waiting);
	/* Or it goes on waiting, by a new request. */
	pid = child_waits(fd, catch_and_restart);
	ASSERT_TRUE(becomes(&self->record->asked[FUSE_SETLKW], 2));
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	kill(pid, SIGUSR1);
	EXPECT_TRUE(becomes(&self->record->asked[FUSE_SETLKW], 3));
	EXPECT_TRUE(becomes(&self->record->waiting, 1));
	ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, child_status(pid));
	close(fd);
}

/* Who is killed does not have what it is given later, and its file is not released before. */
TEST_F(locks, killed_while_waiting)
{
	pid_t pid;
	int fd;

	self->record->deaf = true;
	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_write(fd));
	pid = fork();
	if (!pid)
		_exit(lock_cmd(open("file", O_RDWR), F_SETLKW, F_WRLCK, 0, 0));
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_EQ(1, self->record->waiting);
	ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, lock_write(fd));
	EXPECT_EQ(1, self->record->held);
	close(fd);
	/* The same with flock(2), and the file closed by an unmount at the latest. */
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, flock(fd, LOCK_EX));
	pid = fork();
	if (!pid)
		_exit(-result(flock(open("file", O_RDWR), LOCK_EX)));
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	ASSERT_EQ(0, flock(fd, LOCK_UN));
	EXPECT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
	/* And one whom nobody ever answers. */
	pid = fork();
	if (!pid)
		_exit(-result(flock(open("file", O_RDWR), LOCK_EX)));
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	kill(self->server, SIGKILL);
	close(fd);
}

TEST_F(locks, of_open_files)
{
	int fd, second;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	second = open("file", O_RDWR);
	ASSERT_EQ(0, lock_cmd(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
	EXPECT_EQ(-EAGAIN, lock_cmd(second, F_OFD_SETLK, F_WRLCK, 0, 0));
	EXPECT_EQ(0, IN_CHILD(-lock_cmd(fd, F_OFD_SETLK, F_WRLCK, 0, 0)));
	close(open("file", O_RDONLY));
	EXPECT_EQ(-EAGAIN, lock_cmd(second, F_OFD_SETLK, F_WRLCK, 0, 0));
	EXPECT_EQ(EAGAIN, IN_CHILD(-lock_write(second)));
	close(fd);
	EXPECT_EQ(0, lock_cmd(second, F_OFD_SETLK, F_WRLCK, 0, 0));
	close(second);
	EXPECT_TRUE(becomes(&self->record->held, 0));
}

TEST_F(locks, flock)
{
	int fd, second, copy;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDONLY);
	second = open("file", O_RDONLY);
	ASSERT_EQ(0, flock(fd, LOCK_SH));
	EXPECT_EQ(0, flock(second, LOCK_SH | LOCK_NB));
	EXPECT_EQ(-EAGAIN, result(flock(fd, LOCK_EX | LOCK_NB)));
	ASSERT_EQ(0, flock(second, LOCK_UN));
	EXPECT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(-EAGAIN, result(flock(second, LOCK_SH | LOCK_NB)));
	/* It does not meet those of fcntl(2), nor go with another file, nor with a copy. */
	EXPECT_EQ(0, lock_cmd(second, F_SETLK, F_RDLCK, 0, 0));
	close(open("file", O_RDONLY));
	copy = dup(fd);
	close(fd);
	EXPECT_EQ(0, IN_CHILD(close(copy)));
	EXPECT_EQ(-EAGAIN, result(flock(second, LOCK_SH | LOCK_NB)));
	close(copy);
	EXPECT_EQ(0, flock(second, LOCK_SH | LOCK_NB));
	EXPECT_EQ(1, self->record->unlocks_at_release);
	close(second);
}

TEST_F(locks, without_flush_and_open)
{
	int fd, second;

	self->record->no_flush = true;
	self->record->no_open = true;
	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	for (int i = 0; i < 3; i++) {
		fd = open("file", i ? O_RDONLY : O_RDWR);
		second = open("file", O_RDWR);
		ASSERT_LE(0, second);
		ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_RDLCK, 0, 0));
		ASSERT_EQ(0, lock_cmd(fd, F_OFD_SETLK, F_RDLCK, 0, 0));
		ASSERT_EQ(0, flock(fd, LOCK_EX));
		EXPECT_EQ(EAGAIN, IN_CHILD(-lock_write(second)));
		close(fd);
		EXPECT_EQ(0, IN_CHILD(-lock_write(second)));
		EXPECT_EQ(0, flock(second, LOCK_EX | LOCK_NB));
		close(second);
	}
	EXPECT_EQ(0, self->record->asked[FUSE_RELEASE]);
	EXPECT_TRUE(becomes(&self->record->held, 0));
}

/* A lock may take longer than a request may. */
TEST_F(locks, no_timeout)
{
	struct stat st;
	pid_t pid;
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, "timeout=1"));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_write(fd));
	pid = child_waits(fd, nothing);
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-ETIMEDOUT, result(stat("deaf", &st)));
	EXPECT_EQ(1, self->record->waiting);
	ASSERT_EQ(0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, child_status(pid));
	close(fd);
}

TEST_F(locks, server_dies)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_write(fd));
	pid = child_waits(fd, nothing);
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	kill(self->server, SIGKILL);
	EXPECT_EQ(ENOTCONN, child_status(pid));
	EXPECT_EQ(-ENOTCONN, lock_write(fd));
	EXPECT_EQ(-ENOTCONN, result(flock(fd, LOCK_EX)));
	close(fd);
}

TEST_F(locks, forced_unmount)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	ASSERT_EQ(0, lock_write(fd));
	pid = child_waits(fd, nothing);
	ASSERT_TRUE(becomes(&self->record->waiting, 1));
	EXPECT_EQ(-EBUSY, result(umount2(self->dir, MNT_FORCE)));
	EXPECT_EQ(ENOTCONN, child_status(pid));
	close(fd);
}

TEST_F(locks, lies)
{
	static const struct fuse_file_lock lies[] = {
		{ .start = 10, .end = 9, .type = F_WRLCK },
		{ .start = 1ULL << 63, .end = UINT64_MAX, .type = F_WRLCK },
		{ .start = 0, .end = 1ULL << 63, .type = F_RDLCK },
		{ .start = 0, .end = 1, .type = 77 },
		{ .start = 0, .end = 1, .type = UINT32_MAX },
	};
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	fd = open("file", O_RDWR);
	self->record->telling = true;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		self->record->tell = lies[i];
		EXPECT_EQ(-EIO, result(fcntl(fd, F_GETLK, &lock)));
	}
	/* A process that cannot be seen is no process. */
	self->record->tell = (struct fuse_file_lock){
		.end = INT64_MAX, .type = F_RDLCK, .pid = UINT32_MAX };
	EXPECT_EQ(0, fcntl(fd, F_GETLK, &lock));
	EXPECT_EQ(F_RDLCK, lock.l_type);
	EXPECT_EQ(0, lock.l_pid);
	close(fd);
}

TEST_F(locks, real_programs)
{
	ASSERT_EQ(0, locks_mount(self, FLAGS_BOTH, ""));
	EXPECT_EQ(0, system("flock -n file flock -n -E 7 file true; test $? = 7"));
	EXPECT_EQ(0, system("flock -n file true"));
	EXPECT_EQ(0, system("flock -s file flock -s -n file true"));
	EXPECT_EQ(0, system("python3 -c '\n"
			    "import fcntl, os\n"
			    "f = open(\"file\", \"r+\")\n"
			    "fcntl.lockf(f, fcntl.LOCK_EX, 10, 5)\n"
			    "pid = os.fork()\n"
			    "if not pid:\n"
			    "    try:\n"
			    "        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 14)\n"
			    "        os._exit(1)\n"
			    "    except BlockingIOError:\n"
			    "        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 15)\n"
			    "        os._exit(0)\n"
			    "assert os.waitpid(pid, 0)[1] == 0\n"
			    "'"));
	EXPECT_LT(0, self->record->asked[FUSE_SETLK]);
	EXPECT_TRUE(becomes(&self->record->held, 0));
}

TEST_HARNESS_MAIN
