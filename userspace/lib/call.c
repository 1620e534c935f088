// SPDX-License-Identifier: GPL-2.0
/* libviewos: serving system calls */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "pool.h"
#include "program.h"
#include "serve.h"
#include "viewos.h"
#include "wire.h"

/* The kernel wants room for any request; and there is a zero behind what comes along. */
#define FRAME_MAX	(FUSE_MIN_READ_BUFFER + 1)

_Static_assert(sizeof(struct fuse_in_header) + sizeof(struct viewos_call_in) +
	       VIEWOS_CALL_MAX_FETCH < FRAME_MAX, "room for a request");

/* Strings are read in pieces, for most are short. */
#define STRING_PIECE	256

/**
 * struct request - a request with its frame
 * @req: what the server sees; first, so that it is the same pointer
 * @len: of the frame
 * @frame: as it was read
 */
struct request {
	struct viewos_call_req req;
	size_t len;
	char frame[FRAME_MAX] __attribute__((aligned(8)));
};

/**
 * struct viewos_call_session - one session being served
 * @wire: the session fd
 * @ops: the server's operations
 * @data: the server's pointer
 * @debug: report requests on stderr
 * @lock: protects @refs
 * @refs: one for each request, and one for viewos_call_serve()
 */
struct viewos_call_session {
	struct wire wire;
	struct viewos_call_ops ops;
	void *data;
	bool debug;
	pthread_mutex_t lock;
	unsigned int refs;
};

static void session_put(struct viewos_call_session *session)
{
	bool last;

	pthread_mutex_lock(&session->lock);
	last = !--session->refs;
	pthread_mutex_unlock(&session->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&session->lock);
	wire_exit(&session->wire);
	free(session);
}

static struct request *request_new(struct viewos_call_session *session)
{
	struct request *request = malloc(sizeof(*request));

	if (!request)
		return NULL;
	memset(&request->req, 0, sizeof(request->req));
	request->req.session = session;
	request->req.data = session->data;
	pthread_mutex_lock(&session->lock);
	session->refs++;
	pthread_mutex_unlock(&session->lock);
	return request;
}

static void request_free(struct request *request)
{
	struct viewos_call_session *session = request->req.session;

	free(request);
	session_put(session);
}

/* ---- answers ---- */

/* Whatever becomes of it, the request is gone. */
static int reply(struct viewos_call_req *req, int error, const void *body, size_t len)
{
	struct fuse_out_header header = { .error = -error, .unique = req->id };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)body, len } };
	int ret;

	ret = wire_write(&req->session->wire, iov, len ? 2 : 1);
	request_free((struct request *)req);
	return ret;
}

int viewos_call_reply_value(struct viewos_call_req *req, int64_t value)
{
	const struct viewos_call_out out = { .action = VIEWOS_CALL_VALUE, .value = value };

	return reply(req, 0, &out, sizeof(out));
}

int viewos_call_reply_tag(struct viewos_call_req *req, int64_t value, uint32_t tag)
{
	const struct viewos_call_out out = { .action = VIEWOS_CALL_VALUE,
		.flags = VIEWOS_CALL_OUT_TAG, .value = value, .args = { tag } };

	return reply(req, 0, &out, sizeof(out));
}

int viewos_call_reply_err(struct viewos_call_req *req, int error)
{
	return reply(req, error > 0 && error < 512 ? error : EIO, NULL, 0);
}

int viewos_call_reply_continue(struct viewos_call_req *req, const __u64 args[6],
			       unsigned int flags)
{
	struct viewos_call_out out = { .action = VIEWOS_CALL_CONTINUE, .flags = flags };

	if (args) {
		out.flags |= VIEWOS_CALL_OUT_ARGS;
		memcpy(out.args, args, sizeof(out.args));
	}
	/* These are not to be changed, and have no end. */
	if (!viewos_call_returns(req->in)) {
		memset(out.args, 0, sizeof(out.args));
		out.flags = 0;
	}
	return reply(req, 0, &out, sizeof(out));
}

/* ---- the caller's memory ---- */

static ssize_t memory(struct viewos_call_req *req, uint64_t address, const void *buffer,
		      size_t len, uint32_t flags)
{
	struct viewos_session_memory arg = {
		.size = sizeof(arg),
		.flags = flags,
		.unique = req->id,
	};
	size_t done = 0;
	int ret;

	while (done < len) {
		arg.address = address + done;
		arg.buffer = (uintptr_t)buffer + done;
		arg.len = len - done < VIEWOS_CALL_MAX_MEMORY ? len - done : VIEWOS_CALL_MAX_MEMORY;
		ret = wire_ioctl(&req->session->wire, VIEWOS_IOC_SESSION_MEMORY, &arg);
		if (ret < 0)
			return done ? (ssize_t)done : ret;
		done += ret;
		if ((uint32_t)ret < arg.len)
			break;
	}
	return done;
}

ssize_t viewos_call_read(struct viewos_call_req *req, uint64_t address, void *buffer, size_t len)
{
	return memory(req, address, buffer, len, 0);
}

ssize_t viewos_call_write(struct viewos_call_req *req, uint64_t address, const void *buffer,
			  size_t len)
{
	return memory(req, address, buffer, len, VIEWOS_MEMORY_WRITE);
}

ssize_t viewos_call_read_string(struct viewos_call_req *req, uint64_t address, char *buffer,
				size_t size)
{
	size_t done = 0, piece;
	const char *end;
	ssize_t len;

	while (done < size) {
		piece = size - done < STRING_PIECE ? size - done : STRING_PIECE;
		len = memory(req, address + done, buffer + done, piece, 0);
		if (len < 0)
			return len;
		end = memchr(buffer + done, '\0', len);
		if (end)
			return end - buffer;
		done += len;
		if ((size_t)len < piece)
			return -EFAULT;
	}
	return -ENAMETOOLONG;
}

/* ---- what comes along with calls ---- */

static int notice(struct viewos_call_session *session, const struct viewos_call_fetch *fetch)
{
	struct fuse_out_header header = { .error = VIEWOS_CALL_NOTIFY_FETCH };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)fetch, sizeof(*fetch) } };

	return wire_write(&session->wire, iov, 2);
}

int viewos_call_fetch_string(struct viewos_call_session *session, uint32_t arch, uint32_t nr,
			     unsigned int arg)
{
	const struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = VIEWOS_CALL_FETCH_STRING, .arg = arg,
		.len = VIEWOS_CALL_MAX_FETCH };

	return notice(session, &fetch);
}

int viewos_call_fetch_bytes(struct viewos_call_session *session, uint32_t arch, uint32_t nr,
			    unsigned int arg, size_t len)
{
	const struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = VIEWOS_CALL_FETCH_BYTES, .arg = arg, .len = len };

	return len > VIEWOS_CALL_MAX_FETCH ? -EINVAL : notice(session, &fetch);
}

int viewos_call_fetch_file(struct viewos_call_session *session, uint32_t arch, uint32_t nr,
			   unsigned int arg, unsigned int how, unsigned int flags)
{
	const struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = VIEWOS_CALL_FETCH_FILE, .arg = arg, .len = how,
		.flags = flags };

	return notice(session, &fetch);
}

int viewos_call_fetch_nothing(struct viewos_call_session *session, uint32_t arch, uint32_t nr)
{
	const struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = VIEWOS_CALL_FETCH_NONE };

	return notice(session, &fetch);
}

int viewos_call_fetch_tagged(struct viewos_call_session *session, uint32_t arch, uint32_t nr)
{
	const struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = VIEWOS_CALL_FETCH_NONE,
		.flags = VIEWOS_CALL_FETCH_TAGGED };

	return notice(session, &fetch);
}

/* ---- requests ---- */

static void init_process(struct request *request)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	const struct viewos_call_init *in = (const void *)(header + 1);
	const struct viewos_call_init out = {
		.major = VIEWOS_CALL_MAJOR, .minor = VIEWOS_CALL_MINOR };
	struct viewos_call_session *session = request->req.session;
	int ret = 0;

	if (request->len < sizeof(*header) + sizeof(*in) || in->major != VIEWOS_CALL_MAJOR)
		ret = -EPROTO;
	else if (session->ops.init)
		ret = session->ops.init(session, session->data);
	if (ret)
		viewos_call_reply_err(&request->req, -ret);
	else
		reply(&request->req, 0, &out, sizeof(out));
}

/* Is the frame as viewos_syscall.h has it, with @head before the data? Sets the pointers. */
static bool call_parse(struct request *request, size_t head)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	/* That of ENDED begins with it, too. */
	const struct viewos_call_in *in = (const void *)(header + 1);
	struct viewos_call_req *req = &request->req;
	size_t len = request->len;

	if (len < sizeof(*header) + head)
		return false;
	len -= sizeof(*header) + head;
	if (len != (in->fetched > 0 ? (size_t)in->fetched : 0) || len > VIEWOS_CALL_MAX_FETCH)
		return false;
	req->uid = header->uid;
	req->gid = header->gid;
	req->in = in;
	request->frame[request->len] = '\0';
	if (in->fetched >= 0)
		req->fetched = (const char *)in + head;
	return true;
}

static void call_process(struct request *request)
{
	struct viewos_call_session *session = request->req.session;

	if (!call_parse(request, sizeof(struct viewos_call_in)))
		viewos_call_reply_err(&request->req, EIO);
	else if (session->ops.call)
		session->ops.call(&request->req);
	else
		viewos_call_reply_continue(&request->req, NULL, 0);
}

static void ended_process(struct request *request)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	const struct viewos_call_ended *ended = (const void *)(header + 1);
	struct viewos_call_session *session = request->req.session;

	if (!call_parse(request, sizeof(*ended))) {
		viewos_call_reply_err(&request->req, EIO);
		return;
	}
	request->req.made = ended->unique;
	request->req.value = ended->value;
	if (session->ops.ended)
		session->ops.ended(&request->req);
	else
		viewos_call_reply_continue(&request->req, NULL, 0);
}

static void result_process(struct request *request)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	const struct viewos_call_result *result = (const void *)(header + 1);
	struct viewos_call_session *session = request->req.session;

	if (session->ops.result && request->len >= sizeof(*header) + sizeof(*result))
		session->ops.result(session->data, result);
	request_free(request);
}

static void interrupt_process(struct request *request)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	const struct fuse_interrupt_in *interrupt = (const void *)(header + 1);
	struct viewos_call_session *session = request->req.session;

	if (!session->ops.interrupt) {
		/* None will come again. */
		viewos_call_reply_err(&request->req, ENOSYS);
		return;
	}
	if (request->len >= sizeof(*header) + sizeof(*interrupt))
		session->ops.interrupt(session->data, interrupt->unique);
	request_free(request);
}

static void request_report(const struct request *request)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	const struct viewos_call_in *in = (const void *)(header + 1);

	fprintf(stderr, "request %llu: op %#x, pid %u, %zu bytes",
		(unsigned long long)header->unique, header->opcode, header->pid, request->len);
	if ((header->opcode == VIEWOS_CALL_MADE || header->opcode == VIEWOS_CALL_ENDED) &&
	    request->len >= sizeof(*header) + sizeof(*in))
		fprintf(stderr, ", call %u of %#x, %d along", in->nr, in->arch, in->fetched);
	fputc('\n', stderr);
}

static void session_process(void *data, void **slot)
{
	struct viewos_call_session *session = data;
	struct request *request = *slot;
	const struct fuse_in_header *header = (const void *)request->frame;

	*slot = NULL;
	request->req.id = header->unique;
	if (session->debug)
		request_report(request);
	if (header->len != request->len) {
		viewos_call_reply_err(&request->req, EIO);
		return;
	}
	switch (header->opcode) {
	case VIEWOS_CALL_INIT:
		init_process(request);
		break;
	case VIEWOS_CALL_MADE:
		call_process(request);
		break;
	case VIEWOS_CALL_ENDED:
		ended_process(request);
		break;
	case VIEWOS_CALL_RESULT:
		result_process(request);
		break;
	case FUSE_INTERRUPT:
		interrupt_process(request);
		break;
	default:
		viewos_call_reply_err(&request->req, ENOSYS);
	}
}

static int session_receive(void *data, void **slot)
{
	struct viewos_call_session *session = data;
	struct request *request = *slot;
	int len;

	if (!request) {
		request = request_new(session);
		if (!request)
			return -ENOMEM;
		*slot = request;
	}
	len = wire_receive(&session->wire, request->frame, sizeof(request->frame) - 1);
	request->len = len > 0 ? len : 0;
	return len;
}

static void session_drop(void *slot)
{
	if (slot)
		request_free(slot);
}

static const struct viewos_pool_ops pool_ops = {
	.receive = session_receive,
	.process = session_process,
	.drop = session_drop,
};

/* ---- sessions ---- */

static int session_serve(int fd, const struct viewos_call_ops *ops, size_t ops_size, void *data,
			 unsigned int threads, bool debug, struct viewos_stop *stop)
{
	struct viewos_call_session *session = calloc(1, sizeof(*session));
	int ret;

	if (!session) {
		close(fd);
		return -ENOMEM;
	}
	wire_init(&session->wire, fd);
	memcpy(&session->ops, ops, ops_size < sizeof(*ops) ? ops_size : sizeof(*ops));
	session->data = data;
	session->debug = debug;
	pthread_mutex_init(&session->lock, NULL);
	session->refs = 1;
	ret = viewos_pool_run(&pool_ops, session, threads, stop);
	wire_close(&session->wire);
	session_put(session);
	return ret;
}

int viewos_call_serve(int session, const struct viewos_call_ops *ops, size_t ops_size, void *data,
		      unsigned int threads)
{
	struct viewos_stop stop;
	int ret;

	viewos_stop_init(&stop);
	ret = session_serve(session, ops, ops_size, data, threads, false, &stop);
	viewos_stop_exit(&stop);
	return ret;
}

static int program_serve(const struct viewos_program *program, int session, void *data, bool debug,
			 struct viewos_stop *stop)
{
	return session_serve(session, program->ops, program->ops_size, data, program->threads,
			     debug, stop);
}

int viewos_call_main(int argc, char **argv, const struct viewos_call_server *server)
{
	const struct viewos_program program = {
		.name = server->name,
		.what = "system calls",
		.usage = server->usage,
		.class_ = VIEWOS_CLASS_SYSCALL,
		.open = server->open,
		.close = server->close,
		.serve = program_serve,
		.ops = server->ops,
		.ops_size = server->ops_size,
		.threads = server->threads,
	};

	return viewos_program_main(argc, argv, &program);
}
