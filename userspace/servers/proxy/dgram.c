// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: datagrams, which are questions of DNS that are answered here, or go by. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy.h"

#define DNS_PORT	53

/* Answers that wait to be read; more get lost, as datagrams do. */
#define ANSWERS_MAX	64

/* An answer, and whom it seems to come from. */
struct answer {
	struct answer *next;
	struct sockaddr_storage from;
	socklen_t from_len;
	size_t len;
	unsigned char bytes[NAMES_ANSWER_MAX];
};

/*
 * A socket. fd is where datagrams go that are no questions, -1 if they may not; it becomes the
 * backing with the first of them, and then backed is set.
 */
struct dgram {
	struct socket_base base;
	int fd;
	pthread_mutex_t lock;
	bool backed;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	struct answer *first;
	struct answer **last;
	unsigned int count;
};

static struct dgram *dgram_of(const struct viewos_sock_req *req)
{
	return req->user;
}

static void dgram_free(struct dgram *dgram)
{
	struct answer *answer;

	while ((answer = dgram->first)) {
		dgram->first = answer->next;
		free(answer);
	}
	if (dgram->fd >= 0)
		close(dgram->fd);
	pthread_mutex_destroy(&dgram->lock);
	free(dgram);
}

void dgram_release(struct socket_base *base)
{
	dgram_free((struct dgram *)base);
}

void dgram_create(struct viewos_sock_req *req)
{
	struct viewos_sock_out out = { .flags = VIEWOS_SOCK_OUT_EVENTS, .events = POLLOUT };
	const struct proxy *proxy = req->data;
	struct dgram *dgram = calloc(1, sizeof(*dgram));

	if (!dgram) {
		viewos_sock_reply_err(req, ENOMEM);
		return;
	}
	dgram->base.kind = SOCKET_DGRAM;
	dgram->fd = -1;
	dgram->last = &dgram->first;
	pthread_mutex_init(&dgram->lock, NULL);
	if (proxy->udp) {
		dgram->fd = socket_make(req);
		if (dgram->fd < 0) {
			viewos_sock_reply_err(req, -dgram->fd);
			dgram_free(dgram);
			return;
		}
	}
	req->user = dgram;
	if (viewos_sock_reply(req, &out, NULL, NULL, NULL) < 0)
		dgram_free(dgram);
}

/* Hands the socket over: the kernel goes on with it alone. */
static int back(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	int ret = 0;

	pthread_mutex_lock(&dgram->lock);
	if (dgram->fd < 0)
		ret = -EACCES;
	else if (!dgram->backed)
		ret = viewos_sock_event(req->session, req->id, POLLOUT, 0, dgram->fd);
	if (!ret)
		dgram->backed = true;
	pthread_mutex_unlock(&dgram->lock);
	return ret;
}

/* To any port of any address it may; what is more shall be the kernel's decision. */
void dgram_bind(struct viewos_sock_req *req)
{
	const struct sockaddr_in *in = (const void *)req->name;
	bool whole = req->name && req->in->name_len >= sizeof(*in);
	int ret;

	/* The port is at the same place in both families. */
	if (whole && !in->sin_port) {
		viewos_sock_reply_err(req, 0);
		return;
	}
	ret = whole ? back(req) : -EINVAL;
	if (ret < 0)
		viewos_sock_reply_err(req, -ret);
	else
		viewos_sock_reply_continue(req);
}

void dgram_connect(struct viewos_sock_req *req)
{
	const struct proxy *proxy = req->data;
	struct dgram *dgram = dgram_of(req);
	bool reset = req->name && req->in->name_len >= sizeof(sa_family_t) &&
		     req->name->sa_family == AF_UNSPEC;
	struct target target = { };
	int ret = 0;

	if (!reset)
		ret = target_read(proxy->names, req, &target);
	if (!ret && !reset && target.port != DNS_PORT) {
		ret = back(req);
		if (!ret) {
			viewos_sock_reply_continue(req);
			return;
		}
	}
	if (!ret) {
		pthread_mutex_lock(&dgram->lock);
		dgram->peer_len = reset ? 0 : req->in->name_len;
		if (!reset)
			memcpy(&dgram->peer, req->name, req->in->name_len);
		pthread_mutex_unlock(&dgram->lock);
	}
	viewos_sock_reply_err(req, -ret);
}

void dgram_getname(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	struct viewos_sock_out out = { };
	struct sockaddr_storage name = { .ss_family = req->in->family };

	if (req->in->value) {
		pthread_mutex_lock(&dgram->lock);
		name = dgram->peer;
		out.name_len = dgram->peer_len;
		pthread_mutex_unlock(&dgram->lock);
	} else {
		out.name_len = req->in->family == AF_INET ? sizeof(struct sockaddr_in) :
							    sizeof(struct sockaddr_in6);
	}
	if (out.name_len)
		viewos_sock_reply(req, &out, &name, NULL, NULL);
	else
		viewos_sock_reply_err(req, ENOTCONN);
}

/* Those that take no right, whoever sets them, and matter to what is sent later. */
static bool option_passes(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_TOS || name == IP_TTL || name == IP_RECVERR ||
		       name == IP_PKTINFO || name == IP_MTU_DISCOVER || name == IP_RECVTOS;
	return level == IPPROTO_IPV6 &&
	       (name == IPV6_V6ONLY || name == IPV6_RECVERR || name == IPV6_RECVPKTINFO ||
		name == IPV6_UNICAST_HOPS || name == IPV6_MTU_DISCOVER || name == IPV6_TCLASS ||
		name == IPV6_RECVTCLASS);
}

void dgram_setsockopt(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	int level = req->in->value, name = (int)req->in->name, ret = 0;

	if (!option_passes(level, name))
		ret = ENOPROTOOPT;
	else if (dgram->fd >= 0 &&
		 setsockopt(dgram->fd, level, name, req->payload, req->in->data_len) < 0)
		ret = errno;
	viewos_sock_reply_err(req, ret);
}

void dgram_ioctl(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	struct viewos_sock_out out = { .data_len = sizeof(int) };
	int bytes = 0;

	if (req->in->name != FIONREAD && req->in->name != TIOCOUTQ) {
		viewos_sock_reply_err(req, ENOTTY);
		return;
	}
	pthread_mutex_lock(&dgram->lock);
	if (req->in->name == FIONREAD && dgram->first)
		bytes = (int)dgram->first->len;
	pthread_mutex_unlock(&dgram->lock);
	viewos_sock_reply(req, &out, NULL, NULL, &bytes);
}

void dgram_shutdown(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	bool connected;

	pthread_mutex_lock(&dgram->lock);
	connected = dgram->peer_len;
	pthread_mutex_unlock(&dgram->lock);
	viewos_sock_reply_err(req, connected ? 0 : ENOTCONN);
}

/* Answers a question; the answer waits to be read. */
static int ask(struct viewos_sock_req *req, const void *from, socklen_t from_len)
{
	const struct proxy *proxy = req->data;
	struct dgram *dgram = dgram_of(req);
	struct answer *answer = calloc(1, sizeof(*answer));
	int len;

	if (!answer)
		return -ENOMEM;
	len = names_answer(proxy->names, req->payload, req->in->data_len, answer->bytes);
	if (len <= 0) {
		free(answer);
		return len;
	}
	answer->len = len;
	memcpy(&answer->from, from, from_len);
	answer->from_len = from_len;
	pthread_mutex_lock(&dgram->lock);
	if (dgram->count < ANSWERS_MAX) {
		*dgram->last = answer;
		dgram->last = &answer->next;
		dgram->count++;
		answer = NULL;
		viewos_sock_event(req->session, req->id, POLLIN | POLLOUT, 0, -1);
	}
	pthread_mutex_unlock(&dgram->lock);
	free(answer);
	return 0;
}

/* The first datagram that is no question goes out from here; the others without us. */
static int pass(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	ssize_t sent;
	int ret = back(req);

	if (ret < 0)
		return ret;
	sent = sendto(dgram->fd, req->payload, req->in->data_len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      req->name, req->name ? req->in->name_len : 0);
	return sent < 0 ? -errno : 0;
}

void dgram_sendmsg(struct viewos_sock_req *req)
{
	const struct proxy *proxy = req->data;
	struct dgram *dgram = dgram_of(req);
	struct viewos_sock_out out = { .value = req->in->data_len };
	struct sockaddr_storage peer;
	struct target target;
	socklen_t peer_len;
	int ret;

	if (req->name) {
		ret = target_read(proxy->names, req, &target);
		if (!ret && target.port == DNS_PORT)
			ret = ask(req, req->name, req->in->name_len);
		else if (!ret)
			ret = pass(req);
	} else {
		pthread_mutex_lock(&dgram->lock);
		peer = dgram->peer;
		peer_len = dgram->peer_len;
		pthread_mutex_unlock(&dgram->lock);
		ret = peer_len ? ask(req, &peer, peer_len) : -EDESTADDRREQ;
	}
	if (ret < 0)
		viewos_sock_reply_err(req, -ret);
	else
		viewos_sock_reply(req, &out, NULL, NULL, NULL);
}

void dgram_recvmsg(struct viewos_sock_req *req)
{
	struct dgram *dgram = dgram_of(req);
	struct viewos_sock_out out = { .flags = VIEWOS_SOCK_OUT_EVENTS };
	bool peek = req->in->msg_flags & MSG_PEEK;
	struct answer *answer;

	pthread_mutex_lock(&dgram->lock);
	answer = dgram->first;
	if (!answer) {
		viewos_sock_reply_err(req, EAGAIN);
		pthread_mutex_unlock(&dgram->lock);
		return;
	}
	if (!peek) {
		dgram->first = answer->next;
		if (!dgram->first)
			dgram->last = &dgram->first;
		dgram->count--;
	}
	out.events = POLLOUT | (dgram->first ? POLLIN : 0);
	out.name_len = answer->from_len;
	out.data_len = answer->len;
	out.value = (int64_t)answer->len;
	if (out.data_len > req->in->room) {
		out.data_len = req->in->room;
		out.msg_flags = MSG_TRUNC;
	}
	viewos_sock_reply(req, &out, &answer->from, NULL, answer->bytes);
	if (peek)
		answer = NULL;
	pthread_mutex_unlock(&dgram->lock);
	free(answer);
}
