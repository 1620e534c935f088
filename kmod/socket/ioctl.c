// SPDX-License-Identifier: GPL-2.0
/* Virtual sockets: ioctls. */

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/net.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include <linux/uaccess.h>
#include <net/sock.h>

#include "sock.h"

/* Bytes that a command takes and gives, 0 for one that is not asked. */
static unsigned int ioctl_size(unsigned int cmd)
{
	switch (cmd) {
	case SIOCINQ:
	case SIOCOUTQ:
	case SIOCATMARK:
		return sizeof(int);
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
		return sizeof(struct ifreq);
	default:
		return 0;
	}
}

/* A struct ifreq of a 32-bit program is the shorter one, with the same parts in front. */
static unsigned int ioctl_user_size(unsigned int size)
{
	return size == sizeof(struct ifreq) && in_compat_syscall() ? 32 : size;
}

/* ENOIOCTLCMD would have the command done in the network namespace of the program. */
static int ioctl_errno(int err)
{
	return err == -ENOIOCTLCMD ? -ENOTTY : err;
}

/*
 * With its file the backing answers for the devices of its own network namespace, too. One
 * without is in the namespace of the virtual socket.
 */
static int backing_ioctl(struct viewos_sock *vs, unsigned int cmd, unsigned long arg)
{
	struct socket *backing = viewos_sock_backing(vs);
	struct file *file = vs->backing_file;

	/* A file of a socket, which has an ioctl. */
	if (file)
		return ioctl_errno(file->f_op->unlocked_ioctl(file, cmd, arg));
	return backing->ops->ioctl ? backing->ops->ioctl(backing, cmd, arg) : -ENOTTY;
}

static int ioctl_ask(struct viewos_sock *vs, unsigned int cmd, void __user *arg)
{
	unsigned int size = ioctl_size(cmd);
	unsigned int user_size = ioctl_user_size(size);
	struct viewos_sock_call call = {
		.op = VIEWOS_SOCK_IOCTL,
		.in.name = cmd,
		.in.room = size,
		.data_len = size,
		.reply_room = size,
	};
	int err;

	if (!size)
		return viewos_sock_backing(vs) ? backing_ioctl(vs, cmd, (unsigned long)arg) :
						 -ENOTTY;
	err = viewos_sock_call_begin(vs, &call);
	if (err)
		return err;
	err = copy_from_user(call.data, arg, user_size) ? -EFAULT : 0;
	if (!err)
		err = viewos_sock_call_wait(vs, &call);
	if (!err && call.out->flags & VIEWOS_SOCK_OUT_CONTINUE) {
		err = backing_ioctl(vs, cmd, (unsigned long)arg);
	} else if (!err) {
		if (call.out->data_len != size)
			err = -EIO;
		else if (copy_to_user(arg, call.out_data, user_size))
			err = -EFAULT;
		else
			err = clamp_t(s64, call.out->value, 0, INT_MAX);
	}
	viewos_sock_call_end(&call);
	return err;
}

int viewos_sock_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct viewos_sock *vs = viewos_sock(sock);

	if (!viewos_sock_asks(vs, VIEWOS_SOCK_IOCTL))
		return backing_ioctl(vs, cmd, arg);
	return ioctl_errno(ioctl_ask(vs, cmd, (void __user *)arg));
}

int viewos_sock_compat_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct viewos_sock *vs = viewos_sock(sock);
	struct socket *backing = viewos_sock_backing(vs);
	struct file *file = vs->backing_file;

	if (viewos_sock_asks(vs, VIEWOS_SOCK_IOCTL))
		return ioctl_errno(ioctl_ask(vs, cmd, compat_ptr(arg)));
	if (file)
		return ioctl_errno(file->f_op->compat_ioctl(file, cmd, arg));
	/* What it does not know by this comes again by the other. */
	if (!backing->ops->compat_ioctl)
		return -ENOIOCTLCMD;
	return backing->ops->compat_ioctl(backing, cmd, arg);
}
