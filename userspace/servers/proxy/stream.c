// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: connections. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy.h"

/* Events that the thread takes at a time. */
#define BATCH	64

/* In place of a stream's number. */
#define WAKE	0

/*
 * A socket. fd is ours of the backing, -1 after the connection is the program's. While it is
 * CONNECTING or TALKING it is in the proxy's list, and in its epoll.
 */
struct stream {
	struct socket_base base;
	struct table_node node;
	struct stream *next;
	struct stream *prev;
	uint64_t id;
	int family;
	int fd;
	enum { STREAM_IDLE, STREAM_CONNECTING, STREAM_TALKING, STREAM_CONNECTED } state;
	time_t deadline;
	struct target target;
	struct handshake *handshake;
	struct sockaddr_storage peer;
	socklen_t peer_len;
};

static struct stream *stream_of(const struct viewos_sock_req *req)
{
	return req->user;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static uint64_t hash_of(const struct proxy *proxy, uint64_t id)
{
	return table_hash(&proxy->streams, id, "", 0);
}

/* ---- with proxy->lock held ---- */

static struct stream *find(struct proxy *proxy, uint64_t id)
{
	struct table_node *node;
	struct stream *stream;

	node = table_first(&proxy->streams, hash_of(proxy, id));
	for (; node; node = table_next(node)) {
		stream = (struct stream *)((char *)node - offsetof(struct stream, node));
		if (stream->id == id)
			return stream;
	}
	return NULL;
}

static void list_add(struct proxy *proxy, struct stream *stream)
{
	stream->next = NULL;
	stream->prev = proxy->last;
	if (proxy->last)
		proxy->last->next = stream;
	else
		proxy->first = stream;
	proxy->last = stream;
}

static void list_del(struct proxy *proxy, struct stream *stream)
{
	if (stream->prev)
		stream->prev->next = stream->next;
	else
		proxy->first = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	else
		proxy->last = stream->prev;
}

static int set_nonblock(int fd, bool nonblock)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

/* The socket is as before the connect, but for the options. */
static void disconnect(int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	connect(fd, &none, sizeof(none));
}

/* It is nothing of the thread's any more. */
static void stop_talking(struct proxy *proxy, struct stream *stream)
{
	list_del(proxy, stream);
	epoll_ctl(proxy->epoll, EPOLL_CTL_DEL, stream->fd, NULL);
	/* The program's calls look at the file. */
	set_nonblock(stream->fd, false);
	free(stream->handshake);
	stream->handshake = NULL;
	stream->state = STREAM_IDLE;
}

static void fail(struct proxy *proxy, struct stream *stream, int error)
{
	stop_talking(proxy, stream);
	disconnect(stream->fd);
	viewos_sock_event(proxy->session, stream->id, POLLIN | POLLOUT | POLLERR | POLLHUP, error,
			  -1);
}

static void succeed(struct proxy *proxy, struct stream *stream)
{
	stop_talking(proxy, stream);
	close(stream->fd);
	stream->fd = -1;
	stream->state = STREAM_CONNECTED;
	viewos_sock_event(proxy->session, stream->id, POLLOUT, 0, -1);
}

static int watch(struct proxy *proxy, const struct stream *stream, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = stream->id };

	return epoll_ctl(proxy->epoll, operation, stream->fd, &event) < 0 ? -errno : 0;
}

/* Goes on with the conversation. Returns 1 at its good end, 0 to wait, or a negative errno. */
static int talk(struct proxy *proxy, struct stream *stream)
{
	struct handshake *h = stream->handshake;
	char bytes[512];
	ssize_t len;
	size_t want;
	int ret = 0;

	while (!ret) {
		want = handshake_want(h);
		if (want)
			len = recv(stream->fd, bytes, want < sizeof(bytes) ? want : sizeof(bytes),
				   MSG_DONTWAIT);
		else
			len = send(stream->fd, h->out + h->out_done, h->out_len - h->out_done,
				   MSG_DONTWAIT | MSG_NOSIGNAL);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return watch(proxy, stream, EPOLL_CTL_MOD, want ? EPOLLIN : EPOLLOUT);
		if (len < 0)
			return -errno;
		/* It has hung up, without a word. */
		if (!len)
			return -ECONNREFUSED;
		if (want)
			ret = handshake_input(h, bytes, len);
		else
			h->out_done += len;
	}
	return ret;
}

static void step(struct proxy *proxy, struct stream *stream)
{
	socklen_t len = sizeof(int);
	int error = 0, ret;

	if (stream->state == STREAM_CONNECTING) {
		getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error) {
			fail(proxy, stream, error);
			return;
		}
		stream->state = STREAM_TALKING;
	}
	ret = talk(proxy, stream);
	if (ret < 0)
		fail(proxy, stream, -ret);
	else if (ret > 0)
		succeed(proxy, stream);
}

/* Milliseconds to wait at most, after the streams whose time is up have failed. */
static int expire(struct proxy *proxy)
{
	time_t time = now();

	while (proxy->first && proxy->first->deadline <= time)
		fail(proxy, proxy->first, ETIMEDOUT);
	return proxy->first ? (int)(proxy->first->deadline - time) * 1000 : -1;
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct proxy *proxy = arg;
	struct epoll_event events[BATCH];
	struct stream *stream;
	int count, timeout, i;
	eventfd_t woken;

	pthread_mutex_lock(&proxy->lock);
	while (!proxy->ending) {
		timeout = expire(proxy);
		pthread_mutex_unlock(&proxy->lock);
		count = epoll_wait(proxy->epoll, events, BATCH, timeout);
		pthread_mutex_lock(&proxy->lock);
		for (i = 0; i < count; i++) {
			if (events[i].data.u64 == WAKE) {
				eventfd_read(proxy->wake, &woken);
				continue;
			}
			stream = find(proxy, events[i].data.u64);
			if (stream && stream->handshake)
				step(proxy, stream);
		}
	}
	pthread_mutex_unlock(&proxy->lock);
	return NULL;
}

static int run_start(struct proxy *proxy)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE };
	int ret;

	if (proxy->running)
		return 0;
	if (epoll_ctl(proxy->epoll, EPOLL_CTL_ADD, proxy->wake, &event) < 0 && errno != EEXIST)
		return -errno;
	ret = pthread_create(&proxy->thread, NULL, run, proxy);
	proxy->running = !ret;
	return -ret;
}

void streams_end(struct proxy *proxy)
{
	bool running;

	pthread_mutex_lock(&proxy->lock);
	proxy->ending = true;
	running = proxy->running;
	pthread_mutex_unlock(&proxy->lock);
	if (!running)
		return;
	eventfd_write(proxy->wake, 1);
	pthread_join(proxy->thread, NULL);
}

/* ---- operations ---- */

void stream_create(struct viewos_sock_req *req)
{
	struct viewos_sock_out out = {
		.flags = VIEWOS_SOCK_OUT_FD,
		.ask = VIEWOS_SOCK_ASK(VIEWOS_SOCK_BIND) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_CONNECT) |
		       VIEWOS_SOCK_ASK(VIEWOS_SOCK_LISTEN) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_ACCEPT) |
		       VIEWOS_SOCK_ASK(VIEWOS_SOCK_GETNAME),
	};
	struct stream *stream = calloc(1, sizeof(*stream));
	struct proxy *proxy = req->data;

	if (!stream) {
		viewos_sock_reply_err(req, ENOMEM);
		return;
	}
	stream->fd = socket_make(req);
	if (stream->fd < 0) {
		viewos_sock_reply_err(req, -stream->fd);
		free(stream);
		return;
	}
	stream->base.kind = SOCKET_STREAM;
	stream->id = req->id;
	stream->family = req->in->family;
	out.fd = stream->fd;
	req->user = stream;
	pthread_mutex_lock(&proxy->lock);
	table_add(&proxy->streams, &stream->node, hash_of(proxy, stream->id));
	pthread_mutex_unlock(&proxy->lock);
	if (viewos_sock_reply(req, &out, NULL, NULL, NULL) < 0)
		stream_release(proxy, &stream->base);
}

void stream_release(struct proxy *proxy, struct socket_base *base)
{
	struct stream *stream = (struct stream *)base;

	pthread_mutex_lock(&proxy->lock);
	if (stream->handshake)
		stop_talking(proxy, stream);
	table_del(&proxy->streams, &stream->node);
	pthread_mutex_unlock(&proxy->lock);
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream);
}

/* Any address is as good as another, if it is not asked to be reached at. */
void stream_bind(struct viewos_sock_req *req)
{
	const struct sockaddr_in *in = (const void *)req->name;
	const struct sockaddr_in6 *in6 = (const void *)req->name;
	in_port_t port;

	if (req->name && req->in->family == AF_INET && req->in->name_len >= sizeof(*in)) {
		port = in->sin_port;
	} else if (req->name && req->in->family == AF_INET6 &&
		   req->in->name_len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		port = in6->sin6_port;
	} else {
		viewos_sock_reply_err(req, EINVAL);
		return;
	}
	viewos_sock_reply_err(req, port ? EOPNOTSUPP : 0);
}

/* The proxy's address for a socket of this family. */
static socklen_t upstream_address(const struct upstream *upstream, int family,
				  struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const void *)&upstream->address;
	struct sockaddr_in6 *in6 = (void *)address;

	*address = upstream->address;
	if (upstream->address.ss_family == family)
		return family == AF_INET ? sizeof(*in) : sizeof(*in6);
	if (family != AF_INET6)
		return 0;
	memset(in6, 0, sizeof(*in6));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = in->sin_port;
	in6->sin6_addr.s6_addr[10] = 0xff;
	in6->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&in6->sin6_addr.s6_addr[12], &in->sin_addr, sizeof(in->sin_addr));
	return sizeof(*in6);
}

/* With the lock held: begins to connect to the proxy. */
static int begin(struct proxy *proxy, struct stream *stream)
{
	struct sockaddr_storage address;
	socklen_t len = upstream_address(&proxy->upstream, stream->family, &address);
	int ret, off = 0;

	if (!len)
		return -ENETUNREACH;
	ret = run_start(proxy);
	if (ret < 0)
		return ret;
	stream->handshake = malloc(sizeof(*stream->handshake));
	if (!stream->handshake)
		return -ENOMEM;
	handshake_begin(stream->handshake, &proxy->upstream, &stream->target);
	if (stream->family == AF_INET6)
		setsockopt(stream->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	ret = set_nonblock(stream->fd, true);
	if (!ret && connect(stream->fd, (const struct sockaddr *)&address, len) < 0 &&
	    errno != EINPROGRESS)
		ret = -errno;
	if (!ret)
		ret = watch(proxy, stream, EPOLL_CTL_ADD, EPOLLOUT);
	if (ret < 0) {
		disconnect(stream->fd);
		set_nonblock(stream->fd, false);
		free(stream->handshake);
		stream->handshake = NULL;
		return ret;
	}
	stream->state = STREAM_CONNECTING;
	stream->deadline = now() + PROXY_PATIENCE;
	list_add(proxy, stream);
	/* The thread may sleep for longer. */
	if (proxy->first == stream)
		eventfd_write(proxy->wake, 1);
	return 0;
}

static int connect_to(struct viewos_sock_req *req, const struct target *target)
{
	struct proxy *proxy = req->data;
	struct stream *stream = stream_of(req);
	int ret;

	pthread_mutex_lock(&proxy->lock);
	if (stream->state == STREAM_CONNECTED) {
		ret = -EISCONN;
	} else if (stream->state != STREAM_IDLE) {
		ret = -EALREADY;
	} else {
		proxy->session = req->session;
		stream->target = *target;
		memcpy(&stream->peer, req->name, req->in->name_len);
		stream->peer_len = req->in->name_len;
		ret = begin(proxy, stream);
	}
	pthread_mutex_unlock(&proxy->lock);
	return ret;
}

/* connect(2) to AF_UNSPEC: what goes on is given up. */
static void stream_reset(struct viewos_sock_req *req)
{
	struct proxy *proxy = req->data;
	struct stream *stream = stream_of(req);
	bool connected;

	pthread_mutex_lock(&proxy->lock);
	connected = stream->state == STREAM_CONNECTED;
	if (stream->handshake) {
		stop_talking(proxy, stream);
		disconnect(stream->fd);
	}
	pthread_mutex_unlock(&proxy->lock);
	/* Of a connection nothing is left to connect anew. */
	viewos_sock_reply_err(req, connected ? EOPNOTSUPP : 0);
}

void stream_connect(struct viewos_sock_req *req)
{
	const struct viewos_sock_out out = { .flags = VIEWOS_SOCK_OUT_INPROGRESS };
	const struct proxy *proxy = req->data;
	struct target target;
	int ret;

	if (req->name && req->in->name_len >= sizeof(sa_family_t) &&
	    req->name->sa_family == AF_UNSPEC) {
		stream_reset(req);
		return;
	}
	ret = target_read(proxy->names, req, &target);
	if (!ret)
		ret = connect_to(req, &target);
	if (ret < 0)
		viewos_sock_reply_err(req, -ret);
	else
		viewos_sock_reply(req, &out, NULL, NULL, NULL);
}

void stream_getname(struct viewos_sock_req *req)
{
	struct proxy *proxy = req->data;
	struct stream *stream = stream_of(req);
	struct viewos_sock_out out = { };
	struct sockaddr_storage peer;
	bool connected;

	if (!req->in->value) {
		viewos_sock_reply_continue(req);
		return;
	}
	pthread_mutex_lock(&proxy->lock);
	connected = stream->state == STREAM_CONNECTED;
	peer = stream->peer;
	out.name_len = stream->peer_len;
	pthread_mutex_unlock(&proxy->lock);
	if (connected)
		viewos_sock_reply(req, &out, &peer, NULL, NULL);
	else
		viewos_sock_reply_err(req, ENOTCONN);
}
