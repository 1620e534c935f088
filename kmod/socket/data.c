// SPDX-License-Identifier: GPL-2.0
/* Virtual sockets: data. */

#include <linux/fs.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <net/scm.h>
#include <net/sock.h>

#include "../request.h"
#include "sock.h"

static bool sock_streams(const struct viewos_sock *vs)
{
	return vs->inet.sk.sk_type == SOCK_STREAM;
}

/* An error that came in the meantime, as poll(2) found it. */
static int sock_pending_error(struct viewos_sock *vs)
{
	struct sock *sk = viewos_sk(vs);

	return unlikely(READ_ONCE(sk->sk_err)) ? sock_error(sk) : 0;
}

/*
 * Control messages of SOL_SOCKET carry files and credentials: not for a server. Bytes that are too
 * few for one are none.
 */
static int control_check(struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	if (msg->msg_controllen > VIEWOS_SOCK_MAX_CONTROL)
		return -ENOBUFS;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg) || cmsg->cmsg_level == SOL_SOCKET)
			return -EINVAL;
	}
	if (msg->msg_controllen < sizeof(*cmsg))
		msg->msg_controllen = 0;
	return 0;
}

/* One request of at most VIEWOS_SOCK_MAX_DATA bytes; returns the bytes that were taken. */
static ssize_t send_once(struct viewos_sock *vs, struct msghdr *msg)
{
	size_t len = min_t(size_t, msg_data_left(msg), VIEWOS_SOCK_MAX_DATA);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_SENDMSG,
		.in.msg_flags = msg->msg_flags & (MSG_EOR | MSG_MORE | MSG_CONFIRM |
						  MSG_DONTROUTE | MSG_NOSIGNAL),
		.in.flags = VIEWOS_SOCK_IN_NONBLOCK,
		.name = msg->msg_name,
		.name_len = msg->msg_name ? msg->msg_namelen : 0,
		.control = msg->msg_control,
		.control_len = msg->msg_controllen,
		.data_len = len,
	};
	u32 seq = READ_ONCE(vs->seq);
	ssize_t ret;

	ret = viewos_sock_call_begin(vs, &call);
	if (ret)
		return ret;
	if (!copy_from_iter_full(call.data, len, &msg->msg_iter))
		ret = -EFAULT;
	if (!ret)
		ret = viewos_sock_call_wait(vs, &call);
	if (!ret)
		ret = clamp_t(s64, call.out->value, 0, len);
	if (ret == -EAGAIN)
		viewos_sock_again(vs, POLLOUT, seq);
	if (ret != -EFAULT)
		iov_iter_revert(&msg->msg_iter, len - max_t(ssize_t, ret, 0));
	viewos_sock_call_end(&call);
	return ret;
}

static ssize_t send_ask(struct viewos_sock *vs, struct msghdr *msg)
{
	long timeo = sock_sndtimeo(viewos_sk(vs), msg->msg_flags & MSG_DONTWAIT);
	ssize_t sent = 0, ret;

	if (!sock_streams(vs) && msg_data_left(msg) > VIEWOS_SOCK_MAX_DATA)
		return -EMSGSIZE;
	ret = control_check(msg);
	if (ret)
		return ret;
	do {
		ret = viewos_sock_wait(vs, POLLOUT | POLLERR | POLLHUP, &timeo);
		if (ret)
			break;
		ret = send_once(vs, msg);
		if (ret > 0)
			sent += ret;
		/* A stream that takes nothing is as full as one that says so. */
	} while (ret == -EAGAIN || (ret > 0 && sock_streams(vs) && msg_data_left(msg)));
	if (sent)
		return sent;
	if (ret == -EPIPE && sock_streams(vs) && !(msg->msg_flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current, 0);
	return ret;
}

/* The server decides on the address alone; the data are the backing's. */
static int send_permitted(struct viewos_sock *vs, struct msghdr *msg)
{
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_SENDMSG,
		.in.msg_flags = msg->msg_flags,
		.in.flags = msg->msg_flags & MSG_DONTWAIT ? VIEWOS_SOCK_IN_NONBLOCK : 0,
		.name = msg->msg_name,
		.name_len = msg->msg_name ? msg->msg_namelen : 0,
	};
	int err;

	err = viewos_sock_call(vs, &call);
	if (err)
		return err;
	err = call.out->flags & VIEWOS_SOCK_OUT_CONTINUE ? 0 : -EPROTO;
	viewos_sock_call_end(&call);
	return err;
}

/* Where connecting is asked, sending must not do it: by TCP's fast open, or SCTP's way. */
static int send_connects_not(struct viewos_sock *vs, struct msghdr *msg)
{
	if (!(vs->ask & VIEWOS_SOCK_ASK(VIEWOS_SOCK_CONNECT)) ||
	    (!sock_streams(vs) && vs->inet.sk.sk_type != SOCK_SEQPACKET))
		return 0;
	if (msg->msg_flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	return 0;
}

int viewos_sock_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	int err;

	err = sock_pending_error(vs);
	if (err)
		return err;
	if (!backing) {
		if (msg->msg_flags & MSG_OOB)
			return -EOPNOTSUPP;
		if (msg->msg_namelen < 0 || msg->msg_namelen > VIEWOS_SOCK_MAX_NAME)
			return -EINVAL;
		return send_ask(vs, msg);
	}
	if (unlikely(vs->ask)) {
		err = send_connects_not(vs, msg);
		if (!err && vs->ask & VIEWOS_SOCK_ASK(VIEWOS_SOCK_SENDMSG))
			err = send_permitted(vs, msg);
		if (err)
			return err;
	}
	return sock_sendmsg(backing, msg);
}

/* Gives the program the control messages that came; they were checked on their way. */
static void recv_control(struct msghdr *msg, const struct viewos_sock_call *call)
{
	u32 left = call->out->control_len;
	const void *at = call->out_control;
	struct viewos_sock_control control;

	while (left) {
		memcpy(&control, at, sizeof(control));
		put_cmsg(msg, control.level, control.type, control.len - sizeof(control),
			 (void *)at + sizeof(control));
		if (CMSG_ALIGN(control.len) >= left)
			break;
		left -= CMSG_ALIGN(control.len);
		at += CMSG_ALIGN(control.len);
	}
}

static ssize_t recv_answer(struct msghdr *msg, const struct viewos_sock_call *call, int flags)
{
	const struct viewos_sock_out *out = call->out;

	if (out->data_len > call->in.room)
		return -EIO;
	recv_control(msg, call);
	if (out->data_len && copy_to_iter(call->out_data, out->data_len, &msg->msg_iter) !=
			     out->data_len)
		return -EFAULT;
	if (msg->msg_name) {
		memcpy(msg->msg_name, call->out_name, out->name_len);
		msg->msg_namelen = out->name_len;
	}
	msg->msg_flags |= out->msg_flags & (MSG_TRUNC | MSG_CTRUNC | MSG_EOR);
	if (flags & MSG_TRUNC && out->msg_flags & MSG_TRUNC)
		return clamp_t(s64, out->value, out->data_len, INT_MAX);
	return out->data_len;
}

static ssize_t recv_once(struct viewos_sock *vs, struct msghdr *msg, size_t size, int flags)
{
	u32 room = min_t(size_t, size, VIEWOS_SOCK_MAX_DATA);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_RECVMSG,
		.in.flags = VIEWOS_SOCK_IN_NONBLOCK,
		.in.msg_flags = flags & (MSG_PEEK | MSG_TRUNC),
		.in.room = room,
		.reply_room = room + VIEWOS_SOCK_MAX_NAME + VIEWOS_SOCK_MAX_CONTROL,
	};
	u32 seq = READ_ONCE(vs->seq);
	ssize_t ret;

	ret = viewos_sock_call(vs, &call);
	if (ret == -EAGAIN)
		viewos_sock_again(vs, POLLIN, seq);
	if (ret)
		return ret;
	ret = call.out->flags & VIEWOS_SOCK_OUT_CONTINUE ? -EPROTO :
							   recv_answer(msg, &call, flags);
	viewos_sock_call_end(&call);
	return ret;
}

static ssize_t recv_ask(struct viewos_sock *vs, struct msghdr *msg, size_t size, int flags)
{
	long timeo = sock_rcvtimeo(viewos_sk(vs), flags & MSG_DONTWAIT);
	bool all = flags & MSG_WAITALL && sock_streams(vs) && !(flags & MSG_PEEK);
	ssize_t got = 0, ret;

	do {
		ret = viewos_sock_wait(vs, POLLIN | POLLRDHUP | POLLERR | POLLHUP, &timeo);
		if (ret)
			break;
		ret = recv_once(vs, msg, size - got, flags);
		if (ret > 0)
			got += ret;
	} while (ret == -EAGAIN || (ret > 0 && all && got < size));
	return got ?: ret;
}

int viewos_sock_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	int err;

	err = sock_pending_error(vs);
	if (err)
		return err;
	if (backing)
		return sock_recvmsg(backing, msg, flags);
	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	return recv_ask(vs, msg, size, flags);
}

/*
 * The protocol looks whether it may wait at the file of its socket: one that was accepted behind
 * ours has none, and that of the server need not say what the program's does.
 */
static bool splice_passes(const struct socket *sock, const struct socket *backing)
{
	return backing && backing->ops->splice_read && backing->file &&
	       !((backing->file->f_flags ^ sock->file->f_flags) & O_NONBLOCK);
}

ssize_t viewos_sock_splice_read(struct socket *sock, loff_t *pos, struct pipe_inode_info *pipe,
				size_t len, unsigned int flags)
{
	struct socket *backing = viewos_sock_backing(viewos_sock(sock));

	if (splice_passes(sock, backing))
		return backing->ops->splice_read(backing, pos, pipe, len, flags);
	return copy_splice_read(sock->file, pos, pipe, len, flags);
}
