// SPDX-License-Identifier: GPL-2.0
/* Regular files: open, flush, fsync, seek, allocate, copy. */

#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "viewfs.h"

/* Opens with truncation in one request: no page of before may come to the server after. */
static int open_truncate(struct inode *inode, struct file *file)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_handle *handle;
	int err;

	err = viewfs_inode_lock(inode);
	if (err)
		return err;
	filemap_invalidate_lock(inode->i_mapping);
	err = viewfs_writeback_hold(inode);
	if (err)
		goto unlock;
	set_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	handle = viewfs_handle_open(inode, file);
	if (IS_ERR(handle)) {
		err = PTR_ERR(handle);
	} else {
		spin_lock(&vi->lock);
		i_size_write(inode, 0);
		clear_bit(VIEWFS_I_CACHED, &vi->flags);
		clear_bit(VIEWFS_I_TIMES, &vi->flags);
		spin_unlock(&vi->lock);
		viewfs_pages_truncate(inode, 0);
		viewfs_handle_attach(handle, file);
	}
	set_bit(VIEWFS_I_WROTE, &vi->flags);
	viewfs_attr_stale(inode, VIEWFS_STALE_WRITE);
	clear_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	viewfs_writeback_resume(inode);
unlock:
	filemap_invalidate_unlock(inode->i_mapping);
	inode_unlock(inode);
	return err;
}

static int file_open(struct inode *inode, struct file *file)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle;
	int err;

	err = viewfs_inode_check(inode) ?: generic_file_open(inode, file);
	if (err)
		return err;
	if (file->f_flags & O_TRUNC && test_bit(VIEWFS_ATOMIC_O_TRUNC, &fs->flags) &&
	    !test_bit(VIEWFS_NO_OPEN, &fs->flags))
		return open_truncate(inode, file);
	handle = viewfs_handle_open(inode, file);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	viewfs_handle_attach(handle, file);
	return 0;
}

/*
 * A task that is exiting can no more be killed, so it waits for nothing: FLUSH is
 * sent all the same, and RELEASE comes behind it and all write-back in any case.
 */
static int flush_send(struct inode *inode, struct file *file, u64 owner)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle = file->private_data;
	struct fuse_flush_in in = {
		.fh = handle->fh,
		.lock_owner = owner,
	};
	struct viewfs_call call = {
		.opcode = FUSE_FLUSH,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
	};
	struct viewos_request *req;
	int err;

	if (!(current->flags & PF_EXITING)) {
		err = viewfs_call_wait(fs, &call);
		return viewfs_sb_lacks(fs, VIEWFS_NO_FLUSH, err) ? 0 : err;
	}
	req = viewfs_call_request(&call);
	if (IS_ERR(req))
		return PTR_ERR(req);
	viewfs_unlock_submit(handle, req);
	return 0;
}

/* FLUSH of a file that the owner may have locked: the locks go, whatever becomes of it. */
static int flush_locks(struct inode *inode, struct file *file, u64 owner)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle = file->private_data;
	int err = 0;

	if (!test_bit(VIEWFS_NO_FLUSH, &fs->flags) && !(handle->open_flags & FOPEN_NOFLUSH)) {
		err = flush_send(inode, file, owner);
		if (!test_bit(VIEWFS_NO_FLUSH, &fs->flags) && err != -EINTR)
			return err;
	}
	viewfs_unlock_all(handle, owner, 0);
	return err;
}

/**
 * viewfs_file_flush() - ->flush
 * @file: the file
 * @owner: whose
 *
 * Return: 0 or a negative errno.
 */
int viewfs_file_flush(struct file *file, fl_owner_t owner)
{
	struct inode *inode = file_inode(file);
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle = file->private_data;
	int err = 0;

	if (test_bit(VIEWFS_I_BAD, &vi->flags))
		return -EIO;
	/* What was open for reading has nothing to flush: one round trip less. */
	if (file->f_mode & FMODE_WRITE) {
		err = viewfs_writeback_flush(inode, 0, LLONG_MAX);
		if (!err)
			err = filemap_check_errors(inode->i_mapping);
	}
	if (test_bit(VIEWFS_I_LOCKED, &vi->flags)) {
		int err2 = flush_locks(inode, file, viewfs_lock_owner(fs, owner));

		return err ?: err2;
	}
	if (err || !(file->f_mode & FMODE_WRITE) || !handle->release ||
	    test_bit(VIEWFS_NO_FLUSH, &fs->flags) || handle->open_flags & FOPEN_NOFLUSH)
		return err;
	return flush_send(inode, file, viewfs_lock_owner(fs, owner));
}

/**
 * viewfs_file_fsync() - ->fsync
 * @file: the file
 * @start: first byte
 * @end: last byte
 * @datasync: whether attributes do not matter
 *
 * Return: 0 or a negative errno.
 */
int viewfs_file_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle = file->private_data;
	struct fuse_fsync_in in = {
		.fh = handle->fh,
		.fsync_flags = datasync ? FUSE_FSYNC_FDATASYNC : 0,
	};
	struct viewfs_call call = {
		.opcode = FUSE_FSYNC,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
	};
	int err, err2;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	err = viewfs_writeback_flush(inode, start, end);
	err2 = file_check_and_advance_wb_err(file);
	if (err || err2)
		return err ?: err2;
	if (test_bit(VIEWFS_NO_FSYNC, &fs->flags))
		return 0;
	err = viewfs_call_wait(fs, &call);
	return viewfs_sb_lacks(fs, VIEWFS_NO_FSYNC, err) ? 0 : err;
}

/**
 * viewfs_file_seek_ask() - have the server find a position
 * @file: an open file or device
 * @offset: from where
 * @whence: as lseek(2) has it
 *
 * Return: the position, not set; -EINVAL if the server has no such operation, or other
 * negative errno.
 */
loff_t viewfs_file_seek_ask(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	struct viewfs_handle *handle = file->private_data;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_lseek_in in = {
		.fh = handle->fh,
		.offset = offset,
		.whence = whence,
	};
	struct fuse_lseek_out out;
	struct viewfs_call call = {
		.opcode = FUSE_LSEEK,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.out = &out,
		.out_len = sizeof(out),
	};
	int err;

	if (test_bit(VIEWFS_NO_LSEEK, &fs->flags))
		return -EINVAL;
	err = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_LSEEK, err))
		return -EINVAL;
	if (err < 0)
		return err;
	/* Nothing is at a negative position. */
	return out.offset > LLONG_MAX ? -EINVAL : out.offset;
}

static loff_t seek_data(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	loff_t ret;

	if (test_bit(VIEWFS_NO_LSEEK, &fs->flags))
		return generic_file_llseek(file, offset, whence);
	ret = viewfs_writeback_flush(inode, 0, LLONG_MAX);
	if (ret)
		return ret;
	ret = viewfs_file_seek_ask(file, offset, whence);
	if (ret < 0 && test_bit(VIEWFS_NO_LSEEK, &fs->flags))
		return generic_file_llseek(file, offset, whence);
	return ret < 0 ? ret : vfs_setpos(file, ret, inode->i_sb->s_maxbytes);
}

static loff_t file_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	int err = 0;

	if (whence == SEEK_END || whence == SEEK_DATA || whence == SEEK_HOLE)
		err = viewfs_attr_update(inode, STATX_SIZE);
	if (err)
		return err;
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_data(file, offset, whence);
	return generic_file_llseek(file, offset, whence);
}

static int fallocate_send(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle = file->private_data;
	struct fuse_fallocate_in in = {
		.fh = handle->fh,
		.offset = offset,
		.length = len,
		.mode = mode,
	};
	struct viewfs_call call = {
		.opcode = FUSE_FALLOCATE,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.late = viewfs_late_change,
	};
	int err;

	err = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_FALLOCATE, err))
		return -EOPNOTSUPP;
	return err;
}

/* Under the inode's lock, and invalidate_lock. */
static int fallocate_locked(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	struct viewfs_inode *vi = viewfs_i(inode);
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	loff_t end = offset + len;
	int err;

	if (!keep && end > i_size_read(inode)) {
		err = inode_newsize_ok(inode, end);
		if (err)
			return err;
	}
	err = viewfs_writeback_clean(inode) ?: viewfs_writeback_flush(inode, offset, end - 1) ?:
	      file_modified(file) ?: viewfs_writeback_hold(inode);
	if (err)
		return err;
	set_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	err = fallocate_send(file, mode, offset, len);
	if (!err) {
		if (!keep && end > i_size_read(inode))
			viewfs_pages_truncate(inode, i_size_read(inode));
		if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
			truncate_pagecache_range(inode, offset, end - 1);
		viewfs_attr_grow(inode, keep ? 0 : end);
	} else {
		viewfs_attr_stale(inode, STATX_SIZE | VIEWFS_STALE_WRITE);
	}
	clear_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	viewfs_writeback_resume(inode);
	return err;
}

static long file_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) ||
	    test_bit(VIEWFS_NO_FALLOCATE, &viewfs_inode_sb(inode)->flags))
		return -EOPNOTSUPP;
	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	err = viewfs_inode_lock(inode);
	if (err)
		return err;
	filemap_invalidate_lock(inode->i_mapping);
	err = fallocate_locked(file, mode, offset, len);
	filemap_invalidate_unlock(inode->i_mapping);
	inode_unlock(inode);
	return err;
}

static ssize_t copy_send(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			 size_t len)
{
	struct viewfs_handle *from = in->private_data, *to = out->private_data;
	struct inode *inode = file_inode(in);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_copy_file_range_in args = {
		.fh_in = from->fh,
		.off_in = pos_in,
		.nodeid_out = viewfs_nodeid(file_inode(out)),
		.fh_out = to->fh,
		.off_out = pos_out,
		.len = len,
	};
	struct fuse_write_out reply;
	struct viewfs_call call = {
		.opcode = FUSE_COPY_FILE_RANGE,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &args, sizeof(args) } },
		.out = &reply,
		.out_len = sizeof(reply),
		.late = viewfs_late_change,
	};
	int err;

	err = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_COPY, err))
		return -EOPNOTSUPP;
	if (err < 0)
		return err;
	return reply.size > len ? -EIO : reply.size;
}

/* Under the lock of the file that is written. */
static ssize_t copy_locked(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			   size_t len)
{
	struct inode *inode = file_inode(out);
	struct viewfs_inode *vi = viewfs_i(inode);
	ssize_t ret;

	ret = viewfs_writeback_clean(inode) ?:
	      viewfs_writeback_flush(inode, pos_out, pos_out + len - 1) ?:
	      file_modified(out) ?: viewfs_writeback_hold(inode);
	if (ret)
		return ret;
	set_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	if (pos_out > i_size_read(inode))
		viewfs_pages_truncate(inode, i_size_read(inode));
	ret = copy_send(in, pos_in, out, pos_out, len);
	if (ret > 0)
		viewfs_attr_grow(inode, pos_out + ret);
	else if (ret < 0 && ret != -EOPNOTSUPP)
		viewfs_attr_stale(inode, STATX_SIZE | VIEWFS_STALE_WRITE);
	viewfs_pages_expire(inode, pos_out >> PAGE_SHIFT, (pos_out + len - 1) >> PAGE_SHIFT);
	clear_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	viewfs_writeback_resume(inode);
	return ret;
}

static ssize_t file_copy_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			       size_t len, unsigned int flags)
{
	struct inode *from = file_inode(in), *to = file_inode(out);
	ssize_t ret = -EOPNOTSUPP;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(from)->flags) ||
	    test_bit(VIEWFS_I_BAD, &viewfs_i(to)->flags))
		return -EIO;
	/* The reply has 32 bits for the length. */
	len = min_t(size_t, len, UINT_MAX & PAGE_MASK);
	if (from->i_sb == to->i_sb && !test_bit(VIEWFS_NO_COPY, &viewfs_inode_sb(from)->flags)) {
		ret = viewfs_writeback_clean(from) ?:
		      viewfs_writeback_flush(from, pos_in, pos_in + len - 1);
		if (ret)
			return ret;
		ret = viewfs_inode_lock(to);
		if (ret)
			return ret;
		ret = copy_locked(in, pos_in, out, pos_out, len);
		inode_unlock(to);
	}
	if (ret == -EOPNOTSUPP || ret == -EXDEV)
		ret = splice_copy_file_range(in, pos_in, out, pos_out, len);
	return ret;
}

static const struct inode_operations file_inode_ops = {
	.permission = viewfs_inode_permission,
	.getattr = viewfs_inode_getattr,
	.setattr = viewfs_inode_setattr,
	.listxattr = viewfs_xattr_list,
	.get_inode_acl = viewfs_acl_get,
	.set_acl = viewfs_acl_set,
};

static const struct file_operations file_ops = {
	.open = file_open,
	.flush = viewfs_file_flush,
	.release = viewfs_file_release,
	.llseek = file_llseek,
	.read_iter = viewfs_file_read,
	.write_iter = viewfs_file_write,
	.splice_read = viewfs_file_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = viewfs_file_mmap,
	.fsync = viewfs_file_fsync,
	.fallocate = file_fallocate,
	.copy_file_range = file_copy_range,
	.poll = viewfs_file_poll,
	.unlocked_ioctl = viewfs_file_ioctl,
	.compat_ioctl = viewfs_file_compat_ioctl,
	.lock = viewfs_file_lock,
	.flock = viewfs_file_flock,
	/* Since 7.0 only who says so has leases. */
	.setlease = generic_setlease,
};

/**
 * viewfs_file_init() - a new inode is a regular file
 * @inode: the inode
 */
void viewfs_file_init(struct inode *inode)
{
	inode->i_op = &file_inode_ops;
	inode->i_fop = &file_ops;
	inode->i_mapping->a_ops = &viewfs_file_aops;
}
