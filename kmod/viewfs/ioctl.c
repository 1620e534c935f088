// SPDX-License-Identifier: GPL-2.0
/* ioctl, restricted as in FUSE: the command's number tells what is copied, and how much. */

#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "viewfs.h"

/* An ioctl in the making. */
struct ioctl_call {
	struct fuse_ioctl_in in;
	void *data;
	struct fuse_ioctl_out *out;
};

static u32 ioctl_size(unsigned int cmd)
{
	switch (cmd) {
	case FS_IOC_GETFLAGS:
	case FS_IOC_SETFLAGS:
		/* Their numbers say long, but they are about an int. */
		return sizeof(int);
	default:
		return _IOC_SIZE(cmd);
	}
}

/* The length of the data that the server gives, or a negative errno. */
static int ioctl_send(struct file *file, struct ioctl_call *ioctl)
{
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_call call = {
		.opcode = FUSE_IOCTL,
		.nodeid = viewfs_nodeid(inode),
		.in = {
			{ &ioctl->in, sizeof(ioctl->in) },
			{ ioctl->data, ioctl->in.in_size },
		},
		.out = ioctl->out,
		.out_len = sizeof(*ioctl->out) + ioctl->in.out_size,
		.out_var = true,
	};
	int ret;

	ret = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_IOCTL, ret))
		return -ENOTTY;
	if (ret < 0)
		return ret;
	/* A retry with other memory of the caller's is not for everybody's servers. */
	if (ret < sizeof(*ioctl->out) || ioctl->out->flags & FUSE_IOCTL_RETRY)
		return -EIO;
	/* Errors from 512 on are the kernel's own, and not for user space. */
	if (ioctl->out->result <= -512)
		return -EIO;
	return ret - sizeof(*ioctl->out);
}

static long ioctl_run(struct file *file, unsigned int cmd, unsigned long arg, u32 flags)
{
	struct viewfs_handle *handle = file->private_data;
	struct inode *inode = file_inode(file);
	u32 size = ioctl_size(cmd);
	struct ioctl_call ioctl = {
		.in = {
			.fh = handle->fh,
			.flags = flags,
			.cmd = cmd,
			.arg = arg,
			.in_size = _IOC_DIR(cmd) & _IOC_WRITE ? size : 0,
			.out_size = _IOC_DIR(cmd) & _IOC_READ ? size : 0,
		},
	};
	long ret;

	ioctl.out = kzalloc(sizeof(*ioctl.out) + ioctl.in.out_size, GFP_KERNEL_ACCOUNT);
	if (!ioctl.out)
		return -ENOMEM;
	if (ioctl.in.in_size) {
		ioctl.data = memdup_user((void __user *)arg, ioctl.in.in_size);
		if (IS_ERR(ioctl.data)) {
			ret = PTR_ERR(ioctl.data);
			goto free_out;
		}
	}
	ret = ioctl_send(file, &ioctl);
	/* Whatever it has done. */
	if (ret != -ENOTTY)
		viewfs_attr_stale(inode, STATX_BASIC_STATS);
	if (ret > 0 && copy_to_user((void __user *)arg, ioctl.out + 1, ret))
		ret = -EFAULT;
	if (ret >= 0)
		ret = ioctl.out->result;
	kfree(ioctl.data);
free_out:
	kfree(ioctl.out);
	return ret;
}

static long ioctl_any(struct file *file, unsigned int cmd, unsigned long arg, u32 flags)
{
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (S_ISDIR(inode->i_mode)) {
		if (!test_bit(VIEWFS_IOCTL_DIR, &fs->flags))
			return -ENOTTY;
		flags |= FUSE_IOCTL_DIR;
	}
	if (test_bit(VIEWFS_NO_IOCTL, &fs->flags))
		return -ENOTTY;
	return ioctl_run(file, cmd, arg, flags);
}

/**
 * viewfs_file_ioctl() - ->unlocked_ioctl of files and directories
 * @file: the file
 * @cmd: the command
 * @arg: its argument
 *
 * Return: what the server says, or a negative errno.
 */
long viewfs_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return ioctl_any(file, cmd, arg, 0);
}

#ifdef CONFIG_COMPAT
/**
 * viewfs_file_compat_ioctl() - ->compat_ioctl, of programs of 32 bits
 * @file: the file
 * @cmd: the command
 * @arg: its argument
 *
 * Return: what the server says, or a negative errno.
 */
long viewfs_file_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return ioctl_any(file, cmd, (unsigned long)compat_ptr(arg),
			 FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT);
}
#endif
