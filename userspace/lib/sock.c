// SPDX-License-Identifier: GPL-2.0
/* libviewos: serving socket sessions */
#include <errno.h>
#include <poll.h>
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
#include "socktable.h"
#include "viewos.h"
#include "wire.h"

/* The largest request; a server's buffer must have room for it. */
#define FRAME_MAX	(sizeof(struct fuse_in_header) + sizeof(struct viewos_sock_in) + \
			 VIEWOS_SOCK_MAX_NAME + VIEWOS_SOCK_MAX_CONTROL + VIEWOS_SOCK_MAX_DATA)

/* Requests kept for the next ones. */
#define SPARE_MAX	16

#define EVENTS_ALL	(POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLRDHUP)

/**
 * struct request - a request with its frame
 * @req: what the server sees; first, so that it is the same pointer
 * @next: in the session's list of spare ones
 * @entry: the socket, referenced; NULL for INIT and CREATE
 * @unique: the kernel's number of the request
 * @name: copy of the address, so that it is aligned and has room
 * @control: copy of the control messages, so that they are aligned
 * @frame: as it was read
 */
struct request {
	struct viewos_sock_req req;
	struct request *next;
	struct socket_entry *entry;
	uint64_t unique;
	char name[VIEWOS_SOCK_MAX_NAME] __attribute__((aligned(8)));
	char control[VIEWOS_SOCK_MAX_CONTROL] __attribute__((aligned(8)));
	char frame[FRAME_MAX] __attribute__((aligned(8)));
};

/**
 * struct viewos_sock_session - one session being served
 * @wire: the session fd
 * @ops: the server's operations
 * @data: the server's pointer
 * @debug: report requests on stderr
 * @lock: protects the fields below, and the entries of @sockets
 * @sockets: by number
 * @spare: unused requests
 * @nr_spare: how many
 * @refs: one for each request, and one for viewos_sock_serve()
 */
struct viewos_sock_session {
	struct wire wire;
	struct viewos_sock_ops ops;
	void *data;
	bool debug;
	pthread_mutex_t lock;
	struct socket_table sockets;
	struct request *spare;
	unsigned int nr_spare;
	unsigned int refs;
};

/* ---- what lives how long ---- */

static void session_put(struct viewos_sock_session *session)
{
	struct request *request;
	bool last;

	pthread_mutex_lock(&session->lock);
	last = !--session->refs;
	pthread_mutex_unlock(&session->lock);
	if (!last)
		return;
	while ((request = session->spare)) {
		session->spare = request->next;
		free(request);
	}
	socket_table_exit(&session->sockets);
	pthread_mutex_destroy(&session->lock);
	wire_exit(&session->wire);
	free(session);
}

static void entry_put(struct viewos_sock_session *session, struct socket_entry *entry)
{
	bool last;

	if (!entry)
		return;
	pthread_mutex_lock(&session->lock);
	last = !--entry->refs;
	pthread_mutex_unlock(&session->lock);
	if (!last)
		return;
	if (session->ops.release)
		session->ops.release(session->data, entry->id, entry->user);
	free(entry);
}

static struct request *request_get(struct viewos_sock_session *session)
{
	struct request *request;

	pthread_mutex_lock(&session->lock);
	request = session->spare;
	if (request) {
		session->spare = request->next;
		session->nr_spare--;
	}
	pthread_mutex_unlock(&session->lock);
	if (!request)
		request = malloc(sizeof(*request));
	if (!request)
		return NULL;
	memset(&request->req, 0, sizeof(request->req));
	request->req.session = session;
	request->req.data = session->data;
	request->entry = NULL;
	pthread_mutex_lock(&session->lock);
	session->refs++;
	pthread_mutex_unlock(&session->lock);
	return request;
}

static void request_put(struct request *request)
{
	struct viewos_sock_session *session = request->req.session;

	entry_put(session, request->entry);
	pthread_mutex_lock(&session->lock);
	if (session->nr_spare < SPARE_MAX) {
		request->next = session->spare;
		session->spare = request;
		session->nr_spare++;
		request = NULL;
	}
	pthread_mutex_unlock(&session->lock);
	free(request);
	session_put(session);
}

/* ---- answers ---- */

static int reply_error(struct request *request, int error)
{
	struct fuse_out_header header = { .error = -error, .unique = request->unique };
	struct iovec iov[] = { { &header, sizeof(header) } };
	int ret;

	ret = wire_write(&request->req.session->wire, iov, 1);
	request_put(request);
	return ret;
}

/* The socket that comes into being by this answer. */
static struct socket_entry *reply_socket(const struct request *request)
{
	const struct viewos_sock_req *req = &request->req;
	struct socket_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->refs = 1;
	entry->id = req->op == VIEWOS_SOCK_CREATE ? req->id : req->in->new_id;
	entry->user = req->op == VIEWOS_SOCK_CREATE ? req->user : req->new_user;
	return entry;
}

static bool reply_valid(const struct viewos_sock_out *out, const void *name, const void *control,
			const void *data)
{
	return !(out->flags & ~VIEWOS_SOCK_OUT_ALL) && out->name_len <= VIEWOS_SOCK_MAX_NAME &&
	       out->control_len <= VIEWOS_SOCK_MAX_CONTROL &&
	       out->data_len <= VIEWOS_SOCK_MAX_DATA && (name || !out->name_len) &&
	       (control || !out->control_len) && (data || !out->data_len);
}

static void reply_complete(struct request *request, struct viewos_sock_out *out,
			   struct socket_entry *entry)
{
	struct viewos_sock_session *session = request->req.session;

	out->pad = 0;
	if (!(out->flags & (VIEWOS_SOCK_OUT_FD | VIEWOS_SOCK_OUT_NETNS)))
		out->fd = -1;
	if (request->req.op == VIEWOS_SOCK_INIT) {
		out->value = VIEWOS_SOCK_MAJOR;
		out->ask = VIEWOS_SOCK_MINOR;
	}
	out->events &= EVENTS_ALL;
	out->seq = 0;
	if (!(out->flags & VIEWOS_SOCK_OUT_EVENTS) || !entry) {
		out->flags &= ~VIEWOS_SOCK_OUT_EVENTS;
		out->events = 0;
		return;
	}
	pthread_mutex_lock(&session->lock);
	out->seq = ++entry->seq;
	pthread_mutex_unlock(&session->lock);
}

int viewos_sock_reply(struct viewos_sock_req *req, const struct viewos_sock_out *from,
		      const void *name, const void *control, const void *data)
{
	struct request *request = (struct request *)req;
	struct viewos_sock_session *session = req->session;
	struct viewos_sock_out out = { };
	struct fuse_out_header header = { .unique = request->unique };
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { &out, sizeof(out) }, { (void *)name, 0 },
		{ (void *)control, 0 }, { (void *)data, 0 },
	};
	struct socket_entry *new = NULL;
	int ret;

	if (from)
		out = *from;
	if (!reply_valid(&out, name, control, data)) {
		reply_error(request, EIO);
		return -EINVAL;
	}
	if (req->op == VIEWOS_SOCK_CREATE || req->op == VIEWOS_SOCK_ACCEPT) {
		new = reply_socket(request);
		if (!new) {
			reply_error(request, ENOMEM);
			return -ENOMEM;
		}
	}
	reply_complete(request, &out, new ? new : request->entry);
	iov[2].iov_len = out.name_len;
	iov[3].iov_len = out.control_len;
	iov[4].iov_len = out.data_len;
	/* The next request may be for it, before the write has returned. */
	if (new) {
		pthread_mutex_lock(&session->lock);
		socket_table_add(&session->sockets, new);
		pthread_mutex_unlock(&session->lock);
	}
	ret = wire_write(&session->wire, iov, 5);
	if (ret < 0 && new) {
		pthread_mutex_lock(&session->lock);
		socket_table_take(&session->sockets, &new->id);
		pthread_mutex_unlock(&session->lock);
		free(new);
	}
	request_put(request);
	return ret;
}

int viewos_sock_reply_err(struct viewos_sock_req *req, int error)
{
	if (!error)
		return viewos_sock_reply(req, NULL, NULL, NULL, NULL);
	if (error < 0 || error >= 512)
		error = EIO;
	return reply_error((struct request *)req, error);
}

int viewos_sock_reply_continue(struct viewos_sock_req *req)
{
	const struct viewos_sock_out out = { .flags = VIEWOS_SOCK_OUT_CONTINUE };

	return viewos_sock_reply(req, &out, NULL, NULL, NULL);
}

int viewos_sock_event(struct viewos_sock_session *session, uint64_t id, uint32_t events,
		      int error, int fd)
{
	struct fuse_out_header header = { .error = VIEWOS_SOCK_NOTIFY_EVENT };
	struct viewos_sock_event event = {
		.id = id,
		.flags = fd >= 0 ? VIEWOS_SOCK_OUT_FD : 0,
		.fd = fd >= 0 ? fd : -1,
		.events = events & EVENTS_ALL,
		.error = error,
	};
	struct iovec iov[] = { { &header, sizeof(header) }, { &event, sizeof(event) } };
	struct socket_entry *entry;

	if (error < 0 || error >= 512)
		return -EINVAL;
	pthread_mutex_lock(&session->lock);
	entry = socket_table_find(&session->sockets, id);
	if (entry)
		event.seq = ++entry->seq;
	pthread_mutex_unlock(&session->lock);
	return entry ? wire_write(&session->wire, iov, 2) : -ENOENT;
}

/* ---- requests ---- */

typedef void (*operation)(struct viewos_sock_req *req);

/* What to call for an operation, or else the errno to answer. */
static operation find_operation(const struct viewos_sock_ops *ops, uint32_t op, int *error)
{
	*error = EOPNOTSUPP;
	switch (op) {
	case VIEWOS_SOCK_INIT:
		*error = 0;
		return ops->init;
	case VIEWOS_SOCK_CREATE:
		*error = EAFNOSUPPORT;
		return ops->create;
	case VIEWOS_SOCK_BIND:
		return ops->bind;
	case VIEWOS_SOCK_CONNECT:
		return ops->connect;
	case VIEWOS_SOCK_LISTEN:
		return ops->listen;
	case VIEWOS_SOCK_ACCEPT:
		return ops->accept;
	case VIEWOS_SOCK_GETNAME:
		return ops->getname;
	case VIEWOS_SOCK_SHUTDOWN:
		return ops->shutdown;
	case VIEWOS_SOCK_SETSOCKOPT:
		*error = ENOPROTOOPT;
		return ops->setsockopt;
	case VIEWOS_SOCK_GETSOCKOPT:
		*error = ENOPROTOOPT;
		return ops->getsockopt;
	case VIEWOS_SOCK_IOCTL:
		*error = ENOTTY;
		return ops->ioctl;
	case VIEWOS_SOCK_SENDMSG:
		return ops->sendmsg;
	case VIEWOS_SOCK_RECVMSG:
		return ops->recvmsg;
	default:
		*error = ENOSYS;
		return NULL;
	}
}

/* Is the frame as viewos_socket.h has it? Then the request's pointers are set. */
static bool request_parse(struct request *request, size_t len)
{
	const struct fuse_in_header *header = (const void *)request->frame;
	const struct viewos_sock_in *in = (const void *)(header + 1);
	struct viewos_sock_req *req = &request->req;
	const char *at = (const char *)(in + 1);

	req->op = header->opcode;
	req->id = header->nodeid;
	req->uid = header->uid;
	req->gid = header->gid;
	req->pid = header->pid;
	if (header->len != len || len < sizeof(*header) + sizeof(*in))
		return false;
	len -= sizeof(*header) + sizeof(*in);
	if (in->name_len > VIEWOS_SOCK_MAX_NAME || in->control_len > VIEWOS_SOCK_MAX_CONTROL ||
	    in->data_len > VIEWOS_SOCK_MAX_DATA || in->control_len % 8 ||
	    (size_t)in->name_len + in->control_len + in->data_len != len)
		return false;
	req->in = in;
	if (in->name_len) {
		memset(request->name, 0, sizeof(request->name));
		memcpy(request->name, at, in->name_len);
		req->name = (const void *)request->name;
	}
	at += in->name_len;
	if (in->control_len) {
		memcpy(request->control, at, in->control_len);
		req->control = request->control;
	}
	at += in->control_len;
	req->payload = at;
	return true;
}

/* Finds the socket that a request is for; returns 0, or a positive errno. */
static int request_socket(struct request *request)
{
	struct viewos_sock_session *session = request->req.session;
	const struct viewos_sock_req *req = &request->req;
	struct socket_entry *entry;
	int error = 0;

	if (req->op == VIEWOS_SOCK_INIT)
		return req->in->value == VIEWOS_SOCK_MAJOR ? 0 : EPROTO;
	pthread_mutex_lock(&session->lock);
	entry = socket_table_find(&session->sockets, req->id);
	if (req->op == VIEWOS_SOCK_CREATE)
		error = entry ? EEXIST : 0;
	else if (!entry)
		error = EBADF;
	else if (req->op == VIEWOS_SOCK_ACCEPT &&
		 socket_table_find(&session->sockets, req->in->new_id))
		error = EEXIST;
	if (!error && entry) {
		/* One for the request, one while the operation is called. */
		entry->refs += 2;
		request->entry = entry;
		request->req.user = entry->user;
	}
	pthread_mutex_unlock(&session->lock);
	return error;
}

static void request_release(struct request *request)
{
	struct viewos_sock_session *session = request->req.session;
	struct socket_entry *entry;

	pthread_mutex_lock(&session->lock);
	entry = socket_table_take(&session->sockets, &request->req.id);
	pthread_mutex_unlock(&session->lock);
	entry_put(session, entry);
	request_put(request);
}

static void request_report(const struct request *request, bool good)
{
	const struct viewos_sock_req *req = &request->req;

	if (good)
		fprintf(stderr,
			"request %llu: op %#x, socket %llu, pid %d, value %d, name %u, address %u, data %u, room %u\n",
			(unsigned long long)request->unique, req->op, (unsigned long long)req->id,
			req->pid, req->in->value, req->in->name, req->in->name_len,
			req->in->data_len, req->in->room);
	else
		fprintf(stderr, "request %llu: op %#x, malformed\n",
			(unsigned long long)request->unique, req->op);
}

static void session_process(void *data, void **slot)
{
	struct viewos_sock_session *session = data;
	struct request *request = *slot;
	struct socket_entry *entry;
	operation operate;
	int error, none;
	bool good;

	*slot = NULL;
	good = request_parse(request, request->unique);
	request->unique = ((const struct fuse_in_header *)request->frame)->unique;
	if (session->debug)
		request_report(request, good);
	if (request->req.op == VIEWOS_SOCK_RELEASE) {
		request_release(request);
		return;
	}
	if (request->req.op == FUSE_INTERRUPT) {
		/* Operations do not wait: nothing is to be interrupted, now or later. */
		reply_error(request, ENOSYS);
		return;
	}
	operate = find_operation(&session->ops, request->req.op, &none);
	error = good ? request_socket(request) : EIO;
	entry = request->entry;
	if (error)
		reply_error(request, error);
	else if (operate)
		operate(&request->req);
	else
		viewos_sock_reply_err(&request->req, none);
	entry_put(session, entry);
}

static int session_receive(void *data, void **slot)
{
	struct viewos_sock_session *session = data;
	struct request *request = *slot;
	int len;

	if (!request) {
		request = request_get(session);
		if (!request)
			return -ENOMEM;
		*slot = request;
	}
	len = wire_receive(&session->wire, request->frame, sizeof(request->frame));
	/* Until it is parsed, the place of the number has the length. */
	if (len > 0)
		request->unique = len;
	return len;
}

static void session_drop(void *slot)
{
	if (slot)
		request_put(slot);
}

static const struct viewos_pool_ops pool_ops = {
	.receive = session_receive,
	.process = session_process,
	.drop = session_drop,
};

/* ---- sessions ---- */

static struct viewos_sock_session *session_new(int fd, const struct viewos_sock_ops *ops,
					       size_t ops_size, void *data)
{
	struct viewos_sock_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	if (socket_table_init(&session->sockets) < 0) {
		free(session);
		return NULL;
	}
	wire_init(&session->wire, fd);
	session->refs = 1;
	session->data = data;
	memcpy(&session->ops, ops, ops_size < sizeof(*ops) ? ops_size : sizeof(*ops));
	pthread_mutex_init(&session->lock, NULL);
	return session;
}

static void session_release_all(struct viewos_sock_session *session)
{
	struct socket_entry *entry;

	do {
		pthread_mutex_lock(&session->lock);
		entry = socket_table_take(&session->sockets, NULL);
		pthread_mutex_unlock(&session->lock);
		entry_put(session, entry);
	} while (entry);
}

static int session_serve(int fd, const struct viewos_sock_ops *ops, size_t ops_size, void *data,
			 unsigned int threads, bool debug, struct viewos_stop *stop)
{
	struct viewos_sock_session *session = session_new(fd, ops, ops_size, data);
	int ret;

	if (!session) {
		close(fd);
		return -ENOMEM;
	}
	session->debug = debug;
	ret = viewos_pool_run(&pool_ops, session, threads, stop);
	/* Answers that come later find it closed. */
	wire_close(&session->wire);
	session_release_all(session);
	session_put(session);
	return ret;
}

int viewos_sock_serve(int session, const struct viewos_sock_ops *ops, size_t ops_size, void *data,
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
	return session_serve(session, program->ops, program->ops_size, data, 0, debug, stop);
}

int viewos_sock_main(int argc, char **argv, const struct viewos_sock_server *server)
{
	const struct viewos_program program = {
		.name = server->name,
		.what = "sockets",
		.usage = server->usage,
		.class_ = VIEWOS_CLASS_SOCKET,
		.open = server->open,
		.close = server->close,
		.serve = program_serve,
		.ops = server->ops,
		.ops_size = server->ops_size,
	};

	return viewos_program_main(argc, argv, &program);
}
