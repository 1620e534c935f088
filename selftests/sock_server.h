/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Socket servers on the bare ABI, without libviewos.
 *
 * The one of sessions with the source "requests" is a whole network of IPv4 and IPv6 in its memory,
 * with streams and datagrams by port, and no sockets of its own. That of "backing" gives each
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

/* An address of either family; the port is at the same place in both. */
union vaddress {
	sa_family_t family;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct dgram {
	union vaddress from;
	union vaddress to;
	int ttl;
	uint32_t len;
	char bytes[2048];
};

struct vsock {
	bool used;
	uint64_t id;		/* 0 for one that waits to be accepted */
	int type;
	uint32_t seq;
	union vaddress local;
	union vaddress remote;
	bool tells_info, tells_ttl;
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

static inline socklen_t vaddress_len(const union vaddress *address)
{
	return address->family == AF_INET6 ? sizeof(address->in6) : sizeof(address->in);
}

static inline void vaddress_loopback(union vaddress *address)
{
	if (address->family == AF_INET6)
		address->in6.sin6_addr = in6addr_loopback;
	else
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* That of a request; of a wrong family it is none. */
static inline union vaddress vaddress_of(const struct sock_request *req)
{
	union vaddress address = { };

	if (req->in.name_len && req->in.name_len <= sizeof(address))
		memcpy(&address, req->rest, req->in.name_len);
	if (address.family != req->in.family)
		address = (union vaddress){ .family = req->in.family };
	return address;
}

static inline struct vsock *vsock_by_port(struct vnet *net, const struct vsock *who,
					  in_port_t port)
{
	int i;

	for (i = 0; i < VSOCKS; i++)
		if (net->socks[i].used && net->socks[i].type == who->type &&
		    net->socks[i].local.family == who->local.family &&
		    !net->socks[i].connected && net->socks[i].local.in.sin_port == port)
			return &net->socks[i];
	return NULL;
}

static inline struct vsock *vsock_new(struct vnet *net, uint64_t id, int family, int type)
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
	vs->local.family = family;
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
	if (vs->local.in.sin_port)
		return;
	vs->local.in.sin_port = htons(40000 + net->last_port++ % 20000);
	vaddress_loopback(&vs->local);
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
				 const union vaddress *to)
{
	struct viewos_sock_out out = { .fd = -1, .flags = VIEWOS_SOCK_OUT_INPROGRESS };
	struct vsock *listener, *other;

	vsock_bind_any(net, vs);
	if (vs->type == SOCK_DGRAM) {
		vs->remote = *to;
		sock_ok(net->session, unique, vsock_out(vs), NULL);
		return;
	}
	listener = vsock_by_port(net, vs, to->in.sin_port);
	sock_ok(net->session, unique, out, NULL);
	if (!listener || !listener->listening || listener->nr_pending == BACKLOG) {
		vsock_tell(net, vs, ECONNREFUSED);
		return;
	}
	other = vsock_new(net, 0, vs->local.family, SOCK_STREAM);
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
	out.name_len = vaddress_len(&other->remote);
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

/* What one control message asks for, if it is of a kind that is known. */
static inline bool vsock_send_control_one(const struct viewos_sock_control *control,
					  const void *data, struct dgram *dgram)
{
	struct in6_pktinfo info6;
	struct in_pktinfo info;

	if (control->level == IPPROTO_IP && control->type == IP_PKTINFO) {
		memcpy(&info, data, sizeof(info));
		dgram->from.in.sin_addr = info.ipi_spec_dst;
	} else if (control->level == IPPROTO_IPV6 && control->type == IPV6_PKTINFO) {
		memcpy(&info6, data, sizeof(info6));
		dgram->from.in6.sin6_addr = info6.ipi6_addr;
	} else if ((control->level == IPPROTO_IP && control->type == IP_TTL) ||
		   (control->level == IPPROTO_IPV6 && control->type == IPV6_HOPLIMIT)) {
		memcpy(&dgram->ttl, data, sizeof(dgram->ttl));
	} else {
		return false;
	}
	return true;
}

/* How far the next message is. */
static inline size_t control_space(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static inline int vsock_send_control(const struct sock_request *req, struct dgram *dgram)
{
	const char *from = req->rest + req->in.name_len;
	struct viewos_sock_control control;
	int error = 0;
	size_t at;

	for (at = 0; at < req->in.control_len; at += control_space(control.len)) {
		memcpy(&control, from + at, sizeof(control));
		if (!vsock_send_control_one(&control, from + at + sizeof(control), dgram))
			error = EINVAL;
	}
	return error;
}

static inline int vsock_deliver(struct vnet *net, struct vsock *vs, const union vaddress *to,
				const struct sock_request *req)
{
	static struct dgram dgram;
	struct vsock *other;
	int error;

	if (!to->in.sin_port || req->in.data_len > sizeof(dgram.bytes))
		return to->in.sin_port ? EMSGSIZE : EDESTADDRREQ;
	vsock_bind_any(net, vs);
	dgram.from = vs->local;
	dgram.to = *to;
	dgram.ttl = 64;
	dgram.len = req->in.data_len;
	memcpy(dgram.bytes, req->rest + req->in.name_len + req->in.control_len, dgram.len);
	error = vsock_send_control(req, &dgram);
	if (error)
		return error;
	other = vsock_by_port(net, vs, to->in.sin_port);
	if (other && other->nr_dgrams < DGRAMS) {
		memcpy(&other->dgrams[other->nr_dgrams++], &dgram,
		       offsetof(struct dgram, bytes) + dgram.len);
		vsock_tell(net, other, 0);
	}
	return 0;
}

static inline void vsock_send_dgram(struct vnet *net, struct vsock *vs,
				    const struct sock_request *req)
{
	union vaddress to = req->in.name_len ? vaddress_of(req) : vs->remote;
	struct viewos_sock_out out;
	int error;

	error = vsock_deliver(net, vs, &to, req);
	if (error) {
		sock_error(net->session, req->header.unique, error);
		return;
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

static inline size_t control_put(char *to, size_t at, int level, int type, const void *data,
				 size_t len)
{
	struct viewos_sock_control control = { sizeof(control) + len, level, type };

	memset(to + at, 0, control_space(control.len));
	memcpy(to + at, &control, sizeof(control));
	memcpy(to + at + sizeof(control), data, len);
	return at + control_space(control.len);
}

/* What the socket's options want to be told of a datagram; returns the bytes. */
static inline size_t vsock_recv_control(const struct vsock *vs, const struct dgram *dgram,
					char *control)
{
	bool six = vs->local.family == AF_INET6;
	struct in6_pktinfo info6 = { dgram->to.in6.sin6_addr, 1 };
	struct in_pktinfo info = { 1, dgram->to.in.sin_addr, dgram->to.in.sin_addr };
	size_t len = 0;

	if (vs->tells_info && six)
		len = control_put(control, len, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	else if (vs->tells_info)
		len = control_put(control, len, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	if (vs->tells_ttl)
		len = control_put(control, len, six ? IPPROTO_IPV6 : IPPROTO_IP,
				  six ? IPV6_HOPLIMIT : IP_TTL, &dgram->ttl, sizeof(dgram->ttl));
	return len;
}

static inline void vsock_recv_dgram(struct vnet *net, struct vsock *vs,
				    const struct sock_request *req)
{
	struct viewos_sock_out out = { .fd = -1, .flags = VIEWOS_SOCK_OUT_EVENTS };
	struct dgram *dgram = &vs->dgrams[0];
	static char rest[4096];

	if (!vs->nr_dgrams) {
		sock_error(net->session, req->header.unique, EAGAIN);
		return;
	}
	out.name_len = vaddress_len(&dgram->from);
	out.control_len = vsock_recv_control(vs, dgram, rest + out.name_len);
	out.data_len = dgram->len > req->in.room ? req->in.room : dgram->len;
	out.msg_flags = dgram->len > req->in.room ? MSG_TRUNC : 0;
	out.value = dgram->len;
	memcpy(rest, &dgram->from, out.name_len);
	memcpy(rest + out.name_len + out.control_len, dgram->bytes, out.data_len);
	if (!(req->in.msg_flags & MSG_PEEK))
		memmove(vs->dgrams, vs->dgrams + 1, --vs->nr_dgrams * sizeof(*dgram));
	out.events = vsock_events(vs);
	out.seq = ++vs->seq;
	sock_ok(net->session, req->header.unique, out, rest);
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
	struct viewos_sock_out out = { .fd = -1, .name_len = vaddress_len(&vs->local) };

	if (peer && !vs->remote.in.sin_port)
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
	union vaddress to = vaddress_of(req);

	if (to.in.sin_port && vsock_by_port(net, vs, to.in.sin_port)) {
		sock_error(net->session, req->header.unique, EADDRINUSE);
		return;
	}
	vs->local = to;
	vsock_bind_any(net, vs);
	sock_ok(net->session, req->header.unique, vsock_out(vs), NULL);
}

static inline bool *vsock_option(struct vsock *vs, const struct sock_request *req)
{
	bool six = vs->local.family == AF_INET6;

	if (req->in.value != (six ? IPPROTO_IPV6 : IPPROTO_IP))
		return NULL;
	if (req->in.name == (six ? IPV6_RECVPKTINFO : IP_PKTINFO))
		return &vs->tells_info;
	if (req->in.name == (six ? IPV6_RECVHOPLIMIT : IP_RECVTTL))
		return &vs->tells_ttl;
	return NULL;
}

static inline void vsock_sockopt(struct vnet *net, struct vsock *vs,
				 const struct sock_request *req)
{
	bool set = req->header.opcode == VIEWOS_SOCK_SETSOCKOPT;
	struct viewos_sock_out out = { .fd = -1, .data_len = set ? 0 : sizeof(int) };
	bool *option = vsock_option(vs, req);
	int value;

	if (!option || (set ? req->in.data_len : req->in.room) < sizeof(int)) {
		sock_error(net->session, req->header.unique, option ? EINVAL : ENOPROTOOPT);
		return;
	}
	if (set) {
		memcpy(&value, req->rest, sizeof(value));
		*option = value;
	}
	value = *option;
	sock_ok(net->session, req->header.unique, out, &value);
}

static inline void vnet_handle(struct vnet *net, const struct sock_request *req)
{
	uint64_t unique = req->header.unique;
	struct vsock *vs = vsock_find(net, req->header.nodeid);
	union vaddress to;

	if (req->header.opcode == FUSE_INTERRUPT)
		return;
	if (req->header.opcode == VIEWOS_SOCK_CREATE) {
		vs = vsock_new(net, req->header.nodeid, req->in.family, req->in.type);
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
		to = vaddress_of(req);
		vsock_connect(net, vs, unique, &to);
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
	case VIEWOS_SOCK_SETSOCKOPT:
	case VIEWOS_SOCK_GETSOCKOPT:
		vsock_sockopt(net, vs, req);
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

/* A rule for sockets of a family that this server answers. */
static inline struct viewos_rule_add sock_rule_of(int family, const char *server,
						  const char *source)
{
	struct viewos_rule_add rule = rule_native();

	rule.verdict = VIEWOS_VERDICT_SERVE;
	rule.family = family;
	memcpy(rule.target, server, strnlen(server, sizeof(rule.target)));
	rule.source = (uintptr_t)source;
	return rule;
}

/* The same of IPv4. */
static inline struct viewos_rule_add sock_rule(const char *server, const char *source)
{
	return sock_rule_of(AF_INET, server, source);
}

/* A view of our own in which such a rule holds; 0 or -errno. */
static inline int sock_view_enter_of(int family, const char *server, const char *source)
{
	int control = control_open(), view, err;

	if (control < 0)
		return control;
	view = view_create(control, "");
	close(control);
	if (view < 0)
		return view;
	err = rule_add(view, sock_rule_of(family, server, source));
	if (!err)
		err = view_enter(view);
	close(view);
	return err;
}

static inline int sock_view_enter(const char *server, const char *source)
{
	return sock_view_enter_of(AF_INET, server, source);
}

#endif /* _SOCK_SERVER_H */
