// SPDX-License-Identifier: GPL-2.0
/* The operations that change an image. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "content.h"
#include "name.h"
#include "node.h"
#include "ops.h"
#include "xattr.h"

/* What create is told for a file without a name: viewos_fuse_want_tmpfile() */
#define NO_NAME "/"

/* Locks what is to be changed, or answers that it is only read, and returns NULL. */
static struct extfs *change_begin(fuse_req_t req)
{
	struct extfs *fs = fuse_req_userdata(req);

	if (!fs->image.rw) {
		fuse_reply_err(req, EROFS);
		return NULL;
	}
	return extfs_lock(req);
}

static void change_end(fuse_req_t req, struct extfs *fs, int err)
{
	extfs_unlock(fs);
	fuse_reply_err(req, -err);
}

static void set_owner(struct ext2_inode_large *inode, const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_UID) {
		inode->i_uid = (uint16_t)attr->st_uid;
		inode->osd2.linux2.l_i_uid_high = (uint16_t)(attr->st_uid >> 16);
	}
	if (to_set & FUSE_SET_ATTR_GID) {
		inode->i_gid = (uint16_t)attr->st_gid;
		inode->osd2.linux2.l_i_gid_high = (uint16_t)(attr->st_gid >> 16);
	}
}

static void set_mode(struct ext2_inode_large *inode, const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_MODE)
		inode->i_mode = (uint16_t)((inode->i_mode & S_IFMT) | (attr->st_mode & 07777));
	/* The kernel has one flag for both bits, which arrives as the first of these. */
	if (to_set & (FUSE_SET_ATTR_KILL_SUID | FUSE_SET_ATTR_KILL_SGID)) {
		inode->i_mode &= (uint16_t)~S_ISUID;
		if (inode->i_mode & S_IXGRP)
			inode->i_mode &= (uint16_t)~S_ISGID;
	}
}

static void set_times(struct image *image, struct ext2_inode_large *inode, const struct stat *attr,
		      int to_set)
{
	struct timespec now = image_now();

	if (to_set & FUSE_SET_ATTR_ATIME)
		image_set_times(image, inode, IMAGE_ATIME,
				to_set & FUSE_SET_ATTR_ATIME_NOW ? now : attr->st_atim);
	if (to_set & FUSE_SET_ATTR_MTIME)
		image_set_times(image, inode, IMAGE_MTIME,
				to_set & FUSE_SET_ATTR_MTIME_NOW ? now : attr->st_mtim);
	image_set_times(image, inode, IMAGE_CTIME,
			to_set & FUSE_SET_ATTR_CTIME ? attr->st_ctim : now);
}

static int set_size(struct image *image, ext2_ino_t ino, off_t size)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, ino, &inode);

	if (err)
		return err;
	if (!S_ISREG(inode.i_mode))
		return S_ISDIR(inode.i_mode) ? -EISDIR : -EINVAL;
	return size < 0 ? -EINVAL : content_resize(image, ino, (uint64_t)size);
}

static int set_attributes(struct image *image, ext2_ino_t ino, const struct stat *attr, int to_set)
{
	struct ext2_inode_large inode;
	int err;

	err = image_inode(image, ino, &inode);
	/* What is encrypted has attributes that are not. */
	if (!err && inode.i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		err = -EPERM;
	if (!err && to_set & FUSE_SET_ATTR_SIZE)
		err = set_size(image, ino, attr->st_size);
	if (!err && to_set & FUSE_SET_ATTR_MODE)
		err = xattr_chmod(image, ino, attr->st_mode);
	if (!err)
		err = image_inode(image, ino, &inode);
	if (err)
		return err;
	set_owner(&inode, attr, to_set);
	set_mode(&inode, attr, to_set);
	set_times(image, &inode, attr, to_set);
	return image_inode_write(image, ino, &inode);
}

void extfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		   struct fuse_file_info *fi)
{
	struct extfs *fs = change_begin(req);
	struct fuse_entry_param param;
	int err;

	(void)fi;
	if (!fs)
		return;
	err = set_attributes(&fs->image, extfs_to_ext(fs, ino), attr, to_set);
	if (!err)
		err = extfs_entry_fill(fs, extfs_to_ext(fs, ino), &param);
	extfs_unlock(fs);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_attr(req, &param.attr, param.attr_timeout);
}

/* Makes what it is told to, and has the entry ready to be told. */
static int make(fuse_req_t req, struct extfs *fs, fuse_ino_t parent, const char *name,
		struct making *making, struct fuse_entry_param *param)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	ext2_ino_t ino;
	int err;

	making->uid = ctx->uid;
	making->gid = ctx->gid;
	making->umask = fs->acl ? ctx->umask : 0;
	err = name_make(&fs->image, extfs_to_ext(fs, parent), name, making, &ino);
	if (!err)
		err = node_get(&fs->image, ino);
	if (err)
		return err;
	/* Without a name it can be read now that it is known. */
	err = extfs_entry_fill(fs, ino, param);
	if (err)
		node_forget(&fs->image, ino, 1);
	return err;
}

static void make_and_reply(fuse_req_t req, fuse_ino_t parent, const char *name,
			   struct making *making)
{
	struct extfs *fs = change_begin(req);
	struct fuse_entry_param param;
	int err;

	if (!fs)
		return;
	err = make(req, fs, parent, name, making, &param);
	extfs_unlock(fs);
	extfs_reply_entry(req, fs, err, &param);
}

void extfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct making making = { .mode = mode & (S_IFMT | 07777), .rdev = rdev };

	make_and_reply(req, parent, name, &making);
}

void extfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct making making = { .mode = S_IFDIR | (mode & 07777) };

	make_and_reply(req, parent, name, &making);
}

void extfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct making making = { .mode = S_IFLNK | 0777, .target = target };

	make_and_reply(req, parent, name, &making);
}

void extfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi)
{
	struct making making = { .mode = S_IFREG | (mode & 07777) };
	struct extfs *fs = change_begin(req);
	struct fuse_entry_param param;
	int err;

	if (!fs)
		return;
	err = make(req, fs, parent, strcmp(name, NO_NAME) ? name : NULL, &making, &param);
	extfs_unlock(fs);
	fi->keep_cache = 1;
	fi->noflush = 1;
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_create(req, &param, fi))
		extfs_entry_put(fs, &param);
}

void extfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct extfs *fs = change_begin(req);
	struct fuse_entry_param param;
	int err;

	if (!fs)
		return;
	err = name_link(&fs->image, extfs_to_ext(fs, ino), extfs_to_ext(fs, parent), name);
	if (!err)
		err = extfs_entry_fill(fs, extfs_to_ext(fs, ino), &param);
	if (!err)
		err = extfs_entry_get(fs, &param);
	extfs_unlock(fs);
	extfs_reply_entry(req, fs, err, &param);
}

static void unlink_and_reply(fuse_req_t req, fuse_ino_t parent, const char *name, bool is_dir)
{
	struct extfs *fs = change_begin(req);

	if (fs)
		change_end(req, fs,
			   name_unlink(&fs->image, extfs_to_ext(fs, parent), name, is_dir));
}

void extfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	unlink_and_reply(req, parent, name, false);
}

void extfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	unlink_and_reply(req, parent, name, true);
}

void extfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned int flags)
{
	struct extfs *fs = change_begin(req);

	if (fs)
		change_end(req, fs, name_rename(&fs->image, extfs_to_ext(fs, parent), name,
						extfs_to_ext(fs, newparent), newname, flags));
}

void extfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi)
{
	struct extfs *fs = change_begin(req);
	ssize_t done;

	(void)fi;
	if (!fs)
		return;
	done = content_write(&fs->image, extfs_to_ext(fs, ino), (uint64_t)off, buf, size);
	extfs_unlock(fs);
	if (done < 0)
		fuse_reply_err(req, (int)-done);
	else
		fuse_reply_write(req, (size_t)done);
}

void extfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi)
{
	struct extfs *fs = change_begin(req);

	(void)fi;
	if (fs)
		change_end(req, fs, content_allocate(&fs->image, extfs_to_ext(fs, ino), mode,
						     (uint64_t)off, (uint64_t)len));
}

void extfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags)
{
	struct extfs *fs = change_begin(req);

	if (fs)
		change_end(req, fs, xattr_set(&fs->image, extfs_to_ext(fs, ino), name, value, size,
					      flags));
}

void extfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct extfs *fs = change_begin(req);

	if (fs)
		change_end(req, fs, xattr_remove(&fs->image, extfs_to_ext(fs, ino), name));
}

/* All is written: libext2fs does not know what belongs to a file. */
void extfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct extfs *fs = fuse_req_userdata(req);

	(void)ino;
	(void)datasync;
	(void)fi;
	if (!fs->image.rw) {
		fuse_reply_err(req, 0);
		return;
	}
	extfs_lock(req);
	change_end(req, fs, image_sync(&fs->image));
}
