// SPDX-License-Identifier: GPL-2.0
/* Virtual socket objects: making, finding, waking, releasing them. */

#include <linux/file.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "../netlink.h"
#include "../request.h"
#include "../session.h"
#include "sock.h"
#include "stack.h"

/*
 * Protects viewos_socks. A socket leaves the list before it lets go of anything, so who
 * holds this can use what is in it. It is taken with no other lock of ours held.
 */
DEFINE_MUTEX(viewos_socks_mutex);
LIST_HEAD(viewos_socks);

static struct proto viewos_proto = {
	.name = "VIEWOS",
	.owner = THIS_MODULE,
	.obj_size = sizeof(struct viewos_sock),
};

static void sock_setup(struct viewos_sock *vs, struct viewos_stack *stack, int protocol)
{
	struct sock *sk = viewos_sk(vs);

	sk->sk_protocol = protocol;
#if IS_ENABLED(CONFIG_IPV6)
	/* For who takes the family for the kind of struct behind it. */
	if (sk->sk_family == PF_INET6)
		vs->inet.pinet6 = &vs->pinet6;
#endif
	spin_lock_init(&vs->lock);
	INIT_LIST_HEAD(&vs->link);
	vs->depth = 1;
	vs->stack = stack;
	vs->id = atomic64_inc_return(&stack->last_id);
}

int viewos_sock_init(struct socket *sock, struct viewos_stack *stack, struct net *net,
		     int family, int protocol)
{
	struct viewos_sock *vs;
	struct sock *sk;
	int err;

	sk = sk_alloc(net, family, GFP_KERNEL, &viewos_proto, 0);
	if (!sk)
		return -ENOMEM;
	sock_init_data(sock, sk);
	vs = viewos_sock_of(sk);
	sock_setup(vs, stack, protocol);
	vs->release = viewos_sock_request_release(vs->id);
	err = vs->release ? xa_insert(&stack->socks, vs->id, vs, GFP_KERNEL_ACCOUNT) : -ENOMEM;
	if (err) {
		if (vs->release)
			viewos_request_put(vs->release);
		sock_orphan(sk);
		sock->sk = NULL;
		sock_put(sk);
		return -ENOMEM;
	}
	viewos_stack_get(stack);
	viewos_wants_sol_socket(sock);
	mutex_lock(&viewos_socks_mutex);
	list_add_tail(&vs->link, &viewos_socks);
	mutex_unlock(&viewos_socks_mutex);
	return 0;
}

int viewos_sock_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct viewos_stack *stack;
	struct viewos_sock *vs;

	if (!sk)
		return 0;
	vs = viewos_sock_of(sk);
	stack = vs->stack;
	mutex_lock(&viewos_socks_mutex);
	list_del(&vs->link);
	mutex_unlock(&viewos_socks_mutex);
	xa_erase(&stack->socks, vs->id);

	spin_lock(&vs->lock);
	vs->gone = true;
	spin_unlock(&vs->lock);
	if (vs->born) {
		viewos_netlink_socket_event(VIEWOS_CMD_SOCKET_GONE_NTF, vs);
		viewos_request_submit(stack->session, vs->release);
	} else {
		viewos_request_put(vs->release);
	}
	viewos_sock_detach(vs);
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	viewos_stack_put(stack);
	return 0;
}

static int sock_ask_create(struct viewos_sock *vs)
{
	struct viewos_sock_call call = { .op = VIEWOS_SOCK_CREATE };
	int err;

	err = viewos_sock_call_begin(vs, &call);
	if (err)
		return err;
	err = viewos_sock_call_wait(vs, &call);
	/* An answer that came is a socket there, whatever we think of it. */
	vs->born = !!call.out;
	viewos_sock_call_end(&call);
	return err;
}

int viewos_sock_create(struct viewos_stack *stack, struct net *net, int family, int type,
		       int protocol, struct socket **res)
{
	struct socket *sock;
	int err;

	if (family < 0 || family >= NPROTO)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_MAX)
		return -EINVAL;
	err = sock_create_lite(family, type, protocol, &sock);
	if (err)
		return err;
	err = viewos_sock_init(sock, stack, net, family, protocol);
	if (err) {
		sock_release(sock);
		return err;
	}
	/* From here on sock_release() undoes it. */
	__module_get(THIS_MODULE);
	sock->ops = &viewos_sock_ops;
	err = sock_ask_create(viewos_sock(sock));
	if (err) {
		sock_release(sock);
		return err;
	}
	viewos_netlink_socket_event(VIEWOS_CMD_SOCKET_NEW_NTF, viewos_sock(sock));
	*res = sock;
	return 0;
}

struct viewos_sock *viewos_sock_find(struct viewos_stack *stack, u64 id)
{
	struct viewos_sock *vs;

	xa_lock(&stack->socks);
	vs = xa_load(&stack->socks, id);
	/* It leaves the table before its last reference goes. */
	if (vs)
		sock_hold(viewos_sk(vs));
	xa_unlock(&stack->socks);
	return vs;
}

void viewos_sock_wake(struct viewos_sock *vs, __poll_t events)
{
	struct sock *sk = viewos_sk(vs);
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, events);
	if (events & EPOLLIN)
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
	if (events & EPOLLOUT)
		sk_wake_async(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

void viewos_sock_event(struct viewos_sock *vs, u32 events, u32 seq, int error)
{
	__poll_t mask = 0;

	/* In one: who hears of the error may connect anew, of which the events know nothing. */
	spin_lock(&vs->lock);
	if (error) {
		if (vs->state == VIEWOS_SOCKET_CONNECTING)
			vs->state = VIEWOS_SOCKET_NEW;
		WRITE_ONCE(viewos_sk(vs)->sk_err, -error);
		mask = EPOLLERR;
	}
	if ((s32)(seq - vs->seq) > 0) {
		vs->seq = seq;
		WRITE_ONCE(vs->events, events);
		if (vs->state == VIEWOS_SOCKET_CONNECTING && events & POLLOUT) {
			vs->state = VIEWOS_SOCKET_CONNECTED;
			vs->unsaid = viewos_sk(vs)->sk_type == SOCK_STREAM;
		}
		mask |= viewos_sock_poll_mask(events);
	}
	spin_unlock(&vs->lock);
	if (mask)
		viewos_sock_wake(vs, mask);
}

void viewos_sock_again(struct viewos_sock *vs, u32 events, u32 seq)
{
	spin_lock(&vs->lock);
	if (vs->seq == seq)
		WRITE_ONCE(vs->events, vs->events & ~events);
	spin_unlock(&vs->lock);
}

void viewos_sock_set_state(struct viewos_sock *vs, enum viewos_socket_state state)
{
	spin_lock(&vs->lock);
	vs->state = state;
	spin_unlock(&vs->lock);
	/* What SO_ACCEPTCONN looks at. */
	if (state == VIEWOS_SOCKET_LISTENING)
		WRITE_ONCE(viewos_sk(vs)->sk_state, TCP_LISTEN);
}

void viewos_sock_set_address(struct viewos_sock *vs, struct viewos_address *address,
			     const void *from, int len)
{
	len = clamp_t(int, len, 0, sizeof(address->data));
	spin_lock(&vs->lock);
	memcpy(&address->data, from, len);
	address->len = len;
	spin_unlock(&vs->lock);
}

static bool sock_ready(struct viewos_sock *vs, u32 events)
{
	return READ_ONCE(vs->events) & events || READ_ONCE(viewos_sk(vs)->sk_err) ||
	       viewos_session_dead(vs->stack->session);
}

int viewos_sock_wait(struct viewos_sock *vs, u32 events, long *timeo)
{
	long left = *timeo;

	/* Who does not wait is not interrupted either, whatever is pending. */
	if (left)
		left = wait_event_interruptible_timeout(*sk_sleep(viewos_sk(vs)),
							sock_ready(vs, events), left);
	if (left < 0)
		return sock_intr_errno(*timeo);
	if (READ_ONCE(viewos_sk(vs)->sk_err))
		return sock_error(viewos_sk(vs));
	if (!(READ_ONCE(vs->events) & events))
		return viewos_session_dead(vs->stack->session) ? -ENETDOWN : -EAGAIN;
	if (*timeo != MAX_SCHEDULE_TIMEOUT)
		*timeo = left;
	return 0;
}

int viewos_socket_init(void)
{
	return proto_register(&viewos_proto, 1);
}

void viewos_socket_exit(void)
{
	/* Objects are freed behind RCU. */
	rcu_barrier();
	proto_unregister(&viewos_proto);
}
