// SPDX-License-Identifier: GPL-2.0
/* Servers of system calls by libviewos, against a kernel that is this test, over a socket pair. */

#include "../viewos_test.h"

#include <linux/audit.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "../../userspace/lib/viewos.h"

/* What the server does with a call is told by its number. */
enum { VALUE, ERROR, GO_ON, CHANGED, LATER, TEXT };

static atomic_int interrupted;
static struct viewos_call_req *_Atomic later;
static struct viewos_call_result seen;
static atomic_bool have_seen;

static int op_init(struct viewos_call_session *session, void *data)
{
	return viewos_call_fetch_string(session, AUDIT_ARCH_X86_64, TEXT, 2);
}

static void op_call(struct viewos_call_req *req)
{
	__u64 args[6];

	memcpy(args, req->in->args, sizeof(args));
	switch (req->in->nr) {
	case VALUE:
		viewos_call_reply_value(req, args[0]);
		break;
	case ERROR:
		viewos_call_reply_err(req, (int)args[0]);
		break;
	case CHANGED:
		args[5]++;
		viewos_call_reply_continue(req, args, VIEWOS_CALL_OUT_RESULT);
		break;
	case LATER:
		later = req;
		break;
	case TEXT:
		/* There is a zero behind it. */
		viewos_call_reply_value(req, req->fetched ? strlen(req->fetched) : 4711);
		break;
	default:
		viewos_call_reply_continue(req, NULL, args[0]);
	}
}

static void op_result(void *data, const struct viewos_call_result *result)
{
	seen = *result;
	have_seen = true;
}

static void op_interrupt(void *data, uint64_t id)
{
	interrupted = id;
}

static const struct viewos_call_ops ops = {
	.init = op_init, .call = op_call, .result = op_result, .interrupt = op_interrupt };

FIXTURE(call)
{
	int kernel, session, result;
	bool ended;
	uint64_t unique;
	pthread_t server;
};

static void *serve(void *arg)
{
	struct _test_data_call *self = arg;

	self->result = viewos_call_serve(self->session, &ops, sizeof(ops), NULL, 2);
	return NULL;
}

FIXTURE_SETUP(call)
{
	int pair[2];

	later = NULL;
	have_seen = false;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	self->kernel = pair[0];
	self->session = pair[1];
	self->unique = 0;
	self->ended = false;
	ASSERT_EQ(0, pthread_create(&self->server, NULL, serve, self));
}

FIXTURE_TEARDOWN(call)
{
	if (!self->ended) {
		close(self->kernel);
		pthread_join(self->server, NULL);
	}
	EXPECT_EQ(0, self->result);
}

static void ask(struct _test_data_call *self, uint32_t op, const void *body, size_t len,
		const void *more, size_t more_len)
{
	struct fuse_in_header header = {
		.len = sizeof(header) + len + more_len, .opcode = op, .unique = self->unique += 2 };
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { (void *)body, len }, { (void *)more, more_len } };

	if (writev(self->kernel, iov, 3) != header.len)
		abort();
}

static struct {
	struct fuse_out_header header;
	union {
		struct viewos_call_out out;
		struct viewos_call_init init;
		struct viewos_call_fetch fetch;
	};
} answer;

/* The error of the next answer, and whether it is well formed. */
static int answered(struct _test_data_call *self)
{
	ssize_t len = read(self->kernel, &answer, sizeof(answer));

	if (len < (ssize_t)sizeof(answer.header) || answer.header.len != len)
		return -9999;
	if (answer.header.unique && answer.header.unique != self->unique)
		return -9998;
	return answer.header.error;
}

static struct viewos_call_in in_of(uint32_t nr, uint64_t arg)
{
	return (struct viewos_call_in){
		.nr = nr, .arch = AUDIT_ARCH_X86_64, .args = { arg, 1, 2, 3, 4, 5 },
		.fetched = -ENODATA };
}

static int made(struct _test_data_call *self, uint32_t nr, uint64_t arg)
{
	struct viewos_call_in in = in_of(nr, arg);

	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), NULL, 0);
	return answered(self);
}

TEST_F(call, init)
{
	struct viewos_call_init init = { .major = VIEWOS_CALL_MAJOR, .minor = 99 };

	ask(self, VIEWOS_CALL_INIT, &init, sizeof(init), NULL, 0);
	/* First what the operation has asked for. */
	ASSERT_EQ(VIEWOS_CALL_NOTIFY_FETCH, answered(self));
	EXPECT_EQ(TEXT, answer.fetch.nr);
	EXPECT_EQ(2, answer.fetch.arg);
	EXPECT_EQ(VIEWOS_CALL_FETCH_STRING, answer.fetch.kind);
	ASSERT_EQ(0, answered(self));
	EXPECT_EQ(VIEWOS_CALL_MAJOR, answer.init.major);
	EXPECT_EQ(VIEWOS_CALL_MINOR, answer.init.minor);
	init.major++;
	ask(self, VIEWOS_CALL_INIT, &init, sizeof(init), NULL, 0);
	EXPECT_EQ(-EPROTO, answered(self));
	ask(self, VIEWOS_CALL_INIT, &init, 4, NULL, 0);
	EXPECT_EQ(-EPROTO, answered(self));
}

TEST_F(call, answers)
{
	EXPECT_EQ(0, made(self, VALUE, 1ULL << 40));
	EXPECT_EQ(VIEWOS_CALL_VALUE, answer.out.action);
	EXPECT_EQ(1LL << 40, answer.out.value);
	EXPECT_EQ(-EXDEV, made(self, ERROR, EXDEV));
	EXPECT_EQ(-EIO, made(self, ERROR, 0));
	EXPECT_EQ(-EIO, made(self, ERROR, 512));
	EXPECT_EQ(0, made(self, GO_ON, 0));
	EXPECT_EQ(VIEWOS_CALL_CONTINUE, answer.out.action);
	EXPECT_EQ(0, answer.out.flags);
	EXPECT_EQ(0, answer.out.args[1]);
	EXPECT_EQ(0, made(self, CHANGED, 0));
	EXPECT_EQ(VIEWOS_CALL_OUT_ARGS | VIEWOS_CALL_OUT_RESULT, answer.out.flags);
	EXPECT_EQ(4, answer.out.args[4]);
	EXPECT_EQ(6, answer.out.args[5]);
}

/* A call that has ended, of a server that has nothing to say to that. */
TEST_F(call, ended)
{
	struct viewos_call_ended ended = { .in = in_of(VALUE, 0), .unique = 3, .value = 5 };

	ask(self, VIEWOS_CALL_ENDED, &ended, sizeof(ended), NULL, 0);
	EXPECT_EQ(0, answered(self));
	EXPECT_EQ(VIEWOS_CALL_CONTINUE, answer.out.action);
	EXPECT_EQ(0, answer.out.flags);
	ask(self, VIEWOS_CALL_ENDED, &ended, sizeof(ended), "ab", 2);
	EXPECT_EQ(-EIO, answered(self));
	ask(self, VIEWOS_CALL_ENDED, &ended, sizeof(ended) - 8, NULL, 0);
	EXPECT_EQ(-EIO, answered(self));
}

/* Whatever the server wants of it. */
TEST_F(call, exits)
{
	struct viewos_call_in in = in_of(1, 0);

	EXPECT_EQ(0, made(self, 231, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, answer.out.flags);
	EXPECT_EQ(0, made(self, 169, VIEWOS_CALL_OUT_RESULT));
	EXPECT_EQ(0, answer.out.flags);
	in.nr = 252;
	in.args[0] = VIEWOS_CALL_OUT_RESULT;
	in.arch = AUDIT_ARCH_I386;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), NULL, 0);
	EXPECT_EQ(0, answered(self));
	EXPECT_EQ(0, answer.out.flags);
}

TEST_F(call, what_comes_along)
{
	char text[VIEWOS_CALL_MAX_FETCH + 1];
	struct viewos_call_in in = in_of(TEXT, 0);

	memset(text, 'x', sizeof(text));
	in.fetched = VIEWOS_CALL_MAX_FETCH;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), text, in.fetched);
	EXPECT_EQ(0, answered(self));
	EXPECT_EQ(VIEWOS_CALL_MAX_FETCH, answer.out.value);
	in.fetched = 0;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), NULL, 0);
	EXPECT_EQ(0, answered(self));
	EXPECT_EQ(0, answer.out.value);
	in.fetched = -EFAULT;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), NULL, 0);
	EXPECT_EQ(0, answered(self));
	EXPECT_EQ(4711, answer.out.value);
	/* Lengths that lie. */
	in.fetched = 4;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), text, 3);
	EXPECT_EQ(-EIO, answered(self));
	in.fetched = -EFAULT;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), text, 3);
	EXPECT_EQ(-EIO, answered(self));
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in) - 8, NULL, 0);
	EXPECT_EQ(-EIO, answered(self));
	ask(self, 0x2fff, &in, sizeof(in), NULL, 0);
	EXPECT_EQ(-ENOSYS, answered(self));
}

TEST_F(call, results_and_interrupts)
{
	struct viewos_call_result result = { .unique = 8, .value = -5, .time = 7 };
	struct fuse_interrupt_in interrupt = { .unique = 9 };

	ask(self, VIEWOS_CALL_RESULT, &result, 8, NULL, 0);
	ask(self, VIEWOS_CALL_RESULT, &result, sizeof(result), NULL, 0);
	while (!have_seen)
		sleep_ms(1);
	EXPECT_EQ(0, memcmp(&seen, &result, sizeof(result)));
	ask(self, FUSE_INTERRUPT, &interrupt, sizeof(interrupt), NULL, 0);
	while (interrupted != 9)
		sleep_ms(1);
	EXPECT_EQ(0, made(self, VALUE, 3));
}

/* Replied to by another thread, and after the session's end. */
TEST_F(call, later)
{
	struct viewos_call_in in = in_of(LATER, 0);

	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), NULL, 0);
	while (!later)
		sleep_ms(1);
	EXPECT_EQ(0, viewos_call_reply_value(later, 5));
	EXPECT_EQ(0, answered(self));
	EXPECT_EQ(5, answer.out.value);
	later = NULL;
	ask(self, VIEWOS_CALL_MADE, &in, sizeof(in), NULL, 0);
	while (!later)
		sleep_ms(1);
	close(self->kernel);
	pthread_join(self->server, NULL);
	EXPECT_EQ(-ENODEV, viewos_call_read(later, 4096, &in, 8));
	EXPECT_EQ(-ENODEV, viewos_call_reply_value(later, 5));
	self->ended = true;
}

TEST_HARNESS_MAIN
