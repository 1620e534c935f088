// SPDX-License-Identifier: GPL-2.0
/* What ioctl(2) asks of a disk and its partitions. */
#include <errno.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <string.h>

#include "devfs.h"

/* The geometry that tools expect of a disk that has none. */
#define HEADS 255
#define SECTORS 63

/* What programs of 32 bits have for struct hd_geometry. */
struct geometry32 {
	unsigned char heads;
	unsigned char sectors;
	unsigned short cylinders;
	uint32_t start;
};

/*
 * An ioctl being answered: in has in_size bytes; what is put at out, of which there are out_size,
 * goes to the caller.
 */
struct control {
	struct devfs *fs;
	struct unit *unit;
	const struct handle *handle;
	unsigned int cmd;
	const void *in;
	size_t in_size;
	size_t out_size;
	union {
		char bytes[sizeof(struct hd_geometry)];
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		struct hd_geometry geometry;
		struct geometry32 geometry32;
	} out;
};

/* A long, of 32 bits for programs that have such. */
static int put_long(struct control *control, uint64_t value)
{
	if (control->out_size == sizeof(uint64_t)) {
		control->out.u64 = value;
		return 0;
	}
	if (value > UINT32_MAX)
		return -EFBIG;
	control->out.u32 = (uint32_t)value;
	return 0;
}

static int put_u32(struct control *control, uint32_t value)
{
	control->out.u32 = value;
	return 0;
}

static int put_geometry(struct control *control)
{
	const struct unit *unit = control->unit;
	uint64_t cylinders = unit->size / 512 / (HEADS * SECTORS);
	uint64_t start = unit->start / 512;

	if (cylinders > UINT16_MAX)
		cylinders = UINT16_MAX;
	if (control->out_size == sizeof(struct hd_geometry)) {
		control->out.geometry = (struct hd_geometry){ HEADS, SECTORS,
			(unsigned short)cylinders, start };
		return 0;
	}
	if (start > UINT32_MAX)
		return -EFBIG;
	control->out.geometry32 = (struct geometry32){ HEADS, SECTORS,
		(unsigned short)cylinders, (uint32_t)start };
	return 0;
}

static int discard(struct control *control)
{
	uint64_t range[2];

	if (control->in_size != sizeof(range))
		return -EINVAL;
	if (!control->handle->write)
		return -EBADF;
	memcpy(range, control->in, sizeof(range));
	return unit_discard(control->fs, control->unit, range[0], range[1],
			    control->cmd == BLKZEROOUT);
}

static int set_value(struct control *control)
{
	struct devfs *fs = control->fs;
	int value;

	if (control->in_size != sizeof(value))
		return -EINVAL;
	memcpy(&value, control->in, sizeof(value));
	if (control->cmd == BLKBSZSET) {
		if (value < (int)fs->options.sector || value > 4096 || value & (value - 1))
			return -EINVAL;
		pthread_mutex_lock(&fs->lock);
		control->unit->block_size = (uint32_t)value;
		pthread_mutex_unlock(&fs->lock);
		return 0;
	}
	if (fs->options.read_only && !value)
		return -EROFS;
	pthread_mutex_lock(&fs->lock);
	control->unit->read_only = value;
	pthread_mutex_unlock(&fs->lock);
	return 0;
}

static int read_table(struct control *control)
{
	struct devfs *fs = control->fs;
	int ret;

	if (!unit_is_disk(fs, control->unit))
		return -EINVAL;
	pthread_mutex_lock(&fs->lock);
	ret = partitions_read_locked(fs);
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

static int control_disk(struct control *control)
{
	const struct devfs_options *options = &control->fs->options;
	struct unit *unit = control->unit;

	switch (control->cmd) {
	case BLKGETSIZE64:
		control->out.u64 = unit->size;
		return 0;
	case BLKGETSIZE:
		return put_long(control, unit->size / 512);
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_u32(control, (uint32_t)options->sector);
	case BLKBSZGET:
		return put_u32(control, unit->block_size);
	case BLKIOOPT:
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		return put_u32(control, 0);
	case BLKROTATIONAL:
		control->out.u16 = 0;
		return 0;
	case BLKROGET:
		return put_u32(control, options->read_only || unit->read_only);
	case BLKRAGET:
	case BLKFRAGET:
		return put_long(control, 0);
	case BLKRASET:
	case BLKFRASET:
		return 0;
	case HDIO_GETGEO:
		return put_geometry(control);
	case BLKFLSBUF:
		return disk_sync(control->fs);
	case BLKDISCARD:
	case BLKZEROOUT:
		return discard(control);
	case BLKBSZSET:
	case BLKROSET:
		return set_value(control);
	case BLKRRPART:
		return read_table(control);
	default:
		return -ENOTTY;
	}
}

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	      struct fuse_file_info *fi, unsigned int flags, const void *in_buf, size_t in_size,
	      size_t out_size)
{
	const struct handle *handle = fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
	struct control control = {
		.fs = fuse_req_userdata(req),
		.handle = handle,
		.cmd = cmd,
		.in = in_buf,
		.in_size = in_size,
		.out_size = out_size,
	};
	int ret;

	(void)arg;
	(void)flags;
	if (!node_is_block(ino) || !handle || out_size > sizeof(control.out)) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	control.unit = handle->unit;
	ret = control_disk(&control);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_ioctl(req, 0, &control.out, out_size);
}
