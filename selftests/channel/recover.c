// SPDX-License-Identifier: GPL-2.0
/*
 * recover=: a server dies, and another one goes on with its session.
 *
 * The test itself is the server, on the bare ABI, and dies by closing its fds; who uses
 * the mount are children, which have none of these. In the last tests servers are killed.
 */
#include "../fake_server.h"

#include <linux/viewos_path.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>

#define SERVER "recover-test"

/* How long a request is waited for, and how long none may come, in milliseconds. */
#define COMES	10000
#define STAYS_AWAY	200

FIXTURE(recover)
{
	char dir[32];
	struct viewos_server_accept accept;
	struct fake_server fake;
	int server;
};

/* A message of the kernel's. */
struct message {
	union {
		struct fuse_in_header in;
		char bytes[1 << 17];
	};
};

static struct message message;

static const void *message_body(void)
{
	return &message.in + 1;
}

static uint16_t message_flags(void)
{
	return ((const uint16_t *)message_body())[-1];
}

/* Reads a message; -ETIME if none comes. */
static int take(int session, int ms)
{
	struct pollfd fd = { .fd = session, .events = POLLIN };
	int ret = poll(&fd, 1, ms);

	if (ret != 1)
		return ret ? -errno : -ETIME;
	ret = result(read(session, &message, sizeof(message)));
	return ret < 0 ? ret : 0;
}

/* Reads the next one, which is to be this. */
static int take_opcode(int session, uint32_t opcode)
{
	int ret = take(session, COMES);

	return ret ? ret : message.in.opcode == opcode ? 0 : -EPROTO;
}

/* Answers what comes until a look-up comes, which is to be of this name. */
static int take_lookup(struct fake_server *fake, const char *name)
{
	int ret;

	for (;;) {
		ret = take(fake->session, COMES);
		if (ret || message.in.opcode == FUSE_LOOKUP)
			break;
		fake_handle(fake, &message.in, message_body());
	}
	return ret ? ret : strcmp(message_body(), name) ? -EPROTO : 0;
}

static uint32_t own_word(const void *body, size_t size)
{
	return ((const uint32_t *)((const char *)body + size))[-1];
}

/* What a server says to INIT. */
struct init {
	int error;
	uint32_t flags;
	uint32_t own;
	uint32_t max_write;
};

static const struct init init_good = {
	.flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC,
	.own = VIEWOS_PATH_RECOVER,
	.max_write = 65536,
};

/* Reads and answers INIT; what the kernel offered, or a negative errno. */
static int64_t init_answer(struct fake_server *fake, const struct init *init)
{
	struct fuse_init_out out = {
		.major = 7, .minor = 36, .max_readahead = 131072,
		.flags = init->flags, .max_write = init->max_write,
	};
	const struct fuse_init_in *in = message_body();
	int64_t offer;
	int ret;

	ret = take_opcode(fake->session, FUSE_INIT);
	if (ret)
		return ret;
	offer = (int64_t)own_word(in, sizeof(*in)) << 32 | in->flags;
	((uint32_t *)(&out + 1))[-1] = init->own;
	fake->held_len = 0;
	ret = fake_reply(fake, message.in.unique, init->error, &out,
			 init->error ? 0 : sizeof(out));
	return ret < 0 ? ret : offer;
}

/* Answers as the fake server does, until the process has ended; its exit status. */
static int serve_until(struct fake_server *fake, pid_t pid)
{
	int i, status;

	for (i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		/* A session that has ended says so at once. */
		if (take(fake->session, 10))
			sleep_ms(10);
		else
			fake_handle(fake, &message.in, message_body());
	}
	kill(pid, SIGKILL);
	return -ETIME;
}

/* A child that has none of our fds. */
static pid_t caller(void)
{
	pid_t pid = server_fork();

	if (!pid)
		close_range(3, ~0U, 0);
	return pid;
}

static int stat_name(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return -result(stat(path, &st));
}

static pid_t caller_stat(const char *dir, const char *name)
{
	pid_t pid = caller();

	if (!pid)
		_exit(stat_name(dir, name));
	return pid;
}

static int server_open(void)
{
	int i, ret, server, control = control_open();

	server = server_create(control);
	close(control);
	for (i = 0; i < 1000; i++) {
		ret = server_add(server, SERVER, false);
		if (ret != -EEXIST)
			break;
		sleep_ms(10);
	}
	if (ret) {
		close(server);
		return ret;
	}
	return server;
}

/* Waits at most so long for a session. */
static int accept_within(int server, struct viewos_server_accept *accept, int ms)
{
	struct pollfd fd = { .fd = server, .events = POLLIN };

	memset(accept, 0, sizeof(*accept));
	accept->flags = VIEWOS_ACCEPT_NONBLOCK;
	poll(&fd, 1, ms);
	return server_accept(server, accept);
}

/* Mounts, and is the server; 0 or the mount's negative errno, or what it offers. */
static int64_t mount_here(struct _test_data_recover *self, const char *options,
			  const struct init *init)
{
	int64_t offer;
	int status;
	pid_t pid;

	pid = caller();
	if (!pid)
		_exit(-viewfs_mount(SERVER, self->dir, options));
	self->fake.session = accept_within(self->server, &self->accept, COMES);
	if (self->fake.session < 0) {
		status = status_soon(pid);
		return status > 0 ? -status : self->fake.session;
	}
	offer = init_answer(&self->fake, init);
	status = serve_until(&self->fake, pid);
	return status ? -status : offer;
}

static void die(struct _test_data_recover *self)
{
	close(self->server);
	close(self->fake.session);
}

/* Another server comes and accepts what waits for it: 0 if that is the old session. */
static int follow(struct _test_data_recover *self)
{
	struct viewos_server_accept accept;

	self->server = server_open();
	if (self->server < 0)
		return self->server;
	self->fake.session = accept_within(self->server, &accept, COMES);
	if (self->fake.session < 0)
		return self->fake.session;
	return accept.session_id == self->accept.session_id ? 0 : -ESTALE;
}

/* The same, and is at work. */
static int recover(struct _test_data_recover *self)
{
	int ret = follow(self);
	int64_t offer;

	if (ret)
		return ret;
	offer = init_answer(&self->fake, &init_good);
	if (offer < 0)
		return offer;
	return offer >> 32 & VIEWOS_PATH_RECOVERING ? 0 : -EPROTO;
}

FIXTURE_SETUP(recover)
{
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/recover.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->fake.mountpoint = self->dir;
	self->fake.session = -1;
	self->server = server_open();
	ASSERT_LE(0, self->server);
}

FIXTURE_TEARDOWN(recover)
{
	while (!umount2(self->dir, MNT_FORCE | MNT_DETACH))
		;
	close(self->fake.session);
	close(self->server);
	rmdir(self->dir);
}

static bool mountinfo_has(const char *what)
{
	char line[4096];
	bool found = false;
	FILE *file = fopen("/proc/self/mountinfo", "re");

	while (file && fgets(line, sizeof(line), file))
		found |= strstr(line, " viewfs ") && strstr(line, what);
	if (file)
		fclose(file);
	return found;
}

TEST_F(recover, what_is_offered)
{
	static const uint32_t locks = FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	int64_t offer;

	offer = mount_here(self, "recover=30", &init_good);
	ASSERT_LE(0, offer);
	EXPECT_EQ(VIEWOS_PATH_RECOVER,
		  offer >> 32 & (VIEWOS_PATH_RECOVER | VIEWOS_PATH_RECOVERING));
	EXPECT_EQ(0, offer & locks);
	EXPECT_TRUE(mountinfo_has("recover=30"));
	ASSERT_EQ(0, umount(self->dir));
	close(self->fake.session);

	offer = mount_here(self, "recover=0", &init_good);
	ASSERT_LE(0, offer);
	EXPECT_EQ(0, offer >> 32 & (VIEWOS_PATH_RECOVER | VIEWOS_PATH_RECOVERING));
	EXPECT_EQ(locks, offer & locks);
	EXPECT_FALSE(mountinfo_has("recover="));
	/* And it ends with its server, as ever, although that says otherwise. */
	die(self);
	EXPECT_EQ(ENOTCONN, stat_name(self->dir, "file"));
}

TEST_F(recover, option)
{
	struct init init = init_good;

	EXPECT_EQ(-EINVAL, viewfs_mount(SERVER, self->dir, "recover=3601"));
	EXPECT_EQ(-EINVAL, viewfs_mount(SERVER, self->dir, "recover=-1"));
	EXPECT_EQ(-EINVAL, viewfs_mount(SERVER, self->dir, "recover"));
	/* A server that another process cannot follow. */
	init.own = 0;
	EXPECT_EQ(-EOPNOTSUPP, mount_here(self, "recover=3600", &init));
	close(self->fake.session);
	EXPECT_LE(0, mount_here(self, "recover=3600", &init_good));
}

/* One request with the server, one that waits for it, and one that comes later. */
TEST_F(recover, take_over)
{
	pid_t sent, queued, late;
	uint64_t unique;
	int i;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	EXPECT_EQ(0, message_flags());
	unique = message.in.unique;
	queued = caller_stat(self->dir, "dir");
	sleep_ms(100);
	die(self);
	late = caller_stat(self->dir, "slowREAD");
	sleep_ms(100);
	EXPECT_EQ(0, waitpid(-1, NULL, WNOHANG));

	ASSERT_EQ(0, follow(self));
	/* Nothing but INIT, until that is answered. */
	ASSERT_EQ(0, take_opcode(self->fake.session, FUSE_INIT));
	EXPECT_EQ(-ETIME, take(self->fake.session, STAYS_AWAY));
	EXPECT_EQ(-EAGAIN, ({
		fcntl(self->fake.session, F_SETFL, O_NONBLOCK);
		result(read(self->fake.session, message.bytes + 4096, 65536));
	}));
	fcntl(self->fake.session, F_SETFL, 0);
	close(self->fake.session);

	/* A server that dies with an INIT is followed like any other. */
	self->fake.session = accept_within(self->server, &self->accept, COMES);
	ASSERT_LE(0, self->fake.session);
	ASSERT_LE(0, init_answer(&self->fake, &init_good));
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	EXPECT_EQ(unique, message.in.unique);
	EXPECT_EQ(VIEWOS_HEADER_REPEATED, message_flags());
	fake_entry(&self->fake, message.in.unique, NODE_FILE);
	/* Each may ask for the attributes of the root first, and so come before the other. */
	for (i = 0; i < 2; i++) {
		do {
			ASSERT_EQ(0, take(self->fake.session, COMES));
			EXPECT_LT(unique, message.in.unique);
			EXPECT_EQ(0, message_flags());
			fake_handle(&self->fake, &message.in, message_body());
		} while (message.in.opcode != FUSE_LOOKUP);
	}
	EXPECT_EQ(0, serve_until(&self->fake, sent));
	EXPECT_EQ(0, serve_until(&self->fake, queued));
	EXPECT_EQ(0, serve_until(&self->fake, late));
}

/* Many that are with the server, read in another order than its table has them. */
TEST_F(recover, order)
{
	uint64_t unique = 0;
	pid_t pids[64];
	char name[16];
	int i;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		pids[i] = caller_stat(self->dir, name);
		ASSERT_EQ(0, take_lookup(&self->fake, name));
	}
	die(self);
	ASSERT_EQ(0, recover(self));
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		ASSERT_EQ(0, take_lookup(&self->fake, name));
		EXPECT_LT(unique, message.in.unique);
		unique = message.in.unique;
		fake_reply(&self->fake, unique, -ENOENT, NULL, 0);
	}
	for (i = 0; i < 64; i++)
		EXPECT_EQ(ENOENT, serve_until(&self->fake, pids[i]));
}

/* A server of the same name that is not to have it; 0 if it gets nothing. */
static int stranger(int (*become)(void), int ready)
{
	struct viewos_server_accept accept;
	int server, ret;
	char byte = 0;

	ret = become();
	if (ret)
		return 1;
	/* Who may be in another pid namespace is a child there. */
	return IN_CHILD(({
		server = server_open();
		ret = server < 0 ? 2 : accept_within(server, &accept, 1000) == -EAGAIN ? 0 : 3;
		if (write(ready, &byte, 1) != 1)
			ret = 4;
		ret;
	}));
}

static int become_in_pid_namespace(void)
{
	return result(unshare(CLONE_NEWPID));
}

static int become_in_user_namespace(void)
{
	return result(unshare(CLONE_NEWUSER));
}

TEST_F(recover, wrong_owner)
{
	static int (*const become[])(void) = {
		become_nobody, become_in_pid_namespace, become_in_user_namespace,
	};
	int i, ready[2];
	pid_t waiter, pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	die(self);
	waiter = caller_stat(self->dir, "file");
	for (i = 0; i < 3; i++) {
		pid = server_fork();
		if (!pid)
			_exit(stranger(become[i], ready[1]));
		EXPECT_EQ(0, status_soon(pid)) {
			TH_LOG("stranger %d", i);
		}
	}
	EXPECT_EQ(0, waitpid(waiter, NULL, WNOHANG));
	ASSERT_EQ(0, recover(self));
	EXPECT_EQ(0, serve_until(&self->fake, waiter));
}

TEST_F(recover, nobody_comes)
{
	struct timespec before, after;
	pid_t sent, late;

	ASSERT_LE(0, mount_here(self, "recover=2", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	clock_gettime(CLOCK_MONOTONIC, &before);
	die(self);
	late = caller_stat(self->dir, "dir");
	EXPECT_EQ(ENOTCONN, status_soon(sent));
	clock_gettime(CLOCK_MONOTONIC, &after);
	EXPECT_LE(1, after.tv_sec - before.tv_sec);
	EXPECT_EQ(ENOTCONN, status_soon(late));
	EXPECT_EQ(ENOTCONN, stat_name(self->dir, "file"));
	/* It is too late now. */
	EXPECT_EQ(-EAGAIN, ({
		self->server = server_open();
		accept_within(self->server, &self->accept, STAYS_AWAY);
	}));
	EXPECT_EQ(0, umount(self->dir));
}

/* Accepted, but INIT is not answered. */
TEST_F(recover, who_comes_is_silent)
{
	pid_t sent;

	ASSERT_LE(0, mount_here(self, "recover=2", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	die(self);
	ASSERT_EQ(0, follow(self));
	ASSERT_EQ(0, take_opcode(self->fake.session, FUSE_INIT));
	EXPECT_EQ(ENOTCONN, status_soon(sent));
	EXPECT_EQ(-ENODEV, result(read(self->fake.session, &message, sizeof(message))));
}

TEST_F(recover, timeout_goes_on)
{
	pid_t sent, late;

	ASSERT_LE(0, mount_here(self, "recover=60,timeout=1", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	die(self);
	late = caller_stat(self->dir, "dir");
	EXPECT_EQ(ETIMEDOUT, status_soon(sent));
	EXPECT_EQ(ETIMEDOUT, status_soon(late));
	ASSERT_EQ(0, recover(self));
	sent = caller_stat(self->dir, "file");
	EXPECT_EQ(0, serve_until(&self->fake, sent));
}

TEST_F(recover, waiters_can_be_killed)
{
	pid_t gone, sent, late;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	gone = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	kill(gone, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_soon(gone));
	sent = caller_stat(self->dir, "dir");
	/* An interrupt tells of the one that was killed. */
	ASSERT_EQ(0, take_lookup(&self->fake, "dir"));
	die(self);
	late = caller_stat(self->dir, "slowREAD");
	sleep_ms(100);
	kill(sent, SIGKILL);
	kill(late, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_soon(sent));
	EXPECT_EQ(128 + SIGKILL, status_soon(late));
	/* Nobody wants any of them now. */
	ASSERT_EQ(0, recover(self));
	EXPECT_EQ(-ETIME, take(self->fake.session, STAYS_AWAY));
	sent = caller_stat(self->dir, "file");
	EXPECT_EQ(0, serve_until(&self->fake, sent));
}

TEST_F(recover, umount_while_it_waits)
{
	int round, forced;
	pid_t sent;

	for (round = 0; round < 4; round++) {
		ASSERT_LE(0, mount_here(self, "recover=600", &init_good));
		sent = caller_stat(self->dir, "file");
		ASSERT_EQ(0, take_lookup(&self->fake, "file"));
		die(self);
		sleep_ms(50);
		if (round >= 2) {
			/* In a backlog. */
			self->server = server_open();
			ASSERT_LE(0, self->server);
		}
		if (round % 2) {
			kill(sent, SIGKILL);
			EXPECT_EQ(128 + SIGKILL, status_soon(sent));
			EXPECT_EQ(0, umount(self->dir));
		} else {
			/* It may be gone with that, if its user is quick. */
			forced = umount2(self->dir, MNT_FORCE);
			EXPECT_EQ(ENOTCONN, status_soon(sent));
			EXPECT_EQ(forced ? 0 : -EINVAL, result(umount(self->dir)));
		}
		if (round < 2) {
			self->server = server_open();
			ASSERT_LE(0, self->server);
		}
		EXPECT_EQ(-EAGAIN, accept_within(self->server, &self->accept, STAYS_AWAY));
	}
}

/* A request that no server survives. */
TEST_F(recover, many_deaths)
{
	pid_t poison, other;
	int i;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	poison = caller_stat(self->dir, "file");
	for (i = 1;; i++) {
		ASSERT_EQ(0, take_lookup(&self->fake, "file"));
		EXPECT_EQ(i > 1 ? VIEWOS_HEADER_REPEATED : 0, message_flags());
		die(self);
		if (i == VIEWOS_RECOVER_REPEATS)
			break;
		ASSERT_EQ(0, recover(self));
	}
	EXPECT_EQ(ENOTCONN, status_soon(poison));
	ASSERT_EQ(0, recover(self));
	other = caller_stat(self->dir, "dir");
	EXPECT_EQ(0, serve_until(&self->fake, other));
}

TEST_F(recover, init_that_differs)
{
	struct init inits[] = { init_good, init_good, init_good, init_good, init_good };
	struct viewos_session_refuse refuse = { .size = sizeof(refuse), .error = EACCES };
	pid_t sent;
	int i;

	inits[0].error = -EPROTO;
	inits[1].flags |= FUSE_DO_READDIRPLUS;
	inits[2].own = 0;
	inits[3].max_write -= 4096;
	for (i = 0; i < 5; i++) {
		ASSERT_LE(0, mount_here(self, "recover=600", &init_good));
		sent = caller_stat(self->dir, "file");
		ASSERT_EQ(0, take_lookup(&self->fake, "file"));
		die(self);
		ASSERT_EQ(0, follow(self));
		if (i < 4) {
			EXPECT_LE(0, init_answer(&self->fake, &inits[i]));
		} else {
			EXPECT_EQ(0, ioctl(self->fake.session, VIEWOS_IOC_SESSION_REFUSE,
					   &refuse));
		}
		EXPECT_EQ(ENOTCONN, status_soon(sent));
		EXPECT_EQ(ENOTCONN, stat_name(self->dir, "file"));
		EXPECT_EQ(-ENODEV, result(read(self->fake.session, &message, sizeof(message))));
		close(self->fake.session);
		EXPECT_EQ(0, umount(self->dir));
	}
	/* More is as good. */
	ASSERT_LE(0, mount_here(self, "recover=600", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	die(self);
	ASSERT_EQ(0, follow(self));
	inits[4].max_write *= 2;
	EXPECT_LE(0, init_answer(&self->fake, &inits[4]));
	EXPECT_EQ(0, serve_until(&self->fake, sent));
}

/* The session's process dies, the one that accepts lives on, and has others that wait. */
TEST_F(recover, before_others)
{
	char other[] = "/tmp/recover.XXXXXX";
	struct viewos_server_accept accept;
	pid_t sent, mounter;
	int second;

	ASSERT_NE(NULL, mkdtemp(other));
	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	mounter = caller();
	if (!mounter)
		_exit(-viewfs_mount(SERVER, other, ""));
	sleep_ms(200);
	close(self->fake.session);
	self->fake.session = accept_within(self->server, &accept, COMES);
	ASSERT_LE(0, self->fake.session);
	EXPECT_EQ(self->accept.session_id, accept.session_id);
	second = accept_within(self->server, &accept, COMES);
	ASSERT_LE(0, second);
	EXPECT_NE(self->accept.session_id, accept.session_id);
	close(second);
	EXPECT_LT(0, status_soon(mounter));
	ASSERT_LE(0, init_answer(&self->fake, &init_good));
	EXPECT_EQ(0, serve_until(&self->fake, sent));
	rmdir(other);
}

/* A server has it in its backlog, does not accept it, and dies. */
TEST_F(recover, never_accepted)
{
	pid_t sent;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	sent = caller_stat(self->dir, "file");
	ASSERT_EQ(0, take_lookup(&self->fake, "file"));
	die(self);
	self->server = server_open();
	ASSERT_LE(0, self->server);
	/* An address that is none: it stays where it is. */
	EXPECT_EQ(-EFAULT, ({
		struct viewos_server_accept accept = { .source = 8 };

		server_accept(self->server, &accept);
	}));
	close(self->server);
	EXPECT_EQ(0, waitpid(sent, NULL, WNOHANG));
	ASSERT_EQ(0, recover(self));
	EXPECT_EQ(0, serve_until(&self->fake, sent));
}

TEST_F(recover, server_that_uses_its_own_mount)
{
	pid_t follower, old;
	int status;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	EXPECT_EQ(EDEADLK, stat_name(self->dir, "file"));
	die(self);
	follower = server_fork();
	if (!follower) {
		self->server = server_open();
		/* It is about to have it, and then it has. */
		if (stat_name(self->dir, "file") != EDEADLK)
			_exit(1);
		self->fake.session = accept_within(self->server, &self->accept, COMES);
		if (stat_name(self->dir, "file") != EDEADLK ||
		    init_answer(&self->fake, &init_good) < 0 ||
		    stat_name(self->dir, "file") != EDEADLK)
			_exit(2);
		fake_serve(self->fake.session, self->dir);
		_exit(0);
	}
	self->server = self->fake.session = -1;
	/* We are not the server any more. */
	EXPECT_EQ(0, stat_name(self->dir, "file"));
	old = caller_stat(self->dir, "self");
	EXPECT_EQ(EDEADLK, status_soon(old));
	EXPECT_EQ(0, waitpid(follower, &status, WNOHANG));
	EXPECT_EQ(0, umount(self->dir));
	EXPECT_EQ(0, status_soon(follower));
}

/* What is open stays so: handles are the server's, and mean the same to the next one. */
TEST_F(recover, open_file)
{
	struct fuse_open_out open_out = { .fh = 4711 };
	bool released = false;
	pid_t pid;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	pid = caller();
	if (!pid) {
		char path[64], data[4096];
		int fd;

		snprintf(path, sizeof(path), "%s/file", self->dir);
		fd = open(path, O_RDONLY);
		if (fd < 0 || pread(fd, data, sizeof(data), 0) != 4096 || data[17] != 'x')
			_exit(1);
		close(fd);
		_exit(0);
	}
	/* Its OPEN is answered, and its READ not. */
	do {
		ASSERT_EQ(0, take(self->fake.session, COMES));
		if (message.in.opcode == FUSE_OPEN)
			fake_reply(&self->fake, message.in.unique, 0, &open_out,
				   sizeof(open_out));
		else if (message.in.opcode != FUSE_READ)
			fake_handle(&self->fake, &message.in, message_body());
	} while (message.in.opcode != FUSE_READ);
	die(self);
	ASSERT_EQ(0, recover(self));
	ASSERT_EQ(0, take_opcode(self->fake.session, FUSE_READ));
	EXPECT_EQ(VIEWOS_HEADER_REPEATED, message_flags());
	EXPECT_EQ(4711, ((const struct fuse_read_in *)message_body())->fh);
	fake_handle(&self->fake, &message.in, message_body());
	while (!released && !take(self->fake.session, COMES)) {
		released = message.in.opcode == FUSE_RELEASE &&
			   ((const struct fuse_release_in *)message_body())->fh == 4711;
		if (!released)
			fake_handle(&self->fake, &message.in, message_body());
	}
	ASSERT_TRUE(released);
	EXPECT_EQ(0, status_soon(pid));
	die(self);
	ASSERT_EQ(0, recover(self));
	/* Nobody waits for it, but it is repeated like any other. */
	ASSERT_EQ(0, take_opcode(self->fake.session, FUSE_RELEASE));
	EXPECT_EQ(VIEWOS_HEADER_REPEATED, message_flags());
	EXPECT_EQ(4711, ((const struct fuse_release_in *)message_body())->fh);
}

static void nothing(int signal)
{
}

TEST_F(recover, interrupted)
{
	struct sigaction action = { .sa_handler = nothing };
	uint64_t unique;
	pid_t pid;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	pid = caller();
	if (!pid) {
		sigaction(SIGUSR1, &action, NULL);
		_exit(stat_name(self->dir, "stall"));
	}
	ASSERT_EQ(0, take_lookup(&self->fake, "stall"));
	unique = message.in.unique;
	kill(pid, SIGUSR1);
	ASSERT_EQ(0, take_opcode(self->fake.session, FUSE_INTERRUPT));
	/* This one has an interrupt that is not read; the next one is told, too. */
	die(self);
	ASSERT_EQ(0, recover(self));
	ASSERT_EQ(0, take_lookup(&self->fake, "stall"));
	EXPECT_EQ(unique, message.in.unique);
	die(self);
	ASSERT_EQ(0, recover(self));
	ASSERT_EQ(0, take_lookup(&self->fake, "stall"));
	ASSERT_EQ(0, take_opcode(self->fake.session, FUSE_INTERRUPT));
	EXPECT_EQ(unique, ((const struct fuse_interrupt_in *)message_body())->unique);
	fake_reply(&self->fake, unique, -EINTR, NULL, 0);
	EXPECT_EQ(EINTR, serve_until(&self->fake, pid));
}

/* The new server knows nobody who polls: they ask it again. */
TEST_F(recover, poll)
{
	struct fuse_poll_out out = { };
	int i, status;
	pid_t pid;

	ASSERT_LE(0, mount_here(self, "recover=60", &init_good));
	pid = caller();
	if (!pid) {
		struct pollfd fd = { .events = POLLIN };
		char path[64];

		snprintf(path, sizeof(path), "%s/file", self->dir);
		fd.fd = open(path, O_RDONLY);
		status = poll(&fd, 1, 20000);
		_exit(status == 1 && fd.revents == POLLIN ? 0 : 1);
	}
	do {
		ASSERT_EQ(0, take(self->fake.session, COMES));
		fake_handle(&self->fake, &message.in, message_body());
	} while (message.in.opcode != FUSE_POLL);
	/* It may ask twice before it sleeps. */
	while (!take(self->fake.session, STAYS_AWAY))
		fake_handle(&self->fake, &message.in, message_body());
	die(self);
	sleep_ms(100);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	ASSERT_EQ(0, recover(self));
	out.revents = POLLIN;
	for (i = 0; i < 10; i++) {
		if (take(self->fake.session, COMES))
			break;
		if (message.in.opcode == FUSE_POLL)
			break;
		fake_handle(&self->fake, &message.in, message_body());
	}
	ASSERT_EQ(FUSE_POLL, message.in.opcode);
	fake_reply(&self->fake, message.in.unique, 0, &out, sizeof(out));
	self->fake.readable = true;
	EXPECT_EQ(0, serve_until(&self->fake, pid));
}

/* How many requests these servers have answered; of all processes. */
static uint32_t *answered;

/* A server in a process of its own, of several threads that share the session. */
static void *worker(void *session)
{
	static _Thread_local struct message own;
	struct fake_server fake = { .session = (int)(intptr_t)session };

	for (;;) {
		int len = read(fake.session, &own, sizeof(own));
		struct fuse_init_out out = {
			.major = 7, .minor = 36, .max_readahead = 131072,
			.flags = init_good.flags, .max_write = init_good.max_write,
		};

		if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (len < (int)sizeof(own.in))
			return NULL;
		if (own.in.opcode == FUSE_INIT) {
			((uint32_t *)(&out + 1))[-1] = VIEWOS_PATH_RECOVER;
			fake_reply(&fake, own.in.unique, 0, &out, sizeof(out));
			continue;
		}
		fake_handle(&fake, &own.in, &own.in + 1);
		if (answered)
			__atomic_fetch_add(answered, 1, __ATOMIC_SEQ_CST);
	}
}

/*
 * What several servers in turn did not live to answer fails in the end. The oldest is asked first,
 * so what the last server had is among the first that this one answers.
 */
static bool some_answered(uint32_t before)
{
	int i;

	for (i = 0; i < 6000 && __atomic_load_n(answered, __ATOMIC_SEQ_CST) - before < 16; i++)
		sleep_ms(10);
	return i < 6000;
}

static pid_t server_process(void)
{
	struct viewos_server_accept accept;
	pid_t pid = caller();
	pthread_t thread;
	int i, session;

	if (pid)
		return pid;
	session = accept_within(server_open(), &accept, 30000);
	for (i = 0; i < 3; i++)
		pthread_create(&thread, NULL, worker, (void *)(intptr_t)session);
	worker((void *)(intptr_t)session);
	_exit(0);
}

/* What is asked at random; 0, or what went wrong. */
static int use(const char *dir, int how, volatile bool *stop)
{
	char path[64], data[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/file", dir);
	while (!*stop) {
		switch (how % 4) {
		case 0:
			err = stat_name(dir, "file");
			break;
		case 1:
			err = stat_name(dir, "nothing") == ENOENT ? 0 : 1;
			break;
		case 2:
			fd = open(path, O_RDONLY | O_DIRECT);
			err = fd < 0 ? errno : pread(fd, data, 4096, 0) != 4096 ? errno :
			      data[4095] != 'x';
			close(fd);
			break;
		default:
			snprintf(path, sizeof(path), "%s/endless", dir);
			fd = open(path, O_RDONLY | O_DIRECTORY);
			err = fd < 0 ? errno :
			      syscall(SYS_getdents64, fd, data, sizeof(data)) <= 0 ? errno : 0;
			close(fd);
		}
		if (err)
			return err;
	}
	return 0;
}

TEST_F(recover, kill_under_load)
{
	volatile bool *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t server, users[8];
	unsigned int delay;
	uint32_t before;
	int i;

	ASSERT_NE(MAP_FAILED, (void *)stop);
	answered = (uint32_t *)stop + 1;
	close(self->server);
	self->server = -1;
	server = server_process();
	for (i = 0; i < 1000; i++) {
		if (viewfs_mount(SERVER, self->dir, "recover=60") != -ENOENT)
			break;
		sleep_ms(10);
	}
	ASSERT_TRUE(mountinfo_has("recover=60"));
	for (i = 0; i < 8; i++) {
		users[i] = caller();
		if (!users[i])
			_exit(use(self->dir, i, stop));
	}
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(sizeof(delay), getrandom(&delay, sizeof(delay), 0));
		usleep(delay % 50000);
		before = __atomic_load_n(answered, __ATOMIC_SEQ_CST);
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		server = server_process();
		ASSERT_TRUE(some_answered(before));
	}
	sleep_ms(500);
	*stop = true;
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, status_soon(users[i])) {
			TH_LOG("user %d", i);
		}
	EXPECT_EQ(0, umount(self->dir));
	EXPECT_EQ(0, status_soon(server));
	munmap((void *)stop, 4096);
}

/* It ends, in this way or that, while another one takes it over. */
TEST_F(recover, taken_over_and_ended)
{
	unsigned int delay;
	pid_t server, sent;
	int round, status;

	close(self->server);
	self->server = -1;
	for (round = 0; round < 30; round++) {
		server = server_process();
		for (status = -ENOENT; status == -ENOENT; sleep_ms(1))
			status = viewfs_mount(SERVER, self->dir, "recover=60");
		ASSERT_EQ(0, status);
		sent = caller_stat(self->dir, "deaf");
		sleep_ms(20);
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		server = server_process();
		ASSERT_EQ(sizeof(delay), getrandom(&delay, sizeof(delay), 0));
		usleep(delay % 5000);
		umount2(self->dir, MNT_FORCE | MNT_DETACH);
		status = status_soon(sent);
		/* The name is the directory beneath, if it has not come so far before. */
		EXPECT_TRUE(status == ENOTCONN || status == ENOENT) {
			TH_LOG("status %d", status);
		}
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
}

TEST_HARNESS_MAIN
