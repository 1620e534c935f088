// SPDX-License-Identifier: GPL-2.0
/* ioctl, restricted as in FUSE: what is copied, and how much, is told by the command alone. */

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/slab.h>
#include <linux/termios.h>
#include <linux/uaccess.h>

#include "viewfs.h"

/* An ioctl in the making. */
struct ioctl_call {
	struct fuse_ioctl_in in;
	void *data;
	struct fuse_ioctl_out *out;
};

/* What a command copies. */
struct ioctl_shape {
	unsigned int cmd;
	u16 in;
	u16 out;
	u16 compat_out;
};

#define SHAPE_GET(cmd, type)	{ cmd, 0, sizeof(type), sizeof(type) }
#define SHAPE_SET(cmd, type)	{ cmd, sizeof(type), 0, 0 }
#define SHAPE_LONG(cmd)		{ cmd, 0, sizeof(long), sizeof(compat_long_t) }

/* The numbers of these do not tell, as they are older than the rule, or tell it wrong. */
static const struct ioctl_shape any_shapes[] = {
	SHAPE_GET(FS_IOC_GETFLAGS, int),
	SHAPE_SET(FS_IOC_SETFLAGS, int),
};

static const struct ioctl_shape block_shapes[] = {
	SHAPE_GET(BLKROGET, int),
	SHAPE_SET(BLKROSET, int),
	SHAPE_LONG(BLKGETSIZE),
	SHAPE_LONG(BLKRAGET),
	SHAPE_LONG(BLKFRAGET),
	SHAPE_GET(BLKSECTGET, unsigned short),
	SHAPE_GET(BLKSSZGET, int),
	SHAPE_GET(BLKBSZGET, int),
	SHAPE_SET(BLKBSZSET, int),
	SHAPE_GET(BLKGETSIZE64, u64),
	SHAPE_SET(BLKDISCARD, u64[2]),
	SHAPE_SET(BLKSECDISCARD, u64[2]),
	SHAPE_SET(BLKZEROOUT, u64[2]),
	SHAPE_GET(BLKIOMIN, unsigned int),
	SHAPE_GET(BLKIOOPT, unsigned int),
	SHAPE_GET(BLKALIGNOFF, int),
	SHAPE_GET(BLKPBSZGET, unsigned int),
	SHAPE_GET(BLKDISCARDZEROES, unsigned int),
	SHAPE_GET(BLKROTATIONAL, unsigned short),
	/* With a long behind four bytes. */
	{ HDIO_GETGEO, 0, sizeof(struct hd_geometry), 8 },
};

static const struct ioctl_shape char_shapes[] = {
	SHAPE_GET(FIONREAD, int),
	SHAPE_GET(TIOCOUTQ, int),
	SHAPE_GET(TCGETS, struct termios),
	SHAPE_SET(TCSETS, struct termios),
	SHAPE_SET(TCSETSW, struct termios),
	SHAPE_SET(TCSETSF, struct termios),
	SHAPE_GET(TIOCGWINSZ, struct winsize),
	SHAPE_SET(TIOCSWINSZ, struct winsize),
};

/* What programs of 32 bits call what is about the same data. */
static unsigned int ioctl_native(unsigned int cmd)
{
	switch (cmd) {
	case _IOR(0x12, 112, compat_size_t):
		return BLKBSZGET;
	case _IOW(0x12, 113, compat_size_t):
		return BLKBSZSET;
	case _IOR(0x12, 114, compat_size_t):
		return BLKGETSIZE64;
	default:
		return cmd;
	}
}

static const struct ioctl_shape *shape_find(const struct ioctl_shape *shapes, size_t nr,
					    unsigned int cmd)
{
	while (nr--)
		if (shapes[nr].cmd == cmd)
			return &shapes[nr];
	return NULL;
}

/* What the command is, and how much it copies. */
static void ioctl_rule(const struct inode *inode, unsigned int cmd, struct fuse_ioctl_in *in)
{
	umode_t device = viewfs_i(inode)->device;
	const struct ioctl_shape *shape;

	if (device == S_IFBLK && in->flags & FUSE_IOCTL_COMPAT)
		cmd = ioctl_native(cmd);
	in->cmd = cmd;
	shape = shape_find(any_shapes, ARRAY_SIZE(any_shapes), cmd);
	if (device == S_IFBLK)
		shape = shape_find(block_shapes, ARRAY_SIZE(block_shapes), cmd) ?: shape;
	else if (device)
		shape = shape_find(char_shapes, ARRAY_SIZE(char_shapes), cmd) ?: shape;
	if (shape) {
		in->in_size = shape->in;
		in->out_size = in->flags & FUSE_IOCTL_COMPAT ? shape->compat_out : shape->out;
		return;
	}
	in->in_size = _IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0;
	in->out_size = _IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0;
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
	struct ioctl_call ioctl = {
		.in = {
			.fh = handle->fh,
			.flags = flags,
			.arg = arg,
		},
	};
	long ret;

	ioctl_rule(inode, cmd, &ioctl.in);
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
