/* SPDX-License-Identifier: GPL-2.0 */
/* The objects of a memfs: the file system, its inodes, the names in its directories. */
#ifndef MEMFS_INODE_H
#define MEMFS_INODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "../common/table.h"
#include "data.h"
#include "memfs.h"
#include "pages.h"

#define MEMFS_NAME_MAX 255

/* What create is told for a file without a name: viewos_fuse_want_tmpfile() */
#define MEMFS_NO_NAME "/"

/*
 * Locking. Two levels, taken in this order:
 *
 *   memfs.tree   read by every operation for its whole length, written by those that change
 *                names: create, link, unlink, rename, and the freeing of an inode. Who holds it
 *                for writing is alone in the file system and needs no other lock.
 *   inode.lock   with the tree read: attributes, content and extended attributes of one inode.
 *                Of two inodes the one with the smaller number is locked first.
 *
 * Beneath them is only pages.lock. A reply that carries content is sent under the read locks,
 * straight from the file's pages: writev(2) to a session never waits for another request. All
 * other replies are sent with no lock held, for if the kernel refuses one (the caller was
 * killed), what it gave is taken back.
 *
 * Lifetime. An inode lives while it has a name (nlink) or the kernel knows it (nlookup). The
 * kernel knows what is open or mapped, so open files need no count of their own.
 */

struct xattr;

/* A name in a directory. */
struct entry {
	struct table_node node;		/* in memfs.names, by the directory's number and name */
	struct inode *dir;
	struct inode *inode;
	uint64_t cookie;		/* its place in readdir; grows, never reused */
	size_t len;
	char name[];
};

/* The entries of a directory by cookie; a removed one leaves a NULL for a while. */
struct dir {
	struct inode *parent;
	struct dir_slot {
		uint64_t cookie;
		struct entry *entry;
	} *slots;
	size_t nr_slots;
	size_t max_slots;
	size_t nr_entries;
	uint64_t last_cookie;
};

struct inode {
	struct table_node node;		/* in memfs.inodes, under its number */
	fuse_ino_t ino;			/* never reused in a file system */
	atomic_uint_fast64_t nlookup;
	pthread_rwlock_t lock;
	mode_t mode;
	nlink_t nlink;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	bool linkable;			/* it has no name, and may get one */
	off_t size;
	struct timespec atime;
	struct timespec mtime;
	struct timespec ctime;
	struct xattr *xattrs;
	union {
		struct data data;	/* regular file */
		struct dir dir;
		char *target;		/* symbolic link */
	};
};

struct memfs {
	pthread_rwlock_t tree;
	struct table inodes;
	struct table names;
	struct inode *root;
	fuse_ino_t last_ino;
	uint64_t nr_inodes;		/* files, and links beyond a file's first */
	uint64_t max_inodes;
	struct pages pages;
	double ttl;
	bool opens;			/* the kernel is to send opens; constant */
	bool writeback;			/* the kernel is to write back; constant */
	bool no_open;			/* the kernel can do without opens; set by init */
	bool no_opendir;
	bool acl;			/* lists of access are kept, the umask is ours; likewise */
};

struct timespec memfs_now(void);

/* The inode of a number, or NULL. Needs the tree lock. */
struct inode *memfs_inode_find_locked(struct memfs *fs, fuse_ino_t ino);

/*
 * Makes an inode for a new name in dir (NULL for the root), owned as POSIX says; it has no name
 * yet, so nlink is 0. Needs the tree lock for writing. Returns NULL with *err -ENOSPC or -ENOMEM.
 */
struct inode *memfs_inode_create_locked(struct memfs *fs, struct inode *dir, mode_t mode,
					const struct fuse_ctx *ctx, int *err);

/* Frees an inode that neither has a name nor is known to the kernel. Needs the tree for writing. */
void memfs_inode_put_locked(struct memfs *fs, struct inode *inode);

/* Frees an inode as it is; for the end of the file system. */
void memfs_inode_free(struct memfs *fs, struct inode *inode);

/* The kernel forgets n lookups. Takes the tree lock. */
void memfs_inode_forget(struct memfs *fs, fuse_ino_t ino, uint64_t n);

/* Finds an inode and takes the tree for reading and the inode's lock; NULL if there is none. */
struct inode *memfs_inode_rdlock(struct memfs *fs, fuse_ino_t ino);
struct inode *memfs_inode_wrlock(struct memfs *fs, fuse_ino_t ino);
void memfs_inode_unlock(struct memfs *fs, struct inode *inode);

/* Needs the inode's lock or the tree for writing. */
void memfs_inode_stat_locked(const struct inode *inode, struct stat *st);

/* Updates the access time after a read, seldom enough (as relatime does). Takes the locks. */
void memfs_inode_accessed(struct memfs *fs, fuse_ino_t ino);

/* Directories. All need the tree lock, add, del and replace for writing. */
struct entry *memfs_entry_find_locked(struct memfs *fs, struct inode *dir, const char *name);

/* Adds a name. Returns 0, -EEXIST, -ENOENT (the directory is removed), -ENAMETOOLONG, -ENOMEM. */
int memfs_entry_add_locked(struct memfs *fs, struct inode *dir, const char *name,
			   struct inode *inode);
void memfs_entry_del_locked(struct memfs *fs, struct entry *entry);

/* The index of the first slot whose cookie is greater than the given one. */
size_t memfs_dir_seek(const struct dir *dir, uint64_t cookie);
void memfs_dir_free(struct dir *dir);

/*
 * Extended attributes. All need the inode's lock, set and remove for writing. get and list return
 * the size, and fill buf if size is not 0; -ERANGE if it is too small. list shows the trusted
 * ones only to root.
 */
int memfs_xattr_set_locked(struct memfs *fs, struct inode *inode, const char *name,
			   const char *value, size_t size, int flags);
ssize_t memfs_xattr_get_locked(const struct memfs *fs, const struct inode *inode,
			       const char *name, char *buf, size_t size);
ssize_t memfs_xattr_list_locked(const struct inode *inode, bool root, char *buf, size_t size);
int memfs_xattr_remove_locked(struct memfs *fs, struct inode *inode, const char *name);
void memfs_xattr_free(struct memfs *fs, struct inode *inode);

/*
 * The same without questions, for lists of access: set or replace one, which is 0, -ENOSPC or
 * -ENOMEM; drop it, if there is one; find it, as it is, or NULL.
 */
int memfs_xattr_put_locked(struct memfs *fs, struct inode *inode, const char *name,
			   const char *value, size_t size);
void memfs_xattr_drop_locked(struct memfs *fs, struct inode *inode, const char *name);
char *memfs_xattr_value_locked(struct inode *inode, const char *name, size_t *size);

/* Lists of access, in acl.c: the inode's lock for writing, or the tree. */
#define MEMFS_ACL_ACCESS "system.posix_acl_access"
#define MEMFS_ACL_DEFAULT "system.posix_acl_default"

bool memfs_acl_is_name(const char *name);

/* Sets a list, and the mode by it. Returns 0, -EINVAL, -EACCES, -ENOSPC, -ENOMEM. */
int memfs_acl_set_locked(struct memfs *fs, struct inode *inode, const char *name, char *value,
			 size_t size);

/* The mode was changed: the list follows. */
void memfs_acl_chmod_locked(struct inode *inode);

/* A new inode's mode and lists, by its directory's default list or by the umask. */
int memfs_acl_create_locked(struct memfs *fs, struct inode *dir, struct inode *inode,
			    mode_t umask);

/* Readdir, in dir.c: both FUSE operations. */
void memfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi);
void memfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi);

/* Operations on names, in name.c. */
void memfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void memfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void memfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void memfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void memfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi);
void memfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void memfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void memfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void memfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned int flags);

/* Operations on content, in file.c. */
void memfs_file_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void memfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void memfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi);
void memfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi);
void memfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void memfs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags);

/* Sets the size of a regular file. Needs the inode's lock for writing, or the tree. */
void memfs_file_resize_locked(struct memfs *fs, struct inode *inode, off_t size);

#endif
