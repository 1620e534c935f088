// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets by io_uring: of the kernel's own, virtual with a backing, and virtual by requests;
 * submitted, done by a worker, and by a polling thread.
 */

#include "../dump.h"
#include "../ring.h"
#include "../sock_server.h"

#include <netinet/tcp.h>

#define SERVER	"uring-sockets"

/* Which operation a completion is of. */
enum { OTHER, FIRST, SECOND, CANCEL };

static uint64_t held;		/* unique of a request that is not answered yet */

static void held_answer(int session, int error)
{
	if (held)
		sock_error(session, held, error);
	held = 0;
}

/*
 * By the source: "error:N" makes no sockets, "hold:OP" keeps such a request until its socket is
 * released, "interrupt:OP" until it is interrupted.
 */
static void handle(int session, const char *source, const struct sock_request *req)
{
	struct viewos_sock_out out = {
		.fd = -1, .flags = VIEWOS_SOCK_OUT_EVENTS, .events = POLLIN | POLLOUT, .seq = 1 };
	uint32_t op = req->header.opcode;
	unsigned int number;

	if (op == VIEWOS_SOCK_RELEASE || op == FUSE_INTERRUPT) {
		if (op == VIEWOS_SOCK_RELEASE || *source == 'i')
			held_answer(session, EINTR);
		return;
	}
	if (op == VIEWOS_SOCK_INIT)
		out = (struct viewos_sock_out){ .fd = -1, .value = VIEWOS_SOCK_MAJOR };
	if (op == VIEWOS_SOCK_CREATE && sscanf(source, "error:%u", &number) == 1) {
		sock_error(session, req->header.unique, number);
		return;
	}
	if (sscanf(strchr(source, ':') ?: "", ":%u", &number) == 1 && number == op) {
		held = req->header.unique;
		return;
	}
	sock_ok(session, req->header.unique, out, NULL);
}

FIXTURE(uring)
{
	struct ring ring;
	pid_t server;
};

FIXTURE_VARIANT(uring)
{
	const char *source;
	uint32_t setup;
	uint8_t flags;
};

FIXTURE_VARIANT_ADD(uring, native) { .source = NULL };
FIXTURE_VARIANT_ADD(uring, native_worker) { .source = NULL, .flags = IOSQE_ASYNC };
FIXTURE_VARIANT_ADD(uring, native_polling) { .source = NULL, .setup = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(uring, backing) { .source = "backing" };
FIXTURE_VARIANT_ADD(uring, backing_worker) { .source = "backing", .flags = IOSQE_ASYNC };
FIXTURE_VARIANT_ADD(uring, backing_polling) { .source = "backing", .setup = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(uring, requests) { .source = "requests" };
FIXTURE_VARIANT_ADD(uring, requests_worker) { .source = "requests", .flags = IOSQE_ASYNC };
FIXTURE_VARIANT_ADD(uring, requests_polling) { .source = "requests", .setup = IORING_SETUP_SQPOLL };

FIXTURE_SETUP(uring)
{
	int err;

	self->server = sock_start(SERVER, handle);
	ASSERT_LT(0, self->server);
	if (variant->source)
		ASSERT_EQ(0, sock_view_enter(SERVER, variant->source));
	err = ring_create(&self->ring, variant->setup);
	if (err == -EPERM)
		SKIP(return, "io_uring is not permitted (kernel.io_uring_disabled?)");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(uring)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
}

/* ---- operations ---- */

static struct io_uring_sqe op_data(uint8_t op, int fd, void *data, size_t len)
{
	return (struct io_uring_sqe){
		.opcode = op, .fd = fd, .addr = (uintptr_t)data, .len = len, .user_data = FIRST,
		.msg_flags = op == IORING_OP_SEND || op == IORING_OP_SENDMSG ? MSG_NOSIGNAL : 0,
	};
}

static struct io_uring_sqe op_socket(int type)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = type };
}

static struct io_uring_sqe op_connect(int fd, const struct sockaddr_in *to)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = fd,
				      .addr = (uintptr_t)to, .off = sizeof(*to),
				      .user_data = FIRST };
}

static struct io_uring_sqe op_accept(int fd, struct sockaddr_in *from, socklen_t *len)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = fd,
				      .addr = (uintptr_t)from, .addr2 = (uintptr_t)len,
				      .accept_flags = SOCK_CLOEXEC, .user_data = SECOND };
}

static struct io_uring_sqe op_cancel(uint64_t user_data)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_ASYNC_CANCEL, .fd = -1,
				      .addr = user_data, .user_data = CANCEL };
}

#define submit(sqe_value) ({							\
	struct io_uring_sqe sqe_now = (sqe_value);				\
	sqe_now.flags |= variant->flags;					\
	ring_submit(&self->ring, &sqe_now); })

#define act(sqe_value) ({							\
	submit(sqe_value) < 0 ? -EIO : ring_wait(&self->ring); })

/* The results of so many operations, by their number; that of one not done is EBUSY. */
static int ring_all(struct ring *ring, int count, int results[CANCEL + 1])
{
	uint64_t which;
	uint32_t flags;
	int i, res;

	for (i = 0; i <= CANCEL; i++)
		results[i] = EBUSY;
	for (i = 0; i < count; i++) {
		res = ring_next(ring, &which, &flags);
		if (which > CANCEL)
			return -EIO;
		results[which] = res;
	}
	return 0;
}

static bool ring_empty(struct ring *ring)
{
	return *ring->cq_head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
}

/* Nothing is done for a while. */
static bool ring_quiet(struct ring *ring)
{
	sleep_ms(50);
	return ring_empty(ring);
}

static int bound(int type, struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, type, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (void *)address, len) || getsockname(fd, (void *)address, &len))
		return -errno;
	return fd;
}

static int listening(struct sockaddr_in *address)
{
	int fd = bound(SOCK_STREAM, address);

	return fd >= 0 && listen(fd, 8) ? -errno : fd;
}

static int stream_pair(int pair[2])
{
	struct sockaddr_in address;
	int listener = listening(&address);

	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || connect(pair[0], (void *)&address, sizeof(address)))
		return -1;
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
	return pair[1] < 0 ? -1 : 0;
}

/* ---- tests ---- */

TEST_F(uring, stream)
{
	struct sockaddr_in address, from = { };
	socklen_t len = sizeof(from);
	int listener, client, accepted, results[CANCEL + 1];
	char text[16] = "";

	listener = listening(&address);
	ASSERT_LE(0, listener);
	client = act(op_socket(SOCK_STREAM));
	ASSERT_LE(0, client);
	/* The first attempt finds nobody. */
	ASSERT_LE(0, submit(op_accept(listener, &from, &len)));
	EXPECT_TRUE(ring_quiet(&self->ring));
	ASSERT_LE(0, submit(op_connect(client, &address)));
	ASSERT_EQ(0, ring_all(&self->ring, 2, results));
	EXPECT_EQ(0, results[FIRST]);
	accepted = results[SECOND];
	ASSERT_LE(0, accepted);
	EXPECT_EQ(FD_CLOEXEC, fcntl(accepted, F_GETFD));
	EXPECT_EQ(sizeof(from), len);
	EXPECT_EQ(htonl(INADDR_LOOPBACK), from.sin_addr.s_addr);
	EXPECT_EQ(-EISCONN, act(op_connect(client, &address)));
	/* Nor anything to be read. */
	ASSERT_LE(0, submit(op_data(IORING_OP_RECV, accepted, text, sizeof(text))));
	EXPECT_TRUE(ring_quiet(&self->ring));
	EXPECT_EQ(5, send(client, "early", 5, 0));
	EXPECT_EQ(5, ring_wait(&self->ring));
	EXPECT_STREQ("early", text);
	EXPECT_EQ(4, act(op_data(IORING_OP_SEND, accepted, "late", 4)));
	EXPECT_EQ(4, act(op_data(IORING_OP_RECV, client, text, sizeof(text))));
	EXPECT_EQ(0, strncmp(text, "late", 4));
	ASSERT_EQ(0, act(op_data(IORING_OP_SHUTDOWN, client, NULL, SHUT_WR)));
	EXPECT_EQ(0, act(op_data(IORING_OP_RECV, accepted, text, sizeof(text))));
	EXPECT_EQ(-EPIPE, act(op_data(IORING_OP_SEND, client, "x", 1)));
}

TEST_F(uring, messages)
{
	struct sockaddr_in address[2], from = { };
	char bytes[16] = "";
	struct iovec out[2] = { { "da", 2 }, { "tagram", 6 } }, in = { bytes, sizeof(bytes) };
	struct msghdr to = { .msg_name = &address[1], .msg_namelen = sizeof(address[1]),
			     .msg_iov = out, .msg_iovlen = 2 };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &in,
			      .msg_iovlen = 1 };
	int results[CANCEL + 1], pair[2], i;

	for (i = 0; i < 2; i++) {
		pair[i] = bound(SOCK_DGRAM, &address[i]);
		ASSERT_LE(0, pair[i]);
	}
	ASSERT_LE(0, submit(op_data(IORING_OP_RECVMSG, pair[1], &msg, 1)));
	EXPECT_TRUE(ring_quiet(&self->ring));
	struct io_uring_sqe send = op_data(IORING_OP_SENDMSG, pair[0], &to, 1);

	send.user_data = SECOND;
	ASSERT_LE(0, submit(send));
	ASSERT_EQ(0, ring_all(&self->ring, 2, results));
	EXPECT_EQ(8, results[FIRST]);
	EXPECT_EQ(8, results[SECOND]);
	EXPECT_STREQ("datagram", bytes);
	EXPECT_EQ(sizeof(from), msg.msg_namelen);
	EXPECT_EQ(address[0].sin_port, from.sin_port);
	/* What does not fit is cut off, and that is told. */
	ASSERT_EQ(8, act(op_data(IORING_OP_SENDMSG, pair[0], &to, 1)));
	in.iov_len = 3;
	EXPECT_EQ(3, act(op_data(IORING_OP_RECVMSG, pair[1], &msg, 1)));
	EXPECT_EQ(MSG_TRUNC, msg.msg_flags & MSG_TRUNC);
	to.msg_name = NULL;
	to.msg_namelen = 0;
	EXPECT_EQ(-EDESTADDRREQ, act(op_data(IORING_OP_SENDMSG, pair[0], &to, 1)));
}

TEST_F(uring, refused)
{
	struct sockaddr_in nobody;
	int fd, error = -1;
	socklen_t len = sizeof(error);

	close(bound(SOCK_STREAM, &nobody));
	fd = act(op_socket(SOCK_STREAM));
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ECONNREFUSED, act(op_connect(fd, &nobody)));
	EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	EXPECT_EQ(0, error);
}

TEST_F(uring, full)
{
	static char bytes[100000];
	int pair[2];

	ASSERT_EQ(0, stream_pair(pair));
	/* What is on its way makes room once it has come. */
	do {
		while (send(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
		ASSERT_EQ(EAGAIN, errno);
		sleep_ms(100);
	} while (send(pair[0], bytes, 1, MSG_DONTWAIT) > 0);
	ASSERT_LE(0, submit(op_data(IORING_OP_SEND, pair[0], bytes, 100)));
	EXPECT_TRUE(ring_quiet(&self->ring));
	/* More may be on its way while there is nothing to be read. */
	while (ring_empty(&self->ring))
		if (recv(pair[1], bytes, sizeof(bytes), MSG_DONTWAIT) < 0)
			sleep_ms(1);
	EXPECT_EQ(100, ring_wait(&self->ring));
}

TEST_F(uring, cancel)
{
	struct sockaddr_in address, from;
	socklen_t len = sizeof(from);
	int pair[2], listener, results[CANCEL + 1];
	char text[8];

	ASSERT_EQ(0, stream_pair(pair));
	ASSERT_LE(0, submit(op_data(IORING_OP_RECV, pair[1], text, sizeof(text))));
	EXPECT_TRUE(ring_quiet(&self->ring));
	ASSERT_LE(0, submit(op_cancel(FIRST)));
	ASSERT_EQ(0, ring_all(&self->ring, 2, results));
	EXPECT_EQ(0, results[CANCEL]);
	EXPECT_EQ(-ECANCELED, results[FIRST]);
	/* It takes nothing any more. */
	ASSERT_EQ(1, send(pair[0], "x", 1, 0));
	EXPECT_EQ(1, recv(pair[1], text, sizeof(text), 0));
	listener = listening(&address);
	ASSERT_LE(0, submit(op_accept(listener, &from, &len)));
	EXPECT_TRUE(ring_quiet(&self->ring));
	ASSERT_LE(0, submit(op_cancel(SECOND)));
	ASSERT_EQ(0, ring_all(&self->ring, 2, results));
	EXPECT_EQ(0, results[CANCEL]);
	EXPECT_EQ(-ECANCELED, results[SECOND]);
	ASSERT_EQ(0, connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&address, sizeof(address)));
	EXPECT_LE(0, accept(listener, NULL, NULL));
}

/* Connects, and returns the fd that the pending accept, which goes on, gives for that. */
static int connect_accepted(struct ring *ring, const struct sockaddr_in *address, int *client)
{
	uint64_t which;
	uint32_t flags;
	int fd;

	*client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(*client, (void *)address, sizeof(*address)))
		return -errno;
	fd = ring_next(ring, &which, &flags);
	return which == SECOND && (fd < 0 || flags & IORING_CQE_F_MORE) ? fd : -EPROTO;
}

TEST_F(uring, one_accept_for_many)
{
	struct sockaddr_in address;
	struct io_uring_sqe sqe;
	int listener = listening(&address), client, fd, i;
	char byte;

	ASSERT_LE(0, listener);
	sqe = op_accept(listener, NULL, NULL);
	sqe.ioprio = IORING_ACCEPT_MULTISHOT;
	/* By a worker it is EINVAL on some kernels. */
	ASSERT_LE(0, ring_submit(&self->ring, &sqe));
	for (i = 0; i < 3; i++) {
		fd = connect_accepted(&self->ring, &address, &client);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, send(client, "x", 1, 0));
		EXPECT_EQ(1, recv(fd, &byte, 1, 0));
	}
}

/* ---- whose server, and what it is left with ---- */

FIXTURE(ring_views)
{
	pid_t server;
};

FIXTURE_SETUP(ring_views)
{
	struct ring ring;

	self->server = sock_start(SERVER, handle);
	ASSERT_LT(0, self->server);
	if (ring_create(&ring, 0) == -EPERM)
		SKIP(return, "io_uring is not permitted (kernel.io_uring_disabled?)");
	close(ring.fd);
}

FIXTURE_TEARDOWN(ring_views)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
}

static const struct {
	uint32_t setup;
	uint8_t flags;
} ways[] = { { 0, 0 }, { 0, IOSQE_ASYNC }, { IORING_SETUP_SQPOLL, 0 } };

/* The positive errno of a socket that is made by a ring. */
static int ring_socket_error(struct ring *ring, uint8_t flags)
{
	struct io_uring_sqe sqe = op_socket(SOCK_STREAM);
	int fd;

	sqe.flags = flags;
	fd = ring_do(ring, &sqe);
	return fd < 0 ? -fd : 0;
}

/* The error of a ring in a view in a view: which of the two answers, by a ring of which one? */
static int nested_error(int way, bool outer_ring)
{
	struct ring ring;

	if (sock_view_enter(SERVER, "error:101") ||
	    (outer_ring && ring_create(&ring, ways[way].setup)))
		return 200;
	/* A thread of its own keeps a process from entering: so a child, with the ring. */
	return IN_CHILD(({
		if (sock_view_enter(SERVER, "error:102") ||
		    (!outer_ring && ring_create(&ring, ways[way].setup)))
			_exit(201);
		ring_socket_error(&ring, ways[way].flags);
	}));
}

TEST_F(ring_views, whose_server)
{
	int i;

	for (i = 0; i < 3; i++) {
		TH_LOG("way %d", i);
		EXPECT_EQ(102, IN_CHILD(nested_error(i, false)));
		/* Only a polling thread is somebody else: who made the ring. */
		EXPECT_EQ(i == 2 ? 101 : 102, IN_CHILD(nested_error(i, true)));
	}
}

/* How many sessions of socket servers have so many requests. */
static int sessions_with(uint64_t requests)
{
	return dump_count(VIEWOS_CMD_SESSION_GET, 0, VIEWOS_A_SESSION_PENDING, &requests,
			  sizeof(requests));
}

static bool sessions_come_to(uint64_t requests, int count)
{
	int i;

	for (i = 0; i < 1000 && sessions_with(requests) != count; i++)
		sleep_ms(10);
	return i < 1000;
}

/* In the view, by a ring, what its server holds back. */
static int hold(int view, int way, uint32_t op)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = 1 };
	struct io_uring_sqe sqe;
	struct ring ring;
	char bytes[8];
	int fd;

	if (view_enter(view) || ring_create(&ring, ways[way].setup))
		return 200;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (op == VIEWOS_SOCK_CONNECT)
		sqe = op_connect(fd, &address);
	else if (op == VIEWOS_SOCK_SENDMSG)
		sqe = op_data(IORING_OP_SEND, fd, bytes, sizeof(bytes));
	else
		sqe = op_data(IORING_OP_RECV, fd, bytes, sizeof(bytes));
	sqe.flags = ways[way].flags;
	ring_do(&ring, &sqe);
	return 0;
}

/* The server answers what it holds when it hears of the release, so late. */
TEST_F(ring_views, killed)
{
	static const uint32_t ops[] = {
		VIEWOS_SOCK_CONNECT, VIEWOS_SOCK_SENDMSG, VIEWOS_SOCK_RECVMSG };
	char source[32];
	int i, view;
	pid_t pid;

	for (i = 0; i < 9; i++) {
		TH_LOG("way %d, operation %#x", i / 3, ops[i % 3]);
		view = view_create(control_open(), "");
		snprintf(source, sizeof(source), "hold:%u", ops[i % 3]);
		ASSERT_EQ(0, rule_add(view, sock_rule(SERVER, source)));
		pid = fork();
		if (!pid)
			_exit(hold(view, i / 3, ops[i % 3]));
		EXPECT_TRUE(sessions_come_to(1, 1));
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		/* The session is there, has nothing left to answer, and works. */
		EXPECT_TRUE(sessions_come_to(0, 1));
		EXPECT_EQ(0, sessions_with(1));
		EXPECT_EQ(0, IN_CHILD(view_enter(view) ? 200 :
				      socket_error(AF_INET, SOCK_STREAM, 0)));
		close(view);
	}
}

/* What a worker waits for at the server is interrupted by a cancel. */
static int interrupted(void)
{
	struct io_uring_sqe sqe;
	int results[CANCEL + 1], fd;
	struct ring ring;
	char source[32], bytes[8];

	snprintf(source, sizeof(source), "interrupt:%u", VIEWOS_SOCK_RECVMSG);
	if (sock_view_enter(SERVER, source) || ring_create(&ring, 0))
		return 200;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	sqe = op_data(IORING_OP_RECV, fd, bytes, sizeof(bytes));
	sqe.flags = IOSQE_ASYNC;
	if (ring_submit(&ring, &sqe) != 1 || !sessions_come_to(1, 1))
		return 201;
	sqe = op_cancel(FIRST);
	if (ring_submit(&ring, &sqe) != 1 || ring_all(&ring, 2, results))
		return 202;
	if (results[CANCEL] != -EALREADY)
		return 203;
	return -results[FIRST];
}

TEST_F(ring_views, interrupted)
{
	EXPECT_EQ(EINTR, IN_CHILD(interrupted()));
	EXPECT_TRUE(sessions_come_to(1, 0));
}

TEST_HARNESS_MAIN
