// SPDX-License-Identifier: GPL-2.0
/* Virtual sockets: proto_ops, and the operations that are just passed on. */

#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <net/sock.h>

#include "../session.h"
#include "sock.h"
#include "stack.h"

static int sock_bind(struct socket *sock, VIEWOS_SOCKADDR *addr, int len)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	struct sockaddr_storage to;
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_BIND,
		.name = addr,
		.name_len = len,
		.reply_room = VIEWOS_SOCK_MAX_NAME,
	};
	int err;

	if (len < 0 || len > VIEWOS_SOCK_MAX_NAME)
		return -EINVAL;
	if (!viewos_sock_asks(vs, VIEWOS_SOCK_BIND)) {
		err = backing->ops->bind(backing, addr, len);
	} else {
		err = viewos_sock_call(vs, &call);
		if (err)
			return err;
		if (call.out->flags & VIEWOS_SOCK_OUT_CONTINUE) {
			backing = viewos_sock_backing(vs);
			memcpy(&to, addr, len);
			if (call.out->name_len) {
				len = call.out->name_len;
				memcpy(&to, call.out_name, len);
			}
			err = backing->ops->bind(backing, (VIEWOS_SOCKADDR *)&to, len);
		}
		viewos_sock_call_end(&call);
	}
	if (!err)
		viewos_sock_set_address(vs, &vs->local, addr, len);
	return err;
}

static int sock_listen(struct socket *sock, int backlog)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_LISTEN,
		.in.value = backlog,
	};
	int err;

	if (!viewos_sock_asks(vs, VIEWOS_SOCK_LISTEN)) {
		err = backing->ops->listen(backing, backlog);
	} else {
		err = viewos_sock_call(vs, &call);
		if (err)
			return err;
		if (call.out->flags & VIEWOS_SOCK_OUT_CONTINUE) {
			backing = viewos_sock_backing(vs);
			err = backing->ops->listen(backing, backlog);
		}
		viewos_sock_call_end(&call);
	}
	if (!err)
		viewos_sock_set_state(vs, VIEWOS_SOCKET_LISTENING);
	return err;
}

static int sock_shutdown(struct socket *sock, int how)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_SHUTDOWN,
		.in.value = how,
	};
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (!viewos_sock_asks(vs, VIEWOS_SOCK_SHUTDOWN))
		return backing->ops->shutdown(backing, how);
	err = viewos_sock_call(vs, &call);
	if (err)
		return err;
	if (call.out->flags & VIEWOS_SOCK_OUT_CONTINUE) {
		backing = viewos_sock_backing(vs);
		err = backing->ops->shutdown(backing, how);
	}
	viewos_sock_call_end(&call);
	return err;
}

static int sock_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_GETNAME,
		.in.value = !!peer,
		.reply_room = VIEWOS_SOCK_MAX_NAME,
	};
	int ret;

	if (!viewos_sock_asks(vs, VIEWOS_SOCK_GETNAME))
		return backing->ops->getname(backing, addr, peer);
	ret = viewos_sock_call(vs, &call);
	if (ret)
		return ret;
	if (call.out->flags & VIEWOS_SOCK_OUT_CONTINUE) {
		backing = viewos_sock_backing(vs);
		ret = backing->ops->getname(backing, addr, peer);
	} else {
		/* There is room for a struct sockaddr_storage. */
		ret = call.out->name_len;
		memcpy(addr, call.out_name, ret);
	}
	viewos_sock_call_end(&call);
	return ret;
}

static __poll_t poll_told(struct viewos_sock *vs)
{
	__poll_t mask = viewos_sock_poll_mask(READ_ONCE(vs->events));

	if (viewos_session_dead(vs->stack->session))
		mask |= EPOLLERR | EPOLLHUP;
	return mask;
}

/*
 * How the connect of the backing went is asked of our own struct sock by those who have polled:
 * io_uring takes it right from there. So the error moves here, while the backing still is at it.
 */
static void poll_takes_error(struct sock *sk, struct socket *backing)
{
	int err;

	if (backing->state != SS_CONNECTING && backing->ops != &viewos_sock_ops)
		return;
	err = sock_error(backing->sk);
	if (err)
		WRITE_ONCE(sk->sk_err, -err);
}

static __poll_t sock_poll_events(struct file *file, struct socket *sock, poll_table *wait)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing;
	__poll_t mask;

	sock_poll_wait(file, sock, wait);
	backing = viewos_sock_backing(vs);
	if (backing && READ_ONCE(vs->state) != VIEWOS_SOCKET_CONNECTING) {
		/* Its wake-ups come through our own queue. */
		mask = backing->ops->poll(file, backing, NULL);
		if (mask & EPOLLERR)
			poll_takes_error(sock->sk, backing);
	} else {
		mask = poll_told(vs);
	}
	if (READ_ONCE(sock->sk->sk_err))
		mask |= EPOLLERR;
	return mask;
}

static int sock_gettstamp_op(struct socket *sock, void __user *stamp, bool timeval, bool time32)
{
	struct socket *backing = viewos_sock_backing(viewos_sock(sock));

	if (!backing || !backing->ops->gettstamp)
		return -ENOTTY;
	return backing->ops->gettstamp(backing, stamp, timeval, time32);
}

static void sock_splice_eof_op(struct socket *sock)
{
	struct socket *backing = viewos_sock_backing(viewos_sock(sock));

	if (backing && backing->ops->splice_eof)
		backing->ops->splice_eof(backing);
}

#ifdef VIEWOS_HAS_SENDPAGE
static ssize_t sock_sendpage(struct socket *sock, struct page *page, int offset, size_t size,
			     int flags)
{
	struct viewos_sock *vs = viewos_sock(sock);

	if (viewos_sock_asks(vs, VIEWOS_SOCK_SENDMSG))
		return sock_no_sendpage(sock, page, offset, size, flags);
	return kernel_sendpage(viewos_sock_backing(vs), page, offset, size, flags);
}
#endif

/*
 * One table for all families. Its own is none, since others take the family of a
 * table for a promise of what is behind the struct sock.
 */
const struct proto_ops viewos_sock_ops = {
	.family = PF_UNSPEC,
	.owner = THIS_MODULE,
	.release = viewos_sock_release,
	.bind = sock_bind,
	.connect = viewos_sock_connect,
	.socketpair = sock_no_socketpair,
	.accept = viewos_sock_accept,
	.getname = sock_getname,
	.poll = sock_poll_events,
	.ioctl = viewos_sock_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = viewos_sock_compat_ioctl,
#endif
	.gettstamp = sock_gettstamp_op,
	.listen = sock_listen,
	.shutdown = sock_shutdown,
	.setsockopt = viewos_sock_setsockopt,
	.getsockopt = viewos_sock_getsockopt,
	.sendmsg = viewos_sock_sendmsg,
	.recvmsg = viewos_sock_recvmsg,
	.mmap = sock_no_mmap,
	.splice_read = viewos_sock_splice_read,
	.splice_eof = sock_splice_eof_op,
#ifdef VIEWOS_HAS_SENDPAGE
	.sendpage = sock_sendpage,
#endif
};
