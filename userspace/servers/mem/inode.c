// SPDX-License-Identifier: GPL-2.0
/* The inodes of a memfs: making, finding, forgetting, freeing. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "inode.h"

/* A file read many times a day need not have its access time written each time. */
#define ACCESS_SECONDS (24 * 60 * 60)

/* The clock by which the kernel stamps its own file systems. */
struct timespec memfs_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now;
}

struct inode *memfs_inode_find_locked(struct memfs *fs, fuse_ino_t ino)
{
	struct table_node *node = table_first(&fs->inodes, table_hash(&fs->inodes, ino, NULL, 0));

	for (; node; node = table_next(node)) {
		struct inode *inode = (struct inode *)node;

		if (inode->ino == ino)
			return inode;
	}
	return NULL;
}

static void inode_init_owner(struct inode *inode, const struct inode *dir,
			     const struct fuse_ctx *ctx)
{
	inode->uid = ctx->uid;
	inode->gid = ctx->gid;
	if (dir && (dir->mode & S_ISGID)) {
		inode->gid = dir->gid;
		if (S_ISDIR(inode->mode))
			inode->mode |= S_ISGID;
	}
}

struct inode *memfs_inode_create_locked(struct memfs *fs, struct inode *dir, mode_t mode,
					const struct fuse_ctx *ctx, int *err)
{
	struct inode *inode;

	*err = -ENOSPC;
	if (fs->nr_inodes >= fs->max_inodes)
		return NULL;
	*err = -ENOMEM;
	inode = calloc(1, sizeof(*inode));
	if (!inode)
		return NULL;
	inode->ino = ++fs->last_ino;
	inode->mode = mode;
	inode_init_owner(inode, dir, ctx);
	inode->atime = inode->mtime = inode->ctime = memfs_now();
	if (S_ISDIR(mode))
		inode->dir.parent = dir ? dir : inode;
	pthread_rwlock_init(&inode->lock, NULL);
	table_add(&fs->inodes, &inode->node, table_hash(&fs->inodes, inode->ino, NULL, 0));
	fs->nr_inodes++;
	*err = 0;
	return inode;
}

void memfs_inode_free(struct memfs *fs, struct inode *inode)
{
	memfs_xattr_free(fs, inode);
	if (S_ISREG(inode->mode)) {
		memfs_data_free(&inode->data, &fs->pages);
	} else if (S_ISDIR(inode->mode)) {
		memfs_dir_free(&inode->dir);
	} else if (S_ISLNK(inode->mode) && inode->target) {
		memfs_pages_uncharge(&fs->pages, (uint64_t)inode->size);
		free(inode->target);
	}
	pthread_rwlock_destroy(&inode->lock);
	free(inode);
}

void memfs_inode_put_locked(struct memfs *fs, struct inode *inode)
{
	if (inode->nlink || atomic_load(&inode->nlookup))
		return;
	table_del(&fs->inodes, &inode->node);
	fs->nr_inodes--;
	memfs_inode_free(fs, inode);
}

void memfs_inode_forget(struct memfs *fs, fuse_ino_t ino, uint64_t n)
{
	struct inode *inode;
	bool last = false;

	pthread_rwlock_rdlock(&fs->tree);
	inode = memfs_inode_find_locked(fs, ino);
	if (inode)
		last = atomic_fetch_sub(&inode->nlookup, n) == n && !inode->nlink;
	pthread_rwlock_unlock(&fs->tree);
	if (!last)
		return;

	pthread_rwlock_wrlock(&fs->tree);
	inode = memfs_inode_find_locked(fs, ino);
	if (inode)
		memfs_inode_put_locked(fs, inode);
	pthread_rwlock_unlock(&fs->tree);
}

struct inode *memfs_inode_rdlock(struct memfs *fs, fuse_ino_t ino)
{
	struct inode *inode;

	pthread_rwlock_rdlock(&fs->tree);
	inode = memfs_inode_find_locked(fs, ino);
	if (inode)
		pthread_rwlock_rdlock(&inode->lock);
	else
		pthread_rwlock_unlock(&fs->tree);
	return inode;
}

struct inode *memfs_inode_wrlock(struct memfs *fs, fuse_ino_t ino)
{
	struct inode *inode;

	pthread_rwlock_rdlock(&fs->tree);
	inode = memfs_inode_find_locked(fs, ino);
	if (inode)
		pthread_rwlock_wrlock(&inode->lock);
	else
		pthread_rwlock_unlock(&fs->tree);
	return inode;
}

void memfs_inode_unlock(struct memfs *fs, struct inode *inode)
{
	pthread_rwlock_unlock(&inode->lock);
	pthread_rwlock_unlock(&fs->tree);
}

void memfs_inode_stat_locked(const struct inode *inode, struct stat *st)
{
	*st = (struct stat){
		.st_ino = inode->ino,
		.st_mode = inode->mode,
		.st_nlink = inode->nlink,
		.st_uid = inode->uid,
		.st_gid = inode->gid,
		.st_rdev = inode->rdev,
		.st_size = inode->size,
		.st_blksize = MEMFS_PAGE_SIZE,
		.st_atim = inode->atime,
		.st_mtim = inode->mtime,
		.st_ctim = inode->ctime,
	};
	if (S_ISREG(inode->mode))
		st->st_blocks = (blkcnt_t)(inode->data.pages * (MEMFS_PAGE_SIZE / 512));
}

static bool earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool access_is_due_locked(const struct inode *inode, const struct timespec *now)
{
	return !earlier(&inode->mtime, &inode->atime) || !earlier(&inode->ctime, &inode->atime) ||
	       now->tv_sec - inode->atime.tv_sec >= ACCESS_SECONDS;
}

void memfs_inode_accessed(struct memfs *fs, fuse_ino_t ino)
{
	struct timespec now = memfs_now();
	struct inode *inode = memfs_inode_rdlock(fs, ino);
	bool due;

	if (!inode)
		return;
	due = access_is_due_locked(inode, &now) && earlier(&inode->atime, &now);
	memfs_inode_unlock(fs, inode);
	if (!due)
		return;
	inode = memfs_inode_wrlock(fs, ino);
	if (!inode)
		return;
	inode->atime = now;
	memfs_inode_unlock(fs, inode);
}
