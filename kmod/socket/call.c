// SPDX-License-Identifier: GPL-2.0
/* Requests to a socket server, their answers, and its notices. */

#include <linux/file.h>
#include <linux/fuse.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <net/sock.h>

#include "../request.h"
#include "../session.h"
#include "sock.h"
#include "stack.h"

#define CALL_EVENTS	(POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLRDHUP)

/* Operations whose answer may bring a backing. */
static bool op_takes_backing(u32 op)
{
	return op == VIEWOS_SOCK_CREATE || op == VIEWOS_SOCK_CONNECT || op == VIEWOS_SOCK_ACCEPT;
}

/* The socket of one of current's fds, in a file with a reference. */
static struct file *backing_file(struct viewos_session *session, int fd,
				 const struct viewos_sock_in *what)
{
	struct socket *sock;
	struct file *file;
	int err;

	if (!viewos_session_trusts_writer(session))
		return ERR_PTR(-EPERM);
	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	sock = sock_from_file(file);
	err = sock ? viewos_sock_check_backing(sock, what->family, what->type, what->protocol) :
		     -EINVAL;
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/* Whole control messages; none of SOL_SOCKET, which carry what is none of a server's. */
static bool control_valid(const void *at, u32 left)
{
	struct viewos_sock_control control;

	while (left) {
		if (left < sizeof(control))
			return false;
		memcpy(&control, at, sizeof(control));
		if (control.len < sizeof(control) || control.len > left ||
		    control.level == SOL_SOCKET)
			return false;
		if (CMSG_ALIGN(control.len) >= left)
			break;
		left -= CMSG_ALIGN(control.len);
		at += CMSG_ALIGN(control.len);
	}
	return true;
}

/* Is the answer as viewos_socket.h has it? Runs in the server's context. */
static int call_check(struct viewos_request *req)
{
	const struct viewos_sock_out *out = req->out;
	u32 known = VIEWOS_SOCK_OUT_EVENTS;
	struct file *file;

	if (req->out_len < sizeof(*out))
		return -EINVAL;
	if (op_takes_backing(req->in->opcode))
		known |= VIEWOS_SOCK_OUT_FD;
	if (req->in->opcode == VIEWOS_SOCK_CONNECT)
		known |= VIEWOS_SOCK_OUT_INPROGRESS;
	if (req->in->opcode != VIEWOS_SOCK_CREATE && req->in->opcode != VIEWOS_SOCK_ACCEPT)
		known |= VIEWOS_SOCK_OUT_CONTINUE;
	if (out->flags & ~known || out->pad || out->ask & ~VIEWOS_SOCK_ASK_ALL ||
	    (out->flags & VIEWOS_SOCK_OUT_EVENTS && out->events & ~CALL_EVENTS))
		return -EINVAL;
	if (out->name_len > VIEWOS_SOCK_MAX_NAME || out->control_len > VIEWOS_SOCK_MAX_CONTROL ||
	    (u64)out->name_len + out->control_len + out->data_len != req->out_len - sizeof(*out))
		return -EINVAL;
	if (!control_valid(req->out + sizeof(*out) + out->name_len, out->control_len))
		return -EINVAL;
	if (!(out->flags & VIEWOS_SOCK_OUT_FD))
		return 0;
	file = backing_file(req->session, out->fd, viewos_request_body(req));
	if (IS_ERR(file))
		return PTR_ERR(file);
	req->file = file;
	return 0;
}

/* The server made a socket for somebody who has gone. */
static void call_late(struct viewos_request *req)
{
	const struct viewos_sock_in *in = viewos_request_body(req);
	struct viewos_request *release;

	if (req->in->opcode == VIEWOS_SOCK_CREATE)
		release = viewos_sock_request_release(req->in->nodeid);
	else if (req->in->opcode == VIEWOS_SOCK_ACCEPT)
		release = viewos_sock_request_release(in->new_id);
	else
		return;
	/* Without memory the server keeps it until the session ends. */
	if (release)
		viewos_request_submit(req->session, release);
}

struct viewos_request *viewos_sock_request_release(u64 id)
{
	struct viewos_request *req;

	req = viewos_request_alloc(VIEWOS_SOCK_RELEASE, id, sizeof(struct viewos_sock_in), 0);
	if (IS_ERR(req))
		return NULL;
	req->flags |= VIEWOS_REQUEST_NO_REPLY | VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_FORCE;
	return req;
}

int viewos_sock_call_begin(struct viewos_sock *vs, struct viewos_sock_call *call)
{
	struct sock *sk = viewos_sk(vs);
	u32 control_len = ALIGN(call->control_len, 8);
	u32 name_len = call->name_len;
	struct viewos_request *req;
	struct viewos_sock_in *in;
	void *at;

	req = viewos_request_alloc(call->op, vs->id,
				   sizeof(*in) + name_len + control_len + call->data_len,
				   sizeof(struct viewos_sock_out) + call->reply_room);
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->flags |= VIEWOS_REQUEST_OUT_VAR;
	req->check = call_check;
	req->late = call_late;
	in = viewos_request_body(req);
	*in = call->in;
	in->family = sk->sk_family;
	in->type = sk->sk_type;
	in->protocol = sk->sk_protocol;
	in->name_len = name_len;
	in->control_len = control_len;
	in->data_len = call->data_len;
	at = in + 1;
	if (name_len)
		memcpy(at, call->name, name_len);
	at += name_len;
	if (call->control_len)
		memcpy(at, call->control, call->control_len);
	call->data = at + control_len;
	call->req = req;
	return 0;
}

/* What comes with every good answer. */
static int call_answered(struct viewos_sock *vs, struct viewos_sock_call *call)
{
	struct viewos_request *req = call->req;
	const struct viewos_sock_out *out = req->out;
	struct socket *backing;
	int err = 0;

	call->out = out;
	call->out_name = req->out + sizeof(*out);
	call->out_control = call->out_name + out->name_len;
	call->out_data = call->out_control + out->control_len;
	if (out->flags & VIEWOS_SOCK_OUT_FD && call->op != VIEWOS_SOCK_ACCEPT) {
		backing = sock_from_file(req->file);
		err = viewos_sock_attach(vs, backing, req->file, out->ask);
		if (!err)
			req->file = NULL;
	}
	if (out->flags & VIEWOS_SOCK_OUT_EVENTS && call->op != VIEWOS_SOCK_ACCEPT)
		viewos_sock_event(vs, out->events, out->seq, 0);
	if (!err && out->flags & VIEWOS_SOCK_OUT_CONTINUE && !viewos_sock_backing(vs))
		err = -EPROTO;
	return err;
}

int viewos_sock_call_wait(struct viewos_sock *vs, struct viewos_sock_call *call)
{
	struct viewos_session *session = vs->stack->session;
	int err;

	err = viewos_request_call(session, call->req);
	if (err == -ENOTCONN && viewos_session_dead(session))
		return -ENETDOWN;
	return err ?: call_answered(vs, call);
}

void viewos_sock_call_end(struct viewos_sock_call *call)
{
	if (call->req)
		viewos_request_put(call->req);
	call->req = NULL;
}

int viewos_sock_call(struct viewos_sock *vs, struct viewos_sock_call *call)
{
	int err;

	err = viewos_sock_call_begin(vs, call);
	if (err)
		return err;
	err = viewos_sock_call_wait(vs, call);
	if (err)
		viewos_sock_call_end(call);
	return err;
}

struct file *viewos_sock_take_file(struct viewos_sock_call *call)
{
	struct file *file = call->req->file;

	call->req->file = NULL;
	return file;
}

/* A connect that went well may bring its backing only now. */
static int notify_backing(struct viewos_session *session, struct viewos_sock *vs,
			  const struct viewos_sock_event *event)
{
	struct sock *sk = viewos_sk(vs);
	struct viewos_sock_in what = {
		.family = sk->sk_family, .type = sk->sk_type, .protocol = sk->sk_protocol,
	};
	struct file *file;
	int err;

	file = backing_file(session, event->fd, &what);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = viewos_sock_attach(vs, sock_from_file(file), file, 0);
	if (err)
		fput(file);
	return err;
}

int viewos_sock_notify(struct viewos_session *session, int code, const void *data, u32 len)
{
	const struct viewos_sock_event *event = data;
	struct viewos_sock *vs;
	int err = 0;

	if (code != VIEWOS_SOCK_NOTIFY_EVENT || len != sizeof(*event) || event->pad ||
	    event->flags & ~VIEWOS_SOCK_OUT_FD || event->events & ~CALL_EVENTS ||
	    event->error >= 512)
		return -EINVAL;
	vs = viewos_sock_find(session->ops_data, event->id);
	if (!vs)
		return -ENOENT;
	if (event->flags & VIEWOS_SOCK_OUT_FD)
		err = notify_backing(session, vs, event);
	if (!err)
		viewos_sock_event(vs, event->events, event->seq, -(int)event->error);
	sock_put(viewos_sk(vs));
	return err;
}
