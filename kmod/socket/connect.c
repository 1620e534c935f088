// SPDX-License-Identifier: GPL-2.0
/* Virtual sockets: connect and accept. */

#include <linux/file.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <net/sock.h>

#include "../netlink.h"
#include "../request.h"
#include "sock.h"
#include "stack.h"

/* The backing connects by itself, to where the server says or the program did. */
static int connect_backing(struct viewos_sock *vs, const void *addr, int len, int flags)
{
	struct socket *backing = viewos_sock_backing(vs);
	struct sockaddr_storage to;
	int err;

	len = min_t(int, len, sizeof(to));
	memcpy(&to, addr, len);
	/* How far that is, the backing knows. */
	viewos_sock_set_state(vs, VIEWOS_SOCKET_NEW);
	err = backing->ops->connect(backing, (VIEWOS_SOCKADDR *)&to, len, flags);
	if (!err)
		viewos_sock_set_state(vs, VIEWOS_SOCKET_CONNECTED);
	return err;
}

/* How it went. Who changes the state has the lock until the error is there, too. */
static int connect_end(struct viewos_sock *vs)
{
	int err;

	spin_lock(&vs->lock);
	err = sock_error(viewos_sk(vs));
	spin_unlock(&vs->lock);
	return err;
}

/* The server connects: it will tell how that went. */
static int connect_wait(struct viewos_sock *vs, int flags)
{
	long timeo = sock_sndtimeo(viewos_sk(vs), flags & O_NONBLOCK);
	int err;

	if (!timeo && READ_ONCE(vs->state) == VIEWOS_SOCKET_CONNECTING)
		return -EINPROGRESS;
	while (READ_ONCE(vs->state) == VIEWOS_SOCKET_CONNECTING) {
		err = viewos_sock_wait(vs, POLLOUT | POLLERR | POLLHUP, &timeo);
		if (err)
			return err == -EAGAIN ? -EINPROGRESS : err;
	}
	return connect_end(vs);
}

static int connect_answer(struct viewos_sock *vs, struct viewos_sock_call *call, int flags)
{
	const struct viewos_sock_out *out = call->out;

	if (out->flags & VIEWOS_SOCK_OUT_CONTINUE) {
		if (out->name_len)
			return connect_backing(vs, call->out_name, out->name_len, flags);
		return connect_backing(vs, call->name, call->name_len, flags);
	}
	if (!(out->flags & VIEWOS_SOCK_OUT_INPROGRESS)) {
		viewos_sock_set_state(vs, VIEWOS_SOCKET_CONNECTED);
		return 0;
	}
	return connect_wait(vs, flags);
}

/*
 * What became of the connect before, if nobody has asked for that: as from the kernel's own, it
 * is the answer to the next one.
 */
static int connect_failed(struct viewos_sock *vs)
{
	if (viewos_sk(vs)->sk_type == SOCK_DGRAM ||
	    READ_ONCE(vs->state) == VIEWOS_SOCKET_CONNECTED)
		return 0;
	return sock_error(viewos_sk(vs));
}

/*
 * Only one connect at a time; before it is asked, so that an early event finds the state. Returns
 * 1 if one from before has ended well in the meantime: a call that was interrupted is made again,
 * and is to hear of that as if it had waited.
 */
static int connect_begin(struct viewos_sock *vs)
{
	int err = 0;

	spin_lock(&vs->lock);
	if (vs->state == VIEWOS_SOCKET_CONNECTING)
		err = -EALREADY;
	else if (vs->unsaid)
		err = 1;
	else if (vs->state == VIEWOS_SOCKET_LISTENING ||
		 (vs->state == VIEWOS_SOCKET_CONNECTED && viewos_sk(vs)->sk_type == SOCK_STREAM))
		err = -EISCONN;
	else
		vs->state = VIEWOS_SOCKET_CONNECTING;
	spin_unlock(&vs->lock);
	return err;
}

static void connect_said(struct viewos_sock *vs)
{
	spin_lock(&vs->lock);
	vs->unsaid = false;
	spin_unlock(&vs->lock);
}

/* Returns 0 also for a connect from before, whose end is told now. */
static int connect_ask(struct viewos_sock *vs, const void *addr, int len, int flags)
{
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_CONNECT,
		.in.flags = flags & O_NONBLOCK ? VIEWOS_SOCK_IN_NONBLOCK : 0,
		.name = addr,
		.name_len = len,
		.reply_room = VIEWOS_SOCK_MAX_NAME,
	};
	enum viewos_socket_state before = READ_ONCE(vs->state);
	int err;

	err = connect_begin(vs);
	if (err == -EALREADY && !(flags & O_NONBLOCK))
		return connect_wait(vs, flags);
	if (err)
		return min(err, 0);
	/* The events of an unconnected socket are not those of this connect. */
	if (viewos_sk(vs)->sk_type == SOCK_STREAM)
		viewos_sock_again(vs, POLLOUT | POLLERR | POLLHUP, READ_ONCE(vs->seq));
	err = viewos_sock_call(vs, &call);
	if (!err) {
		err = connect_answer(vs, &call, flags);
		viewos_sock_call_end(&call);
		if (err != -EINPROGRESS && err != -EINTR && err != -ERESTARTSYS && err)
			viewos_sock_set_state(vs, before);
	} else {
		viewos_sock_set_state(vs, before);
	}
	return err;
}

int viewos_sock_connect(struct socket *sock, VIEWOS_SOCKADDR *addr, int len, int flags)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	int failed, err;

	if (len < (int)sizeof(addr->sa_family) || len > VIEWOS_SOCK_MAX_NAME)
		return -EINVAL;
	failed = connect_failed(vs);
	if (failed && (!backing || backing->state != SS_CONNECTING))
		return failed;
	if (viewos_sock_asks(vs, VIEWOS_SOCK_CONNECT)) {
		err = connect_ask(vs, addr, len, flags);
		if (!err)
			connect_said(vs);
	} else {
		err = backing->ops->connect(backing, addr, len, flags);
		if (!err || err == -EISCONN)
			viewos_sock_set_state(vs, VIEWOS_SOCKET_CONNECTED);
	}
	/* The backing is done with the one that failed, and has nothing left to say about it. */
	if (failed && err == -ECONNABORTED)
		err = failed;
	if (!err || err == -EINPROGRESS)
		viewos_sock_set_address(vs, &vs->peer, addr, len);
	return err;
}

/* The backing of the listener accepts; what it gives is the backing of the new socket. */
static int accept_backing(struct viewos_sock *vs, struct socket *newsock, int flags)
{
	struct socket *backing = viewos_sock_backing(vs);
	struct sock *sk = backing->sk;
	struct socket *inner;
	int err;

	err = sock_create_lite(sk->sk_family, backing->type, sk->sk_protocol, &inner);
	if (err)
		return err;
	inner->ops = backing->ops;
	__module_get(inner->ops->owner);
	err = viewos_proto_accept(backing, inner, flags);
	if (!err)
		err = viewos_sock_init(newsock, vs->stack, sock_net(sk), sk->sk_family,
				       sk->sk_protocol);
	if (!err)
		err = viewos_sock_attach(viewos_sock(newsock), inner, NULL, 0);
	if (err)
		sock_release(inner);
	return err;
}

/* The file that came with the answer is the backing of the new socket. */
static int accept_answer(struct viewos_sock_call *call, struct viewos_sock *new)
{
	const struct viewos_sock_out *out = call->out;
	struct file *file;
	int err;

	new->born = true;
	if (out->flags & VIEWOS_SOCK_OUT_FD) {
		file = viewos_sock_take_file(call);
		err = viewos_sock_attach(new, sock_from_file(file), file, out->ask);
		if (err) {
			fput(file);
			return err;
		}
	}
	if (out->name_len)
		viewos_sock_set_address(new, &new->peer, call->out_name, out->name_len);
	if (out->flags & VIEWOS_SOCK_OUT_EVENTS)
		viewos_sock_event(new, out->events, out->seq, 0);
	return 0;
}

static int accept_once(struct viewos_sock *vs, struct viewos_sock *new, u32 seq)
{
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_ACCEPT,
		.in.new_id = new->id,
		.in.flags = VIEWOS_SOCK_IN_NONBLOCK,
		.reply_room = VIEWOS_SOCK_MAX_NAME,
	};
	int err;

	err = viewos_sock_call(vs, &call);
	if (err == -EAGAIN)
		viewos_sock_again(vs, POLLIN, seq);
	if (err)
		return err;
	if (call.out->flags & VIEWOS_SOCK_OUT_CONTINUE)
		err = -EPROTO;
	else
		err = accept_answer(&call, new);
	viewos_sock_call_end(&call);
	return err;
}

static int accept_ask(struct viewos_sock *vs, struct socket *newsock, int flags)
{
	struct sock *sk = viewos_sk(vs);
	long timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
	struct viewos_sock *new;
	u32 seq;
	int err;

	if (READ_ONCE(vs->state) != VIEWOS_SOCKET_LISTENING)
		return -EINVAL;
	err = viewos_sock_init(newsock, vs->stack, sock_net(sk), sk->sk_family, sk->sk_protocol);
	if (err)
		return err;
	new = viewos_sock(newsock);
	do {
		err = viewos_sock_wait(vs, POLLIN, &timeo);
		if (err)
			return err;
		seq = READ_ONCE(vs->seq);
		err = accept_once(vs, new, seq);
	} while (err == -EAGAIN);
	return err;
}

int viewos_sock_accept(struct socket *sock, struct socket *newsock, VIEWOS_ACCEPT_ARG)
{
	struct viewos_sock *vs = viewos_sock(sock);
	int err;

	if (viewos_sock_asks(vs, VIEWOS_SOCK_ACCEPT))
		err = accept_ask(vs, newsock, viewos_accept_flags());
	else
		err = accept_backing(vs, newsock, viewos_accept_flags());
	if (err)
		return err;
	newsock->state = SS_CONNECTED;
	viewos_sock_set_state(viewos_sock(newsock), VIEWOS_SOCKET_CONNECTED);
	viewos_netlink_socket_event(VIEWOS_CMD_SOCKET_NEW_NTF, viewos_sock(newsock));
	return 0;
}
