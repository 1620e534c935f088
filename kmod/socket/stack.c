// SPDX-License-Identifier: GPL-2.0
/* A socket server at work: the first words, notices, the end. */

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fuse.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "../hook.h"
#include "../request.h"
#include "../session.h"
#include "sock.h"
#include "stack.h"

void viewos_stack_get(struct viewos_stack *stack)
{
	refcount_inc(&stack->ref);
}

void viewos_stack_put(struct viewos_stack *stack)
{
	if (!refcount_dec_and_test(&stack->ref))
		return;
	/* From here on no notice looks for sockets. */
	viewos_session_set_ops(stack->session, NULL, NULL);
	viewos_session_abort(stack->session);
	viewos_session_put(stack->session);
	if (stack->net)
		put_net(stack->net);
	xa_destroy(&stack->socks);
	viewos_hook_put(VIEWOS_HOOK_VIRTUAL);
	kfree(stack);
}

struct net *viewos_stack_net(const struct viewos_stack *stack)
{
	return stack->net ? get_net(stack->net) : NULL;
}

/* Whoever waits for the server must look up. */
static void stack_session_end(struct viewos_session *session)
{
	struct viewos_stack *stack = session->ops_data;
	struct viewos_sock *vs;
	unsigned long id;

	xa_lock(&stack->socks);
	xa_for_each(&stack->socks, id, vs)
		viewos_sock_wake(vs, EPOLLERR | EPOLLHUP);
	xa_unlock(&stack->socks);
}

static const struct viewos_session_ops stack_session_ops = {
	.notify = viewos_sock_notify,
	.end = stack_session_end,
};

static int init_reply(struct viewos_stack *stack, struct viewos_request *req)
{
	const struct viewos_sock_out *out = req->out;

	if (out->value != VIEWOS_SOCK_MAJOR)
		return -EPROTO;
	stack->net = req->net;
	req->net = NULL;
	return 0;
}

/* Runs in the server's context, like all checks. */
static int init_check(struct viewos_request *req)
{
	const struct viewos_sock_out *out = req->out;
	struct net *net;

	if (req->out_len != sizeof(*out) || out->flags & ~VIEWOS_SOCK_OUT_NETNS || out->pad ||
	    out->name_len || out->control_len || out->data_len)
		return -EINVAL;
	if (!(out->flags & VIEWOS_SOCK_OUT_NETNS))
		return 0;
	if (!viewos_session_trusts_writer(req->session))
		return -EPERM;
	net = get_net_ns_by_fd(out->fd);
	if (IS_ERR(net))
		return PTR_ERR(net);
	if (!ns_capable(net->user_ns, CAP_SYS_ADMIN)) {
		put_net(net);
		return -EPERM;
	}
	req->net = net;
	return 0;
}

static int stack_init(struct viewos_stack *stack)
{
	struct viewos_request *req;
	struct viewos_sock_in *in;
	int err;

	req = viewos_request_alloc(VIEWOS_SOCK_INIT, 0, sizeof(*in),
				   sizeof(struct viewos_sock_out));
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->check = init_check;
	in = viewos_request_body(req);
	in->value = VIEWOS_SOCK_MAJOR;
	in->name = VIEWOS_SOCK_MINOR;
	err = viewos_request_call(stack->session, req) ?: init_reply(stack, req);
	viewos_request_put(req);
	if (!err) {
		stack->session->timeout = 0;
		viewos_session_ready(stack->session);
	}
	return err;
}

struct viewos_stack *viewos_stack_connect(const char *server, const char *source,
					  const char *options, u64 view_id, const char *name)
{
	struct viewos_connect connect = {
		.class = VIEWOS_CLASS_SOCKET,
		.server = server,
		.source = source,
		.options = options,
		.view_id = view_id,
	};
	struct viewos_stack *stack;
	int err;

	stack = kzalloc(sizeof(*stack), GFP_KERNEL_ACCOUNT);
	if (!stack)
		return ERR_PTR(-ENOMEM);
	err = viewos_hook_get(VIEWOS_HOOK_VIRTUAL);
	if (err)
		goto free;
	stack->session = viewos_session_connect(&connect);
	if (IS_ERR(stack->session)) {
		err = PTR_ERR(stack->session);
		viewos_hook_put(VIEWOS_HOOK_VIRTUAL);
		goto free;
	}
	refcount_set(&stack->ref, 1);
	stack->view_id = view_id;
	strscpy(stack->name, name, sizeof(stack->name));
	xa_init_flags(&stack->socks, XA_FLAGS_ACCOUNT);
	viewos_session_set_ops(stack->session, &stack_session_ops, stack);
	err = stack_init(stack);
	if (err) {
		viewos_stack_put(stack);
		return ERR_PTR(err);
	}
	return stack;

free:
	kfree(stack);
	return ERR_PTR(err);
}
