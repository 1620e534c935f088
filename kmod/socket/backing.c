// SPDX-License-Identifier: GPL-2.0
/* The socket behind a virtual one. */

#include <linux/file.h>
#include <linux/net.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "../limits.h"
#include "sock.h"

int viewos_sock_check_backing(struct socket *backing, int family, int type, int protocol)
{
	struct sock *sk = backing->sk;

	if (!sk || sk->sk_family != family || backing->type != type ||
	    (protocol && sk->sk_protocol != protocol))
		return -EINVAL;
	/* A file on its way through it could hold it for ever: there is no collector for that. */
	if (family == PF_UNIX)
		return -EINVAL;
	if (backing->ops == &viewos_sock_ops &&
	    (!viewos_sock_backing(viewos_sock_of(sk)) ||
	     viewos_sock_of(sk)->depth >= VIEWOS_MAX_BACKING_DEPTH))
		return -EINVAL;
	return 0;
}

/*
 * Something woke those who wait at the backing: so it does those who wait at the virtual
 * socket. Called with the lock of the backing's wait queue held.
 */
static int backing_wakeup(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	struct viewos_sock *vs = container_of(entry, struct viewos_sock, wakeup);
	struct sock *sk = viewos_sk(vs);
	struct socket_wq *wq;
	unsigned long irq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	/* skwq_has_sleeper() for its barrier. */
	if (skwq_has_sleeper(wq)) {
		spin_lock_irqsave_nested(&wq->wait.lock, irq, vs->depth);
		__wake_up_locked_key(&wq->wait, TASK_NORMAL, key);
		spin_unlock_irqrestore(&wq->wait.lock, irq);
	}
	if (sock_flag(sk, SOCK_FASYNC))
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_IN);
	rcu_read_unlock();
	return 0;
}

int viewos_sock_attach(struct viewos_sock *vs, struct socket *backing, struct file *file, u32 ask)
{
	struct sock *sk = viewos_sk(vs);
	int err = 0;

	spin_lock(&vs->lock);
	if (vs->gone)
		err = -ENOTCONN;
	else if (vs->backing)
		err = -EBUSY;
	if (!err) {
		vs->backing_file = file;
		if (backing->ops == &viewos_sock_ops)
			vs->depth = viewos_sock_of(backing->sk)->depth + 1;
		vs->ask = ask;
		init_waitqueue_func_entry(&vs->wakeup, backing_wakeup);
		add_wait_queue(&backing->wq.wait, &vs->wakeup);
		sk->sk_protocol = backing->sk->sk_protocol;
		/* Pairs with viewos_sock_backing(): all of the above is seen. */
		smp_store_release(&vs->backing, backing);
	}
	spin_unlock(&vs->lock);
	if (err)
		return err;
	/* Who waits for the server's events is to look at the backing's. */
	viewos_sock_wake(vs, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);
	return 0;
}

void viewos_sock_detach(struct viewos_sock *vs)
{
	struct socket *backing = viewos_sock_backing(vs);

	if (!backing)
		return;
	remove_wait_queue(&backing->wq.wait, &vs->wakeup);
	if (vs->backing_file)
		fput(vs->backing_file);
	else
		sock_release(backing);
}
