// SPDX-License-Identifier: GPL-2.0
/* Operations on the names of a memfs: looking up, making, linking, removing, renaming. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inode.h"

/* Describes an inode to the kernel, which knows it once more from then on. */
static void entry_fill_locked(struct memfs *fs, struct inode *inode,
			      struct fuse_entry_param *param)
{
	atomic_fetch_add(&inode->nlookup, 1);
	param->ino = inode->ino;
	memfs_inode_stat_locked(inode, &param->attr);
	param->attr_timeout = fs->ttl;
	param->entry_timeout = fs->ttl;
}

static void reply_entry(fuse_req_t req, struct memfs *fs, int err,
			const struct fuse_entry_param *param)
{
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_entry(req, param) && param->ino)
		memfs_inode_forget(fs, param->ino, 1);
}

static void touch(struct inode *inode)
{
	inode->mtime = inode->ctime = memfs_now();
}

/* Finds a directory that is to be changed. */
static int dir_find_locked(struct memfs *fs, fuse_ino_t ino, struct inode **dir)
{
	*dir = memfs_inode_find_locked(fs, ino);
	if (!*dir)
		return -ESTALE;
	return S_ISDIR((*dir)->mode) ? 0 : -ENOTDIR;
}

/* "." and ".." are asked for by those who come by a file handle. */
static int lookup_locked(struct memfs *fs, fuse_ino_t parent, const char *name,
			 struct inode **inode)
{
	struct inode *dir = memfs_inode_find_locked(fs, parent);
	struct entry *entry;

	*inode = NULL;
	if (!dir)
		return -ESTALE;
	if (!strcmp(name, ".")) {
		/* A handle leads to nothing that has been removed. */
		if (!dir->nlink && !dir->linkable)
			return -ESTALE;
		*inode = dir;
		return 0;
	}
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (!strcmp(name, "..")) {
		*inode = dir->dir.parent;
		return 0;
	}
	if (strlen(name) > MEMFS_NAME_MAX)
		return -ENAMETOOLONG;
	entry = memfs_entry_find_locked(fs, dir, name);
	if (entry)
		*inode = entry->inode;
	return 0;
}

void memfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct fuse_entry_param param = { .entry_timeout = fs->ttl };
	struct inode *inode;
	int err;

	pthread_rwlock_rdlock(&fs->tree);
	err = lookup_locked(fs, parent, name, &inode);
	if (inode) {
		pthread_rwlock_rdlock(&inode->lock);
		entry_fill_locked(fs, inode, &param);
		pthread_rwlock_unlock(&inode->lock);
	}
	pthread_rwlock_unlock(&fs->tree);
	reply_entry(req, fs, err, &param);
}

/* Gives an inode its first name. On failure the inode is freed. */
static int inode_name_locked(struct memfs *fs, struct inode *dir, const char *name,
			     struct inode *inode)
{
	int err = memfs_entry_add_locked(fs, dir, name, inode);

	if (err) {
		memfs_inode_put_locked(fs, inode);
		return err;
	}
	inode->nlink = 1;
	if (S_ISDIR(inode->mode)) {
		inode->nlink = 2;
		dir->nlink++;
	}
	touch(dir);
	return 0;
}

static int symlink_set_target_locked(struct memfs *fs, struct inode *inode, const char *target)
{
	size_t len = strlen(target);

	if (memfs_pages_charge(&fs->pages, len))
		return -ENOSPC;
	inode->target = strdup(target);
	if (!inode->target) {
		memfs_pages_uncharge(&fs->pages, len);
		return -ENOMEM;
	}
	inode->size = (off_t)len;
	return 0;
}

/* Makes a new name and inode of any type; target is that of a symbolic link, else NULL. */
static int make_locked(struct memfs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent,
		       const char *name, mode_t mode, dev_t rdev, const char *target,
		       struct fuse_entry_param *param)
{
	struct inode *dir, *inode;
	int err;

	err = dir_find_locked(fs, parent, &dir);
	if (err)
		return err;
	inode = memfs_inode_create_locked(fs, dir, mode, ctx, &err);
	if (!inode)
		return err;
	inode->rdev = rdev;
	err = target ? symlink_set_target_locked(fs, inode, target) :
		       memfs_acl_create_locked(fs, dir, inode, ctx->umask);
	if (err) {
		memfs_inode_put_locked(fs, inode);
		return err;
	}
	err = inode_name_locked(fs, dir, name, inode);
	if (!err)
		entry_fill_locked(fs, inode, param);
	return err;
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev,
		 const char *target)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct fuse_entry_param param = {};
	int err;

	pthread_rwlock_wrlock(&fs->tree);
	err = make_locked(fs, fuse_req_ctx(req), parent, name, mode, rdev, target, &param);
	pthread_rwlock_unlock(&fs->tree);
	reply_entry(req, fs, err, &param);
}

void memfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode) || S_ISLNK(mode))
		fuse_reply_err(req, EINVAL);
	else
		make(req, parent, name, mode, S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0, NULL);
}

void memfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, S_IFDIR | (mode & 07777), 0, NULL);
}

void memfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, S_IFLNK | 0777, 0, target);
}

/* Somebody may have made the file since the kernel looked: it is opened, unless O_EXCL forbids. */
static int create_existing_locked(struct memfs *fs, struct inode *inode, int flags,
				  struct fuse_entry_param *param)
{
	if ((flags & O_EXCL) || !S_ISREG(inode->mode))
		return -EEXIST;
	if (flags & O_TRUNC)
		memfs_file_resize_locked(fs, inode, 0);
	entry_fill_locked(fs, inode, param);
	return 0;
}

/* A file without a name: it lives while the kernel knows it. */
static int tmpfile_locked(struct memfs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent,
			  mode_t mode, struct fuse_entry_param *param)
{
	struct inode *dir, *inode;
	int err;

	err = dir_find_locked(fs, parent, &dir);
	if (err)
		return err;
	if (!dir->nlink)
		return -ENOENT;
	inode = memfs_inode_create_locked(fs, dir, mode, ctx, &err);
	if (!inode)
		return err;
	err = memfs_acl_create_locked(fs, dir, inode, ctx->umask);
	if (err) {
		memfs_inode_put_locked(fs, inode);
		return err;
	}
	inode->linkable = true;
	entry_fill_locked(fs, inode, param);
	return 0;
}

static int create_locked(struct memfs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent,
			 const char *name, mode_t mode, int flags, struct fuse_entry_param *param)
{
	struct inode *inode;
	int err;

	if (!strcmp(name, MEMFS_NO_NAME))
		return tmpfile_locked(fs, ctx, parent, mode, param);
	err = lookup_locked(fs, parent, name, &inode);
	if (inode)
		return create_existing_locked(fs, inode, flags, param);
	return err ? err : make_locked(fs, ctx, parent, name, mode, 0, NULL, param);
}

void memfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct fuse_entry_param param = {};
	int err;

	pthread_rwlock_wrlock(&fs->tree);
	err = create_locked(fs, fuse_req_ctx(req), parent, name, S_IFREG | (mode & 07777),
			    fi->flags, &param);
	pthread_rwlock_unlock(&fs->tree);
	fi->keep_cache = 1;
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_create(req, &param, fi))
		memfs_inode_forget(fs, param.ino, 1);
}

static int link_locked(struct memfs *fs, fuse_ino_t ino, fuse_ino_t parent, const char *name,
		       struct fuse_entry_param *param)
{
	struct inode *inode = memfs_inode_find_locked(fs, ino), *dir;
	int err;

	if (!inode)
		return -ESTALE;
	err = dir_find_locked(fs, parent, &dir);
	if (err)
		return err;
	if (S_ISDIR(inode->mode))
		return -EPERM;
	if (!inode->nlink && !inode->linkable)
		return -ENOENT;
	if (inode->nlink && fs->nr_inodes >= fs->max_inodes)
		return -ENOSPC;
	err = memfs_entry_add_locked(fs, dir, name, inode);
	if (err)
		return err;
	/* An inode counts with its first name. */
	if (inode->nlink++)
		fs->nr_inodes++;
	inode->linkable = false;
	touch(dir);
	inode->ctime = dir->ctime;
	entry_fill_locked(fs, inode, param);
	return 0;
}

void memfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct fuse_entry_param param = {};
	int err;

	pthread_rwlock_wrlock(&fs->tree);
	err = link_locked(fs, ino, parent, name, &param);
	pthread_rwlock_unlock(&fs->tree);
	reply_entry(req, fs, err, &param);
}

/* An inode has lost a name that was in dir; a directory has lost its only one. */
static void unname_locked(struct memfs *fs, struct inode *dir, struct inode *inode)
{
	inode->ctime = memfs_now();
	if (S_ISDIR(inode->mode)) {
		inode->nlink = 0;
		inode->dir.parent = inode;
		dir->nlink--;
	} else if (--inode->nlink) {
		fs->nr_inodes--;
	}
	memfs_inode_put_locked(fs, inode);
}

/* Whether what a name stands for may be removed as a directory, or as something else. */
static int removable(const struct inode *inode, bool as_dir)
{
	if (!S_ISDIR(inode->mode))
		return as_dir ? -ENOTDIR : 0;
	if (!as_dir)
		return -EISDIR;
	return inode->dir.nr_entries ? -ENOTEMPTY : 0;
}

static int remove_locked(struct memfs *fs, fuse_ino_t parent, const char *name, bool as_dir)
{
	struct inode *dir, *inode;
	struct entry *entry;
	int err;

	err = dir_find_locked(fs, parent, &dir);
	if (err)
		return err;
	entry = memfs_entry_find_locked(fs, dir, name);
	if (!entry)
		return -ENOENT;
	inode = entry->inode;
	err = removable(inode, as_dir);
	if (err)
		return err;
	memfs_entry_del_locked(fs, entry);
	touch(dir);
	unname_locked(fs, dir, inode);
	return 0;
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, bool as_dir)
{
	struct memfs *fs = fuse_req_userdata(req);
	int err;

	pthread_rwlock_wrlock(&fs->tree);
	err = remove_locked(fs, parent, name, as_dir);
	pthread_rwlock_unlock(&fs->tree);
	fuse_reply_err(req, -err);
}

void memfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

void memfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}

static bool is_inside(const struct inode *dir, const struct inode *ancestor)
{
	while (dir != ancestor && dir->dir.parent != dir)
		dir = dir->dir.parent;
	return dir == ancestor;
}

/* A directory has moved: its parents' links and its own way up follow. */
static void reparent(struct inode *inode, struct inode *from, struct inode *to)
{
	inode->ctime = memfs_now();
	if (!S_ISDIR(inode->mode))
		return;
	from->nlink--;
	to->nlink++;
	inode->dir.parent = to;
}

static int exchange_locked(struct entry *a, struct entry *b)
{
	struct inode *inode = a->inode;

	if (S_ISDIR(b->inode->mode) && is_inside(a->dir, b->inode))
		return -EINVAL;
	reparent(a->inode, a->dir, b->dir);
	reparent(b->inode, b->dir, a->dir);
	a->inode = b->inode;
	b->inode = inode;
	return 0;
}

static int replace_locked(struct memfs *fs, struct entry *from, struct entry *to)
{
	struct inode *lost = to->inode, *moved = from->inode;
	int err;

	if (lost == moved)
		return 0;
	err = removable(lost, S_ISDIR(moved->mode));
	if (err)
		return err;
	reparent(moved, from->dir, to->dir);
	to->inode = moved;
	unname_locked(fs, to->dir, lost);
	memfs_entry_del_locked(fs, from);
	return 0;
}

static int move_locked(struct memfs *fs, struct entry *from, struct inode *to, const char *name)
{
	int err = memfs_entry_add_locked(fs, to, name, from->inode);

	if (err)
		return err;
	reparent(from->inode, from->dir, to);
	memfs_entry_del_locked(fs, from);
	return 0;
}

/* What is moved leaves a character device of number 0 behind, by which overlayfs knows. */
static int whiteout_locked(struct memfs *fs, const struct fuse_ctx *ctx, struct entry *from,
			   struct entry *to, struct inode *to_dir, const char *name)
{
	struct inode *lost = to ? to->inode : NULL, *whiteout;
	int err = 0;

	if (lost == from->inode)
		return 0;
	if (lost)
		err = removable(lost, S_ISDIR(from->inode->mode));
	if (err)
		return err;
	whiteout = memfs_inode_create_locked(fs, from->dir, S_IFCHR, ctx, &err);
	if (!whiteout)
		return err;
	if (!to)
		err = memfs_entry_add_locked(fs, to_dir, name, whiteout);
	if (err) {
		memfs_inode_put_locked(fs, whiteout);
		return err;
	}
	if (!to)
		to = memfs_entry_find_locked(fs, to_dir, name);
	whiteout->nlink = 1;
	reparent(from->inode, from->dir, to_dir);
	to->inode = from->inode;
	from->inode = whiteout;
	if (lost)
		unname_locked(fs, to_dir, lost);
	return 0;
}

static bool rename_known(unsigned int flags)
{
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return false;
	return !(flags & RENAME_EXCHANGE) || flags == RENAME_EXCHANGE;
}

static int rename_locked(struct memfs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent,
			 const char *name, fuse_ino_t newparent, const char *newname,
			 unsigned int flags)
{
	struct inode *from_dir, *to_dir;
	struct entry *from, *to;
	int err;

	if (!rename_known(flags))
		return -EINVAL;
	err = dir_find_locked(fs, parent, &from_dir);
	if (!err)
		err = dir_find_locked(fs, newparent, &to_dir);
	if (err)
		return err;
	from = memfs_entry_find_locked(fs, from_dir, name);
	to = memfs_entry_find_locked(fs, to_dir, newname);
	if (!from || (!to && (flags & RENAME_EXCHANGE)))
		return -ENOENT;
	if (to && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (S_ISDIR(from->inode->mode) && is_inside(to_dir, from->inode))
		return -EINVAL;

	if (flags & RENAME_EXCHANGE)
		err = exchange_locked(from, to);
	else if (flags & RENAME_WHITEOUT)
		err = whiteout_locked(fs, ctx, from, to, to_dir, newname);
	else if (to)
		err = replace_locked(fs, from, to);
	else
		err = move_locked(fs, from, to_dir, newname);
	if (!err) {
		touch(from_dir);
		touch(to_dir);
	}
	return err;
}

void memfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned int flags)
{
	struct memfs *fs = fuse_req_userdata(req);
	int err;

	pthread_rwlock_wrlock(&fs->tree);
	err = rename_locked(fs, fuse_req_ctx(req), parent, name, newparent, newname, flags);
	pthread_rwlock_unlock(&fs->tree);
	fuse_reply_err(req, -err);
}
