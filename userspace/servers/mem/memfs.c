// SPDX-License-Identifier: GPL-2.0
/* A memfs: its options and life, and the operations on attributes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "../common/options.h"
#include "inode.h"

/* Nobody but the kernel changes what is here, so it need not ask again soon. */
#define DEFAULT_TTL 3600.0

/* The kernel heeds lists of access, and leaves the umask to us. */
#define MEMFS_ACL_CAPS (FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK)

struct memfs_options {
	uint64_t size;
	uint64_t inodes;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	double ttl;
	bool opens;
	bool writeback;
};

static const struct option_entry option_table[] = {
	{ "size", OPTION_SIZE, offsetof(struct memfs_options, size) },
	{ "inodes", OPTION_SIZE, offsetof(struct memfs_options, inodes) },
	{ "mode", OPTION_MODE, offsetof(struct memfs_options, mode) },
	{ "uid", OPTION_ID, offsetof(struct memfs_options, uid) },
	{ "gid", OPTION_ID, offsetof(struct memfs_options, gid) },
	{ "ttl", OPTION_SECONDS, offsetof(struct memfs_options, ttl) },
	{ "opens", OPTION_FLAG, offsetof(struct memfs_options, opens) },
	{ "writeback", OPTION_FLAG, offsetof(struct memfs_options, writeback) },
	{}
};

static void memfs_init(void *userdata, struct fuse_conn_info *conn)
{
	struct memfs *fs = userdata;

	/* The kernel sees to privileges better, as it knows who is privileged. */
	conn->want &= ~(FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_AUTO_INVAL_DATA);
	conn->want |= conn->capable & (FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_CACHE_SYMLINKS |
				       FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS |
				       FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	/* Nothing is to be done for it: READ and WRITE need no open, and heed the offset. */
	if (fs->writeback)
		conn->want |= conn->capable & FUSE_CAP_WRITEBACK_CACHE;
	/* Both or none: who hands lists down has to know the umask. */
	fs->acl = (conn->capable & MEMFS_ACL_CAPS) == MEMFS_ACL_CAPS;
	if (fs->acl)
		conn->want |= MEMFS_ACL_CAPS;
	fs->no_open = !fs->opens && (conn->capable & FUSE_CAP_NO_OPEN_SUPPORT);
	fs->no_opendir = !fs->opens && (conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT);
	/* Without opens there is nobody to truncate in one. */
	if (fs->no_open)
		conn->want &= ~FUSE_CAP_ATOMIC_O_TRUNC;
}

static void memfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	memfs_inode_forget(fuse_req_userdata(req), ino, nlookup);
	fuse_reply_none(req);
}

static void memfs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		memfs_inode_forget(fuse_req_userdata(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void memfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = memfs_inode_rdlock(fs, ino);
	struct stat st;

	(void)fi;
	if (!inode) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	memfs_inode_stat_locked(inode, &st);
	memfs_inode_unlock(fs, inode);
	fuse_reply_attr(req, &st, fs->ttl);
}

static void set_owner_and_mode_locked(struct inode *inode, const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_UID)
		inode->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		inode->gid = attr->st_gid;
	if (to_set & FUSE_SET_ATTR_MODE) {
		inode->mode = (inode->mode & S_IFMT) | (attr->st_mode & 07777);
		memfs_acl_chmod_locked(inode);
	}
	/* The kernel has one flag for both bits, which arrives as the first of these. */
	if (to_set & (FUSE_SET_ATTR_KILL_SUID | FUSE_SET_ATTR_KILL_SGID)) {
		inode->mode &= ~(mode_t)S_ISUID;
		if (inode->mode & S_IXGRP)
			inode->mode &= ~(mode_t)S_ISGID;
	}
}

static void set_times_locked(struct inode *inode, const struct stat *attr, int to_set)
{
	struct timespec now = memfs_now();

	if (to_set & FUSE_SET_ATTR_ATIME)
		inode->atime = to_set & FUSE_SET_ATTR_ATIME_NOW ? now : attr->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME)
		inode->mtime = to_set & FUSE_SET_ATTR_MTIME_NOW ? now : attr->st_mtim;
	inode->ctime = to_set & FUSE_SET_ATTR_CTIME ? attr->st_ctim : now;
}

static int setattr_locked(struct memfs *fs, struct inode *inode, const struct stat *attr,
			  int to_set)
{
	if (to_set & FUSE_SET_ATTR_SIZE) {
		if (!S_ISREG(inode->mode))
			return S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
		if (attr->st_size < 0)
			return -EINVAL;
		memfs_file_resize_locked(fs, inode, attr->st_size);
	}
	set_owner_and_mode_locked(inode, attr, to_set);
	set_times_locked(inode, attr, to_set);
	return 0;
}

static void memfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
			  struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = memfs_inode_wrlock(fs, ino);
	struct stat st;
	int err;

	(void)fi;
	if (!inode) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	err = setattr_locked(fs, inode, attr, to_set);
	memfs_inode_stat_locked(inode, &st);
	memfs_inode_unlock(fs, inode);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_attr(req, &st, fs->ttl);
}

static void memfs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = memfs_inode_rdlock(fs, ino);

	if (!inode) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	if (S_ISLNK(inode->mode))
		fuse_reply_readlink(req, inode->target);
	else
		fuse_reply_err(req, EINVAL);
	memfs_inode_unlock(fs, inode);
}

static void memfs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);

	(void)ino;
	if (fs->no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

static void memfs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct memfs *fs = fuse_req_userdata(req);
	uint64_t used = atomic_load(&fs->pages.used), limit = fs->pages.limit;
	struct statvfs st = {
		.f_bsize = MEMFS_PAGE_SIZE,
		.f_frsize = MEMFS_PAGE_SIZE,
		.f_blocks = limit / MEMFS_PAGE_SIZE,
		.f_bfree = used < limit ? (limit - used) / MEMFS_PAGE_SIZE : 0,
		.f_namemax = MEMFS_NAME_MAX,
	};

	(void)ino;
	st.f_bavail = st.f_bfree;
	pthread_rwlock_rdlock(&fs->tree);
	st.f_files = fs->max_inodes;
	st.f_ffree = fs->max_inodes - fs->nr_inodes;
	pthread_rwlock_unlock(&fs->tree);
	st.f_favail = st.f_ffree;
	fuse_reply_statfs(req, &st);
}

static void memfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			   size_t size, int flags)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = memfs_inode_wrlock(fs, ino);
	int err = -ESTALE;

	if (inode) {
		err = memfs_xattr_set_locked(fs, inode, name, value, size, flags);
		memfs_inode_unlock(fs, inode);
	}
	fuse_reply_err(req, -err);
}

static void memfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = memfs_inode_wrlock(fs, ino);
	int err = -ESTALE;

	if (inode) {
		err = memfs_xattr_remove_locked(fs, inode, name);
		memfs_inode_unlock(fs, inode);
	}
	fuse_reply_err(req, -err);
}

/* Replies to getxattr and listxattr: the size when asked with none, else the bytes, or an error. */
static void reply_xattr(fuse_req_t req, ssize_t result, size_t size, const char *buf)
{
	if (result < 0)
		fuse_reply_err(req, (int)-result);
	else if (!size)
		fuse_reply_xattr(req, (size_t)result);
	else
		fuse_reply_buf(req, buf, (size_t)result);
}

/* Gets one attribute, or without a name the list of them. */
static void read_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct memfs *fs = fuse_req_userdata(req);
	bool root = !fuse_req_ctx(req)->uid;
	struct inode *inode;
	ssize_t result;
	char *buf;

	buf = malloc(size ? size : 1);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	result = -ESTALE;
	inode = memfs_inode_rdlock(fs, ino);
	if (inode) {
		result = name ? memfs_xattr_get_locked(fs, inode, name, buf, size) :
				memfs_xattr_list_locked(inode, root, buf, size);
		memfs_inode_unlock(fs, inode);
	}
	reply_xattr(req, result, size, buf);
	free(buf);
}

static void memfs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	read_xattr(req, ino, name, size);
}

static void memfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	read_xattr(req, ino, NULL, size);
}

/*
 * What is missing is missing on purpose: the kernel does locks and access(2) itself, and without
 * flush and fsync it does not even ask.
 */
const struct fuse_lowlevel_ops memfs_ops = {
	.init = memfs_init,
	.lookup = memfs_lookup,
	.forget = memfs_forget,
	.forget_multi = memfs_forget_multi,
	.getattr = memfs_getattr,
	.setattr = memfs_setattr,
	.readlink = memfs_readlink,
	.mknod = memfs_mknod,
	.mkdir = memfs_mkdir,
	.unlink = memfs_unlink,
	.rmdir = memfs_rmdir,
	.symlink = memfs_symlink,
	.rename = memfs_rename,
	.link = memfs_link,
	.open = memfs_file_open,
	.create = memfs_create,
	.read = memfs_read,
	.write = memfs_write,
	.fallocate = memfs_fallocate,
	.lseek = memfs_lseek,
	.copy_file_range = memfs_copy_file_range,
	.opendir = memfs_opendir,
	.readdir = memfs_readdir,
	.readdirplus = memfs_readdirplus,
	.statfs = memfs_statfs,
	.setxattr = memfs_setxattr,
	.getxattr = memfs_getxattr,
	.listxattr = memfs_listxattr,
	.removexattr = memfs_removexattr,
};

static void tree_lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	/* Else a stream of reads keeps those who change names out for good. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

static int root_create(struct memfs *fs, const struct memfs_options *options)
{
	const struct fuse_ctx owner = { .uid = options->uid, .gid = options->gid };
	int err;

	fs->root = memfs_inode_create_locked(fs, NULL, S_IFDIR | options->mode, &owner, &err);
	if (!fs->root)
		return err;
	fs->root->nlink = 2;
	return 0;
}

static struct memfs *memfs_create_empty(const struct memfs_options *options)
{
	struct memfs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return NULL;
	if (table_init(&fs->inodes))
		goto free_fs;
	if (table_init(&fs->names))
		goto free_inodes;
	tree_lock_init(&fs->tree);
	memfs_pages_init(&fs->pages, options->size);
	fs->max_inodes = options->inodes ? options->inodes : 1;
	fs->ttl = options->ttl;
	fs->opens = options->opens;
	fs->writeback = options->writeback;
	return fs;

free_inodes:
	table_exit(&fs->inodes);
free_fs:
	free(fs);
	return NULL;
}

int memfs_open(const struct viewos_accepted *accepted, void **data)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	struct memfs_options values = {
		.size = memory / 2,
		.inodes = memory / 2 / MEMFS_PAGE_SIZE,
		.mode = 01777,
		.uid = accepted->uid,
		.gid = accepted->gid,
		.ttl = DEFAULT_TTL,
	};
	struct memfs *fs;
	int err;

	err = options_parse(MEMFS_PROGRAM, accepted->options, option_table, &values);
	if (err)
		return err;
	fs = memfs_create_empty(&values);
	if (!fs)
		return -ENOMEM;
	err = root_create(fs, &values);
	if (err) {
		memfs_close(fs);
		return err;
	}
	*data = fs;
	return 0;
}

static void entry_drop(struct table_node *node, void *data)
{
	(void)data;
	free(node);
}

static void inode_drop(struct table_node *node, void *data)
{
	memfs_inode_free(data, (struct inode *)node);
}

void memfs_close(void *data)
{
	struct memfs *fs = data;

	table_empty(&fs->names, entry_drop, NULL);
	table_empty(&fs->inodes, inode_drop, fs);
	table_exit(&fs->names);
	table_exit(&fs->inodes);
	memfs_pages_exit(&fs->pages);
	pthread_rwlock_destroy(&fs->tree);
	free(fs);
}
