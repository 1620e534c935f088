// SPDX-License-Identifier: GPL-2.0
/* Changes of directories: entries made, renamed, removed; symbolic links. */

#include <linux/dcache.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "viewfs.h"

static u32 name_len(const struct dentry *dentry)
{
	return dentry->d_name.len + 1;
}

static int dir_check(const struct inode *dir, const struct dentry *dentry)
{
	if (dentry->d_name.len > NAME_MAX)
		return -ENAMETOOLONG;
	return viewfs_inode_check(dir);
}

static void dir_changed(struct inode *dir)
{
	viewfs_attr_stale(dir, VIEWFS_STALE_DIR);
}

/* Runs a call that makes an entry of a type, and ties its inode to the dentry. */
static int entry_make(struct viewfs_call *call, struct inode *dir, struct dentry *dentry,
		      umode_t type)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	u64 version = viewfs_sb_version(fs);
	struct fuse_entry_out entry;
	struct dentry *other;
	struct inode *inode;
	int err;

	call->nodeid = viewfs_nodeid(dir);
	call->out = &entry;
	call->out_len = sizeof(entry);
	call->late = viewfs_late_made;
	err = viewfs_call_wait(fs, call);
	dir_changed(dir);
	if (err < 0) {
		viewfs_dentry_expire(dentry);
		return err;
	}
	inode = ERR_PTR(-EIO);
	if (!((entry.attr.mode ^ type) & S_IFMT))
		inode = viewfs_entry_inode(dir->i_sb, &entry, version);
	if (IS_ERR(inode)) {
		/* It was made all the same. */
		viewfs_dentry_expire(dentry);
		viewfs_node_forget(fs->session, entry.nodeid);
		return PTR_ERR(inode);
	}
	d_drop(dentry);
	other = d_splice_alias(inode, dentry);
	if (IS_ERR(other))
		return PTR_ERR(other);
	viewfs_dentry_hold(other ?: dentry, &entry);
	dput(other);
	return 0;
}

static int dir_mknod(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode, dev_t rdev)
{
	struct fuse_mknod_in in = {
		.mode = viewfs_create_mode(viewfs_inode_sb(dir), mode),
		.rdev = new_encode_dev(rdev),
		.umask = current_umask(),
	};
	struct viewfs_call call = {
		.opcode = FUSE_MKNOD,
		.in = { { &in, sizeof(in) }, { dentry->d_name.name, name_len(dentry) } },
	};

	return dir_check(dir, dentry) ?: entry_make(&call, dir, dentry, mode);
}

static int dir_create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		      umode_t mode, bool excl)
{
	return dir_mknod(idmap, dir, dentry, mode, 0);
}

static VIEWOS_MKDIR_RESULT dir_mkdir(struct mnt_idmap *idmap, struct inode *dir,
				     struct dentry *dentry, umode_t mode)
{
	struct fuse_mkdir_in in = {
		.mode = viewfs_create_mode(viewfs_inode_sb(dir), mode),
		.umask = current_umask(),
	};
	struct viewfs_call call = {
		.opcode = FUSE_MKDIR,
		.in = { { &in, sizeof(in) }, { dentry->d_name.name, name_len(dentry) } },
	};

	return viewos_mkdir_result(dir_check(dir, dentry) ?:
				   entry_make(&call, dir, dentry, S_IFDIR));
}

static int dir_symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const char *target)
{
	struct viewfs_call call = {
		.opcode = FUSE_SYMLINK,
		.in = {
			{ dentry->d_name.name, name_len(dentry) },
			{ target, strlen(target) + 1 },
		},
	};

	return dir_check(dir, dentry) ?: entry_make(&call, dir, dentry, S_IFLNK);
}

static int dir_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(old);
	struct fuse_link_in in = { .oldnodeid = viewfs_nodeid(inode) };
	struct viewfs_call call = {
		.opcode = FUSE_LINK,
		.in = { { &in, sizeof(in) }, { dentry->d_name.name, name_len(dentry) } },
	};
	int err;

	if (viewfs_inode_redirected(inode))
		return -EXDEV;
	err = dir_check(dir, dentry) ?: viewfs_inode_check(inode);
	if (err)
		return err;
	err = entry_make(&call, dir, dentry, viewfs_inode_type(inode));
	if (err)
		viewfs_attr_stale(inode, STATX_NLINK | STATX_CTIME);
	return err;
}

static int entry_remove(struct inode *dir, struct dentry *dentry, u32 opcode)
{
	struct inode *inode = d_inode(dentry);
	struct viewfs_call call = {
		.opcode = opcode,
		.nodeid = viewfs_nodeid(dir),
		.in = { { dentry->d_name.name, name_len(dentry) } },
		.late = viewfs_late_names,
	};
	int err;

	err = dir_check(dir, dentry);
	if (err)
		return err;
	err = viewfs_call_wait(viewfs_inode_sb(dir), &call);
	dir_changed(dir);
	viewfs_dentry_expire(dentry);
	viewfs_attr_stale(inode, STATX_NLINK | STATX_CTIME);
	return err;
}

static int dir_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct viewfs_inode *vi = viewfs_i(inode);
	int err;

	err = entry_remove(dir, dentry, FUSE_UNLINK);
	if (err)
		return err;
	spin_lock(&vi->lock);
	if (inode->i_nlink > 0)
		drop_nlink(inode);
	spin_unlock(&vi->lock);
	return 0;
}

static int dir_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	int err;

	err = entry_remove(dir, dentry, FUSE_RMDIR);
	if (err)
		return err;
	spin_lock(&viewfs_i(inode)->lock);
	clear_nlink(inode);
	spin_unlock(&viewfs_i(inode)->lock);
	return 0;
}

static void rename_done(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
			struct dentry *new, int err)
{
	dir_changed(old_dir);
	if (new_dir != old_dir)
		dir_changed(new_dir);
	viewfs_attr_stale(d_inode(old), STATX_CTIME | STATX_NLINK);
	if (d_really_is_positive(new))
		viewfs_attr_stale(d_inode(new), STATX_CTIME | STATX_NLINK);
	if (err) {
		/* Perhaps it was done all the same. */
		viewfs_dentry_expire(old);
		viewfs_dentry_expire(new);
	}
}

static int rename_send(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		       struct dentry *new, unsigned int flags)
{
	struct fuse_rename2_in in = {
		.newdir = viewfs_nodeid(new_dir),
		.flags = flags,
	};
	struct viewfs_call call = {
		.opcode = flags ? FUSE_RENAME2 : FUSE_RENAME,
		.nodeid = viewfs_nodeid(old_dir),
		.in = {
			{ &in, flags ? sizeof(in) : sizeof(struct fuse_rename_in) },
			{ old->d_name.name, name_len(old) },
			{ new->d_name.name, name_len(new) },
		},
		.late = viewfs_late_names,
	};

	return viewfs_call_wait(viewfs_inode_sb(old_dir), &call);
}

static int dir_rename(struct mnt_idmap *idmap, struct inode *old_dir, struct dentry *old,
		      struct inode *new_dir, struct dentry *new, unsigned int flags)
{
	struct viewfs_sb *fs = viewfs_inode_sb(old_dir);
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	err = dir_check(old_dir, old) ?: dir_check(new_dir, new);
	if (err)
		return err;
	if (flags && test_bit(VIEWFS_NO_RENAME2, &fs->flags))
		return -EINVAL;
	err = rename_send(old_dir, old, new_dir, new, flags);
	if (flags && viewfs_sb_lacks(fs, VIEWFS_NO_RENAME2, err))
		return -EINVAL;
	rename_done(old_dir, old, new_dir, new, err);
	if (!err && !(flags & RENAME_EXCHANGE) && d_really_is_positive(new)) {
		struct inode *gone = d_inode(new);

		spin_lock(&viewfs_i(gone)->lock);
		if (S_ISDIR(gone->i_mode))
			clear_nlink(gone);
		else if (gone->i_nlink > 0)
			drop_nlink(gone);
		spin_unlock(&viewfs_i(gone)->lock);
	}
	return err;
}

struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct viewos_path_target target;
};

static int create_opened(struct inode *inode, struct file *file)
{
	file->f_mode |= FMODE_CAN_ODIRECT;
	return generic_file_open(inode, file);
}

/* Ties a file that CREATE made and opened to its dentry and handle. */
static int create_finish(struct inode *dir, struct dentry *dentry, struct file *file,
			 struct viewfs_handle *handle, const struct create_out *out,
			 struct viewfs_target *target, u64 version)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	struct inode *inode;
	int err;

	inode = ERR_PTR(-EIO);
	if (S_ISREG(out->entry.attr.mode))
		inode = viewfs_entry_inode(dir->i_sb, &out->entry, version);
	if (IS_ERR(inode)) {
		viewfs_dentry_expire(dentry);
		viewfs_open_undo(fs->session, out->entry.nodeid, FUSE_RELEASE, out->open.fh, true);
		return PTR_ERR(inode);
	}
	viewfs_handle_bind(handle, inode, &out->open, file->f_flags);
	if (d_in_lookup(dentry))
		d_add(dentry, inode);
	else
		d_instantiate(dentry, inode);
	viewfs_dentry_hold(dentry, &out->entry);
	err = viewfs_backing_open(handle, target, file);
	if (err)
		return err;
	file->f_mode |= FMODE_CREATED;
	err = finish_open(file, dentry, create_opened);
	if (err)
		return err;
	viewfs_handle_attach(handle, file);
	return 0;
}

/* CREATE, or TMPFILE: a file without a name, with a dentry that is in no directory. */
static int create_open(struct inode *dir, struct dentry *dentry, struct file *file,
		       unsigned int flags, umode_t mode, u32 opcode)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	u64 version = viewfs_sb_version(fs);
	struct fuse_create_in in = {
		.flags = flags & ~O_NOCTTY,
		.mode = viewfs_create_mode(fs, mode) | S_IFREG,
		.umask = current_umask(),
		.open_flags = viewfs_open_killpriv(fs, flags),
	};
	struct viewfs_target target = { };
	struct create_out out;
	struct viewfs_call call = {
		.opcode = opcode,
		.nodeid = viewfs_nodeid(dir),
		.in = { { &in, sizeof(in) }, { dentry->d_name.name, name_len(dentry) } },
		.out = &out,
		.out_len = offsetof(struct create_out, target),
		.late = viewfs_late_create,
	};
	struct viewfs_handle *handle;
	int err;

	handle = viewfs_handle_create();
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	if (test_bit(VIEWFS_TARGET, &fs->flags)) {
		call.out_len = sizeof(out);
		call.out_var = true;
		call.check = viewfs_backing_check_create;
		call.target = &target;
	}
	err = viewfs_call_wait(fs, &call);
	if (err >= 0) {
		dir_changed(dir);
		err = create_finish(dir, dentry, file, handle, &out, &target, version);
		viewfs_target_drop(&target);
	} else if (err != -ENOSYS) {
		dir_changed(dir);
		viewfs_dentry_expire(dentry);
	}
	if (err)
		viewfs_handle_put(handle);
	return err;
}

/* The server has no CREATE: make it, then let the VFS open it. */
static int create_mknod(struct inode *dir, struct dentry *dentry, struct file *file, umode_t mode)
{
	int err;

	err = dir_mknod(&nop_mnt_idmap, dir, dentry, mode | S_IFREG, 0);
	if (err)
		return err;
	file->f_mode |= FMODE_CREATED;
	return finish_no_open(file, NULL);
}

/*
 * A name that must be new needs no LOOKUP before: CREATE says whether it is. Any
 * other is looked up, since the VFS must know whether the file was there before.
 */
static int dir_atomic_open(struct inode *dir, struct dentry *dentry, struct file *file,
			   unsigned int flags, umode_t mode)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	struct dentry *found = NULL;
	int err;

	err = dir_check(dir, dentry);
	if (err)
		return err;
	if (d_in_lookup(dentry) && viewfs_open_may_lookup(fs, flags)) {
		err = viewfs_open_lookup(dir, dentry, file);
		if (err <= 0)
			return err;
	}
	if (d_in_lookup(dentry) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL)) {
		found = viewfs_dir_lookup(dir, dentry, LOOKUP_OPEN);
		if (IS_ERR(found))
			return PTR_ERR(found);
		if (found)
			dentry = found;
	}
	if (!(flags & O_CREAT) || d_really_is_positive(dentry))
		return finish_no_open(file, found);

	err = -ENOSYS;
	if (!test_bit(VIEWFS_NO_CREATE, &fs->flags)) {
		err = create_open(dir, dentry, file, flags, mode, FUSE_CREATE);
		viewfs_sb_lacks(fs, VIEWFS_NO_CREATE, err);
	}
	if (err == -ENOSYS)
		err = create_mknod(dir, dentry, file, mode);
	dput(found);
	return err;
}

static int dir_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file, umode_t mode)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	int err;

	err = viewfs_inode_check(dir);
	if (err)
		return err;
	if (test_bit(VIEWFS_NO_TMPFILE, &fs->flags))
		return -EOPNOTSUPP;
	err = create_open(dir, file->f_path.dentry, file, file->f_flags, mode, FUSE_TMPFILE);
	return viewfs_sb_lacks(fs, VIEWFS_NO_TMPFILE, err) ? -EOPNOTSUPP : err;
}

static const char *symlink_get(struct dentry *dentry, struct inode *inode,
			       struct delayed_call *done)
{
	struct viewfs_call call = {
		.opcode = FUSE_READLINK,
		.nodeid = viewfs_nodeid(inode),
		.out_len = PATH_MAX - 1,
		.out_var = true,
	};
	char *target;
	int err;

	if (!dentry)
		return ERR_PTR(-ECHILD);
	err = viewfs_inode_check(inode);
	if (err)
		return ERR_PTR(err);
	target = kzalloc(PATH_MAX, GFP_KERNEL_ACCOUNT);
	if (!target)
		return ERR_PTR(-ENOMEM);
	call.out = target;
	err = viewfs_call_wait(viewfs_inode_sb(inode), &call);
	if (err >= 0 && (!err || strlen(target) != err))
		err = -EIO;
	if (err < 0) {
		kfree(target);
		return ERR_PTR(err);
	}
	set_delayed_call(done, kfree_link, target);
	return target;
}

static const struct inode_operations dir_inode_ops = {
	.lookup = viewfs_dir_lookup,
	.atomic_open = dir_atomic_open,
	.create = dir_create,
	.mknod = dir_mknod,
	.mkdir = dir_mkdir,
	.symlink = dir_symlink,
	.link = dir_link,
	.unlink = dir_unlink,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
	.tmpfile = dir_tmpfile,
	.permission = viewfs_inode_permission,
	.getattr = viewfs_inode_getattr,
	.setattr = viewfs_inode_setattr,
	.listxattr = viewfs_xattr_list,
	.get_inode_acl = viewfs_acl_get,
	.set_acl = viewfs_acl_set,
};

static const struct inode_operations symlink_inode_ops = {
	.get_link = symlink_get,
	.permission = viewfs_inode_permission,
	.getattr = viewfs_inode_getattr,
	.setattr = viewfs_inode_setattr,
	.listxattr = viewfs_xattr_list,
};

static const struct inode_operations special_inode_ops = {
	.permission = viewfs_inode_permission,
	.getattr = viewfs_inode_getattr,
	.setattr = viewfs_inode_setattr,
	.listxattr = viewfs_xattr_list,
	.get_inode_acl = viewfs_acl_get,
	.set_acl = viewfs_acl_set,
};

/**
 * viewfs_dir_init() - a new inode is a directory
 * @inode: the inode
 */
void viewfs_dir_init(struct inode *inode)
{
	inode->i_op = &dir_inode_ops;
	inode->i_fop = &viewfs_dir_file_ops;
}

/**
 * viewfs_symlink_init() - a new inode is a symbolic link
 * @inode: the inode
 */
void viewfs_symlink_init(struct inode *inode)
{
	inode->i_op = &symlink_inode_ops;
}

/**
 * viewfs_special_ops() - give an inode the inode operations of what is no file, directory or link
 * @inode: a new inode
 */
void viewfs_special_ops(struct inode *inode)
{
	inode->i_op = &special_inode_ops;
}

/**
 * viewfs_special_init() - a new inode is a device, a fifo or a socket
 * @inode: the inode
 * @rdev: of a device
 */
void viewfs_special_init(struct inode *inode, u32 rdev)
{
	viewfs_special_ops(inode);
	init_special_inode(inode, inode->i_mode, new_decode_dev(rdev));
}
