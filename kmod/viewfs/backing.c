// SPDX-License-Identifier: GPL-2.0
/*
 * Files that the server answered with a file of its own: read, written and mapped there.
 *
 * Each open file has a backing file of its own, opened as the caller asked, with the server's
 * credentials; so an access mode that the server did not have is none for the caller.
 * What is done later is done with the caller's.
 */

#include <linux/file.h>
#include <linux/fsnotify.h>
#include <linux/mm.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "viewfs.h"

/* How the backing file is opened; set-id bits, creation and truncation are the server's. */
#define BACKING_OPEN_FLAGS	(O_ACCMODE | O_APPEND | O_DIRECT | O_DSYNC | O_SYNC |	\
				 O_LARGEFILE | O_NONBLOCK)

/* What a call asks for itself; the others say where the caller waits for the front file. */
#define BACKING_IOCB_FLAGS	(IOCB_APPEND | IOCB_DIRECT | IOCB_DSYNC | IOCB_SYNC |	\
				 IOCB_NOWAIT | IOCB_NOIO)

/**
 * viewfs_target_get() - the file that came with an answer
 * @session: whose answer; in the server's context
 * @target: from the answer
 * @flags: VIEWOS_TARGET_* that are allowed
 *
 * Return: a referenced file that is not of the session's own mount, or ERR_PTR.
 */
struct file *viewfs_target_get(struct viewos_session *session,
			       const struct viewos_path_target *target, u32 flags)
{
	struct super_block *sb;
	struct file *file;

	if (target->flags & ~flags)
		return ERR_PTR(-EINVAL);
	if (!viewos_session_trusts_writer(session))
		return ERR_PTR(-EPERM);
	file = fget(target->fd);
	if (!file)
		return ERR_PTR(-EBADF);
	sb = file_inode(file)->i_sb;
	if (sb->s_magic == VIEWFS_SUPER_MAGIC && sb->s_dev == session->dev) {
		fput(file);
		return ERR_PTR(-ELOOP);
	}
	return file;
}

static int backing_check(const struct file *file, u32 flags)
{
	struct inode *inode = file_inode(file);
	fmode_t want = OPEN_FMODE(flags) & (FMODE_READ | FMODE_WRITE);

	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	if (inode->i_sb->s_stack_depth >= VIEWOS_STACK_DEPTH)
		return -ELOOP;
	if (want & ~file->f_mode)
		return -EBADF;
	if (want & FMODE_WRITE && IS_APPEND(inode))
		return -EPERM;
	return 0;
}

/* The answer has @len bytes of FUSE's; @flags is what the caller opened with. */
static int backing_check_answer(struct viewos_request *req, u32 len, u32 flags)
{
	const struct viewos_path_target *target = req->out + len;
	struct file *file;
	int err;

	if (req->out_len == len)
		return 0;
	if (req->out_len != len + sizeof(*target))
		return -EINVAL;
	file = viewfs_target_get(req->session, target, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = backing_check(file, flags);
	if (err) {
		fput(file);
		return err;
	}
	req->file = file;
	return 0;
}

/**
 * viewfs_backing_check_open() - is the answer of an OPEN as viewos_path.h has it?
 * @req: the request; gets the backing file. In the server's context
 *
 * Return: 0 or a negative errno, the server's.
 */
int viewfs_backing_check_open(struct viewos_request *req)
{
	const struct fuse_open_in *in = viewos_request_body(req);

	return backing_check_answer(req, sizeof(struct fuse_open_out), in->flags);
}

/**
 * viewfs_backing_check_create() - likewise of a CREATE
 * @req: the request
 *
 * Return: 0 or a negative errno, the server's.
 */
int viewfs_backing_check_create(struct viewos_request *req)
{
	const struct fuse_create_in *in = viewos_request_body(req);

	return backing_check_answer(req, sizeof(struct fuse_entry_out) +
				    sizeof(struct fuse_open_out), in->flags);
}

/**
 * viewfs_backing_open() - open what came with the answer of OPEN or CREATE
 * @handle: a bound handle
 * @target: what came, or nothing
 * @file: how it is opened
 *
 * Return: 0 or a negative errno.
 */
int viewfs_backing_open(struct viewfs_handle *handle, struct viewfs_target *target,
			struct file *file)
{
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);
	const struct cred *cred;
	struct file *backing;

	if (!target->file)
		return 0;
	cred = viewos_session_cred_get(fs->session);
	backing = dentry_open(&target->file->f_path, file->f_flags & BACKING_OPEN_FLAGS, cred);
	put_cred(cred);
	if (IS_ERR(backing))
		return PTR_ERR(backing);
	handle->backing = backing;
	/* That it failed is told to those who wrote. */
	return viewfs_writeback_clean(handle->inode) == -EINTR ? -EINTR : 0;
}

/**
 * viewfs_backing_attach() - a file's data are elsewhere
 * @handle: its handle, with a backing
 * @file: the file
 */
void viewfs_backing_attach(struct viewfs_handle *handle, struct file *file)
{
	const fmode_t inherited = FMODE_CAN_ODIRECT | FMODE_NOWAIT;

	/* Neither has an owner: the mount holds the module. */
	file->f_op = &viewfs_backing_ops;
	file->f_mode &= ~inherited;
	file->f_mode |= handle->backing->f_mode & inherited;
	/* A device's position gets the lock that a file's has. */
	file->f_mode |= FMODE_ATOMIC_POS;
	/* Nobody reads here what was cached before. */
	viewfs_pages_expire(handle->inode, 0, ULONG_MAX);
}

static struct file *backing_of(const struct file *file)
{
	const struct viewfs_handle *handle = file->private_data;

	return handle->backing;
}

/* Of the mode only set-id bits can have gone. */
static void backing_changed(struct file *file)
{
	struct inode *inode = file_inode(file);
	u32 stale = VIEWFS_STALE_WRITE | STATX_SIZE;

	if (inode->i_mode & (S_ISUID | S_ISGID))
		stale |= STATX_MODE;
	viewfs_attr_stale(inode, stale);
}

/*
 * The next two do what vfs_iocb_iter_read() and vfs_iocb_iter_write() do, but do not ask security
 * modules about the backing once more: they were when it was opened with the server's
 * credentials, and have just been about the caller's file.
 */
static ssize_t backing_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *backing = iocb->ki_filp;
	ssize_t ret;

	if (!backing->f_op->read_iter)
		return -EINVAL;
	ret = viewos_file_watched(backing, MAY_READ, &iocb->ki_pos, iov_iter_count(to)) ?:
	      backing->f_op->read_iter(iocb, to);
	if (ret >= 0)
		fsnotify_access(backing);
	return ret;
}

static ssize_t backing_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *backing = iocb->ki_filp;
	ssize_t ret;

	if (!backing->f_op->write_iter)
		return -EINVAL;
	ret = viewos_file_watched(backing, MAY_WRITE, &iocb->ki_pos, iov_iter_count(from));
	if (ret)
		return ret;
	file_start_write(backing);
	ret = backing->f_op->write_iter(iocb, from);
	if (ret > 0)
		fsnotify_modify(backing);
	file_end_write(backing);
	return ret;
}

/* A call that may be over later, which is over when this returns: another one on the backing. */
static noinline ssize_t backing_wait(ssize_t (*call)(struct kiocb *, struct iov_iter *),
				     struct kiocb *iocb, struct iov_iter *iter)
{
	struct kiocb own;
	ssize_t ret;

	init_sync_kiocb(&own, backing_of(iocb->ki_filp));
	own.ki_pos = iocb->ki_pos;
	own.ki_flags = iocb->ki_flags & BACKING_IOCB_FLAGS;
	ret = call(&own, iter);
	iocb->ki_pos = own.ki_pos;
	return ret;
}

static ssize_t backing_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	if (!is_sync_kiocb(iocb))
		return backing_wait(backing_read, iocb, to);
	iocb->ki_filp = backing_of(file);
	ret = backing_read(iocb, to);
	iocb->ki_filp = file;
	return ret;
}

static ssize_t backing_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	ssize_t ret;

	if (!iov_iter_count(from))
		return 0;
	if (is_sync_kiocb(iocb)) {
		iocb->ki_filp = backing_of(file);
		ret = backing_write(iocb, from);
		iocb->ki_filp = file;
	} else {
		ret = backing_wait(backing_write, iocb, from);
	}
	backing_changed(file);
	return ret;
}

static ssize_t backing_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe,
				   size_t len, unsigned int flags)
{
	return vfs_splice_read(backing_of(file), pos, pipe, len, flags);
}

/*
 * The pipe is locked inside what stops a freeze of the backing's file system, as for a splice to
 * that itself; by our own write_iter it would be the other way round.
 */
static ssize_t backing_splice_write(struct pipe_inode_info *pipe, struct file *file, loff_t *pos,
				    size_t len, unsigned int flags)
{
	struct file *backing = backing_of(file);
	ssize_t ret;

	/* Nobody splices to a file that is appended to, nor to one that was opened so. */
	if (!backing->f_op->splice_write || backing->f_flags & O_APPEND)
		return -EINVAL;
	file_start_write(backing);
	ret = backing->f_op->splice_write(pipe, backing, pos, len, flags);
	file_end_write(backing);
	backing_changed(file);
	return ret;
}

static loff_t backing_llseek(struct file *file, loff_t offset, int whence)
{
	struct file *backing = backing_of(file);
	loff_t ret;

	/* A seek here is under the file's own lock of its position. */
	backing->f_pos = file->f_pos;
	ret = vfs_llseek(backing, offset, whence);
	if (ret >= 0)
		file->f_pos = ret;
	return ret;
}

static int backing_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct file *backing = backing_of(file);

	if (!can_mmap_file(backing))
		return -ENODEV;
	vma_set_file(vma, backing);
	if (vma->vm_flags & VM_SHARED && vma->vm_flags & VM_MAYWRITE)
		backing_changed(file);
	return vfs_mmap(backing, vma);
}

static int backing_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return vfs_fsync_range(backing_of(file), start, end, datasync);
}

static int backing_flush(struct file *file, fl_owner_t owner)
{
	struct viewfs_handle *handle = file->private_data;
	struct file *backing = handle->backing;
	struct viewfs_inode *vi = viewfs_i(handle->inode);

	if (file->f_mode & FMODE_WRITE)
		backing_changed(file);
	/* No FLUSH is sent that would do it. */
	if (test_bit(VIEWFS_I_LOCKED, &vi->flags))
		viewfs_unlock_all(handle, viewfs_lock_owner(viewfs_inode_sb(&vi->vfs), owner), 0);
	return backing->f_op->flush ? backing->f_op->flush(backing, owner) : 0;
}

static long backing_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	int err;

	err = vfs_fallocate(backing_of(file), mode, offset, len);
	backing_changed(file);
	return err;
}

const struct file_operations viewfs_backing_ops = {
	.flush = backing_flush,
	.release = viewfs_file_release,
	.llseek = backing_llseek,
	.read_iter = backing_read_iter,
	.write_iter = backing_write_iter,
	.splice_read = backing_splice_read,
	.splice_write = backing_splice_write,
	.mmap = backing_mmap,
	.fsync = backing_fsync,
	.fallocate = backing_fallocate,
	.unlocked_ioctl = viewfs_file_ioctl,
	.compat_ioctl = viewfs_file_compat_ioctl,
	.poll = viewfs_file_poll,
	.lock = viewfs_file_lock,
	.flock = viewfs_file_flock,
	.setlease = generic_setlease,
};
