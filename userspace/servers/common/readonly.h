/* SPDX-License-Identifier: GPL-2.0 */
/* The operations that a file system which is only read refuses, with EROFS. */
#ifndef SERVERS_READONLY_H
#define SERVERS_READONLY_H

#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>

/* Whatever would change something. */
static inline void readonly_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
				    struct fuse_file_info *fi)
{
	(void)ino, (void)attr, (void)to_set, (void)fi;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
				  dev_t rdev)
{
	(void)parent, (void)name, (void)mode, (void)rdev;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_create(fuse_req_t req, fuse_ino_t parent, const char *name,
				   mode_t mode, struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	fuse_reply_err(req, EROFS);
}

/* unlink, rmdir and removexattr. */
static inline void readonly_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	(void)name;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
				    const char *name)
{
	(void)target, (void)parent, (void)name;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
				   fuse_ino_t newparent, const char *newname, unsigned int flags)
{
	(void)parent, (void)name, (void)newparent, (void)newname, (void)flags;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent,
				 const char *newname)
{
	(void)ino, (void)newparent, (void)newname;
	fuse_reply_err(req, EROFS);
}

static inline void readonly_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
				     const char *value, size_t size, int flags)
{
	(void)ino, (void)name, (void)value, (void)size, (void)flags;
	fuse_reply_err(req, EROFS);
}

/* For the initialiser of a struct fuse_lowlevel_ops. */
#define READONLY_OPS \
	.setattr = readonly_setattr, \
	.mknod = readonly_mknod, \
	.mkdir = readonly_mkdir, \
	.create = readonly_create, \
	.unlink = readonly_remove, \
	.rmdir = readonly_remove, \
	.symlink = readonly_symlink, \
	.rename = readonly_rename, \
	.link = readonly_link, \
	.setxattr = readonly_setxattr, \
	.removexattr = readonly_remove

#endif
