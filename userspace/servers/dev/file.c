// SPDX-License-Identifier: GPL-2.0
/* Devices that are open: read, written, closed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "devfs.h"

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/* Is the disk, or a part of it, somebody's alone, who would be disturbed at this unit? */
static bool unit_taken_locked(struct devfs *fs, const struct unit *unit)
{
	if (unit->alone || fs->units[0].alone)
		return true;
	for (int i = 1; unit_is_disk(fs, unit) && i <= PARTS_MAX; i++)
		if (fs->units[i].alone)
			return true;
	return false;
}

static int unit_open_locked(struct devfs *fs, struct unit *unit, struct handle *handle)
{
	if (!unit->exists)
		return -ENXIO;
	if (handle->write && (fs->options.read_only || unit->read_only))
		return -EROFS;
	if (handle->alone && unit_taken_locked(fs, unit))
		return -EBUSY;
	unit->opens++;
	unit->alone |= handle->alone;
	handle->unit = unit;
	return 0;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct devfs *fs = fuse_req_userdata(req);
	struct handle *handle = calloc(1, sizeof(*handle));
	int ret = handle ? 0 : -ENOMEM;

	if (!ret && node_is_block(ino)) {
		handle->write = (fi->flags & O_ACCMODE) != O_RDONLY;
		handle->alone = fi->flags & O_EXCL;
		pthread_mutex_lock(&fs->lock);
		ret = unit_open_locked(fs, node_unit(fs, ino), handle);
		pthread_mutex_unlock(&fs->lock);
	}
	if (ret) {
		free(handle);
		fuse_reply_err(req, -ret);
		return;
	}
	fi->fh = (uintptr_t)handle;
	fi->noflush = 1;
	/* If nobody waits for the answer any more the kernel releases it. */
	fuse_reply_open(req, fi);
}

static void unit_close(struct devfs *fs, const struct handle *handle)
{
	pthread_mutex_lock(&fs->lock);
	handle->unit->opens--;
	if (handle->alone)
		handle->unit->alone = false;
	pthread_mutex_unlock(&fs->lock);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	(void)ino;
	if (handle->unit)
		unit_close(fuse_req_userdata(req), handle);
	free(handle);
	fuse_reply_err(req, 0);
}

/* Fills buf as the device gives: bytes, or a negative errno. */
static ssize_t node_read(struct devfs *fs, fuse_ino_t ino, const struct handle *handle, char *buf,
			 size_t size, off_t off)
{
	ssize_t ret;

	if (handle->unit)
		return unit_read(fs, handle->unit, buf, size, off);
	/* The buffer is of zeros. */
	if (ino != NODE_RANDOM)
		return ino == NODE_NULL ? 0 : (ssize_t)size;
	ret = getrandom(buf, size, 0);
	return ret < 0 ? -errno : ret;
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	char *buf = calloc(1, size);
	ssize_t ret;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	ret = node_read(fuse_req_userdata(req), ino, handle_of(fi), buf, size, off);
	if (ret < 0)
		fuse_reply_err(req, (int)-ret);
	else
		fuse_reply_buf(req, buf, (size_t)ret);
	free(buf);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	const struct handle *handle = handle_of(fi);
	ssize_t ret = (ssize_t)size;

	if (handle->unit)
		ret = unit_write(fuse_req_userdata(req), handle->unit, buf, size, off);
	else if (ino == NODE_FULL)
		ret = -ENOSPC;
	if (ret < 0)
		fuse_reply_err(req, (int)-ret);
	else
		fuse_reply_write(req, (size_t)ret);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	/* Nothing stays of what the others took. */
	fuse_reply_err(req, handle_of(fi)->unit ? -disk_sync(fuse_req_userdata(req)) : EINVAL);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	const struct unit *unit = handle_of(fi)->unit;
	off_t end = unit ? (off_t)unit->size : 0;

	(void)ino;
	if (whence != SEEK_END || off > INT64_MAX - end || off < -end)
		fuse_reply_err(req, EINVAL);
	else
		fuse_reply_lseek(req, end + off);
}

/* None of them ever makes anybody wait. */
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	     struct fuse_pollhandle *handle)
{
	(void)ino;
	(void)fi;
	if (handle)
		fuse_pollhandle_destroy(handle);
	fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}
