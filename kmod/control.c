// SPDX-License-Identifier: GPL-2.0
/* /dev/viewos: the control node, and what all ioctls share. */

#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <linux/viewos.h>

#include "control.h"
#include "server.h"
#include "socket/sock.h"
#include "view.h"

/* The ABI: a struct changes its size only by growing at its end. */
static_assert(sizeof(struct viewos_version) == 16);
static_assert(sizeof(struct viewos_view_create) == 88);
static_assert(sizeof(struct viewos_view_open) == 80);
static_assert(sizeof(struct viewos_view_enter) == 8);
static_assert(sizeof(struct viewos_view_info) == 136);
static_assert(sizeof(struct viewos_view_set) == 16);
static_assert(sizeof(struct viewos_view_destroy) == 8);
static_assert(sizeof(struct viewos_view_kill) == 24);
static_assert(sizeof(struct viewos_view_attach) == 16);
static_assert(sizeof(struct viewos_server_create) == 16);
static_assert(sizeof(struct viewos_server_accept) == 56);
static_assert(sizeof(struct viewos_session_refuse) == 8);
static_assert(sizeof(struct viewos_rule_add) == 336);
static_assert(sizeof(struct viewos_binfmt) == 272);
static_assert(offsetof(struct viewos_rule_add, calls) == VIEWOS_RULE_ADD_SIZE_2);
static_assert(sizeof(struct viewos_rule_del) == 16);
static_assert(sizeof(struct viewos_socket) == 88);
static_assert(sizeof(struct viewos_sock_in) == 56);
static_assert(sizeof(struct viewos_sock_out) == 48);
/* What the kernel has of a sender's goes to the server as it is. */
static_assert(sizeof(struct viewos_sock_control) == sizeof(struct cmsghdr));
static_assert(offsetof(struct viewos_sock_control, level) == offsetof(struct cmsghdr, cmsg_level));
static_assert(offsetof(struct viewos_sock_control, type) == offsetof(struct cmsghdr, cmsg_type));
static_assert(sizeof(struct viewos_sock_event) == 32);
static_assert(sizeof(struct viewos_session_next) == 32);
static_assert(sizeof(struct viewos_view_uts) == 408);
static_assert(sizeof(struct viewos_view_clock) == 24);

int viewos_ioctl_copy_grown(void *dst, size_t ksize, size_t first, const void __user *src,
			    size_t usize)
{
	u32 size;
	int err;

	if (usize < sizeof(size))
		return -EINVAL;
	if (get_user(size, (u32 __user *)src))
		return -EFAULT;
	if (size != usize || size < first)
		return -EINVAL;
	err = copy_struct_from_user(dst, ksize, src, usize);
	if (err)
		return err;
	/* User space may have changed it in between. */
	*(u32 *)dst = size;
	return 0;
}

int viewos_ioctl_copy(void *dst, size_t ksize, const void __user *src, size_t usize)
{
	return viewos_ioctl_copy_grown(dst, ksize, ksize, src, usize);
}

int viewos_ioctl_return(void __user *dst, size_t usize, const void *src, size_t ksize)
{
	return copy_to_user(dst, src, min(usize, ksize)) ? -EFAULT : 0;
}

bool viewos_name_valid(const char *name, bool empty)
{
	size_t len = strnlen(name, VIEWOS_NAME_LEN);
	size_t i;

	if (len == VIEWOS_NAME_LEN || memchr_inv(name + len, 0, VIEWOS_NAME_LEN - len))
		return false;
	if (!len)
		return empty;
	if (isdigit(name[0]))
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("-_.:@", name[i])))
			return false;
	return true;
}

static long control_version(void __user *arg, unsigned int size)
{
	struct viewos_version version;
	int err;

	err = viewos_ioctl_copy(&version, sizeof(version), arg, size);
	if (err)
		return err;
	version.abi = VIEWOS_ABI;
	version.classes = VIEWOS_SERVER_CLASSES;
	return viewos_ioctl_return(arg, size, &version, sizeof(version));
}

static long control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (viewos_ioctl_key(cmd)) {
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VERSION):
		return control_version(uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_CREATE):
		return viewos_view_ioctl_create(uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_VIEW_OPEN):
		return viewos_view_ioctl_open(uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_SERVER_CREATE):
		return viewos_server_ioctl_create(uarg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_SOCKET):
		return viewos_socket_ioctl(uarg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice control_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "viewos",
	.fops = &control_fops,
	.mode = 0666,
};

int viewos_control_init(void)
{
	return misc_register(&control_device);
}

void viewos_control_exit(void)
{
	misc_deregister(&control_device);
}
