// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that the server serves: opened, read, written and asked by requests.
 *
 * To the VFS such a node is no device, or opening it would bring a driver of the kernel's by
 * its number; and where devices are forbidden, as in all that users mount, nothing at all. It
 * is a FIFO, of operations of its own. That is the type of which the VFS asks least: it is
 * opened also on a read-only mount, is not executed, truncated, leased or copied within the
 * kernel, and nobody takes its inode for anything else. A socket would be taken for one by
 * those that pass files through sockets, and a block device for the kernel's by many.
 * stat(2) tells the server's type and number (attr.c).
 */

#include <linux/fs.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "viewfs.h"

static int device_open(struct inode *inode, struct file *file)
{
	struct viewfs_handle *handle;
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	handle = viewfs_handle_open(inode, file);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	if (viewfs_i(inode)->device == S_IFBLK)
		file->f_mode |= FMODE_CAN_ODIRECT;
	viewfs_handle_attach(handle, file);
	return 0;
}

/*
 * May a call go on with another request? Only if the last one was filled; and of a stream
 * each brings what there is, and the next one might wait.
 */
static bool device_more(const struct file *file, ssize_t done, size_t asked)
{
	return done == asked && !(file->f_mode & FMODE_STREAM);
}

/* Calls do not exclude each other: one that waits would keep the others waiting. */
static ssize_t device_transfer(struct kiocb *iocb, struct iov_iter *iter,
			       ssize_t (*part)(struct viewfs_handle *handle, loff_t pos, u32 flags,
					       struct iov_iter *iter, size_t *asked))
{
	struct file *file = iocb->ki_filp;
	struct viewfs_handle *handle = file->private_data;
	ssize_t ret = 0, done = 0;
	size_t asked;

	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	if (test_bit(VIEWFS_I_BAD, &viewfs_i(handle->inode)->flags))
		return -EIO;
	while (iov_iter_count(iter)) {
		/* Not the flags of the open: O_NONBLOCK may have been set since. */
		ret = part(handle, iocb->ki_pos, file->f_flags, iter, &asked);
		if (ret <= 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		if (!device_more(file, ret, asked))
			break;
	}
	return done ?: ret;
}

static ssize_t device_read(struct kiocb *iocb, struct iov_iter *to)
{
	return device_transfer(iocb, to, viewfs_direct_read_part);
}

static ssize_t device_write(struct kiocb *iocb, struct iov_iter *from)
{
	return device_transfer(iocb, from, viewfs_direct_write_part);
}

static loff_t device_llseek(struct file *file, loff_t offset, int whence)
{
	if (test_bit(VIEWFS_I_BAD, &viewfs_i(file_inode(file))->flags))
		return -EIO;
	if (whence == SEEK_SET || whence == SEEK_CUR)
		return generic_file_llseek_size(file, offset, whence, MAX_LFS_FILESIZE, 0);
	/* Only the server knows where a device ends: its size is no attribute. */
	offset = viewfs_file_seek_ask(file, offset, whence);
	return offset < 0 ? offset : vfs_setpos(file, offset, MAX_LFS_FILESIZE);
}

/* None for mmap: only of what has a backing file there is memory to be mapped (backing.c). */
static const struct file_operations device_ops = {
	.open = device_open,
	.flush = viewfs_file_flush,
	.release = viewfs_file_release,
	.llseek = device_llseek,
	.read_iter = device_read,
	.write_iter = device_write,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.fsync = viewfs_file_fsync,
	.poll = viewfs_file_poll,
	.unlocked_ioctl = viewfs_file_ioctl,
	.compat_ioctl = viewfs_file_compat_ioctl,
	.lock = viewfs_file_lock,
	.flock = viewfs_file_flock,
};

/**
 * viewfs_device_init() - a new inode is a device that the server serves
 * @inode: the inode, of the device's type
 * @rdev: the device's number
 */
void viewfs_device_init(struct inode *inode, u32 rdev)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	vi->device = inode->i_mode & S_IFMT;
	vi->rdev = new_decode_dev(rdev);
	inode->i_mode = S_IFIFO | (inode->i_mode & ~S_IFMT);
	viewfs_special_ops(inode);
	inode->i_fop = &device_ops;
}
