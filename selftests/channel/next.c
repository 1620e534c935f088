// SPDX-License-Identifier: GPL-2.0
/* A reply and the next request in one call: VIEWOS_IOC_SESSION_NEXT, used well and badly. */

#include "../fake_server.h"

#include <stddef.h>
#include <sys/mman.h>

#define SERVER "next-test"

_Static_assert(sizeof(struct viewos_session_next) == 32, "ABI");
_Static_assert(offsetof(struct viewos_session_next, reply_len) == 24, "ABI");

struct reply {
	struct fuse_out_header header;
	char data[256];
};

FIXTURE(next)
{
	char dir[32];
	int server, session;
	struct fuse_in_header *in;
	size_t room;
};

static int call_next(int session, const struct reply *reply, void *buffer, size_t room,
		     uint32_t flags)
{
	struct viewos_session_next next = {
		.size = sizeof(next),
		.flags = flags,
		.reply = (uintptr_t)reply,
		.buffer = (uintptr_t)buffer,
		.reply_len = reply ? reply->header.len : 0,
		.buffer_len = room,
	};

	return result(ioctl(session, VIEWOS_IOC_SESSION_NEXT, &next));
}

static struct reply reply_to(uint64_t unique, int error, const void *data, size_t len)
{
	struct reply reply = {
		.header = { .len = sizeof(reply.header) + len, .error = error, .unique = unique },
	};

	memcpy(reply.data, data, len);
	return reply;
}

/* An answer to a LOOKUP, which is that there is no such name. */
static struct reply no_entry(uint64_t unique)
{
	return reply_to(unique, -ENOENT, "", 0);
}

static pid_t stat_in_child(int session, const char *dir, const char *name)
{
	pid_t pid = fork();
	struct stat st;
	char path[64];

	if (pid)
		return pid;
	/* Who waits for the server must not be who keeps it. */
	close(session);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	_exit(-result(stat(path, &st)));
}

/* Waits until a request is there to be read. */
static bool pending(int session)
{
	struct pollfd fd = { .fd = session, .events = POLLIN };

	return poll(&fd, 1, 10000) == 1 && fd.revents & POLLIN;
}

FIXTURE_SETUP(next)
{
	static const struct fuse_init_out init = { .major = 7, .minor = 36, .max_write = 65536 };
	struct viewos_server_accept accept = { };
	struct fuse_attr_out attr = { .attr_valid = 1000 };
	struct reply reply;
	pid_t pid;

	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/next.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->server = server_create(control_open());
	ASSERT_LE(0, self->server);
	ASSERT_EQ(0, server_add(self->server, SERVER, false));
	pid = fork();
	if (!pid)
		_exit(-viewfs_mount(SERVER, self->dir, ""));
	self->session = server_accept(self->server, &accept);
	ASSERT_LE(0, self->session);
	self->room = 1 << 17;
	self->in = malloc(self->room);

	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	ASSERT_EQ(FUSE_INIT, self->in->opcode);
	reply = reply_to(self->in->unique, 0, &init, sizeof(init));
	ASSERT_LT(0, call_next(self->session, &reply, self->in, self->room, 0));
	ASSERT_EQ(FUSE_GETATTR, self->in->opcode);
	fake_attr(&attr.attr, FUSE_ROOT_ID);
	reply = reply_to(self->in->unique, 0, &attr, sizeof(attr));
	/* Nothing is to be asked now, and the reply goes all the same. */
	ASSERT_EQ(-EAGAIN, call_next(self->session, &reply, self->in, self->room,
				     VIEWOS_NEXT_NONBLOCK));
	ASSERT_EQ(0, child_status(pid));
}

FIXTURE_TEARDOWN(next)
{
	close(self->session);
	close(self->server);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
	free(self->in);
}

TEST_F(next, reply_and_request_in_one_call)
{
	pid_t first = stat_in_child(self->session, self->dir, "first"), second;
	struct reply reply;
	int len;

	len = call_next(self->session, NULL, self->in, self->room, 0);
	ASSERT_LT(0, len);
	EXPECT_EQ(len, self->in->len);
	EXPECT_EQ(FUSE_LOOKUP, self->in->opcode);
	EXPECT_STREQ("first", (char *)(self->in + 1));
	second = stat_in_child(self->session, self->dir, "second");
	reply = no_entry(self->in->unique);
	ASSERT_LT(0, call_next(self->session, &reply, self->in, self->room, 0));
	EXPECT_STREQ("second", (char *)(self->in + 1));
	EXPECT_EQ(ENOENT, child_status(first));
	/* What read(2) and write(2) do goes with it. */
	reply = no_entry(self->in->unique);
	EXPECT_EQ(reply.header.len, write(self->session, &reply, reply.header.len));
	EXPECT_EQ(ENOENT, child_status(second));
}

TEST_F(next, nothing_to_read_is_EAGAIN_if_asked)
{
	EXPECT_EQ(-EAGAIN, call_next(self->session, NULL, self->in, self->room,
				     VIEWOS_NEXT_NONBLOCK));
	ASSERT_EQ(0, fcntl(self->session, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, call_next(self->session, NULL, self->in, self->room, 0));
}

TEST_F(next, wrong_arguments_do_nothing)
{
	pid_t pid = stat_in_child(self->session, self->dir, "name");
	struct {
		struct viewos_session_next next;
		uint64_t more;
	} grown = { };
	unsigned long cmd = VIEWOS_IOC_SESSION_NEXT;
	static const uint32_t sizes[] = { 0, 4, 31, 33, UINT32_MAX };
	struct reply reply;

	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	reply = no_entry(self->in->unique);
	grown.next = (struct viewos_session_next){
		.size = sizeof(grown.next), .reply = (uintptr_t)&reply,
		.buffer = (uintptr_t)self->in, .reply_len = reply.header.len,
		.buffer_len = self->room,
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		grown.next.size = sizes[i];
		EXPECT_EQ(-EINVAL, result(ioctl(self->session, cmd, &grown)));
	}
	grown.next.size = sizeof(grown.next);
	grown.next.flags = 2;
	EXPECT_EQ(-EINVAL, result(ioctl(self->session, cmd, &grown)));
	grown.next.flags = 0;
	grown.next.buffer_len = 8191;
	EXPECT_EQ(-EINVAL, result(ioctl(self->session, cmd, &grown)));
	grown.next.buffer_len = self->room;
	grown.next.reply = 0;
	EXPECT_EQ(-EINVAL, result(ioctl(self->session, cmd, &grown)));
	grown.next.reply = (uintptr_t)&reply;
	grown.next.reply_len = 0;
	EXPECT_EQ(-EINVAL, result(ioctl(self->session, cmd, &grown)));
	grown.next.reply_len = reply.header.len;
	EXPECT_EQ(-EFAULT, result(ioctl(self->session, cmd, NULL)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->server, cmd, &grown)));

	/* A newer struct is fine while what is new is zero. */
	cmd = _IOC(_IOC_WRITE, VIEWOS_IOC_MAGIC, 0x31, sizeof(grown));
	grown.next.size = sizeof(grown);
	grown.more = 1;
	EXPECT_EQ(-E2BIG, result(ioctl(self->session, cmd, &grown)));
	grown.more = 0;
	grown.next.flags = VIEWOS_NEXT_NONBLOCK;
	/* None of these has taken the reply. */
	EXPECT_EQ(-EAGAIN, result(ioctl(self->session, cmd, &grown)));
	EXPECT_EQ(ENOENT, child_status(pid));
}

TEST_F(next, refused_reply_takes_no_request)
{
	pid_t pid = stat_in_child(self->session, self->dir, "name");
	struct reply reply = no_entry(1ULL << 40);

	ASSERT_TRUE(pending(self->session));
	EXPECT_EQ(-ENOENT, call_next(self->session, &reply, self->in, self->room, 0));
	reply.header.unique = 0;
	reply.header.error = 9999;
	EXPECT_EQ(-EINVAL, call_next(self->session, &reply, self->in, self->room, 0));
	reply.header.error = 1;
	reply.header.unique = 2;
	EXPECT_EQ(-EINVAL, call_next(self->session, &reply, self->in, self->room, 0));
	reply.header.len = 15;
	EXPECT_EQ(-EINVAL, call_next(self->session, &reply, self->in, self->room, 0));

	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	EXPECT_STREQ("name", (char *)(self->in + 1));
	/* Too short for a LOOKUP: the server hears of it, and so does the caller. */
	reply = reply_to(self->in->unique, 0, "short", 5);
	EXPECT_EQ(-EINVAL, call_next(self->session, &reply, self->in, self->room, 0));
	EXPECT_EQ(EIO, child_status(pid));
}

TEST_F(next, bad_pointers)
{
	pid_t pid = stat_in_child(self->session, self->dir, "name");
	struct viewos_session_next next = {
		.size = sizeof(next), .reply_len = 16, .buffer_len = self->room,
		.buffer = (uintptr_t)self->in,
	};
	char *hole = mmap(NULL, 4 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct reply reply;

	ASSERT_NE(MAP_FAILED, hole);
	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	next.reply = (uintptr_t)hole;
	EXPECT_EQ(-EFAULT, result(ioctl(self->session, VIEWOS_IOC_SESSION_NEXT, &next)));
	next.reply = -4096ULL;
	EXPECT_EQ(-EFAULT, result(ioctl(self->session, VIEWOS_IOC_SESSION_NEXT, &next)));
	/* The request is still to be answered; now by a call that has no room for another. */
	reply = no_entry(self->in->unique);
	EXPECT_EQ(-EAGAIN, call_next(self->session, &reply, hole, self->room,
				     VIEWOS_NEXT_NONBLOCK));
	EXPECT_EQ(ENOENT, child_status(pid));
	EXPECT_EQ(-EFAULT, call_next(self->session, NULL, (void *)-4096L, self->room,
				     VIEWOS_NEXT_NONBLOCK));
	/* A request that cannot be handed out fails, and is not lost. */
	pid = stat_in_child(self->session, self->dir, "other");
	ASSERT_TRUE(pending(self->session));
	EXPECT_EQ(-EFAULT, call_next(self->session, NULL, hole, self->room, 0));
	EXPECT_EQ(EIO, child_status(pid));
	/* Nor by read(2), whose result is longer than an errno. */
	pid = stat_in_child(self->session, self->dir, "third");
	ASSERT_TRUE(pending(self->session));
	EXPECT_EQ(-1, read(self->session, hole, self->room));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(EIO, child_status(pid));
	munmap(hole, 4 << 20);
}

/* Its header can be read, and no more. */
TEST_F(next, reply_without_a_body)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	struct fuse_out_header *header = (void *)(pages + page - sizeof(*header));
	struct viewos_session_next next = {
		.size = sizeof(next), .buffer_len = self->room, .buffer = (uintptr_t)self->in,
		.reply = (uintptr_t)header,
		.reply_len = sizeof(*header) + sizeof(struct fuse_entry_out),
	};
	pid_t pid;

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + page, page, PROT_NONE));
	for (int by_write = 0; by_write < 2; by_write++) {
		pid = stat_in_child(self->session, self->dir, "name");
		ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
		*header = (struct fuse_out_header){
			.len = next.reply_len, .unique = self->in->unique };
		EXPECT_EQ(-EFAULT, by_write ? result(write(self->session, header, header->len)) :
			  result(ioctl(self->session, VIEWOS_IOC_SESSION_NEXT, &next)));
		EXPECT_EQ(EIO, child_status(pid));
	}
	munmap(pages, 2 * page);
}

/* A process that replies, then waits for a request; its status is the errno. */
static pid_t next_in_child(int session, const struct reply *reply, void *buffer, size_t room)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-call_next(session, reply, buffer, room, 0));
	return pid;
}

TEST_F(next, killed_in_the_middle)
{
	pid_t client = stat_in_child(self->session, self->dir, "name");
	struct reply reply;
	pid_t pid;

	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	reply = no_entry(self->in->unique);
	pid = next_in_child(self->session, &reply, self->in, self->room);
	/* The reply goes before the wait. */
	EXPECT_EQ(ENOENT, child_status(client));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));

	/* The session goes on. */
	client = stat_in_child(self->session, self->dir, "name");
	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	reply = no_entry(self->in->unique);
	EXPECT_EQ(-EAGAIN, call_next(self->session, &reply, self->in, self->room,
				     VIEWOS_NEXT_NONBLOCK));
	EXPECT_EQ(ENOENT, child_status(client));
}

static void ignore_signal(int signal)
{
}

/* With SA_RESTART, too: the reply must not be sent again. */
TEST_F(next, signal_is_EINTR_after_the_reply)
{
	struct sigaction action = { .sa_handler = ignore_signal, .sa_flags = SA_RESTART };
	pid_t client = stat_in_child(self->session, self->dir, "name");
	struct reply reply;
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	reply = no_entry(self->in->unique);
	pid = next_in_child(self->session, &reply, self->in, self->room);
	EXPECT_EQ(ENOENT, child_status(client));
	sleep_ms(200);
	EXPECT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(EINTR, child_status(pid));
}

TEST_F(next, end_of_the_session_is_ENODEV)
{
	struct reply reply;
	pid_t pid, client;

	client = stat_in_child(self->session, self->dir, "name");
	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	pid = next_in_child(self->session, NULL, self->in, self->room);
	reply = no_entry(self->in->unique);
	sleep_ms(200);
	umount2(self->dir, MNT_FORCE);
	EXPECT_EQ(ENODEV, child_status(pid));
	EXPECT_EQ(ENOTCONN, child_status(client));
	/* Nobody waits for the reply any more. */
	EXPECT_EQ(-ENOENT, call_next(self->session, &reply, self->in, self->room, 0));
	EXPECT_EQ(-ENODEV, call_next(self->session, NULL, self->in, self->room, 0));
}

TEST_F(next, death_of_the_server)
{
	pid_t client = stat_in_child(self->session, self->dir, "name");
	pid_t pid;

	ASSERT_TRUE(pending(self->session));
	pid = fork();
	if (!pid) {
		/* Has a request in its hands, and dies as the only one with the fd. */
		sleep_ms(200);
		call_next(self->session, NULL, self->in, self->room, 0);
		raise(SIGKILL);
	}
	close(self->session);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_EQ(ENOTCONN, child_status(client));
	self->session = -1;
}

/* A caller that is gone: its late reply is taken, and the session goes on. */
TEST_F(next, reply_to_who_is_gone)
{
	pid_t client = stat_in_child(self->session, self->dir, "name");
	struct fuse_entry_out entry = { .nodeid = 5 };
	struct reply reply;

	ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
	reply = reply_to(self->in->unique, 0, &entry, sizeof(entry));
	kill(client, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(client));
	/* Perhaps an INTERRUPT comes; then the node that nobody wants is given back. */
	do {
		ASSERT_LT(0, call_next(self->session, reply.header.len ? &reply : NULL, self->in,
				       self->room, 0));
		reply.header.len = 0;
	} while (self->in->opcode == FUSE_INTERRUPT);
	EXPECT_EQ(FUSE_BATCH_FORGET, self->in->opcode);
}

/* Answers until a request of this kind comes, which is left to be answered. */
static bool serve_until(int session, struct fuse_in_header *in, size_t room, uint32_t opcode)
{
	struct fuse_open_out open = { .fh = 7 };
	struct fuse_entry_out entry = { .nodeid = NODE_FILE };
	struct fuse_attr_out attr = { };
	struct reply reply = { };

	fake_attr(&entry.attr, NODE_FILE);
	attr.attr = entry.attr;
	for (;;) {
		if (call_next(session, reply.header.len ? &reply : NULL, in, room, 0) < 0)
			return false;
		reply.header.len = 0;
		if (in->opcode == opcode)
			return true;
		if (in->opcode == FUSE_LOOKUP)
			reply = reply_to(in->unique, 0, &entry, sizeof(entry));
		else if (in->opcode == FUSE_GETATTR)
			reply = reply_to(in->unique, 0, &attr, sizeof(attr));
		else if (in->opcode == FUSE_OPEN)
			reply = reply_to(in->unique, 0, &open, sizeof(open));
		else if (in->opcode != FUSE_BATCH_FORGET && in->opcode != FUSE_INTERRUPT)
			reply = reply_to(in->unique, -ENOSYS, "", 0);
	}
}

static pid_t open_in_child(int session, const char *dir, const char *name)
{
	pid_t pid = fork();
	char path[64];

	if (pid)
		return pid;
	close(session);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	_exit(-result(close(open(path, O_RDONLY))));
}

/* RELEASE waits for company, but not for long. */
TEST_F(next, release_comes_all_the_same)
{
	pid_t pid = open_in_child(self->session, self->dir, "file");
	struct fuse_release_in *in = (void *)(self->in + 1);
	struct reply reply;

	ASSERT_TRUE(serve_until(self->session, self->in, self->room, FUSE_RELEASE));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(7, in->fh);
	reply = reply_to(self->in->unique, 0, "", 0);
	EXPECT_EQ(reply.header.len, write(self->session, &reply, reply.header.len));
}

/* What waits comes behind what somebody waits for, but is not kept out for ever. */
TEST_F(next, release_is_not_starved)
{
	pid_t pid = open_in_child(self->session, self->dir, "file"), other;
	struct reply reply;
	int i;

	ASSERT_TRUE(serve_until(self->session, self->in, self->room, FUSE_OPEN));
	reply = reply_to(self->in->unique, 0, &(struct fuse_open_out){ .fh = 7 },
			 sizeof(struct fuse_open_out));
	EXPECT_EQ(reply.header.len, write(self->session, &reply, reply.header.len));
	EXPECT_EQ(0, child_status(pid));
	for (i = 0; i < 100; i++) {
		/* Always a request that somebody waits for, before we look. */
		other = stat_in_child(self->session, self->dir, "other");
		sleep_ms(50);
		ASSERT_LT(0, call_next(self->session, NULL, self->in, self->room, 0));
		if (self->in->opcode == FUSE_RELEASE)
			break;
		reply = no_entry(self->in->unique);
		EXPECT_EQ(reply.header.len, write(self->session, &reply, reply.header.len));
		EXPECT_EQ(ENOENT, child_status(other));
	}
	EXPECT_GT(100, i);
	ASSERT_TRUE(serve_until(self->session, self->in, self->room, FUSE_LOOKUP));
	reply = no_entry(self->in->unique);
	EXPECT_EQ(reply.header.len, write(self->session, &reply, reply.header.len));
	EXPECT_EQ(ENOENT, child_status(other));
}

/* So many that they do not wait for the timer; and umount waits for none in vain. */
TEST_F(next, many_releases_and_umount)
{
	pid_t pid = fork();
	char path[64];
	int count = 0;

	if (!pid) {
		int fds[100];

		close(self->session);
		snprintf(path, sizeof(path), "%s/file", self->dir);
		for (int i = 0; i < 100; i++)
			fds[i] = open(path, O_RDONLY);
		for (int i = 0; i < 100; i++)
			close(fds[i]);
		_exit(-result(umount(self->dir)));
	}
	while (serve_until(self->session, self->in, self->room, FUSE_RELEASE)) {
		struct reply reply = reply_to(self->in->unique, 0, "", 0);

		EXPECT_EQ(reply.header.len, write(self->session, &reply, reply.header.len));
		if (++count == 100)
			break;
	}
	EXPECT_EQ(100, count);
	/* DESTROY comes after them all. */
	ASSERT_TRUE(serve_until(self->session, self->in, self->room, FUSE_DESTROY));
	EXPECT_EQ(0, child_status(pid));
}

TEST_HARNESS_MAIN
