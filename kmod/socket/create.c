// SPDX-License-Identifier: GPL-2.0
/* Where sockets are made: what the policy says is done. */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/net_namespace.h>

#include "../control.h"
#include "../hook.h"
#include "../policy.h"
#include "../rule.h"
#include "sock.h"
#include "stack.h"

static int create_by_rule(const struct viewos_rule *rule, struct net *net, int family, int type,
			  int protocol, struct socket **res)
{
	if (rule->verdict == VIEWOS_VERDICT_DENY)
		return rule->error;
	/* A redirect to a network namespace, or a server that gave one. */
	if (rule->net)
		return viewos_orig_sock_create(rule->net, family, type, protocol, res, 0);
	return viewos_sock_create(rule->stack, net, family, type, protocol, res);
}

static int create_on_stack(const char *stack, struct net *net, int family, int type, int protocol,
			   struct socket **res)
{
	struct viewos_rule *rule;
	int err;

	rule = viewos_policy_decide(stack, family, type, protocol);
	if (!rule)
		return viewos_orig_sock_create(net, family, type, protocol, res, 0);
	if (IS_ERR(rule))
		return PTR_ERR(rule);
	err = create_by_rule(rule, net, family, type, protocol, res);
	viewos_rule_put(rule);
	return err;
}

int viewos_hook_sock_create(struct net *net, int family, int type, int protocol,
			    struct socket **res, int kern)
{
	/* The kernel's own, which is made on behalf of nobody or of a mount. */
	if (kern)
		return viewos_orig_sock_create(net, family, type, protocol, res, kern);
	return create_on_stack("", net, family, type, protocol, res);
}

long viewos_socket_ioctl(void __user *arg, unsigned int size)
{
	struct viewos_socket what;
	struct socket *sock;
	struct file *file;
	int fd, flags;
	long ret;

	ret = viewos_ioctl_copy(&what, sizeof(what), arg, size);
	if (ret)
		return ret;
	flags = what.type & ~SOCK_TYPE_MASK;
	if (what.flags || what.pad || flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK) ||
	    !viewos_name_valid(what.stack, true))
		return -EINVAL;
	fd = get_unused_fd_flags(flags & SOCK_CLOEXEC);
	if (fd < 0)
		return fd;
	ret = create_on_stack(what.stack, current->nsproxy->net_ns, what.family,
			      what.type & SOCK_TYPE_MASK, what.protocol, &sock);
	if (ret)
		goto put_fd;
	/* It releases the socket if it fails. */
	file = sock_alloc_file(sock, flags & (SOCK_CLOEXEC | SOCK_NONBLOCK), NULL);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto put_fd;
	}
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
	return ret;
}
