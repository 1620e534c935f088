// SPDX-License-Identifier: GPL-2.0
/* What the server opened: from OPEN or CREATE to RELEASE. */

#include <linux/capability.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "viewfs.h"

static struct viewfs_handle *handle_alloc(void)
{
	struct viewfs_handle *handle;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return ERR_PTR(-ENOMEM);
	refcount_set(&handle->ref, 1);
	INIT_LIST_HEAD(&handle->link);
	return handle;
}

/**
 * viewfs_handle_create() - make a handle before the server is asked to open
 *
 * Return: a handle with one reference, not bound, or ERR_PTR(-ENOMEM).
 */
struct viewfs_handle *viewfs_handle_create(void)
{
	struct viewfs_handle *handle = handle_alloc();
	struct viewos_request *req;

	if (IS_ERR(handle))
		return handle;
	req = viewos_request_alloc(FUSE_RELEASE, 0, sizeof(struct fuse_release_in), 0);
	if (IS_ERR(req)) {
		kfree(handle);
		return ERR_CAST(req);
	}
	handle->release = req;
	return handle;
}

/**
 * viewfs_handle_bind() - the server has opened
 * @handle: the handle
 * @inode: what was opened; the handle takes a reference of its own
 * @out: the server's reply, or NULL if it needs no open
 * @flags: O_*
 */
void viewfs_handle_bind(struct viewfs_handle *handle, struct inode *inode,
			const struct fuse_open_out *out, u32 flags)
{
	ihold(inode);
	handle->inode = inode;
	handle->flags = flags;
	if (out) {
		handle->fh = out->fh;
		handle->open_flags = out->open_flags;
		return;
	}
	handle->open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
	if (handle->release)
		viewos_request_put(handle->release);
	handle->release = NULL;
}

/**
 * viewfs_handle_plain() - set up the handle that an inode has of its own
 * @inode: a new inode
 */
void viewfs_handle_plain(struct inode *inode)
{
	struct viewfs_handle *plain = &viewfs_i(inode)->plain;

	memset(plain, 0, sizeof(*plain));
	INIT_LIST_HEAD(&plain->link);
	plain->inode = inode;
	plain->open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
}

/* Its references are references of the inode. */
static bool handle_is_plain(const struct viewfs_handle *handle)
{
	return handle->inode && handle == &viewfs_i(handle->inode)->plain;
}

/**
 * viewfs_handle_get() - take a reference
 * @handle: a bound handle
 */
void viewfs_handle_get(struct viewfs_handle *handle)
{
	if (handle_is_plain(handle))
		ihold(handle->inode);
	else
		refcount_inc(&handle->ref);
}

/* Until RELEASE is answered the server may need the node: now it may be forgotten. */
static void handle_released(struct viewos_request *req)
{
	struct viewfs_handle *handle = req->private;
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	viewfs_poll_free(handle);
	if (test_bit(VIEWFS_LOCKED_FLOCK, &handle->locks))
		viewfs_unlock_end(handle->inode);
	iput(handle->inode);
	kfree(handle);
	viewfs_sb_done(fs);
}

/**
 * viewfs_handle_put() - drop a reference; the last one releases what is open
 * @handle: the handle
 *
 * Waits for nothing.
 */
void viewfs_handle_put(struct viewfs_handle *handle)
{
	struct viewos_request *req = handle->release;
	struct inode *inode = handle->inode;
	struct fuse_release_in *in;

	if (handle_is_plain(handle)) {
		iput(inode);
		return;
	}
	if (!refcount_dec_and_test(&handle->ref))
		return;
	if (handle->backing)
		fput(handle->backing);
	if (!inode || !req) {
		if (req)
			viewos_request_put(req);
		if (inode)
			viewfs_poll_free(handle);
		iput(inode);
		kfree(handle);
		return;
	}
	req->in->opcode = S_ISDIR(inode->i_mode) ? FUSE_RELEASEDIR : FUSE_RELEASE;
	req->in->nodeid = viewfs_nodeid(inode);
	in = viewos_request_body(req);
	in->fh = handle->fh;
	in->flags = handle->flags;
	req->flags |= VIEWOS_REQUEST_FORCE | VIEWOS_REQUEST_KERNEL;
	if (test_bit(VIEWFS_LOCKED_FLOCK, &handle->locks)) {
		in->release_flags = FUSE_RELEASE_FLOCK_UNLOCK;
		in->lock_owner = handle->lock_owner;
	} else if (!viewfs_i(inode)->device) {
		/* Of a device, the next OPEN may ask to be the only one: it is not to overtake. */
		req->flags |= VIEWOS_REQUEST_LAZY;
	}
	req->end = handle_released;
	req->private = handle;
	viewfs_sb_busy(viewfs_inode_sb(inode));
	viewos_request_submit(viewfs_inode_sb(inode)->session, req);
}

/**
 * viewfs_open_killpriv() - is the server to take set-id bits away at this open?
 * @fs: the mount
 * @flags: O_*
 *
 * Return: FUSE_OPEN_* for the message.
 */
u32 viewfs_open_killpriv(struct viewfs_sb *fs, u32 flags)
{
	if (flags & O_TRUNC && test_bit(VIEWFS_HANDLE_KILLPRIV, &fs->flags) &&
	    !capable(CAP_FSETID))
		return FUSE_OPEN_KILL_SUIDGID;
	return 0;
}

static u32 open_flags(const struct inode *inode, const struct file *file)
{
	u32 flags = file->f_flags & ~(O_CREAT | O_NOCTTY);

	/* Of a device O_EXCL asks to be the only one, and there is nothing to truncate. */
	if (viewfs_i(inode)->device)
		return flags & ~O_TRUNC;
	flags &= ~O_EXCL;
	return test_bit(VIEWFS_ATOMIC_O_TRUNC, &viewfs_inode_sb(inode)->flags) ?
	       flags : flags & ~O_TRUNC;
}

/* The bit that says that the server needs no open. */
static int open_bit(const struct inode *inode)
{
	return S_ISDIR(inode->i_mode) ? VIEWFS_NO_OPENDIR : VIEWFS_NO_OPEN;
}

struct open_out {
	struct fuse_open_out open;
	struct viewos_path_target target;
};

/* 1: the server needs no open. */
static int open_send(struct inode *inode, const struct file *file, struct open_out *out,
		     struct viewfs_target *target)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	bool dir = S_ISDIR(inode->i_mode);
	u32 flags = open_flags(inode, file);
	struct fuse_open_in in = {
		.flags = flags,
		.open_flags = viewfs_open_killpriv(fs, flags),
	};
	struct viewfs_call call = {
		.opcode = dir ? FUSE_OPENDIR : FUSE_OPEN,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.out = out,
		.out_len = sizeof(out->open),
		.late = viewfs_late_open,
	};
	int err;

	if (!dir && test_bit(VIEWFS_TARGET, &fs->flags)) {
		call.out_len = sizeof(*out);
		call.out_var = true;
		call.check = viewfs_backing_check_open;
		call.target = target;
	}

	err = viewfs_call_wait(fs, &call);
	/* NO_OPEN_SUPPORT has told the server that it may, and wants no answer. */
	if (viewfs_sb_lacks(fs, open_bit(inode), err))
		return 1;
	return min(err, 0);
}

/**
 * viewfs_handle_open() - ask the server to open
 * @inode: what
 * @file: how
 *
 * Return: a bound handle with one reference, or ERR_PTR.
 */
struct viewfs_handle *viewfs_handle_open(struct inode *inode, struct file *file)
{
	struct viewfs_target target = { };
	struct viewfs_handle *handle;
	struct open_out out;
	int ret;

	/* What is not opened need not be released, and readers are all alike then. */
	if (test_bit(open_bit(inode), &viewfs_inode_sb(inode)->flags)) {
		if (!(file->f_mode & FMODE_WRITE)) {
			handle = &viewfs_i(inode)->plain;
			viewfs_handle_get(handle);
			return handle;
		}
		handle = handle_alloc();
		if (!IS_ERR(handle))
			viewfs_handle_bind(handle, inode, NULL, file->f_flags);
		return handle;
	}
	handle = viewfs_handle_create();
	if (IS_ERR(handle))
		return handle;
	ret = open_send(inode, file, &out, &target);
	if (ret < 0) {
		viewfs_handle_put(handle);
		return ERR_PTR(ret);
	}
	viewfs_handle_bind(handle, inode, ret ? NULL : &out.open, file->f_flags);
	ret = viewfs_backing_open(handle, &target, file);
	viewfs_target_drop(&target);
	if (ret) {
		viewfs_handle_put(handle);
		return ERR_PTR(ret);
	}
	return handle;
}

/**
 * viewfs_handle_attach() - a file takes its handle over
 * @handle: a bound handle
 * @file: the file
 */
void viewfs_handle_attach(struct viewfs_handle *handle, struct file *file)
{
	struct inode *inode = handle->inode;
	struct viewfs_inode *vi = viewfs_i(inode);

	file->private_data = handle;
	if (handle->backing) {
		viewfs_backing_attach(handle, file);
		return;
	}
	if (handle->open_flags & FOPEN_STREAM)
		stream_open(inode, file);
	else if (handle->open_flags & FOPEN_NONSEEKABLE)
		nonseekable_open(inode, file);
	if (S_ISDIR(inode->i_mode) && !(handle->open_flags & FOPEN_KEEP_CACHE)) {
		spin_lock(&vi->lock);
		viewfs_dircache_expire_locked(vi);
		spin_unlock(&vi->lock);
	}
	if (!S_ISREG(inode->i_mode))
		return;
	file->f_mode |= FMODE_CAN_ODIRECT;
	if (!(handle->open_flags & FOPEN_KEEP_CACHE))
		viewfs_pages_expire(inode, 0, ULONG_MAX);
	if (file->f_mode & FMODE_WRITE) {
		spin_lock(&vi->lock);
		list_add(&handle->link, &vi->handles);
		spin_unlock(&vi->lock);
	}
}

/**
 * viewfs_handle_writable() - a handle through which pages can be written back
 * @inode: whose pages
 *
 * Return: a referenced handle, or NULL.
 */
struct viewfs_handle *viewfs_handle_writable(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_handle *handle, *found = NULL;

	spin_lock(&vi->lock);
	list_for_each_entry(handle, &vi->handles, link) {
		found = handle;
		/* A server's pwrite(2) on a file open for appending does not heed the offset. */
		if (!(handle->flags & O_APPEND))
			break;
	}
	if (found)
		viewfs_handle_get(found);
	spin_unlock(&vi->lock);
	return found;
}

/**
 * viewfs_file_release() - ->release of files and directories
 * @inode: what was open
 * @file: the file
 *
 * Return: 0.
 */
int viewfs_file_release(struct inode *inode, struct file *file)
{
	struct viewfs_handle *handle = file->private_data;

	/* finish_open() can fail after it has opened. */
	if (!handle)
		return 0;
	if (!list_empty(&handle->link))
		/* What flush left dirty has to find a handle. */
		filemap_fdatawrite(inode->i_mapping);
	viewfs_lock_release(handle, file);
	if (list_empty(&handle->link) || !viewfs_writeback_linger(handle))
		viewfs_handle_put(handle);
	return 0;
}
