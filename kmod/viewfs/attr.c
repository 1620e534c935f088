// SPDX-License-Identifier: GPL-2.0
/* Attributes: taken from replies, asked for when stale, set. */

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/jiffies.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/sched/task_stack.h>
#include <linux/timekeeping.h>
#include <linux/uidgid.h>
#include <asm/syscall.h>

#include "viewfs.h"

/*
 * The server's number, as it is in the mount's namespace. One that is none there is nobody's: a
 * server cannot give a file to who has nothing to do with the mount.
 */
static kuid_t uid_in(const struct super_block *sb, u32 id)
{
	struct user_namespace *ns = viewfs_user_ns(sb);
	kuid_t uid;

	/* In the initial namespace a number is the number. */
	uid = ns == &init_user_ns ? KUIDT_INIT(id) : make_kuid(ns, id);
	if (sb->s_user_ns == &init_user_ns || kuid_has_mapping(sb->s_user_ns, uid))
		return uid;
	return INVALID_UID;
}

static kgid_t gid_in(const struct super_block *sb, u32 id)
{
	struct user_namespace *ns = viewfs_user_ns(sb);
	kgid_t gid;

	gid = ns == &init_user_ns ? KGIDT_INIT(id) : make_kgid(ns, id);
	if (sb->s_user_ns == &init_user_ns || kgid_has_mapping(sb->s_user_ns, gid))
		return gid;
	return INVALID_GID;
}

static void attr_set_locked(struct inode *inode, const struct fuse_attr *attr)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	lockdep_assert_held(&vi->lock);

	inode->i_ino = attr->ino;
	inode->i_mode = (inode->i_mode & S_IFMT) | (attr->mode & 07777);
	set_nlink(inode, attr->nlink);
	inode->i_uid = uid_in(inode->i_sb, attr->uid);
	inode->i_gid = gid_in(inode->i_sb, attr->gid);
	inode_set_atime(inode, attr->atime, attr->atimensec);
	vi->blksize = attr->blksize;
	if (test_bit(VIEWFS_I_CACHED, &vi->flags))
		return;
	inode->i_blocks = attr->blocks;
	inode_set_mtime(inode, attr->mtime, attr->mtimensec);
	inode_set_ctime(inode, attr->ctime, attr->ctimensec);
	if (i_size_read(inode) != attr->size && !S_ISLNK(inode->i_mode))
		i_size_write(inode, attr->size);
}

/* A list that is cached is as old as the attributes. One that is being asked for is not kept. */
static void attr_forget_acls(struct inode *inode)
{
	if (test_bit(VIEWFS_ACL, &viewfs_inode_sb(inode)->flags))
		forget_all_cached_acls(inode);
}

/**
 * viewfs_attr_apply() - take attributes from a reply
 * @inode: the inode, of the attributes' type
 * @attr: the attributes, checked
 * @until: how long they hold
 * @version: viewfs_sb_version() from before the request
 *
 * A reply that is older than a change made here is not taken. Data cached from
 * before a change made elsewhere is dropped by the next reader. Of a file with data that the
 * server does not have, size and times are ours.
 */
void viewfs_attr_apply(struct inode *inode, const struct fuse_attr *attr, u64 until,
		       u64 version)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct timespec64 mtime, now;
	bool ours, resized;
	loff_t size;

	spin_lock(&vi->lock);
	if (vi->attr_version > version || test_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags)) {
		spin_unlock(&vi->lock);
		return;
	}
	mtime = inode_get_mtime(inode);
	size = i_size_read(inode);
	attr_set_locked(inode, attr);
	now = inode_get_mtime(inode);
	resized = size != attr->size && !test_bit(VIEWFS_I_CACHED, &vi->flags);
	vi->attr_version = atomic64_inc_return(&fs->attr_version);
	if (resized || !timespec64_equal(&mtime, &now))
		vi->data_version = vi->attr_version;
	vi->stale = 0;
	WRITE_ONCE(vi->attr_until, until);
	ours = test_and_clear_bit(VIEWFS_I_WROTE, &vi->flags);
	/* "Nothing is to be dropped at a write" holds while nobody else changes the file. */
	if (!ours)
		inode->i_flags &= ~S_NOSEC;
	spin_unlock(&vi->lock);

	attr_forget_acls(inode);
	if (!S_ISREG(inode->i_mode))
		return;
	if (resized || (!ours && test_bit(VIEWFS_AUTO_INVAL_DATA, &fs->flags) &&
			!timespec64_equal(&mtime, &now)))
		viewfs_pages_expire(inode, 0, ULONG_MAX);
}

/**
 * viewfs_attr_stale() - attributes changed at the server
 * @inode: whose
 * @mask: STATX_* which
 */
void viewfs_attr_stale(struct inode *inode, u32 mask)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct timespec64 now;

	spin_lock(&vi->lock);
	WRITE_ONCE(vi->stale, vi->stale | mask);
	vi->attr_version = atomic64_inc_return(&viewfs_inode_sb(inode)->attr_version);
	/* Whoever changes content here, or tells that it has changed, comes by. */
	if (mask & (STATX_SIZE | STATX_MTIME)) {
		vi->data_version = vi->attr_version;
		viewfs_dircache_expire_locked(vi);
	}
	if (mask & STATX_CTIME && test_bit(VIEWFS_I_CACHED, &vi->flags)) {
		ktime_get_real_ts64(&now);
		inode_set_ctime(inode, now.tv_sec, now.tv_nsec);
	}
	spin_unlock(&vi->lock);
	if (mask & VIEWFS_STALE_PERM)
		attr_forget_acls(inode);
}

/**
 * viewfs_attr_grow() - data were written
 * @inode: where
 * @size: the end of the data
 */
void viewfs_attr_grow(struct inode *inode, loff_t size)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->attr_version = atomic64_inc_return(&viewfs_inode_sb(inode)->attr_version);
	vi->data_version = vi->attr_version;
	WRITE_ONCE(vi->stale, vi->stale | VIEWFS_STALE_WRITE);
	set_bit(VIEWFS_I_WROTE, &vi->flags);
	if (size > i_size_read(inode))
		i_size_write(inode, size);
	spin_unlock(&vi->lock);
}

/**
 * viewfs_attr_stored() - the server gave content that ends behind the file
 * @inode: of which file
 * @size: where
 */
void viewfs_attr_stored(struct inode *inode, loff_t size)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->attr_version = atomic64_inc_return(&viewfs_inode_sb(inode)->attr_version);
	vi->data_version = vi->attr_version;
	WRITE_ONCE(vi->stale, vi->stale | VIEWFS_STALE_WRITE);
	if (size > i_size_read(inode))
		i_size_write(inode, size);
	spin_unlock(&vi->lock);
}

/**
 * viewfs_attr_cached() - data were written that the server is to get later
 * @inode: where; their page is locked and dirty, so that they cannot go there meanwhile
 * @end: the end of the data
 * @fresh: the page was not dirty before: who counts blocks finds them, as the server cannot tell
 * @now: the time
 */
void viewfs_attr_cached(struct inode *inode, loff_t end, bool fresh, const struct timespec64 *now)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	blkcnt_t most;

	spin_lock(&vi->lock);
	vi->attr_version = atomic64_inc_return(&viewfs_inode_sb(inode)->attr_version);
	vi->data_version = vi->attr_version;
	set_bit(VIEWFS_I_CACHED, &vi->flags);
	set_bit(VIEWFS_I_TIMES, &vi->flags);
	inode_set_mtime(inode, now->tv_sec, now->tv_nsec);
	inode_set_ctime(inode, now->tv_sec, now->tv_nsec);
	if (end > i_size_read(inode))
		i_size_write(inode, end);
	most = DIV_ROUND_UP(i_size_read(inode), PAGE_SIZE) << (PAGE_SHIFT - SECTOR_SHIFT);
	if (fresh && inode->i_blocks < most)
		inode->i_blocks = min_t(blkcnt_t, most,
					inode->i_blocks + (PAGE_SIZE >> SECTOR_SHIFT));
	spin_unlock(&vi->lock);
}

/**
 * viewfs_attr_fetch() - ask the server for attributes
 * @inode: whose
 *
 * Return: 0 or a negative errno.
 */
int viewfs_attr_fetch(struct inode *inode)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	u64 version = viewfs_sb_version(fs);
	struct fuse_getattr_in in = { };
	struct fuse_attr_out out;
	struct viewfs_call call = {
		.opcode = FUSE_GETATTR,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.out = &out,
		.out_len = sizeof(out),
	};
	int err;

	err = viewfs_call_wait(fs, &call);
	if (err < 0)
		return err;
	err = viewfs_attr_check(fs, &out.attr);
	if (err)
		return err;
	if (viewfs_inode_changed(inode, &out.attr)) {
		viewfs_inode_make_bad(inode);
		return -EIO;
	}
	viewfs_attr_apply(inode, &out.attr,
			  viewfs_time_until(out.attr_valid, out.attr_valid_nsec), version);
	return 0;
}

/* Is current in a call that looks a name up to tell its attributes, and does nothing else? */
static bool call_is_stat(void)
{
	if (current->flags & (PF_KTHREAD | PF_IO_WORKER) || in_compat_syscall())
		return false;
	switch (syscall_get_nr(current, task_pt_regs(current))) {
	case __NR_stat:
	case __NR_lstat:
	case __NR_newfstatat:
	case __NR_statx:
		return true;
	default:
		return false;
	}
}

/**
 * viewfs_attr_call() - attributes came with a name, for a call that needs them at once
 * @inode: of the name, just asked for by current
 * @flags: LOOKUP_* with which the name was looked up
 *
 * They hold for the first use by this call, even if the server wants them to be asked for
 * each time: that is what it was just asked. No GETATTR follows the LOOKUP of stat(2) and
 * of open(2). A call that ends without a use leaves its mark for a tick at most.
 */
void viewfs_attr_call(struct inode *inode, unsigned int flags)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	if (time_after64(READ_ONCE(vi->attr_until), get_jiffies_64()))
		return;
	if (flags & LOOKUP_OPEN ? flags & LOOKUP_EXCL : !call_is_stat())
		return;
	spin_lock(&vi->lock);
	vi->call_version = vi->attr_version;
	vi->call_time = jiffies;
	WRITE_ONCE(vi->call_task, current);
	spin_unlock(&vi->lock);
}

/* Takes what viewfs_attr_call() left, once. Not in the way of those who find attributes fresh. */
static noinline bool attr_call_take(struct viewfs_inode *vi)
{
	bool good;

	if (READ_ONCE(vi->call_task) != current)
		return false;
	spin_lock(&vi->lock);
	good = vi->call_task == current && vi->call_version == vi->attr_version &&
	       time_before_eq(jiffies, vi->call_time + 1);
	vi->call_task = NULL;
	spin_unlock(&vi->lock);
	return good;
}

static __always_inline bool attr_fresh(const struct inode *inode, u32 mask)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	if (test_bit(VIEWFS_I_CACHED, &vi->flags)) {
		mask &= ~VIEWFS_CACHED;
		if (!mask)
			return true;
	}
	if (READ_ONCE(vi->stale) & mask)
		return false;
	return time_after64(READ_ONCE(vi->attr_until), get_jiffies_64()) || attr_call_take(vi);
}

/**
 * viewfs_attr_update() - ask the server for attributes, if they are stale
 * @inode: whose
 * @mask: STATX_* that are wanted
 *
 * Return: 0 or a negative errno.
 */
int viewfs_attr_update(struct inode *inode, u32 mask)
{
	bool fresh = attr_fresh(inode, mask);

	if (unlikely(mask & STATX_BTIME) && viewfs_statx_wanted(inode, fresh))
		return viewfs_statx_fetch(inode);
	return fresh ? 0 : viewfs_attr_fetch(inode);
}

/* The same, stale or not. */
static int attr_refresh(struct inode *inode, u32 mask)
{
	if (mask & STATX_BTIME && viewfs_statx_wanted(inode, false))
		return viewfs_statx_fetch(inode);
	return viewfs_attr_fetch(inode);
}

static int server_access(struct inode *inode, int mask)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_access_in in = { .mask = mask & (MAY_READ | MAY_WRITE | MAY_EXEC) };
	struct viewfs_call call = {
		.opcode = FUSE_ACCESS,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
	};
	int err;

	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	err = viewfs_call_wait(fs, &call);
	return viewfs_sb_lacks(fs, VIEWFS_NO_ACCESS, err) ? 0 : err;
}

/**
 * viewfs_inode_permission() - ->permission
 * @idmap: of the mount, always none
 * @inode: what
 * @mask: MAY_*
 *
 * Return: 0, -EACCES, -EPERM, -ECHILD in RCU walk, or the server's errno.
 */
int viewfs_inode_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	bool fetched = false;
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (!attr_fresh(inode, VIEWFS_STALE_PERM)) {
		if (mask & MAY_NOT_BLOCK)
			return -ECHILD;
		err = viewfs_attr_fetch(inode);
		if (err)
			return err;
		fetched = true;
	}
	err = generic_permission(idmap, inode, mask);
	/* Somebody may have changed the mode elsewhere. */
	if (err == -EACCES && !fetched) {
		if (mask & MAY_NOT_BLOCK)
			return -ECHILD;
		err = viewfs_attr_fetch(inode) ?: generic_permission(idmap, inode, mask);
	}
	if (!err && test_bit(VIEWFS_SERVER_ACCESS, &fs->flags) &&
	    !test_bit(VIEWFS_NO_ACCESS, &fs->flags))
		err = server_access(inode, mask);
	return err;
}

/**
 * viewfs_inode_getattr() - ->getattr
 * @idmap: of the mount, always none
 * @path: what
 * @stat: where to
 * @mask: STATX_* that are wanted
 * @flags: AT_STATX_*
 *
 * Return: 0 or a negative errno.
 */
int viewfs_inode_getattr(struct mnt_idmap *idmap, const struct path *path,
			 struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	u32 blksize;
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (flags & AT_STATX_FORCE_SYNC)
		err = attr_refresh(inode, mask);
	else if (!(flags & AT_STATX_DONT_SYNC))
		err = viewfs_attr_update(inode, mask & (STATX_BASIC_STATS | STATX_BTIME));
	if (err)
		return err;
	generic_fillattr(idmap, mask, inode, stat);
	if (mask & STATX_BTIME)
		viewfs_statx_fill(inode, stat);
	if (unlikely(viewfs_i(inode)->device)) {
		stat->mode = (stat->mode & ~S_IFMT) | viewfs_i(inode)->device;
		stat->rdev = viewfs_i(inode)->rdev;
	}
	blksize = viewfs_i(inode)->blksize;
	if (is_power_of_2(blksize) && blksize >= SECTOR_SIZE && blksize <= SZ_16M)
		stat->blksize = blksize;
	return 0;
}

static void setattr_times(const struct iattr *iattr, struct fuse_setattr_in *in)
{
	if (iattr->ia_valid & ATTR_ATIME) {
		in->valid |= FATTR_ATIME;
		in->atime = iattr->ia_atime.tv_sec;
		in->atimensec = iattr->ia_atime.tv_nsec;
		if (!(iattr->ia_valid & ATTR_ATIME_SET))
			in->valid |= FATTR_ATIME_NOW;
	}
	if (iattr->ia_valid & ATTR_MTIME) {
		in->valid |= FATTR_MTIME;
		in->mtime = iattr->ia_mtime.tv_sec;
		in->mtimensec = iattr->ia_mtime.tv_nsec;
		if (!(iattr->ia_valid & ATTR_MTIME_SET))
			in->valid |= FATTR_MTIME_NOW;
	}
}

static void setattr_fill(struct inode *inode, const struct iattr *iattr,
			 struct fuse_setattr_in *in)
{
	struct user_namespace *ns = viewfs_user_ns(inode->i_sb);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);

	if (iattr->ia_valid & ATTR_MODE) {
		in->valid |= FATTR_MODE;
		in->mode = (iattr->ia_mode & ~S_IFMT) | viewfs_inode_type(inode);
	}
	if (iattr->ia_valid & ATTR_UID) {
		in->valid |= FATTR_UID;
		in->uid = from_kuid(ns, iattr->ia_uid);
	}
	if (iattr->ia_valid & ATTR_GID) {
		in->valid |= FATTR_GID;
		in->gid = from_kgid(ns, iattr->ia_gid);
	}
	if (iattr->ia_valid & ATTR_SIZE) {
		in->valid |= FATTR_SIZE;
		in->size = iattr->ia_size;
		if (test_bit(VIEWFS_HANDLE_KILLPRIV, &fs->flags) && !capable(CAP_FSETID))
			in->valid |= FATTR_KILL_SUIDGID;
	}
	setattr_times(iattr, in);
	if (iattr->ia_valid & ATTR_FILE && iattr->ia_file->private_data) {
		struct viewfs_handle *handle = iattr->ia_file->private_data;

		in->valid |= FATTR_FH;
		in->fh = handle->fh;
	}
}

/* Asks for the change; the reply's attributes are checked. */
static int setattr_send(struct inode *inode, const struct iattr *iattr,
			struct fuse_attr_out *out)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_setattr_in in = { };
	struct viewfs_call call = {
		.opcode = FUSE_SETATTR,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.out = out,
		.out_len = sizeof(*out),
		.late = viewfs_late_change,
	};
	int err;

	setattr_fill(inode, iattr, &in);
	err = viewfs_call_wait(fs, &call);
	if (err < 0) {
		/* Perhaps it was done all the same. */
		viewfs_attr_stale(inode, STATX_BASIC_STATS);
		return err;
	}
	err = viewfs_attr_check(fs, &out->attr);
	if (err)
		return err;
	if (viewfs_inode_changed(inode, &out->attr)) {
		viewfs_inode_make_bad(inode);
		return -EIO;
	}
	return 0;
}

static void setattr_done(struct inode *inode, const struct fuse_attr_out *out, u64 version)
{
	/* The new times are our own doing, no reason to drop pages. */
	set_bit(VIEWFS_I_WROTE, &viewfs_i(inode)->flags);
	viewfs_attr_apply(inode, &out->attr,
			  viewfs_time_until(out->attr_valid, out->attr_valid_nsec), version);
}

/**
 * viewfs_attr_change() - change attributes, but for the size
 * @inode: whose
 * @iattr: which
 *
 * Return: 0 or a negative errno.
 */
int viewfs_attr_change(struct inode *inode, const struct iattr *iattr)
{
	u64 version = viewfs_sb_version(viewfs_inode_sb(inode));
	struct fuse_attr_out out;
	int err;

	err = setattr_send(inode, iattr, &out);
	if (!err)
		setattr_done(inode, &out, version);
	return err;
}

/*
 * The server has changed the size, and no write-back is under way. If pages are left to be written
 * the times are ours still, and are now; if none are, the server's answer tells them.
 */
static void attr_resized(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct timespec64 now;

	spin_lock(&vi->lock);
	if (!mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY)) {
		clear_bit(VIEWFS_I_CACHED, &vi->flags);
		clear_bit(VIEWFS_I_TIMES, &vi->flags);
	} else if (test_bit(VIEWFS_I_CACHED, &vi->flags)) {
		ktime_get_real_ts64(&now);
		inode_set_mtime(inode, now.tv_sec, now.tv_nsec);
		inode_set_ctime(inode, now.tv_sec, now.tv_nsec);
	}
	spin_unlock(&vi->lock);
}

/*
 * Changes the size: no write-back runs meanwhile, so no page of before comes to the
 * server after, and the pages that are no longer of the file go.
 */
static int setattr_size(struct inode *inode, const struct iattr *iattr)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct fuse_attr_out out;
	loff_t old;
	int err;

	filemap_invalidate_lock(inode->i_mapping);
	err = viewfs_writeback_hold(inode);
	if (err)
		goto unlock;
	set_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	err = setattr_send(inode, iattr, &out);
	if (!err) {
		spin_lock(&vi->lock);
		old = i_size_read(inode);
		i_size_write(inode, iattr->ia_size);
		spin_unlock(&vi->lock);
		viewfs_pages_truncate(inode, min(old, iattr->ia_size));
		attr_resized(inode);
		/* Replies from before tell nothing now. */
		viewfs_attr_stale(inode, STATX_BASIC_STATS);
	}
	clear_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	if (!err)
		setattr_done(inode, &out, viewfs_sb_version(viewfs_inode_sb(inode)));
	viewfs_writeback_resume(inode);
unlock:
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

/* Takes set-id bits away; ->ia_mode that the VFS computed may come from a stale mode. */
static int setattr_killpriv(struct inode *inode, struct iattr *iattr)
{
	int err;

	iattr->ia_valid &= ~(ATTR_KILL_SUID | ATTR_KILL_SGID | ATTR_MODE);
	if (test_bit(VIEWFS_HANDLE_KILLPRIV, &viewfs_inode_sb(inode)->flags))
		return 0;
	err = viewfs_attr_fetch(inode);
	if (err)
		return err;
	iattr->ia_mode = inode->i_mode;
	if (inode->i_mode & S_ISUID) {
		iattr->ia_valid |= ATTR_MODE;
		iattr->ia_mode &= ~S_ISUID;
	}
	if ((inode->i_mode & (S_ISGID | 0010)) == (S_ISGID | 0010)) {
		iattr->ia_valid |= ATTR_MODE;
		iattr->ia_mode &= ~S_ISGID;
	}
	return 0;
}

/* Can the server be told of them? */
static bool setattr_ids_known(const struct super_block *sb, const struct iattr *iattr)
{
	struct user_namespace *ns = viewfs_user_ns(sb);

	return !(iattr->ia_valid & ATTR_UID && !kuid_has_mapping(ns, iattr->ia_uid)) &&
	       !(iattr->ia_valid & ATTR_GID && !kgid_has_mapping(ns, iattr->ia_gid));
}

/**
 * viewfs_inode_setattr() - ->setattr
 * @idmap: of the mount, always none
 * @dentry: what
 * @iattr: what to set
 *
 * Return: 0 or a negative errno: -EOVERFLOW for an owner who has no number in the server's
 * user namespace.
 */
int viewfs_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *iattr)
{
	struct inode *inode = d_inode(dentry);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	const unsigned int changes = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE | ATTR_ATIME |
				     ATTR_MTIME;
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (iattr->ia_valid & (ATTR_KILL_SUID | ATTR_KILL_SGID)) {
		err = setattr_killpriv(inode, iattr);
		if (err)
			return err;
	}
	err = setattr_prepare(idmap, dentry, iattr);
	if (err)
		return err;
	if (!setattr_ids_known(inode->i_sb, iattr))
		return -EOVERFLOW;
	/* OPEN has truncated already. */
	if (iattr->ia_valid & ATTR_OPEN && test_bit(VIEWFS_ATOMIC_O_TRUNC, &fs->flags) &&
	    !test_bit(VIEWFS_NO_OPEN, &fs->flags))
		return 0;
	if (!(iattr->ia_valid & changes))
		return 0;
	if (iattr->ia_valid & ATTR_SIZE && S_ISREG(inode->i_mode))
		return setattr_size(inode, iattr);
	/* A page that came to the server after it would change the times again. */
	return viewfs_writeback_clean(inode) ?: viewfs_attr_change(inode, iattr);
}
