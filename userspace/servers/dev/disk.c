// SPDX-License-Identifier: GPL-2.0
/* The content of the disk: a file, a block device, or memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "devfs.h"

/* Zeros are written by as many at a time. */
#define ZEROS_SIZE 65536

static int memory_open(struct devfs *fs)
{
	fs->fd = memfd_create("viewos-dev", MFD_CLOEXEC);
	if (fs->fd < 0 || ftruncate(fs->fd, (off_t)fs->options.size))
		return -errno;
	fs->units[0].size = fs->options.size;
	return 0;
}

static int image_size(int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISBLK(st.st_mode))
		return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*size = (uint64_t)st.st_size;
	return 0;
}

static int image_open(struct devfs *fs, const struct viewos_accepted *accepted)
{
	int flags = fs->options.read_only ? O_RDONLY : O_RDWR;

	fs->fd = viewos_accepted_open(accepted, accepted->source, flags);
	if (fs->fd < 0)
		return fs->fd;
	/* Two that write to one image would ruin it. */
	if (flock(fs->fd, (fs->options.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return image_size(fs->fd, &fs->units[0].size);
}

int disk_open(struct devfs *fs, const struct viewos_accepted *accepted)
{
	const char *source = accepted->source;
	bool memory = !strcmp(source, "none");
	int ret = memory ? memory_open(fs) : image_open(fs, accepted);

	if (!ret) {
		/* A part of a sector is none. */
		fs->units[0].size -= fs->units[0].size % fs->options.sector;
		if (!fs->units[0].size || fs->units[0].size > INT64_MAX)
			ret = -EINVAL;
	}
	if (ret == -EINVAL)
		fprintf(stderr, DEV_PROGRAM ": %s: neither a block device nor a file of one sector "
			"or more\n", memory ? "size=" : source);
	else if (ret == -EBUSY)
		fprintf(stderr, DEV_PROGRAM ": %s: is in use by another mount\n", source);
	else if (ret)
		fprintf(stderr, DEV_PROGRAM ": %s: %s\n", source, strerror(-ret));
	return ret;
}

int disk_sync(struct devfs *fs)
{
	return fsync(fs->fd) ? -errno : 0;
}

/* How much of size bytes at off there is. */
static size_t unit_part(const struct unit *unit, size_t size, off_t off)
{
	if (off < 0 || (uint64_t)off >= unit->size)
		return 0;
	return size < unit->size - (uint64_t)off ? size : (size_t)(unit->size - (uint64_t)off);
}

ssize_t unit_read(struct devfs *fs, const struct unit *unit, void *buf, size_t size, off_t off)
{
	size_t len = unit_part(unit, size, off), done = 0;

	while (done < len) {
		ssize_t ret = pread(fs->fd, (char *)buf + done, len - done,
				    (off_t)unit->start + off + (off_t)done);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return done ? (ssize_t)done : -errno;
		/* Somebody has made the image shorter. */
		if (!ret)
			return done ? (ssize_t)done : -EIO;
		done += (size_t)ret;
	}
	return (ssize_t)done;
}

ssize_t unit_write(struct devfs *fs, const struct unit *unit, const void *buf, size_t size,
		   off_t off)
{
	size_t len = unit_part(unit, size, off), done = 0;

	if (!len)
		return -ENOSPC;
	while (done < len) {
		ssize_t ret = pwrite(fs->fd, (const char *)buf + done, len - done,
				     (off_t)unit->start + off + (off_t)done);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			return done ? (ssize_t)done : ret ? -errno : -EIO;
		done += (size_t)ret;
	}
	return (ssize_t)done;
}

static int unit_zero(struct devfs *fs, const struct unit *unit, uint64_t off, uint64_t len)
{
	static const char zeros[ZEROS_SIZE];

	while (len) {
		size_t part = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
		ssize_t ret = unit_write(fs, unit, zeros, part, (off_t)off);

		if (ret < 0)
			return (int)ret;
		off += (uint64_t)ret;
		len -= (uint64_t)ret;
	}
	return 0;
}

int unit_discard(struct devfs *fs, const struct unit *unit, uint64_t off, uint64_t len, bool zero)
{
	if ((off | len) % fs->options.sector || !len)
		return -EINVAL;
	if (off > unit->size || len > unit->size - off)
		return -EINVAL;
	if (!fallocate(fs->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)(unit->start + off), (off_t)len))
		return 0;
	/* ESPIPE: a block device that is served itself. */
	if (errno != EOPNOTSUPP && errno != ENODEV && errno != ESPIPE)
		return -errno;
	return zero ? unit_zero(fs, unit, off, len) : -EOPNOTSUPP;
}
