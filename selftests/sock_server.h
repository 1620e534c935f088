/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Socket servers on the bare ABI, without libviewos.
 *
 * The one of sessions with the source "requests" is a whole network of IPv4 in its memory, with
 * streams and datagrams by port, and no sockets of its own. That of "backing" gives each
 * program a socket of its own. What others do is up to the test.
 */
#ifndef _SOCK_SERVER_H
#define _SOCK_SERVER_H

#include "viewos_test.h"

#include <linux/fuse.h>
#include <linux/viewos_socket.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "fake_server.h"
#include "rules.h"

#define SOCK_FRAME_MAX	(1 << 17)

/* ---- frames ---- */

struct sock_request {
	struct fuse_in_header header;
	struct viewos_sock_in in;
	char rest[SOCK_FRAME_MAX];
};

static inline int sock_write(int session, uint64_t unique, int error, const void *body, size_t len,
			     const void *rest, size_t rest_len)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + len + rest_len, .error = error, .unique = unique };
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { (void *)body, len }, { (void *)rest, rest_len } };

	return result(writev(session, iov, 3));
}

static inline int sock_error(int session, uint64_t unique, int error)
{
	return sock_write(session, unique, -error, NULL, 0, NULL, 0);
}

static inline int sock_ok(int session, uint64_t unique, struct viewos_sock_out out,
			  const void *rest)
{
	return sock_write(session, unique, 0, &out, sizeof(out), rest,
			  out.name_len + out.control_len + out.data_len);
}

/* ---- a network in memory ---- */

enum { BUFFER = 1 << 16, DGRAMS = 16, BACKLOG = 16, VSOCKS = 2048 };

struct dgram {
	struct sockaddr_in from;
	uint32_t len;
	char bytes[2048];
};

struct vsock {
	bool used;
	uint64_t id;		/* 0 for one that waits to be accepted */
	int type;
	uint32_t seq;
	struct sockaddr_in local;
	struct sockaddr_in remote;
	struct vsock *peer;
	bool connected, listening, eof, sent_eof;
	struct vsock *pending[BACKLOG];
	int nr_pending;
	char *buffer;
	uint32_t len;
	struct dgram *dgrams;
	int nr_dgrams;
};

struct vnet {
	int session;
	in_port_t last_port;
	struct vsock socks[VSOCKS];
};

static inline struct vsock *vsock_find(struct vnet *net, uint64_t id)
{
	int i;

	for (i = 0; i < VSOCKS; i++)
		if (net->socks[i].used && net->socks[i].id == id)
			return &net->socks[i];
	return NULL;
}

static inline struct vsock *vsock_by_port(struct vnet *net, int type, in_port_t port)
{
	int i;

	for (i = 0; i < VSOCKS; i++)
		if (net->socks[i].used && net->socks[i].type == type && !net->socks[i].connected &&
		    net->socks[i].local.sin_port == port)
			return &net->socks[i];
	return NULL;
}

static inline struct vsock *vsock_new(struct vnet *net, uint64_t id, int type)
{
	struct vsock *vs = NULL;
	int i;

	for (i = 0; i < VSOCKS && !vs; i++)
		if (!net->socks[i].used)
			vs = &net->socks[i];
	if (!vs)
		return NULL;
	memset(vs, 0, sizeof(*vs));
	vs->used = true;
	vs->id = id;
	vs->type = type;
	vs->local.sin_family = AF_INET;
	vs->buffer = malloc(BUFFER);
	vs->dgrams = calloc(DGRAMS, sizeof(*vs->dgrams));
	return vs;
}

static inline uint32_t vsock_events(const struct vsock *vs)
{
	uint32_t events = 0;

	if (vs->type == SOCK_DGRAM)
		return POLLOUT | (vs->nr_dgrams ? POLLIN : 0);
	if (vs->listening)
		return vs->nr_pending ? POLLIN : 0;
	if (!vs->connected)
		return POLLOUT | POLLHUP;
	if (vs->len || vs->eof)
		events |= POLLIN;
	if (vs->eof)
		events |= POLLRDHUP;
	if (vs->eof && vs->sent_eof)
		events |= POLLHUP;
	if (!vs->peer || vs->peer->len < BUFFER)
		events |= POLLOUT;
	return events;
}

static inline struct viewos_sock_out vsock_out(struct vsock *vs)
{
	return (struct viewos_sock_out){
		.flags = VIEWOS_SOCK_OUT_EVENTS, .fd = -1, .events = vsock_events(vs),
		.seq = ++vs->seq };
}

static inline void vsock_tell(struct vnet *net, struct vsock *vs, int error)
{
	struct viewos_sock_event event = {
		.id = vs->id, .fd = -1, .events = vsock_events(vs), .error = error };

	if (!vs->id)
		return;
	event.seq = ++vs->seq;
	if (error)
		event.events |= POLLERR;
	sock_write(net->session, 0, VIEWOS_SOCK_NOTIFY_EVENT, &event, sizeof(event), NULL, 0);
}

static inline void vsock_bind_any(struct vnet *net, struct vsock *vs)
{
	if (vs->local.sin_port)
		return;
	vs->local.sin_port = htons(40000 + net->last_port++ % 20000);
	vs->local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static inline void vsock_release(struct vnet *net, struct vsock *vs)
{
	int i;

	for (i = 0; i < vs->nr_pending; i++)
		vsock_release(net, vs->pending[i]);
	if (vs->peer) {
		vs->peer->peer = NULL;
		vs->peer->eof = true;
		vsock_tell(net, vs->peer, 0);
	}
	free(vs->buffer);
	free(vs->dgrams);
	vs->used = false;
}

static inline void vsock_connect(struct vnet *net, struct vsock *vs, uint64_t unique,
				 const struct sockaddr_in *to)
{
	struct viewos_sock_out out = { .fd = -1, .flags = VIEWOS_SOCK_OUT_INPROGRESS };
	struct vsock *listener, *other;

	vsock_bind_any(net, vs);
	if (vs->type == SOCK_DGRAM) {
		vs->remote = *to;
		sock_ok(net->session, unique, vsock_out(vs), NULL);
		return;
	}
	listener = vsock_by_port(net, SOCK_STREAM, to->sin_port);
	sock_ok(net->session, unique, out, NULL);
	if (!listener || !listener->listening || listener->nr_pending == BACKLOG) {
		vsock_tell(net, vs, ECONNREFUSED);
		return;
	}
	other = vsock_new(net, 0, SOCK_STREAM);
	other->local = listener->local;
	other->remote = vs->local;
	vs->remote = *to;
	vs->peer = other;
	other->peer = vs;
	vs->connected = true;
	other->connected = true;
	listener->pending[listener->nr_pending++] = other;
	vsock_tell(net, listener, 0);
	vsock_tell(net, vs, 0);
}

static inline void vsock_accept(struct vnet *net, struct vsock *vs,
				const struct sock_request *req)
{
	struct viewos_sock_out out;
	struct vsock *other;

	if (!vs->nr_pending) {
		sock_error(net->session, req->header.unique, EAGAIN);
		return;
	}
	other = vs->pending[0];
	memmove(vs->pending, vs->pending + 1, --vs->nr_pending * sizeof(*vs->pending));
	other->id = req->in.new_id;
	out = vsock_out(other);
	out.name_len = sizeof(other->remote);
	sock_ok(net->session, req->header.unique, out, &other->remote);
	vsock_tell(net, vs, 0);
}

static inline void vsock_send_stream(struct vnet *net, struct vsock *vs,
				     const struct sock_request *req)
{
	struct viewos_sock_out out;
	uint32_t len = req->in.data_len;

	if (!vs->connected || vs->sent_eof || !vs->peer) {
		sock_error(net->session, req->header.unique, vs->connected ? EPIPE : ENOTCONN);
		return;
	}
	if (len > BUFFER - vs->peer->len)
		len = BUFFER - vs->peer->len;
	if (!len && req->in.data_len) {
		sock_error(net->session, req->header.unique, EAGAIN);
		return;
	}
	memcpy(vs->peer->buffer + vs->peer->len,
	       req->rest + req->in.name_len + req->in.control_len, len);
	vs->peer->len += len;
	vsock_tell(net, vs->peer, 0);
	out = vsock_out(vs);
	out.value = len;
	sock_ok(net->session, req->header.unique, out, NULL);
}

static inline void vsock_send_dgram(struct vnet *net, struct vsock *vs,
				    const struct sock_request *req)
{
	const struct sockaddr_in *to = req->in.name_len ? (const void *)req->rest : &vs->remote;
	struct viewos_sock_out out;
	struct vsock *other;
	struct dgram *dgram;

	if (!to->sin_port || req->in.data_len > sizeof(dgram->bytes)) {
		sock_error(net->session, req->header.unique,
			   to->sin_port ? EMSGSIZE : EDESTADDRREQ);
		return;
	}
	vsock_bind_any(net, vs);
	other = vsock_by_port(net, SOCK_DGRAM, to->sin_port);
	if (other && other->nr_dgrams < DGRAMS) {
		dgram = &other->dgrams[other->nr_dgrams++];
		dgram->from = vs->local;
		dgram->len = req->in.data_len;
		memcpy(dgram->bytes, req->rest + req->in.name_len + req->in.control_len,
		       dgram->len);
		vsock_tell(net, other, 0);
	}
	out = vsock_out(vs);
	out.value = req->in.data_len;
	sock_ok(net->session, req->header.unique, out, NULL);
}

static inline void vsock_recv_stream(struct vnet *net, struct vsock *vs,
				     const struct sock_request *req)
{
	static char copy[BUFFER];
	struct viewos_sock_out out;
	uint32_t len = vs->len;

	if (!vs->connected || (!len && !vs->eof)) {
		sock_error(net->session, req->header.unique, vs->connected ? EAGAIN : ENOTCONN);
		return;
	}
	if (len > req->in.room)
		len = req->in.room;
	memcpy(copy, vs->buffer, len);
	if (!(req->in.msg_flags & MSG_PEEK)) {
		vs->len -= len;
		memmove(vs->buffer, vs->buffer + len, vs->len);
		if (vs->peer)
			vsock_tell(net, vs->peer, 0);
	}
	out = vsock_out(vs);
	out.data_len = len;
	sock_ok(net->session, req->header.unique, out, copy);
}

static inline void vsock_recv_dgram(struct vnet *net, struct vsock *vs,
				    const struct sock_request *req)
{
	struct viewos_sock_out out;
	struct {
		struct sockaddr_in name;
		char bytes[2048];
	} rest;
	struct dgram *dgram = &vs->dgrams[0];
	uint32_t full;

	if (!vs->nr_dgrams) {
		sock_error(net->session, req->header.unique, EAGAIN);
		return;
	}
	full = dgram->len;
	rest.name = dgram->from;
	memcpy(rest.bytes, dgram->bytes, full);
	if (!(req->in.msg_flags & MSG_PEEK))
		memmove(vs->dgrams, vs->dgrams + 1, --vs->nr_dgrams * sizeof(*dgram));
	out = vsock_out(vs);
	out.name_len = sizeof(rest.name);
	out.data_len = full > req->in.room ? req->in.room : full;
	out.msg_flags = full > req->in.room ? MSG_TRUNC : 0;
	out.value = full;
	sock_ok(net->session, req->header.unique, out, &rest);
}

static inline void vsock_shutdown(struct vnet *net, struct vsock *vs, uint64_t unique, int how)
{
	if (!vs->connected) {
		sock_error(net->session, unique, ENOTCONN);
		return;
	}
	if (how != SHUT_RD) {
		vs->sent_eof = true;
		if (vs->peer) {
			vs->peer->eof = true;
			vsock_tell(net, vs->peer, 0);
		}
	}
	if (how != SHUT_WR)
		vs->eof = true;
	sock_ok(net->session, unique, vsock_out(vs), NULL);
}

static inline void vsock_getname(struct vnet *net, struct vsock *vs, uint64_t unique, bool peer)
{
	struct viewos_sock_out out = { .fd = -1, .name_len = sizeof(vs->local) };

	if (peer && !vs->remote.sin_port)
		sock_error(net->session, unique, ENOTCONN);
	else
		sock_ok(net->session, unique, out, peer ? &vs->remote : &vs->local);
}

static inline void vsock_ioctl(struct vnet *net, struct vsock *vs, const struct sock_request *req)
{
	struct viewos_sock_out out = { .fd = -1, .data_len = sizeof(int) };
	int bytes = vs->len;

	if (vs->type == SOCK_DGRAM)
		bytes = vs->nr_dgrams ? vs->dgrams[0].len : 0;
	if (req->in.name == FIONREAD)
		sock_ok(net->session, req->header.unique, out, &bytes);
	else
		sock_error(net->session, req->header.unique, ENOTTY);
}

static inline void vsock_bind(struct vnet *net, struct vsock *vs, const struct sock_request *req)
{
	const struct sockaddr_in *in = (const void *)req->rest;

	if (in->sin_port && vsock_by_port(net, vs->type, in->sin_port)) {
		sock_error(net->session, req->header.unique, EADDRINUSE);
		return;
	}
	vs->local = *in;
	vsock_bind_any(net, vs);
	sock_ok(net->session, req->header.unique, vsock_out(vs), NULL);
}

static inline void vnet_handle(struct vnet *net, const struct sock_request *req)
{
	uint64_t unique = req->header.unique;
	struct vsock *vs = vsock_find(net, req->header.nodeid);

	if (req->header.opcode == FUSE_INTERRUPT)
		return;
	if (req->header.opcode == VIEWOS_SOCK_CREATE) {
		vs = vsock_new(net, req->header.nodeid, req->in.type);
		if (vs)
			sock_ok(net->session, unique, vsock_out(vs), NULL);
		else
			sock_error(net->session, unique, ENFILE);
		return;
	}
	if (!vs) {
		sock_error(net->session, unique, EBADF);
		return;
	}
	switch (req->header.opcode) {
	case VIEWOS_SOCK_BIND:
		vsock_bind(net, vs, req);
		break;
	case VIEWOS_SOCK_CONNECT:
		vsock_connect(net, vs, unique, (const void *)req->rest);
		break;
	case VIEWOS_SOCK_LISTEN:
		vsock_bind_any(net, vs);
		vs->listening = true;
		sock_ok(net->session, unique, vsock_out(vs), NULL);
		break;
	case VIEWOS_SOCK_ACCEPT:
		vsock_accept(net, vs, req);
		break;
	case VIEWOS_SOCK_GETNAME:
		vsock_getname(net, vs, unique, req->in.value);
		break;
	case VIEWOS_SOCK_SHUTDOWN:
		vsock_shutdown(net, vs, unique, req->in.value);
		break;
	case VIEWOS_SOCK_SENDMSG:
		if (vs->type == SOCK_STREAM)
			vsock_send_stream(net, vs, req);
		else
			vsock_send_dgram(net, vs, req);
		break;
	case VIEWOS_SOCK_RECVMSG:
		if (vs->type == SOCK_STREAM)
			vsock_recv_stream(net, vs, req);
		else
			vsock_recv_dgram(net, vs, req);
		break;
	case VIEWOS_SOCK_IOCTL:
		vsock_ioctl(net, vs, req);
		break;
	case VIEWOS_SOCK_RELEASE:
		vsock_release(net, vs);
		break;
	default:
		sock_error(net->session, unique, ENOPROTOOPT);
	}
}

/* ---- sessions ---- */

static inline void backing_handle(int session, const struct sock_request *req)
{
	struct viewos_sock_out out = { .flags = VIEWOS_SOCK_OUT_FD };

	if (req->header.opcode == VIEWOS_SOCK_RELEASE || req->header.opcode == FUSE_INTERRUPT)
		return;
	if (req->header.opcode != VIEWOS_SOCK_CREATE) {
		sock_error(session, req->header.unique, EPROTO);
		return;
	}
	out.fd = socket(req->in.family, req->in.type, req->in.protocol);
	if (out.fd < 0) {
		sock_error(session, req->header.unique, errno);
		return;
	}
	sock_ok(session, req->header.unique, out, NULL);
	close(out.fd);
}

/* What a session of a source unknown here is served by; it is given INIT, too. */
typedef void (*sock_handler)(int session, const char *source, const struct sock_request *req);

static inline void sock_handle(struct vnet *net, const char *source, sock_handler other,
			       const struct sock_request *req)
{
	struct viewos_sock_out init = { .fd = -1, .value = VIEWOS_SOCK_MAJOR };
	bool known = !strcmp(source, "requests") || !strcmp(source, "backing");

	if (!known)
		other(net->session, source, req);
	else if (req->header.opcode == VIEWOS_SOCK_INIT)
		sock_ok(net->session, req->header.unique, init, NULL);
	else if (*source == 'r')
		vnet_handle(net, req);
	else
		backing_handle(net->session, req);
}

static inline void sock_session(int session, const char *source, sock_handler other)
{
	static struct sock_request req;
	static struct vnet net;
	ssize_t len;

	net.session = session;
	for (;;) {
		len = read(session, &req, sizeof(req));
		if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (len < (ssize_t)sizeof(req.header))
			break;
		sock_handle(&net, source, other, &req);
	}
}

static inline void sock_server(int server, sock_handler other)
{
	static char source[VIEWOS_SOURCE_LEN];
	struct viewos_server_accept accept = { .source = (uintptr_t)source };
	int session;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		session = server_accept(server, &accept);
		if (session < 0)
			break;
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(server);
			sock_session(session, source, other);
			_exit(0);
		}
		close(session);
	}
}

/* Starts the servers in a process of their own; returns when their name is there. */
static inline pid_t sock_start(const char *name, sock_handler other)
{
	struct viewos_server_create create = {
		.size = sizeof(create), .classes = 1 << VIEWOS_CLASS_SOCKET };
	int ready[2], server;
	char byte = 1;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		server = ioctl(control_open(), VIEWOS_IOC_SERVER_CREATE, &create);
		byte = server < 0 || server_add(server, name, false);
		if (write(ready[1], &byte, 1) != 1 || byte)
			_exit(1);
		close(ready[0]);
		close(ready[1]);
		sock_server(server, other);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1 || byte)
		pid = -1;
	close(ready[0]);
	return pid;
}

/* A rule for IPv4 that this server answers. */
static inline struct viewos_rule_add sock_rule(const char *server, const char *source)
{
	struct viewos_rule_add rule = rule_native();

	rule.verdict = VIEWOS_VERDICT_SERVE;
	rule.family = AF_INET;
	memcpy(rule.target, server, strnlen(server, sizeof(rule.target)));
	rule.source = (uintptr_t)source;
	return rule;
}

/* A view of our own in which this rule holds; 0 or -errno. */
static inline int sock_view_enter(const char *server, const char *source)
{
	int control = control_open(), view, err;

	if (control < 0)
		return control;
	view = view_create(control, "");
	close(control);
	if (view < 0)
		return view;
	err = rule_add(view, sock_rule(server, source));
	if (!err)
		err = view_enter(view);
	close(view);
	return err;
}

#endif /* _SOCK_SERVER_H */
