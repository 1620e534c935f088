/* SPDX-License-Identifier: GPL-2.0 */
/* A directory of devices: a disk, its partitions, and a few that take and give anything. */
#ifndef DEVFS_H
#define DEVFS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct viewos_accepted;

#define DEV_PROGRAM "viewos-dev"
#define DEV_USAGE \
	"The source is an image of a disk, or a block device; \"none\" is a disk in memory.\n" \
	"Options of a mount (-o), separated by commas:\n" \
	"  size=BYTES       size of a disk in memory (k, M, G, T; 16M)\n" \
	"  name=NAME        name of the disk (disk); its partitions are NAME1, NAME2, ...\n" \
	"  readonly         nothing can be written to the disk\n" \
	"  sector=BYTES     size of its sectors: 512, 1024, 2048 or 4096 (512)\n" \
	"  major=N          the disk's major number (120)\n" \
	"  mode=OCTAL       mode of the disk and its partitions (660)\n" \
	"  uid=N, gid=N     their owner (who mounts)\n"

/* Partitions that are shown; their numbers are 1 to this. */
#define PARTS_MAX 128

/* Longest name of a disk: with "p" and a number it is a name still. */
#define DISK_NAME_MAX 240

enum {
	NODE_ROOT = FUSE_ROOT_ID,
	NODE_NULL,
	NODE_ZERO,
	NODE_FULL,
	NODE_RANDOM,
	NODE_DISK,		/* and its partitions behind it, by number */
	NODE_END = NODE_DISK + PARTS_MAX + 1,
};

/* What stat(2) tells of a node and can be set. */
struct owner {
	uint32_t mode;		/* without the type */
	uint32_t uid;
	uint32_t gid;
	struct timespec atime;
	struct timespec mtime;
	struct timespec ctime;
};

/*
 * The disk or a partition. start and size do not change while it is open; they are read
 * without the lock by who has it open.
 */
struct unit {
	bool exists;
	uint64_t start;		/* bytes into the disk */
	uint64_t size;		/* bytes */
	uint64_t generation;	/* another with each partition that takes this place */
	uint32_t block_size;	/* BLKBSZSET's, for BLKBSZGET */
	bool read_only;		/* BLKROSET's */
	unsigned int opens;
	bool alone;		/* one of them asked to be the only one */
};

/* An open file. */
struct handle {
	struct unit *unit;	/* NULL for one of the other devices */
	bool write;
	bool alone;
};

struct devfs_options {
	uint64_t size;
	char *name;
	bool read_only;
	uint64_t sector;
	uint64_t major;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};

/* One mount. The lock protects owners and units, but for the disk's place and size. */
struct devfs {
	struct devfs_options options;
	int fd;			/* of the disk's content */
	pthread_mutex_t lock;
	struct owner owners[NODE_END];
	struct unit units[PARTS_MAX + 1];	/* the disk, then its partitions */
};

static inline bool node_is_block(fuse_ino_t ino)
{
	return ino >= NODE_DISK && ino < NODE_END;
}

/* The unit of a block device's node. */
static inline struct unit *node_unit(struct devfs *fs, fuse_ino_t ino)
{
	return &fs->units[ino - NODE_DISK];
}

static inline bool unit_is_disk(const struct devfs *fs, const struct unit *unit)
{
	return unit == fs->units;
}

/* disk.c: opens what the source names, or makes a disk in memory: 0 or a negative errno, told. */
int disk_open(struct devfs *fs, const struct viewos_accepted *accepted);

/* Sees to it that what was written stays: 0 or a negative errno. */
int disk_sync(struct devfs *fs);

/* Bytes, or a negative errno; a write that begins at the end is -ENOSPC. */
ssize_t unit_read(struct devfs *fs, const struct unit *unit, void *buf, size_t size, off_t off);
ssize_t unit_write(struct devfs *fs, const struct unit *unit, const void *buf, size_t size,
		   off_t off);

/* Gives content up, or with zero makes it zeros in any case. 0 or a negative errno. */
int unit_discard(struct devfs *fs, const struct unit *unit, uint64_t off, uint64_t len, bool zero);

/* partitions.c: reads the table anew; -EBUSY while a partition is open. With the lock held. */
int partitions_read_locked(struct devfs *fs);

/* control.c */
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	      struct fuse_file_info *fi, unsigned int flags, const void *in_buf, size_t in_size,
	      size_t out_size);

/* names.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int valid,
		struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
bool name_good(const char *name);

/* file.c */
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	     struct fuse_pollhandle *handle);

#endif
