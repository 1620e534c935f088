// SPDX-License-Identifier: GPL-2.0
/* Socket servers by libviewos, against a kernel that is this test, over a socket pair. */

#include "../viewos_test.h"

#include <linux/fuse.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "../../userspace/lib/viewos.h"

#define FRAME_MAX	(1 << 17)

/* The server: a socket's pointer is a struct thing, and what it does is up to the test. */
struct thing {
	uint64_t id;
	int sent;
};

static atomic_int created, released, late_error;
static struct viewos_sock_req *later;
static struct viewos_sock_session *last_session;

static void op_create(struct viewos_sock_req *req)
{
	struct viewos_sock_out out = {
		.flags = VIEWOS_SOCK_OUT_EVENTS, .events = POLLOUT,
		.ask = VIEWOS_SOCK_ASK(VIEWOS_SOCK_CONNECT),
	};
	struct thing *thing = calloc(1, sizeof(*thing));

	last_session = req->session;
	if (req->in->protocol == 99) {
		free(thing);
		viewos_sock_reply_err(req, EPROTONOSUPPORT);
		return;
	}
	thing->id = req->id;
	req->user = thing;
	created++;
	if (viewos_sock_reply(req, &out, NULL, NULL, NULL)) {
		created--;
		free(thing);
	}
}

static void op_accept(struct viewos_sock_req *req)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(7) };
	struct viewos_sock_out out = { .name_len = sizeof(peer) };
	struct thing *thing = calloc(1, sizeof(*thing));

	thing->id = req->in->new_id;
	req->new_user = thing;
	created++;
	viewos_sock_reply(req, &out, &peer, NULL, NULL);
}

static void op_bind(struct viewos_sock_req *req)
{
	/* Room for a whole address, whatever came. */
	struct sockaddr_storage all;

	memcpy(&all, req->name, sizeof(all));
	viewos_sock_reply_err(req, req->name->sa_family == AF_INET ? 0 : EAFNOSUPPORT);
}

static void op_connect(struct viewos_sock_req *req)
{
	viewos_sock_reply_continue(req);
}

static void op_listen(struct viewos_sock_req *req)
{
	later = req;
}

static void op_getname(struct viewos_sock_req *req)
{
	/* Lengths that lie, or too long: the library refuses them. */
	struct viewos_sock_out out = { .name_len = req->in->value ? 129 : 16 };

	late_error = viewos_sock_reply(req, &out, NULL, NULL, NULL);
}

static void op_sendmsg(struct viewos_sock_req *req)
{
	struct thing *thing = req->user;
	struct viewos_sock_out out = { .value = req->in->data_len };
	struct msghdr msg = { .msg_control = (void *)req->control,
			      .msg_controllen = req->in->control_len };
	const unsigned char *data = req->payload;
	struct cmsghdr *cmsg;
	uint32_t i;

	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		out.value += *(int *)CMSG_DATA(cmsg);
	for (i = 0; i < req->in->data_len; i++)
		thing->sent += data[i];
	viewos_sock_reply(req, &out, NULL, NULL, NULL);
}

static void op_recvmsg(struct viewos_sock_req *req)
{
	static const char data[VIEWOS_SOCK_MAX_DATA] = { 'x' };
	const struct cmsghdr control = { .cmsg_len = sizeof(control), .cmsg_type = 5 };
	struct viewos_sock_out out = { .data_len = req->in->room };

	out.control_len = req->in->msg_flags & MSG_PEEK ? sizeof(control) : 0;
	viewos_sock_reply(req, &out, NULL, &control, data);
}

static void op_release(void *data, uint64_t id, void *user)
{
	struct thing *thing = user;

	if (thing->id == id && data == &created)
		released++;
	free(thing);
}

static const struct viewos_sock_ops ops = {
	.create = op_create, .accept = op_accept, .bind = op_bind, .connect = op_connect,
	.listen = op_listen, .getname = op_getname, .sendmsg = op_sendmsg,
	.recvmsg = op_recvmsg, .release = op_release,
};

FIXTURE(sock)
{
	int kernel;
	int session;
	uint64_t unique;
	pthread_t server;
	bool ended;
	int result;
};

static void *serve(void *arg)
{
	struct _test_data_sock *self = arg;

	self->result = viewos_sock_serve(self->session, &ops, sizeof(ops), &created, 2);
	return NULL;
}

FIXTURE_SETUP(sock)
{
	int pair[2], size = 1 << 20;

	created = 0;
	released = 0;
	later = NULL;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	self->kernel = pair[0];
	self->session = pair[1];
	self->unique = 0;
	ASSERT_EQ(0, pthread_create(&self->server, NULL, serve, self));
}

FIXTURE_TEARDOWN(sock)
{
	close(self->kernel);
	if (!self->ended)
		pthread_join(self->server, NULL);
	EXPECT_EQ(0, self->result);
	/* Whatever was made is let go of. */
	EXPECT_EQ(created, released);
}

/* Sends a request; 0 for lengths that are right. Control messages are in front of the data. */
static void ask(struct _test_data_sock *self, uint32_t op, uint64_t id, struct viewos_sock_in in,
		const void *name, const void *data)
{
	struct fuse_in_header header = {
		.opcode = op, .nodeid = id, .unique = self->unique += 2, .pid = 1,
	};
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { &in, sizeof(in) }, { (void *)name, in.name_len },
		{ (void *)data, in.control_len + in.data_len },
	};

	header.len = sizeof(header) + sizeof(in) + in.name_len + in.control_len + in.data_len;
	if (writev(self->kernel, iov, 4) != header.len)
		abort();
}

struct answer {
	struct fuse_out_header header;
	union {
		struct viewos_sock_out out;
		struct viewos_sock_event event;
	};
	char rest[FRAME_MAX];
};

/* The error of the next answer. */
static int answered(struct _test_data_sock *self, struct answer *answer)
{
	ssize_t len = read(self->kernel, answer, sizeof(*answer));

	if (len < (ssize_t)sizeof(answer->header) || answer->header.len != len)
		return -9999;
	if (!answer->header.unique)
		return answer->header.error;
	if (answer->header.unique != self->unique)
		return -9998;
	if (answer->header.error)
		return len == sizeof(answer->header) ? answer->header.error : -9997;
	if (len < (ssize_t)(sizeof(answer->header) + sizeof(answer->out)) ||
	    answer->out.pad || len != (ssize_t)(sizeof(answer->header) + sizeof(answer->out)) +
	    answer->out.name_len + answer->out.control_len + answer->out.data_len)
		return -9996;
	return 0;
}

static struct answer answer;

/* What the server's own call returned, which is later than its answer. */
static int error_of_reply(void)
{
	int error;

	while (!(error = atomic_exchange(&late_error, 0)))
		sleep_ms(1);
	return error;
}

static int call(struct _test_data_sock *self, uint32_t op, uint64_t id, struct viewos_sock_in in,
		const void *name, const void *data)
{
	ask(self, op, id, in, name, data);
	return answered(self, &answer);
}

static struct viewos_sock_in nothing;

TEST_F(sock, version)
{
	struct viewos_sock_in in = { .value = VIEWOS_SOCK_MAJOR, .name = 7 };

	ASSERT_EQ(0, call(self, VIEWOS_SOCK_INIT, 0, in, NULL, NULL));
	EXPECT_EQ(VIEWOS_SOCK_MAJOR, answer.out.value);
	EXPECT_EQ(VIEWOS_SOCK_MINOR, answer.out.ask);
	in.value++;
	EXPECT_EQ(-EPROTO, call(self, VIEWOS_SOCK_INIT, 0, in, NULL, NULL));
}

TEST_F(sock, life)
{
	struct viewos_sock_in in = { .family = AF_INET, .type = SOCK_STREAM };
	uint64_t id;

	for (id = 1; id <= 1000; id++) {
		ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, id, in, NULL, NULL));
		ASSERT_EQ(1, answer.out.seq);
		ASSERT_EQ(POLLOUT, answer.out.events);
		ASSERT_EQ(-1, answer.out.fd);
	}
	EXPECT_EQ(-EEXIST, call(self, VIEWOS_SOCK_CREATE, 5, in, NULL, NULL));
	EXPECT_EQ(-EBADF, call(self, VIEWOS_SOCK_CONNECT, 1001, in, NULL, NULL));
	in.protocol = 99;
	EXPECT_EQ(-EPROTONOSUPPORT, call(self, VIEWOS_SOCK_CREATE, 1001, in, NULL, NULL));
	for (id = 1; id <= 1000; id += 2)
		ask(self, VIEWOS_SOCK_RELEASE, id, nothing, NULL, NULL);
	/* Not twice. */
	ask(self, VIEWOS_SOCK_RELEASE, 1, nothing, NULL, NULL);
	while (released < 500)
		sleep_ms(1);
	EXPECT_EQ(-EBADF, call(self, VIEWOS_SOCK_CONNECT, 1, nothing, NULL, NULL));
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_CONNECT, 2, nothing, NULL, NULL));
	EXPECT_EQ(VIEWOS_SOCK_OUT_CONTINUE, answer.out.flags);
	EXPECT_EQ(500, released);
}

TEST_F(sock, accepted)
{
	struct viewos_sock_in in = { .new_id = 2 };

	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	ASSERT_EQ(0, call(self, VIEWOS_SOCK_ACCEPT, 1, in, NULL, NULL));
	EXPECT_EQ(sizeof(struct sockaddr_in), answer.out.name_len);
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_CONNECT, 2, nothing, NULL, NULL));
	EXPECT_EQ(-EEXIST, call(self, VIEWOS_SOCK_ACCEPT, 1, in, NULL, NULL));
}

TEST_F(sock, addresses)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct viewos_sock_in in = { .name_len = 2 };

	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_BIND, 1, in, &address, NULL));
	address.sin_family = AF_INET6;
	EXPECT_EQ(-EAFNOSUPPORT, call(self, VIEWOS_SOCK_BIND, 1, in, &address, NULL));
	/* An answer that the server got wrong. */
	in.name_len = 0;
	EXPECT_EQ(-EIO, call(self, VIEWOS_SOCK_GETNAME, 1, in, NULL, NULL));
	EXPECT_EQ(-EINVAL, error_of_reply());
	in.value = 1;
	EXPECT_EQ(-EIO, call(self, VIEWOS_SOCK_GETNAME, 1, in, NULL, NULL));
	EXPECT_EQ(-EINVAL, error_of_reply());
}

TEST_F(sock, payload)
{
	static char data[VIEWOS_SOCK_MAX_DATA];
	struct viewos_sock_in in = { .data_len = sizeof(data) };
	char name[VIEWOS_SOCK_MAX_NAME] = { };

	memset(data, 1, sizeof(data));
	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	in.name_len = sizeof(name);
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_SENDMSG, 1, in, name, data));
	EXPECT_EQ(sizeof(data), answer.out.value);
	in.name_len = 0;
	in.data_len = 0;
	in.room = sizeof(data);
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_RECVMSG, 1, in, NULL, NULL));
	EXPECT_EQ(sizeof(data), answer.out.data_len);
}

/* Behind an address of IPv6 they are not where the server could use them. */
TEST_F(sock, control)
{
	struct {
		struct cmsghdr header;
		int64_t value;
	} messages[3] = { { { CMSG_LEN(4) }, 100 }, { { CMSG_LEN(8) }, 200 },
			  { { CMSG_LEN(4) }, 400 } };
	struct viewos_sock_in in = { .name_len = sizeof(struct sockaddr_in6),
				     .control_len = sizeof(messages) };
	struct sockaddr_in6 name = { .sin6_family = AF_INET6 };

	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_SENDMSG, 1, in, &name, messages));
	EXPECT_EQ(700, answer.out.value);
	in = (struct viewos_sock_in){ .room = 3, .msg_flags = MSG_PEEK };
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_RECVMSG, 1, in, NULL, NULL));
	EXPECT_EQ(sizeof(struct cmsghdr), answer.out.control_len);
	EXPECT_EQ(5, ((struct cmsghdr *)answer.rest)->cmsg_type);
	EXPECT_EQ('x', answer.rest[sizeof(struct cmsghdr)]);
}

TEST_F(sock, missing)
{
	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	EXPECT_EQ(-EOPNOTSUPP, call(self, VIEWOS_SOCK_SHUTDOWN, 1, nothing, NULL, NULL));
	EXPECT_EQ(-ENOPROTOOPT, call(self, VIEWOS_SOCK_SETSOCKOPT, 1, nothing, NULL, NULL));
	EXPECT_EQ(-ENOPROTOOPT, call(self, VIEWOS_SOCK_GETSOCKOPT, 1, nothing, NULL, NULL));
	EXPECT_EQ(-ENOTTY, call(self, VIEWOS_SOCK_IOCTL, 1, nothing, NULL, NULL));
	EXPECT_EQ(-ENOSYS, call(self, 0x100e, 1, nothing, NULL, NULL));
	EXPECT_EQ(-ENOSYS, call(self, FUSE_INTERRUPT, 1, nothing, NULL, NULL));
}

TEST_F(sock, events)
{
	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	EXPECT_EQ(-ENOENT, viewos_sock_event(last_session, 2, POLLIN, 0, -1));
	EXPECT_EQ(-EINVAL, viewos_sock_event(last_session, 1, POLLIN, -1, -1));
	EXPECT_EQ(-EINVAL, viewos_sock_event(last_session, 1, POLLIN, 512, -1));
	EXPECT_EQ(0, viewos_sock_event(last_session, 1, POLLIN | 0x10000, ECONNRESET, -1));
	ASSERT_EQ(VIEWOS_SOCK_NOTIFY_EVENT, answered(self, &answer));
	EXPECT_EQ(sizeof(answer.header) + sizeof(answer.event), answer.header.len);
	EXPECT_EQ(1, answer.event.id);
	EXPECT_EQ(POLLIN, answer.event.events);
	EXPECT_EQ(2, answer.event.seq);
	EXPECT_EQ(ECONNRESET, answer.event.error);
	EXPECT_EQ(-1, answer.event.fd);
	EXPECT_EQ(0, answer.event.flags);
	EXPECT_EQ(0, viewos_sock_event(last_session, 1, 0, 0, 5));
	ASSERT_EQ(VIEWOS_SOCK_NOTIFY_EVENT, answered(self, &answer));
	EXPECT_EQ(3, answer.event.seq);
	EXPECT_EQ(VIEWOS_SOCK_OUT_FD, answer.event.flags);
}

/* The answer comes from another thread, when the socket has gone. */
TEST_F(sock, late)
{
	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	ask(self, VIEWOS_SOCK_LISTEN, 1, nothing, NULL, NULL);
	while (!later)
		sleep_ms(1);
	ask(self, VIEWOS_SOCK_RELEASE, 1, nothing, NULL, NULL);
	ask(self, VIEWOS_SOCK_CREATE, 3, nothing, NULL, NULL);
	ASSERT_EQ(0, answered(self, &answer));
	EXPECT_EQ(0, released);
	self->unique -= 4;
	EXPECT_EQ(0, viewos_sock_reply_err(later, 0));
	EXPECT_EQ(0, answered(self, &answer));
	EXPECT_EQ(1, released);
}

/* And when the session has ended. */
TEST_F(sock, too_late)
{
	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	ask(self, VIEWOS_SOCK_LISTEN, 1, nothing, NULL, NULL);
	while (!later)
		sleep_ms(1);
	shutdown(self->kernel, SHUT_RDWR);
	pthread_join(self->server, NULL);
	EXPECT_EQ(0, released);
	EXPECT_EQ(-ENODEV, viewos_sock_reply_err(later, 0));
	EXPECT_EQ(1, released);
	self->ended = true;
}

/* Frames cut short, or with lengths that do not fit. */
TEST_F(sock, odd_frames)
{
	struct {
		struct fuse_in_header header;
		struct viewos_sock_in in;
		char data[64];
	} frame = {
		.header = { .opcode = VIEWOS_SOCK_BIND, .nodeid = 1, .unique = 1000 },
	};
	const struct viewos_sock_in bad[] = {
		{ .name_len = 129 }, { .name_len = 65 }, { .name_len = 63 }, { .name_len = ~0U },
		{ .control_len = 4104 }, { .control_len = 63, .name_len = 1 },
		{ .control_len = ~7U }, { .data_len = 65537 }, { .data_len = ~0U },
		{ .name_len = 64, .data_len = 1U << 31, .control_len = 1U << 31 },
	};
	size_t len, i;

	ASSERT_EQ(0, call(self, VIEWOS_SOCK_CREATE, 1, nothing, NULL, NULL));
	for (len = 1; len < sizeof(frame.header) + sizeof(frame.in); len++) {
		frame.header.len = len;
		self->unique = frame.header.unique;
		ASSERT_EQ(len, write(self->kernel, &frame, len));
		if (len >= sizeof(frame.header))
			ASSERT_EQ(-EIO, answered(self, &answer));
	}
	frame.header.len = sizeof(frame) - 1;
	ASSERT_EQ(sizeof(frame), write(self->kernel, &frame, sizeof(frame)));
	EXPECT_EQ(-EIO, answered(self, &answer));
	frame.header.len = sizeof(frame);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		frame.in = bad[i];
		ASSERT_EQ(sizeof(frame), write(self->kernel, &frame, sizeof(frame)));
		EXPECT_EQ(-EIO, answered(self, &answer)) TH_LOG("frame %zu", i);
	}
	EXPECT_EQ(0, call(self, VIEWOS_SOCK_CONNECT, 1, nothing, NULL, NULL));
}

TEST_HARNESS_MAIN
