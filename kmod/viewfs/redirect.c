// SPDX-License-Identifier: GPL-2.0
/*
 * Redirects: names that are other objects, which the server handed over by fd.
 *
 * Such a name has an inode of its own, without a node, from which the walk crosses
 * into the object (crossing.c). What is done to the name without crossing, stat(2) and
 * the other calls that do not open, is done to the object from here.
 */

#include <linux/file.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "viewfs.h"

/* What the crossing keeps of the mount that the object is reached by. */
#define REDIRECT_MNT_FLAGS	(MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_READONLY |	\
				 MNT_NOSYMFOLLOW | MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME)

/**
 * struct viewfs_redirect - what a name is
 * @inode: the name's inode, which owns this
 * @link: in the mount's list (its redirect_lock)
 * @path: the object, referenced; nothing after the session's end. Protected by the mount's
 *	redirect_lock
 * @mnt_flags: restrictions of the crossing, MNT_*
 */
struct viewfs_redirect {
	struct inode *inode;
	struct list_head link;
	struct path path;
	int mnt_flags;
};

static int target_mnt_flags(const struct viewfs_target *target)
{
	const struct file *file = target->file;
	int flags = READ_ONCE(file->f_path.mnt->mnt_flags) & REDIRECT_MNT_FLAGS;

	if (target->flags & VIEWOS_TARGET_READONLY ||
	    (S_ISREG(file_inode(file)->i_mode) && !(file->f_mode & FMODE_WRITE)))
		flags |= MNT_READONLY;
	return flags;
}

/* May a name be this object? Runs in the server's context. */
static int target_check(struct file *file, umode_t type)
{
	const struct path *path = &file->f_path;
	umode_t mode = file_inode(file)->i_mode;

	if ((!S_ISDIR(mode) && !S_ISREG(mode)) || (mode ^ type) & S_IFMT)
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	/* The kernel's own file systems, and what was taken from all trees. */
	if (path->mnt->mnt_sb->s_flags & SB_NOUSER || path->mnt->mnt_flags & MNT_INTERNAL)
		return -EINVAL;
	if (is_idmapped_mnt(path->mnt))
		return -EOPNOTSUPP;
	return S_ISDIR(mode) ? viewfs_crossing_probe(path) : 0;
}

/**
 * viewfs_redirect_check() - is the answer of a LOOKUP as viewos_path.h has it?
 * @req: the request; gets the object as its file. In the server's context
 *
 * Return: 0 or a negative errno, the server's.
 */
int viewfs_redirect_check(struct viewos_request *req)
{
	const struct fuse_entry_out *entry = req->out;
	const struct viewos_path_target *target = req->out + sizeof(*entry);
	struct file *file;
	int err;

	if (req->out_len == sizeof(*entry))
		return 0;
	if (req->out_len != sizeof(*entry) + sizeof(*target) || entry->nodeid)
		return -EINVAL;
	file = viewfs_target_get(req->session, target, VIEWOS_TARGET_READONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = target_check(file, entry->attr.mode);
	if (err) {
		fput(file);
		return err;
	}
	req->file = file;
	return 0;
}

/**
 * viewfs_redirect_path() - what a name is
 * @inode: the name's inode
 * @path: the object, to be put
 * @mnt_flags: the crossing's restrictions, MNT_*; or NULL
 *
 * Return: 0, -EACCES out of the view, or -ENOTCONN after the session's end.
 */
int viewfs_redirect_path(struct inode *inode, struct path *path, int *mnt_flags)
{
	struct viewfs_redirect *redirect = viewfs_i(inode)->redirect;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	spin_lock(&fs->redirect_lock);
	*path = redirect->path;
	if (path->dentry)
		path_get(path);
	spin_unlock(&fs->redirect_lock);
	if (!path->dentry)
		return -ENOTCONN;
	if (mnt_flags)
		*mnt_flags = redirect->mnt_flags;
	return 0;
}

/* For the checks that the VFS makes before it asks us. */
static void redirect_refresh(struct inode *inode, const struct inode *object)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	inode->i_mode = (inode->i_mode & S_IFMT) | (object->i_mode & 07777);
	inode->i_uid = object->i_uid;
	inode->i_gid = object->i_gid;
	spin_unlock(&vi->lock);
}

static int redirect_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	struct inode *object;
	struct path path;
	int err, flags;

	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	err = viewfs_redirect_path(inode, &path, &flags);
	if (err)
		return err;
	object = d_inode(path.dentry);
	redirect_refresh(inode, object);
	err = inode_permission(&nop_mnt_idmap, object, mask);
	if (!err && mask & MAY_WRITE && flags & MNT_READONLY)
		err = -EROFS;
	path_put(&path);
	return err;
}

static int redirect_getattr(struct mnt_idmap *idmap, const struct path *name,
			    struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(name->dentry);
	struct path path;
	int err;

	err = viewfs_redirect_path(inode, &path, NULL);
	if (err)
		return err;
	redirect_refresh(inode, d_inode(path.dentry));
	err = vfs_getattr(&path, stat, mask, flags & AT_STATX_SYNC_TYPE);
	path_put(&path);
	return err;
}

/* Changes that are not of the size. */
static int object_setattr(const struct path *path, struct iattr *iattr)
{
	struct inode *object = d_inode(path->dentry);
	int err;

	/* Our inode's lock is held; an object is never a name of this kind. */
	inode_lock_nested(object, I_MUTEX_CHILD);
	err = notify_change(&nop_mnt_idmap, path->dentry, iattr, NULL);
	inode_unlock(object);
	return err;
}

static int redirect_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *iattr)
{
	struct iattr change = *iattr;
	struct path path;
	int err, flags;

	err = viewfs_redirect_path(d_inode(dentry), &path, &flags);
	if (err)
		return err;
	err = -EROFS;
	if (flags & MNT_READONLY)
		goto put;
	if (change.ia_valid & ATTR_SIZE) {
		err = vfs_truncate(&path, change.ia_size);
		goto put;
	}
	/* The mode without its set-id bits is to be computed from the object's. */
	if (change.ia_valid & (ATTR_KILL_SUID | ATTR_KILL_SGID))
		change.ia_valid &= ~ATTR_MODE;
	change.ia_valid &= ~ATTR_FILE;
	err = mnt_want_write(path.mnt);
	if (err)
		goto put;
	err = object_setattr(&path, &change);
	mnt_drop_write(path.mnt);
	redirect_refresh(d_inode(dentry), d_inode(path.dentry));
put:
	path_put(&path);
	return err;
}

static ssize_t redirect_listxattr(struct dentry *dentry, char *list, size_t size)
{
	struct path path;
	ssize_t ret;

	ret = viewfs_redirect_path(d_inode(dentry), &path, NULL);
	if (ret)
		return ret;
	ret = vfs_listxattr(path.dentry, list, size);
	path_put(&path);
	return ret;
}

/**
 * viewfs_redirect_getxattr() - read an xattr of the object
 * @inode: the name's inode
 * @name: the xattr
 * @value: where to
 * @size: room there, 0 to ask how much is needed
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_redirect_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct path path;
	ssize_t ret;

	ret = viewfs_redirect_path(inode, &path, NULL);
	if (ret)
		return ret;
	ret = vfs_getxattr(&nop_mnt_idmap, path.dentry, name, value, size);
	path_put(&path);
	return ret;
}

/**
 * viewfs_redirect_setxattr() - set or remove an xattr of the object
 * @inode: the name's inode
 * @name: the xattr
 * @value: its value, NULL to remove it
 * @size: of the value
 * @flags: XATTR_*
 *
 * Return: 0 or a negative errno.
 */
int viewfs_redirect_setxattr(struct inode *inode, const char *name, const void *value,
			     size_t size, int flags)
{
	struct path path;
	int err, mnt_flags;

	err = viewfs_redirect_path(inode, &path, &mnt_flags);
	if (err)
		return err;
	err = mnt_flags & MNT_READONLY ? -EROFS : mnt_want_write(path.mnt);
	if (err)
		goto put;
	if (value)
		err = vfs_setxattr(&nop_mnt_idmap, path.dentry, name, (void *)value, size, flags);
	else
		err = vfs_removexattr(&nop_mnt_idmap, path.dentry, name);
	mnt_drop_write(path.mnt);
put:
	path_put(&path);
	return err;
}

static const struct inode_operations redirect_inode_ops = {
	.permission = redirect_permission,
	.getattr = redirect_getattr,
	.setattr = redirect_setattr,
	.listxattr = redirect_listxattr,
};

/* Nobody opens the name itself: to open it is to cross. */
static int redirect_open(struct inode *inode, struct file *file)
{
	return -EREMOTE;
}

static const struct file_operations redirect_file_ops = {
	.open = redirect_open,
};

static int redirect_hold(struct viewfs_sb *fs, struct viewfs_redirect *redirect)
{
	int err = 0;

	spin_lock(&fs->redirect_lock);
	if (viewos_session_dead(fs->session))
		err = -ENOTCONN;
	else if (fs->nr_redirects >= VIEWOS_MAX_REDIRECTS)
		err = -ENOSPC;
	if (!err) {
		path_get(&redirect->path);
		list_add(&redirect->link, &fs->redirects);
		fs->nr_redirects++;
	}
	spin_unlock(&fs->redirect_lock);
	return err;
}

/*
 * Locked before what stops a freeze of the object's file system, and the object itself, which may
 * be viewfs's too. Nobody writes to a redirect, so that none is locked with a pipe held.
 */
static struct lock_class_key redirect_lock_key;

static void redirect_fill(struct inode *inode, const struct inode *object)
{
	lockdep_set_class(&inode->i_rwsem, &redirect_lock_key);
	inode->i_ino = object->i_ino;
	inode->i_mode = object->i_mode;
	inode->i_uid = object->i_uid;
	inode->i_gid = object->i_gid;
	inode->i_size = i_size_read(object);
	set_nlink(inode, 1);
	inode->i_flags |= S_AUTOMOUNT | S_NOATIME | S_NOCMTIME;
	inode->i_op = &redirect_inode_ops;
	inode->i_fop = &redirect_file_ops;
}

/**
 * viewfs_redirect_inode() - the inode of a name that is another object
 * @sb: the super block
 * @target: the object, checked
 *
 * Return: a referenced inode, or ERR_PTR: -ENOMEM, -ENOTCONN after the session's end,
 * -ENOSPC for too many.
 */
struct inode *viewfs_redirect_inode(struct super_block *sb, const struct viewfs_target *target)
{
	struct viewfs_redirect *redirect;
	struct inode *inode;
	int err;

	redirect = kzalloc(sizeof(*redirect), GFP_KERNEL_ACCOUNT);
	if (!redirect)
		return ERR_PTR(-ENOMEM);
	inode = new_inode(sb);
	if (!inode) {
		kfree(redirect);
		return ERR_PTR(-ENOMEM);
	}
	redirect->inode = inode;
	redirect->path = target->file->f_path;
	redirect->mnt_flags = target_mnt_flags(target);
	redirect_fill(inode, d_inode(redirect->path.dentry));
	err = redirect_hold(viewfs_sb(sb), redirect);
	if (err) {
		kfree(redirect);
		iput(inode);
		return ERR_PTR(err);
	}
	viewfs_i(inode)->redirect = redirect;
	return inode;
}

/**
 * viewfs_redirect_same() - is it what the name was already?
 * @inode: the name's inode, a redirect
 * @target: the object, checked
 *
 * Return: whether it is the same object with the same restrictions.
 */
bool viewfs_redirect_same(struct inode *inode, const struct viewfs_target *target)
{
	struct viewfs_redirect *redirect = viewfs_i(inode)->redirect;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	bool same;

	spin_lock(&fs->redirect_lock);
	same = path_equal(&redirect->path, &target->file->f_path);
	spin_unlock(&fs->redirect_lock);
	return same && redirect->mnt_flags == target_mnt_flags(target);
}

/* Takes what the redirect holds, to be put without the lock. */
static void redirect_take_locked(struct viewfs_sb *fs, struct viewfs_redirect *redirect,
				 struct path *path)
{
	lockdep_assert_held(&fs->redirect_lock);

	*path = redirect->path;
	if (!path->dentry)
		return;
	memset(&redirect->path, 0, sizeof(redirect->path));
	list_del(&redirect->link);
	fs->nr_redirects--;
}

/**
 * viewfs_redirect_evict() - an inode goes
 * @inode: any inode of viewfs
 */
void viewfs_redirect_evict(struct inode *inode)
{
	struct viewfs_redirect *redirect = viewfs_i(inode)->redirect;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct path path;

	if (!redirect)
		return;
	spin_lock(&fs->redirect_lock);
	redirect_take_locked(fs, redirect, &path);
	spin_unlock(&fs->redirect_lock);
	path_put(&path);
	viewfs_i(inode)->redirect = NULL;
	kfree(redirect);
}

/**
 * viewfs_redirect_end() - the session has ended: hold nobody's files any longer
 * @session: the session of a mount
 */
void viewfs_redirect_end(struct viewos_session *session)
{
	struct super_block *sb = session->ops_data;
	struct viewfs_sb *fs = viewfs_sb(sb);
	struct viewfs_redirect *redirect;
	struct path path;

	for (;;) {
		spin_lock(&fs->redirect_lock);
		redirect = list_first_entry_or_null(&fs->redirects, struct viewfs_redirect, link);
		if (redirect)
			redirect_take_locked(fs, redirect, &path);
		spin_unlock(&fs->redirect_lock);
		if (!redirect)
			return;
		path_put(&path);
	}
}
