// SPDX-License-Identifier: GPL-2.0
/*
 * Locks: the server's if it asked for them, else the kernel's own.
 *
 * A lock of the server's belongs to an owner, a number: of the process for those of
 * fcntl(2), of the open file for those of flock(2) and F_OFD_SETLK. It goes with a FLUSH of
 * its owner, or with the RELEASE of a file, or an unlock in our own name where neither is
 * sent. Nobody waits for these when a process exits. So who wants a lock waits until those
 * that were sent before are answered: what a process had is free when it is gone.
 *
 * A lock request has a reference of its handle until it is answered, even if its caller was
 * killed: nothing that a server has open is released while it may be used.
 */

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/siphash.h>

#include "../server.h"
#include "viewfs.h"

#define LOCK_OWNER_ROUNDS	4

/**
 * viewfs_lock_owner() - what the server is told of an owner
 * @fs: the mount
 * @owner: a kernel address, which it is not to be told
 *
 * Return: a number that no other owner has.
 */
u64 viewfs_lock_owner(const struct viewfs_sb *fs, fl_owner_t owner)
{
	u64 value = (unsigned long)owner;
	u32 left = value >> 32, right = value;
	u32 i;

	/* A Feistel network: a permutation, so that no two become one. */
	for (i = 0; i < LOCK_OWNER_ROUNDS; i++) {
		u32 next = left ^ (u32)siphash_2u32(right, i, &fs->lock_key);

		left = right;
		right = next;
	}
	return (u64)left << 32 | right;
}

/**
 * viewfs_unlock_begin() - something that lets locks go is sent
 * @inode: of which file
 */
void viewfs_unlock_begin(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->unlocking++;
	spin_unlock(&vi->lock);
}

/**
 * viewfs_unlock_end() - it was answered
 * @inode: of which file
 */
void viewfs_unlock_end(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->unlocking--;
	spin_unlock(&vi->lock);
	wake_up_all(&vi->wait);
}

static void unlock_end(struct viewos_request *req)
{
	struct viewfs_handle *handle = req->private;
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	viewfs_unlock_end(handle->inode);
	viewfs_handle_put(handle);
	viewfs_sb_done(fs);
}

/**
 * viewfs_unlock_submit() - send something that lets locks go, and do not wait
 * @handle: by which
 * @req: a NEW request, taken over
 */
void viewfs_unlock_submit(struct viewfs_handle *handle, struct viewos_request *req)
{
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	viewfs_handle_get(handle);
	viewfs_sb_busy(fs);
	viewfs_unlock_begin(handle->inode);
	req->flags |= VIEWOS_REQUEST_FORCE;
	req->end = unlock_end;
	req->private = handle;
	viewos_request_submit(fs->session, req);
}

static void unlock_send(struct viewfs_handle *handle, const struct fuse_lk_in *in, u32 flags)
{
	struct viewfs_call call = {
		.opcode = FUSE_SETLK,
		.nodeid = viewfs_nodeid(handle->inode),
		.in = { { in, sizeof(*in) } },
	};
	struct viewos_request *req = viewfs_call_request(&call);

	if (IS_ERR(req))
		return;
	req->flags |= flags;
	viewfs_unlock_submit(handle, req);
}

/**
 * viewfs_unlock_all() - let all locks of an owner go, and do not wait
 * @handle: by which
 * @owner: viewfs_lock_owner()
 * @lk_flags: FUSE_LK_*
 */
void viewfs_unlock_all(struct viewfs_handle *handle, u64 owner, u32 lk_flags)
{
	const struct fuse_lk_in in = {
		.fh = handle->fh,
		.owner = owner,
		.lk = { .end = OFFSET_MAX, .type = F_UNLCK },
		.lk_flags = lk_flags,
	};

	unlock_send(handle, &in, 0);
}

/**
 * viewfs_lock_release() - an open file goes, and its locks with it
 * @handle: the file's
 * @file: the file
 */
void viewfs_lock_release(struct viewfs_handle *handle, struct file *file)
{
	u64 owner;

	if (likely(!READ_ONCE(handle->locks)))
		return;
	owner = viewfs_lock_owner(viewfs_inode_sb(handle->inode), file);
	if (test_bit(VIEWFS_LOCKED_OFD, &handle->locks))
		viewfs_unlock_all(handle, owner, 0);
	if (!test_bit(VIEWFS_LOCKED_FLOCK, &handle->locks))
		return;
	if (handle->release)
		viewfs_unlock_begin(handle->inode); /* until RELEASE is answered */
	else
		viewfs_unlock_all(handle, owner, FUSE_LK_FLOCK);
}

/* The caller was killed. What it was given after all, it does not have. */
static void lock_late(struct viewos_request *req)
{
	struct viewfs_handle *handle = req->private;
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);
	struct fuse_lk_in in = *(struct fuse_lk_in *)viewos_request_body(req);

	if (!req->error && req->in->opcode == FUSE_SETLKW && in.lk.type != F_UNLCK) {
		in.lk.type = F_UNLCK;
		in.lk.pid = 0;
		unlock_send(handle, &in, VIEWOS_REQUEST_KERNEL);
	}
	viewfs_handle_put(handle);
	viewfs_sb_done(fs);
}

static int lock_call(struct viewfs_handle *handle, u32 opcode, const struct fuse_lk_in *in,
		     struct fuse_lk_out *out)
{
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);
	struct viewfs_call call = {
		.opcode = opcode,
		.nodeid = viewfs_nodeid(handle->inode),
		.in = { { in, sizeof(*in) } },
		.out_len = out ? sizeof(*out) : 0,
		.late = lock_late,
	};
	struct viewos_request *req;
	int err;

	req = viewfs_call_request(&call);
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->flags |= VIEWOS_REQUEST_LATE_ALWAYS;
	/* Another may have the lock for as long as it likes. */
	if (opcode == FUSE_SETLKW)
		req->flags |= VIEWOS_REQUEST_PATIENT;
	req->private = handle;
	viewfs_handle_get(handle);
	viewfs_sb_busy(fs);
	err = viewos_request_call(fs->session, req);
	if (!err && out)
		memcpy(out, req->out, sizeof(*out));
	/* Otherwise lock_late() does. */
	if (!viewos_request_abandoned(req)) {
		viewfs_handle_put(handle);
		viewfs_sb_done(fs);
	}
	viewos_request_put(req);
	return err;
}

static void lock_fill(const struct file *file, const struct file_lock *fl, u32 lk_flags,
		      struct fuse_lk_in *in)
{
	const struct viewfs_handle *handle = file->private_data;
	const struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	memset(in, 0, sizeof(*in));
	in->fh = handle->fh;
	in->owner = viewfs_lock_owner(fs, viewos_flc(fl, owner));
	in->lk.start = fl->fl_start;
	in->lk.end = fl->fl_end;
	in->lk.type = viewos_flc(fl, type);
	in->lk_flags = lk_flags;
	if (in->lk.type != F_UNLCK)
		in->lk.pid = pid_nr_ns(task_tgid(current), fs->session->server->pid_ns);
}

/* What the server says of a lock, in the VFS's words: its pid is of the initial namespace. */
static int lock_tell(const struct viewfs_sb *fs, const struct fuse_file_lock *lk,
		     struct file_lock *fl)
{
	switch (lk->type) {
	case F_UNLCK:
		break;
	case F_RDLCK:
	case F_WRLCK:
		if (lk->start > OFFSET_MAX || lk->end > OFFSET_MAX || lk->end < lk->start)
			return -EIO;
		fl->fl_start = lk->start;
		fl->fl_end = lk->end;
		rcu_read_lock();
		viewos_flc(fl, pid) = pid_nr_ns(find_pid_ns(lk->pid, fs->session->server->pid_ns),
						&init_pid_ns);
		rcu_read_unlock();
		break;
	default:
		return -EIO;
	}
	viewos_flc(fl, type) = lk->type;
	return 0;
}

/* Waits until what was sent to let locks go is answered. */
static int lock_settle(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	return wait_event_interruptible(vi->wait, !READ_ONCE(vi->unlocking));
}

static int lock_get(struct file *file, struct file_lock *fl)
{
	struct inode *inode = file_inode(file);
	struct fuse_lk_in in;
	struct fuse_lk_out out;
	int err;

	err = lock_settle(inode);
	if (err)
		return err;
	lock_fill(file, fl, 0, &in);
	err = lock_call(file->private_data, FUSE_GETLK, &in, &out);
	return err ?: lock_tell(viewfs_inode_sb(inode), &out.lk, fl);
}

static int lock_set(struct file *file, struct file_lock *fl, u32 lk_flags)
{
	u32 flags = viewos_flc(fl, flags);
	struct fuse_lk_in in;
	int err;

	/* Locks that are granted later, to a server of NFS: nobody could be told. */
	if (fl->fl_lmops && fl->fl_lmops->lm_grant)
		return -ENOLCK;
	/* FLUSH does it. */
	if ((flags & FL_CLOSE_POSIX) == FL_CLOSE_POSIX)
		return 0;
	lock_fill(file, fl, lk_flags, &in);
	if (in.lk.type != F_UNLCK) {
		err = lock_settle(file_inode(file));
		if (err)
			return err;
	}
	err = lock_call(file->private_data, flags & FL_SLEEP ? FUSE_SETLKW : FUSE_SETLK, &in,
			NULL);
	/* As locks of the kernel's own: it depends on the signal's handler. */
	return err == -EINTR ? -ERESTARTSYS : err;
}

/**
 * viewfs_file_lock() - ->lock: fcntl(2)
 * @file: which file
 * @cmd: F_GETLK, F_SETLK, F_SETLKW or F_CANCELLK
 * @fl: which lock
 *
 * Return: 0, FILE_LOCK_DEFERRED, or a negative errno.
 */
int viewfs_file_lock(struct file *file, int cmd, struct file_lock *fl)
{
	struct viewfs_inode *vi = viewfs_i(file_inode(file));
	struct viewfs_handle *handle = file->private_data;

	if (test_bit(VIEWFS_I_BAD, &vi->flags))
		return -EIO;
	if (cmd == F_CANCELLK)
		return 0;
	if (!test_bit(VIEWFS_POSIX_LOCKS, &viewfs_inode_sb(&vi->vfs)->flags)) {
		if (cmd != F_GETLK)
			return posix_lock_file(file, fl, NULL);
		posix_test_lock(file, fl);
		return 0;
	}
	if (cmd == F_GETLK)
		return lock_get(file, fl);
	if (viewos_flc(fl, flags) & FL_OFDLCK)
		set_bit(VIEWFS_LOCKED_OFD, &handle->locks);
	else
		set_bit(VIEWFS_I_LOCKED, &vi->flags);
	return lock_set(file, fl, 0);
}

/**
 * viewfs_file_flock() - ->flock: flock(2)
 * @file: which file
 * @cmd: F_SETLK or F_SETLKW
 * @fl: which lock
 *
 * Return: 0 or a negative errno.
 */
int viewfs_file_flock(struct file *file, int cmd, struct file_lock *fl)
{
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_handle *handle = file->private_data;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	if (!test_bit(VIEWFS_FLOCK_LOCKS, &fs->flags))
		return locks_lock_file_wait(file, fl);
	handle->lock_owner = viewfs_lock_owner(fs, file);
	/* Who sees the bit in viewfs_handle_put() is behind this file's last use. */
	set_bit(VIEWFS_LOCKED_FLOCK, &handle->locks);
	return lock_set(file, fl, FUSE_LK_FLOCK);
}
