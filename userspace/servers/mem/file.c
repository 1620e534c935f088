// SPDX-License-Identifier: GPL-2.0
/* Operations on the content of files of a memfs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "inode.h"

/* One copy_file_range holds the locks for no more than this much. */
#define COPY_MAX (16u << 20)

/* Nothing is kept per open file, so the kernel is told not to ask again if it can be told. */
void memfs_file_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode;

	if (fs->no_open) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	inode = memfs_inode_wrlock(fs, ino);
	if (!inode) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	if (fi->flags & O_TRUNC && S_ISREG(inode->mode))
		memfs_file_resize_locked(fs, inode, 0);
	memfs_inode_unlock(fs, inode);
	fi->keep_cache = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

void memfs_file_resize_locked(struct memfs *fs, struct inode *inode, off_t size)
{
	if (size < inode->size)
		memfs_data_zero(&inode->data, &fs->pages, size, INT64_MAX);
	inode->size = size;
	inode->mtime = inode->ctime = memfs_now();
}

/* Finds a regular file and locks it as lock does; NULL after having replied that it cannot be. */
static struct inode *file_lock(fuse_req_t req, fuse_ino_t ino,
			       struct inode *(*lock)(struct memfs *, fuse_ino_t))
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = lock(fs, ino);

	if (!inode) {
		fuse_reply_err(req, ESTALE);
		return NULL;
	}
	if (S_ISREG(inode->mode))
		return inode;
	fuse_reply_err(req, S_ISDIR(inode->mode) ? EISDIR : EINVAL);
	memfs_inode_unlock(fs, inode);
	return NULL;
}

static void reply_content_locked(fuse_req_t req, const struct inode *inode, size_t size, off_t off)
{
	struct iovec few[4], *iov = few;
	int nr;

	if (off >= inode->size)
		size = 0;
	else if ((off_t)size > inode->size - off)
		size = (size_t)(inode->size - off);
	if (size / MEMFS_PAGE_SIZE + 2 > sizeof(few) / sizeof(*few)) {
		iov = calloc(size / MEMFS_PAGE_SIZE + 2, sizeof(*iov));
		if (!iov) {
			fuse_reply_err(req, ENOMEM);
			return;
		}
	}
	nr = memfs_data_read(&inode->data, off, size, iov);
	if (nr > 1)
		fuse_reply_iov(req, iov, nr);
	else
		fuse_reply_buf(req, nr ? iov->iov_base : NULL, size);
	if (iov != few)
		free(iov);
}

void memfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = file_lock(req, ino, memfs_inode_rdlock);

	(void)fi;
	if (!inode)
		return;
	reply_content_locked(req, inode, size, off);
	memfs_inode_unlock(fs, inode);
	memfs_inode_accessed(fs, ino);
}

static ssize_t write_locked(struct memfs *fs, struct inode *inode, const char *buf, size_t size,
			    off_t off)
{
	ssize_t written;

	if (off > INT64_MAX - (off_t)size)
		return -EFBIG;
	written = memfs_data_write(&inode->data, &fs->pages, off, buf, size);
	if (written <= 0)
		return written;
	if (off + written > inode->size)
		inode->size = off + written;
	inode->mtime = inode->ctime = memfs_now();
	return written;
}

void memfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = file_lock(req, ino, memfs_inode_wrlock);
	ssize_t written;

	(void)fi;
	if (!inode)
		return;
	written = write_locked(fs, inode, buf, size, off);
	memfs_inode_unlock(fs, inode);
	if (written < 0)
		fuse_reply_err(req, (int)-written);
	else
		fuse_reply_write(req, (size_t)written);
}

static int fallocate_locked(struct memfs *fs, struct inode *inode, int mode, off_t off, off_t len)
{
	off_t end = off + len;
	int err = 0;

	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case FALLOC_FL_PUNCH_HOLE:
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EOPNOTSUPP;
		memfs_data_zero(&inode->data, &fs->pages, off, end);
		break;
	case FALLOC_FL_ZERO_RANGE:
		memfs_data_zero(&inode->data, &fs->pages, off, end);
		/* fall through */
	case 0:
		err = memfs_data_reserve(&inode->data, &fs->pages, off, end);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!err && end > inode->size && !(mode & FALLOC_FL_KEEP_SIZE))
		inode->size = end;
	inode->mtime = inode->ctime = memfs_now();
	return err;
}

void memfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode;
	int err;

	(void)fi;
	if (off < 0 || len <= 0 || off > INT64_MAX - len) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	inode = file_lock(req, ino, memfs_inode_wrlock);
	if (!inode)
		return;
	err = fallocate_locked(fs, inode, mode, off, len);
	memfs_inode_unlock(fs, inode);
	fuse_reply_err(req, -err);
}

static off_t seek_locked(const struct inode *inode, off_t off, int whence)
{
	off_t found;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (off < 0 || off >= inode->size)
		return -ENXIO;
	found = memfs_data_next(&inode->data, off, whence == SEEK_HOLE);
	if (found < inode->size)
		return found;
	return whence == SEEK_HOLE ? inode->size : -ENXIO;
}

void memfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *inode = file_lock(req, ino, memfs_inode_rdlock);
	off_t found;

	(void)fi;
	if (!inode)
		return;
	found = seek_locked(inode, off, whence);
	memfs_inode_unlock(fs, inode);
	if (found < 0)
		fuse_reply_err(req, (int)-found);
	else
		fuse_reply_lseek(req, found);
}

/* Copies what lies in one page of the source; a hole becomes a hole. */
static ssize_t copy_page_locked(struct memfs *fs, struct inode *in, off_t off_in,
				struct inode *out, off_t off_out, size_t len)
{
	size_t part = MEMFS_PAGE_SIZE - ((size_t)off_in & (MEMFS_PAGE_SIZE - 1));
	off_t data = memfs_data_next(&in->data, off_in, 0);
	struct iovec iov[2];

	if (data > off_in) {
		if ((off_t)len > data - off_in)
			len = (size_t)(data - off_in);
		memfs_data_zero(&out->data, &fs->pages, off_out, off_out + (off_t)len);
		return (ssize_t)len;
	}
	if (len > part)
		len = part;
	memfs_data_read(&in->data, off_in, len, iov);
	return memfs_data_write(&out->data, &fs->pages, off_out, iov[0].iov_base, len);
}

static ssize_t copy_locked(struct memfs *fs, struct inode *in, off_t off_in, struct inode *out,
			   off_t off_out, size_t len)
{
	ssize_t part = 0;
	size_t done = 0;

	if (!S_ISREG(in->mode) || !S_ISREG(out->mode) || off_in < 0 || off_out < 0)
		return -EINVAL;
	if (off_in >= in->size)
		return 0;
	if (len > COPY_MAX)
		len = COPY_MAX;
	if ((off_t)len > in->size - off_in)
		len = (size_t)(in->size - off_in);
	if (off_out > INT64_MAX - (off_t)len)
		return -EFBIG;
	if (in == out && off_in < off_out + (off_t)len && off_out < off_in + (off_t)len)
		return -EINVAL;
	while (done < len) {
		part = copy_page_locked(fs, in, off_in + (off_t)done, out, off_out + (off_t)done,
					len - done);
		if (part < 0)
			break;
		done += (size_t)part;
	}
	if (!done)
		return part;
	if (off_out + (off_t)done > out->size)
		out->size = off_out + (off_t)done;
	out->mtime = out->ctime = memfs_now();
	return (ssize_t)done;
}

/* Locks two inodes under the tree, each once, by number. */
static void lock_two_locked(struct inode *in, struct inode *out)
{
	if (in->ino < out->ino)
		pthread_rwlock_rdlock(&in->lock);
	pthread_rwlock_wrlock(&out->lock);
	if (in->ino > out->ino)
		pthread_rwlock_rdlock(&in->lock);
}

void memfs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct inode *in, *out;
	ssize_t copied = -ESTALE;

	(void)fi_in;
	(void)fi_out;
	(void)flags;
	pthread_rwlock_rdlock(&fs->tree);
	in = memfs_inode_find_locked(fs, ino_in);
	out = memfs_inode_find_locked(fs, ino_out);
	if (in && out) {
		lock_two_locked(in, out);
		copied = copy_locked(fs, in, off_in, out, off_out, len);
		pthread_rwlock_unlock(&out->lock);
		if (in != out)
			pthread_rwlock_unlock(&in->lock);
	}
	pthread_rwlock_unlock(&fs->tree);
	if (copied < 0)
		fuse_reply_err(req, (int)-copied);
	else
		fuse_reply_write(req, (size_t)copied);
}
