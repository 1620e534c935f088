/* SPDX-License-Identifier: GPL-2.0 */
/* What the operations share: extfs.c has those that read, change.c those that write. */
#ifndef EXT_OPS_H
#define EXT_OPS_H

#include "extfs.h"
#include "image.h"

struct extfs_options {
	struct image_how how;
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
	double ttl;
};

/* Nothing changes after extfs_open() but what image.lock protects. */
struct extfs {
	struct image image;
	struct extfs_options options;
	/* Of an image that is only read, in the ids of nodes. */
	uint32_t stamp;
	bool no_opendir;
	/* The kernel heeds access lists, and leaves the umask to us. */
	bool acl;
};

/* The root has another number there than here; the one it has here is never shown there. */
ext2_ino_t extfs_to_ext(const struct extfs *fs, fuse_ino_t ino);

struct extfs *extfs_lock(fuse_req_t req);
void extfs_unlock(struct extfs *fs);

/* Fills in what is told of an inode. Returns 0 or a negative errno. */
int extfs_entry_fill(struct extfs *fs, ext2_ino_t ino, struct fuse_entry_param *param);

/* Answers with an entry that the kernel then knows, or an error. */
void extfs_reply_entry(fuse_req_t req, struct extfs *fs, int err,
		       const struct fuse_entry_param *param);

/* Counts an entry that is about to be told. Returns 0 or -ENOMEM. */
int extfs_entry_get(struct extfs *fs, const struct fuse_entry_param *param);
/* It was not told after all. Takes the lock. */
void extfs_entry_put(struct extfs *fs, const struct fuse_entry_param *param);

void extfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		   struct fuse_file_info *fi);
void extfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void extfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void extfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi);
void extfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void extfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void extfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void extfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void extfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned int flags);
void extfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi);
void extfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi);
void extfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags);
void extfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void extfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

#endif
