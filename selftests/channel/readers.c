// SPDX-License-Identifier: GPL-2.0
/*
 * Many threads of a server that wait at once: each request wakes one of them, whatever becomes of
 * that one. A request that none is woken for would never be answered, while nothing else comes:
 * so clients are few, and threads many.
 *
 * A thread that is interrupted stays away until something was answered. So if it was the one
 * that had been woken, somebody else must have been in its place.
 */

#include "../fake_server.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#define SERVER	"readers-test"

enum { THREADS = 12, CLIENTS = 2, CALLS = 1000, STALL_SECONDS = 60 };

/**
 * struct shared - of the test, its clients and the server's process
 * @made: calls of each client that have returned
 * @failed: of these, those with another result than they should have
 * @begun: calls that were begun
 */
static struct shared {
	unsigned int made[CLIENTS], failed[CLIENTS], begun;
} *shared;

/* How a thread waits. */
enum how { BY_READ, BY_NEXT, BY_POLL, BY_EPOLL };

/**
 * struct thread - one of the server's
 * @id: itself
 * @index: which
 * @session: the session's fd
 * @how: it waits
 */
struct thread {
	pthread_t id;
	unsigned int index;
	int session;
	enum how how;
};

static void nothing(int signal)
{
}

static ssize_t next_by_poll(int session, void *buffer, size_t len)
{
	struct viewos_session_next next = {
		.size = sizeof(next), .flags = VIEWOS_NEXT_NONBLOCK,
		.buffer = (uintptr_t)buffer, .buffer_len = len,
	};
	struct pollfd fd = { .fd = session, .events = POLLIN };

	if (poll(&fd, 1, -1) < 0)
		return -1;
	return ioctl(session, VIEWOS_IOC_SESSION_NEXT, &next);
}

/* Of those who wait so, one is woken at a time. */
static ssize_t next_by_epoll(int session, int epoll, void *buffer, size_t len)
{
	struct viewos_session_next next = {
		.size = sizeof(next), .flags = VIEWOS_NEXT_NONBLOCK,
		.buffer = (uintptr_t)buffer, .buffer_len = len,
	};
	struct epoll_event event;

	if (epoll_wait(epoll, &event, 1, -1) < 0)
		return -1;
	return ioctl(session, VIEWOS_IOC_SESSION_NEXT, &next);
}

static ssize_t thread_next(struct thread *thread, struct fake_server *server, int epoll,
			   void *buffer, size_t len)
{
	struct viewos_session_next next = {
		.size = sizeof(next),
		.reply = server->held_len ? (uintptr_t)server->held : 0,
		.reply_len = server->held_len,
		.buffer = (uintptr_t)buffer,
		.buffer_len = len,
	};

	switch (thread->how) {
	case BY_NEXT:
		server->held_len = 0;
		return ioctl(thread->session, VIEWOS_IOC_SESSION_NEXT, &next);
	case BY_POLL:
		return next_by_poll(thread->session, buffer, len);
	case BY_EPOLL:
		return next_by_epoll(thread->session, epoll, buffer, len);
	default:
		return read(thread->session, buffer, len);
	}
}

/* A reply is held for the next call only by who makes that with it. */
static void thread_reply(struct thread *thread, struct fake_server *server,
			 const struct fuse_in_header *in, const void *body)
{
	if (thread->how == BY_NEXT && in->opcode == FUSE_LOOKUP) {
		struct fuse_out_header header = {
			.len = sizeof(header), .error = -ENOENT, .unique = in->unique };

		memcpy(server->held, &header, sizeof(header));
		server->held_len = sizeof(header);
	} else {
		fake_handle(server, in, body);
	}
}

static unsigned int calls_made(void)
{
	unsigned int made = 0;

	for (int i = 0; i < CLIENTS; i++)
		made += __atomic_load_n(&shared->made[i], __ATOMIC_RELAXED);
	return made;
}

/* But for the first, which is always there for what was left by all others. */
static void stay_away(struct thread *thread)
{
	unsigned int made = calls_made();

	while (thread->index && made == calls_made())
		usleep(1000);
}

static void *thread_serve(void *arg)
{
	struct thread *thread = arg;
	struct fake_server server = { .session = thread->session };
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char *buffer = malloc(1 << 17);
	ssize_t len;

	if (thread->how == BY_EPOLL && epoll_ctl(epoll, EPOLL_CTL_ADD, thread->session, &event))
		_exit(1);
	for (;;) {
		len = thread_next(thread, &server, epoll, buffer, 1 << 17);
		if (len < 0 && errno == EINTR)
			stay_away(thread);
		if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (len < (ssize_t)sizeof(struct fuse_in_header))
			_exit(0);
		thread_reply(thread, &server, (void *)buffer,
			     buffer + sizeof(struct fuse_in_header));
	}
}

/**
 * struct plan - of a test
 * @ways: how the server's threads wait, by turns
 * @clients: how many there are
 * @disturbed: all threads but the first get signals all the time
 */
struct plan {
	enum how ways[4];
	unsigned int clients;
	bool disturbed;
};

static void serve(int session, void *data)
{
	static struct thread threads[THREADS];
	const struct plan *plan = data;
	unsigned int begun = 0;

	/* Without SA_RESTART. */
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing }, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .index = i, .session = session,
					      .how = plan->ways[i % 4] };
		if (pthread_create(&threads[i].id, NULL, thread_serve, &threads[i]))
			_exit(1);
	}
	/* Just when a call has woken one of them, if it can be. */
	while (plan->disturbed) {
		while (begun == __atomic_load_n(&shared->begun, __ATOMIC_RELAXED))
			sched_yield();
		begun = shared->begun;
		for (int i = 1; i < THREADS; i++)
			pthread_kill(threads[i].id, SIGUSR1);
	}
	pause();
	_exit(0);
}

static void client(unsigned int index, const char *dir, bool slowly)
{
	char path[96];
	struct stat st;

	for (int i = 0; i < CALLS; i++) {
		snprintf(path, sizeof(path), "%s/%u-%d", dir, index, i);
		/* Who stayed away is to be back. */
		if (slowly)
			usleep(3000);
		__atomic_fetch_add(&shared->begun, 1, __ATOMIC_RELAXED);
		if (result(stat(path, &st)) != -ENOENT)
			shared->failed[index]++;
		shared->made[index]++;
	}
	_exit(0);
}

FIXTURE(readers)
{
	char dir[32];
	pid_t server;
};

FIXTURE_SETUP(readers)
{
	ASSERT_EQ(0, own_mounts());
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)shared);
	strcpy(self->dir, "/tmp/readers.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
}

FIXTURE_TEARDOWN(readers)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
}

/* Until all calls are made, or none has been for long. */
static unsigned int wait_for_calls(unsigned int calls)
{
	unsigned int made = calls_made(), before = 0;

	for (int idle = 0; made < calls && idle < STALL_SECONDS * 10; idle++) {
		sleep_ms(100);
		before = made;
		made = calls_made();
		if (made != before)
			idle = 0;
	}
	return made;
}

static void run_plan(struct __test_metadata *_metadata, struct _test_data_readers *self,
		     struct plan plan)
{
	pid_t clients[CLIENTS];

	self->server = server_start(SERVER, serve, &plan);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
	for (unsigned int i = 0; i < plan.clients; i++) {
		clients[i] = fork();
		if (!clients[i])
			client(i, self->dir, plan.disturbed);
	}
	EXPECT_EQ(plan.clients * CALLS, wait_for_calls(plan.clients * CALLS));
	for (unsigned int i = 0; i < plan.clients; i++) {
		kill(clients[i], SIGKILL);
		waitpid(clients[i], NULL, 0);
		EXPECT_EQ(0, shared->failed[i]);
	}
}

TEST_F(readers, in_one_way)
{
	run_plan(_metadata, self, (struct plan){
		{ BY_NEXT, BY_NEXT, BY_NEXT, BY_NEXT }, CLIENTS });
}

TEST_F(readers, in_every_way)
{
	run_plan(_metadata, self, (struct plan){
		{ BY_NEXT, BY_READ, BY_POLL, BY_NEXT }, CLIENTS });
}

TEST_F(readers, with_who_polls_alone)
{
	run_plan(_metadata, self, (struct plan){
		{ BY_NEXT, BY_EPOLL, BY_READ, BY_EPOLL }, CLIENTS });
}

TEST_F(readers, disturbed_by_signals)
{
	run_plan(_metadata, self, (struct plan){
		{ BY_NEXT, BY_READ, BY_NEXT, BY_READ }, .clients = 1, .disturbed = true });
}

TEST_F(readers, disturbed_in_every_way)
{
	run_plan(_metadata, self, (struct plan){
		{ BY_NEXT, BY_READ, BY_POLL, BY_EPOLL }, .clients = 1, .disturbed = true });
}

TEST_HARNESS_MAIN
