// SPDX-License-Identifier: GPL-2.0
/* Virtual sockets: options. */

#include <linux/compat.h>
#include <linux/net.h>
#include <linux/sockptr.h>
#include <linux/uaccess.h>
#include <net/sock.h>

#include "../hook.h"
#include "sock.h"

/* Options of SOL_SOCKET that the kernel keeps for a socket without a backing. */
static bool option_kept(int name)
{
	switch (name) {
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_LINGER:
	case SO_OOBINLINE:
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_RCVLOWAT:
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return true;
	default:
		return false;
	}
}

/* The kernel's own way with an option of a struct sock, past our hook. */
static int kept_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
			   unsigned int len)
{
#ifdef VIEWOS_SETSOCKOPT
	return viewos_orig_sock_setsockopt(sock, level, name, value, len);
#else
	return sock_setsockopt(sock, level, name, value, len);
#endif
}

static int backing_setsockopt(struct viewos_sock *vs, int level, int name, sockptr_t value,
			      unsigned int len)
{
	struct socket *backing = viewos_sock_backing(vs);

	if (level == SOL_SOCKET && !viewos_has_sol_socket(backing))
		return sock_setsockopt(backing, level, name, value, len);
	if (!backing->ops->setsockopt)
		return -EOPNOTSUPP;
	return backing->ops->setsockopt(backing, level, name, value, len);
}

int viewos_sock_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
			   unsigned int len)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_SETSOCKOPT,
		.in.value = level,
		.in.name = name,
		.data_len = len,
	};
	int err;

	if (!viewos_sock_asks(vs, VIEWOS_SOCK_SETSOCKOPT))
		return backing_setsockopt(vs, level, name, value, len);
	if (level == SOL_SOCKET && !viewos_sock_backing(vs))
		return option_kept(name) ?
		       kept_setsockopt(sock, level, name, value, len) : -ENOPROTOOPT;
	if (len > VIEWOS_SOCK_MAX_CONTROL)
		return -EINVAL;
	err = viewos_sock_call_begin(vs, &call);
	if (err)
		return err;
	err = copy_from_sockptr(call.data, value, len) ? -EFAULT : 0;
	if (!err)
		err = viewos_sock_call_wait(vs, &call);
	if (!err && call.out->flags & VIEWOS_SOCK_OUT_CONTINUE)
		err = backing_setsockopt(vs, level, name, value, len);
	viewos_sock_call_end(&call);
	return err;
}

static int backing_getsockopt(struct socket *backing, int level, int name, char __user *value,
			      int __user *len)
{
	return do_sock_getsockopt(backing, in_compat_syscall(), level, name, USER_SOCKPTR(value),
				  USER_SOCKPTR(len));
}

int viewos_hook_sock_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
				unsigned int len)
{
	return viewos_sock_setsockopt(sock, level, name, value, len);
}

/* Of SOL_SOCKET the server is never asked; how its connect went it has told. */
int viewos_hook_sock_getsockopt(VIEWOS_GETSOCKOPT_ARGS)
{
	struct socket *backing = viewos_sock_backing(viewos_sock(sock));

	if (level != SOL_SOCKET || !backing || (name == SO_ERROR && READ_ONCE(sock->sk->sk_err)))
		return viewos_orig_sock_getsockopt(viewos_getsockopt_pass(sock));
	if (backing->ops == &viewos_sock_ops)
		return viewos_hook_sock_getsockopt(viewos_getsockopt_pass(backing));
	return viewos_orig_sock_getsockopt(viewos_getsockopt_pass(backing));
}

int viewos_sock_getsockopt(struct socket *sock, int level, int name, char __user *value,
			   int __user *user_len)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_GETSOCKOPT,
		.in.value = level,
		.in.name = name,
	};
	int len, err;

	if (!viewos_sock_asks(vs, VIEWOS_SOCK_GETSOCKOPT))
		return backing_getsockopt(viewos_sock_backing(vs), level, name, value, user_len);
	if (get_user(len, user_len))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	call.reply_room = min(len, VIEWOS_SOCK_MAX_CONTROL);
	call.in.room = call.reply_room;
	err = viewos_sock_call(vs, &call);
	if (err)
		return err;
	if (call.out->flags & VIEWOS_SOCK_OUT_CONTINUE)
		err = backing_getsockopt(viewos_sock_backing(vs), level, name, value, user_len);
	else if (copy_to_user(value, call.out_data, call.out->data_len) ||
		 put_user((int)call.out->data_len, user_len))
		err = -EFAULT;
	viewos_sock_call_end(&call);
	return err;
}
