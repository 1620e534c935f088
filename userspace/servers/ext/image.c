// SPDX-License-Identifier: GPL-2.0
/* Opening an image, and reading inodes and contents. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "../common/stamp.h"
#include "extfs.h"
#include "image.h"
#include "node.h"

/* Features that are read, but not kept right when something changes. */
#define FEATURES_READ \
	(EXT4_FEATURE_RO_COMPAT_QUOTA | EXT4_FEATURE_RO_COMPAT_PROJECT | \
	 EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS | EXT4_FEATURE_RO_COMPAT_READONLY | \
	 EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT | EXT4_FEATURE_RO_COMPAT_BIGALLOC)
#define INCOMPAT_READ (EXT4_FEATURE_INCOMPAT_EA_INODE | EXT4_FEATURE_INCOMPAT_MMP)

int image_error(errcode_t err)
{
	if (!err)
		return 0;
	/* Below the codes of its own, libext2fs passes on those of the system. */
	if (err > 0 && err < 256)
		return -(int)err;
	switch (err) {
	case EXT2_ET_NO_MEMORY:
		return -ENOMEM;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_EA_NO_SPACE:
		return -ENOSPC;
	case EXT2_ET_FILE_TOO_BIG:
		return -EFBIG;
	case EXT2_ET_MISSING_EA_FEATURE:
		return -EOPNOTSUPP;
	case EXT2_ET_SHORT_READ:
	case EXT2_ET_SHORT_WRITE:
		return -EIO;
	default:
		return -EUCLEAN;
	}
}

static int refuse(const char *path, int err, const char *why)
{
	fprintf(stderr, EXTFS_PROGRAM ": \"%s\": %s\n", path, why);
	return err;
}

/* What the superblock says that keeps an image from being read. */
static int check_super(ext2_filsys fs, const char *path, uint64_t size, bool noload)
{
	uint64_t blocks = ext2fs_blocks_count(fs->super);

	if (ext2fs_has_feature_journal_dev(fs->super))
		return refuse(path, -EINVAL, "is a journal, not a file system");
	if (blocks > size / fs->blocksize)
		return refuse(path, -EUCLEAN, "is shorter than its superblock says: truncated?");
	if (ext2fs_has_feature_journal_needs_recovery(fs->super) && !noload)
		return refuse(path, -EUCLEAN,
			      "has a journal to be replayed: run e2fsck, or give the option \"noload\" to read it as it is");
	return 0;
}

/* Do the counts of the groups fit together? libext2fs believes some of them. */
static bool groups_are_right(ext2_filsys fs)
{
	struct ext2_super_block *super = fs->super;
	uint64_t blocks = ext2fs_blocks_count(super), bits = fs->blocksize * 8ULL, groups;
	uint64_t per = super->s_blocks_per_group, inodes = super->s_inodes_per_group;

	if (ext2fs_has_feature_bigalloc(super))
		return true;
	if (super->s_first_data_block != (fs->blocksize == 1024 ? 1 : 0) ||
	    super->s_log_cluster_size != super->s_log_block_size ||
	    super->s_clusters_per_group != per)
		return false;
	if (!per || per > bits || per % 8 || !inodes || inodes > bits || inodes % 8)
		return false;
	if (blocks <= super->s_first_data_block)
		return false;
	groups = (blocks - super->s_first_data_block + per - 1) / per;
	return groups == fs->group_desc_count && super->s_inodes_count == inodes * groups;
}

/* Why an image that can be read cannot be written; NULL if it can. */
static const char *read_only(const struct ext2_super_block *super)
{
	uint32_t unknown = ~(uint32_t)EXT2_LIB_FEATURE_RO_COMPAT_SUPP;

	if (super->s_feature_ro_compat & (FEATURES_READ | unknown) ||
	    super->s_feature_incompat & INCOMPAT_READ)
		return "has features that are only read here";
	if (super->s_state & EXT2_ERROR_FS)
		return "has errors: run e2fsck";
	if (!(super->s_state & EXT2_VALID_FS) || super->s_last_orphan)
		return "was not unmounted: run e2fsck";
	return NULL;
}

static int open_error(const char *path, errcode_t err)
{
	switch (err) {
	case EXT2_ET_BAD_MAGIC:
		return refuse(path, -EINVAL, "no ext2, ext3 or ext4 file system there");
	case EXT2_ET_UNSUPP_FEATURE:
	case EXT2_ET_RO_UNSUPP_FEATURE:
		return refuse(path, -EOPNOTSUPP, "has features that are not known here");
	default:
		fprintf(stderr, EXTFS_PROGRAM ": \"%s\": cannot be opened: %s (run e2fsck)\n",
			path, error_message(err));
		return image_error(err);
	}
}

/* Without its cache, which would tell of a write that failed too late. */
static errcode_t open_fs(struct image *image, uint64_t offset, int flags)
{
	char name[16], options[64];
	errcode_t err;
	int fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return errno;
	snprintf(name, sizeof(name), "%d", fd);
	snprintf(options, sizeof(options), "offset=%llu%s", (unsigned long long)offset,
		 flags & EXT2_FLAG_RW ? "&cache=off" : "");
	err = ext2fs_open2(name, options, flags | EXT2_FLAG_64BITS, 0, 0, unixfd_io_manager,
			   &image->fs);
	return err;
}

/* From now on it is not as it was unmounted. */
static errcode_t begin_writing(struct image *image)
{
	struct ext2_super_block *super = image->fs->super;
	errcode_t err = ext2fs_read_bitmaps(image->fs);

	if (err)
		return err;
	image->state = super->s_state;
	super->s_state &= (uint16_t)~EXT2_VALID_FS;
	super->s_mnt_count++;
	super->s_mtime = (uint32_t)time(NULL);
	/* The copies are left alone, as the kernel does. */
	image->fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	ext2fs_mark_super_dirty(image->fs);
	return ext2fs_flush(image->fs);
}

static int open_image(struct image *image, const char *path, const struct image_how *how)
{
	off_t size = lseek(image->fd, 0, SEEK_END);
	const char *why;
	errcode_t err;
	int ret;

	if (size < 0 || how->offset > (uint64_t)size)
		return refuse(path, -EINVAL, "ends before the offset");
	/* The superblock alone first: by its counts memory is allocated. */
	err = open_fs(image, how->offset, EXT2_FLAG_SUPER_ONLY | EXT2_FLAG_JOURNAL_DEV_OK);
	if (err)
		return open_error(path, err);
	ret = check_super(image->fs, path, (uint64_t)size - how->offset, how->noload);
	if (!ret && !groups_are_right(image->fs))
		ret = refuse(path, -EUCLEAN, "makes no sense in its superblock: run e2fsck");
	why = image->rw ? read_only(image->fs->super) : NULL;
	ext2fs_close_free(&image->fs);
	if (ret)
		return ret;
	if (why) {
		refuse(path, 0, why);
		if (how->rw)
			return -EROFS;
		fprintf(stderr, EXTFS_PROGRAM ": \"%s\": it is only read\n", path);
		image->rw = false;
		flock(image->fd, LOCK_SH | LOCK_NB);
	}
	err = open_fs(image, how->offset, image->rw ? EXT2_FLAG_RW : 0);
	if (!err && image->rw) {
		err = begin_writing(image);
		if (err)
			ext2fs_free(image->fs);
	}
	return err ? open_error(path, err) : 0;
}

/* Opens the file or disk itself. A disk that is mounted cannot be had for oneself alone. */
static int open_source(struct image *image, const struct viewos_accepted *accepted)
{
	int flags = (image->rw ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	int fd;

	fd = viewos_accepted_open(accepted, accepted->source, flags);
	if (fd < 0)
		return fd;
	if (image->rw && !fstat(fd, &st) && S_ISBLK(st.st_mode)) {
		close(fd);
		fd = viewos_accepted_open(accepted, accepted->source, flags | O_EXCL);
	}
	return fd;
}

static bool cannot_write(int err)
{
	return err == -EACCES || err == -EROFS || err == -EPERM || err == -ETXTBSY ||
	       err == -EISDIR;
}

/* Is it what a loop device has, that is mounted? Only who may ask such devices is told. */
static bool mounted(const char *path)
{
	int flags = 0;

	return !ext2fs_check_if_mounted(path, &flags) && flags & EXT2_MF_MOUNTED;
}

int image_open(struct image *image, const struct viewos_accepted *accepted,
	       const struct image_how *how)
{
	const char *path = accepted->source;
	struct stat st;
	int err;

	initialize_ext2_error_table();
	image->rw = !how->ro && !how->noload;
	image->fd = open_source(image, accepted);
	if (image->fd < 0 && image->rw && !how->rw && cannot_write(image->fd)) {
		image->rw = false;
		image->fd = open_source(image, accepted);
	}
	if (image->fd == -EBUSY)
		return refuse(path, -EBUSY, "is in use: is it mounted?");
	if (image->fd < 0)
		return refuse(path, image->fd, strerror(-image->fd));
	if (fstat(image->fd, &st) || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		err = refuse(path, -EINVAL, "neither a file nor a disk");
	else if (flock(image->fd, (image->rw ? LOCK_EX : LOCK_SH) | LOCK_NB))
		err = refuse(path, -EBUSY, "another program has locked it");
	else if (image->rw && mounted(path))
		err = refuse(path, -EBUSY, "is mounted");
	else
		err = table_init(&image->known);
	if (!err) {
		err = open_image(image, path, how);
		if (err)
			table_exit(&image->known);
	}
	if (err)
		close(image->fd);
	else
		pthread_mutex_init(&image->lock, NULL);
	return err;
}

uint32_t image_stamp(const struct image *image)
{
	struct stat st;

	if (fstat(image->fd, &st))
		return 0;
	/* On a disk the superblock alone tells. */
	return stamp_of(&st, image->fs->super, sizeof(*image->fs->super));
}

int image_sync(struct image *image)
{
	errcode_t err = 0;

	if (image->fs->flags & (EXT2_FLAG_DIRTY | EXT2_FLAG_IB_DIRTY | EXT2_FLAG_BB_DIRTY))
		err = ext2fs_flush(image->fs);
	if (!err && fsync(image->fd))
		err = errno;
	if (err)
		image->failed = true;
	return image_error(err);
}

static void end_writing(struct image *image)
{
	nodes_empty(image);
	/* All else has to be on the disk before it says that it is. */
	if (image_sync(image) || image->failed)
		return;
	image->fs->super->s_state = image->state;
	ext2fs_mark_super_dirty(image->fs);
	image_sync(image);
}

void image_close(struct image *image)
{
	if (image->rw)
		end_writing(image);
	/* What could not be written before is not tried again. */
	ext2fs_free(image->fs);
	close(image->fd);
	table_exit(&image->known);
	pthread_mutex_destroy(&image->lock);
}

static bool known_type(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) ||
	       S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

int image_inode_any(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	const struct ext2_super_block *super = image->fs->super;
	errcode_t err;

	/* The id of a node of another image, see stamp.h. */
	if (!ino)
		return -ESTALE;
	if (ino != EXT2_ROOT_INO && (ino < EXT2_FIRST_INO(super) || ino > super->s_inodes_count))
		return -EUCLEAN;
	memset(inode, 0, sizeof(*inode));
	err = ext2fs_read_inode_full(image->fs, ino, (struct ext2_inode *)inode, sizeof(*inode));
	if (err)
		return image_error(err);
	return known_type(inode->i_mode) ? 0 : -EUCLEAN;
}

int image_inode(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	int err = image_inode_any(image, ino, inode);

	if (err)
		return err;
	/* Without a name it may be one that is still open. */
	if (!inode->i_links_count && !node_find(image, ino))
		return -EUCLEAN;
	return 0;
}

int image_inode_write(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	errcode_t err = ext2fs_write_inode_full(image->fs, ino, (struct ext2_inode *)inode,
						sizeof(*inode));

	return image_error(err);
}

int image_changeable(const struct ext2_inode_large *inode)
{
	if (inode->i_flags & EXT4_ENCRYPT_FL)
		return -ENOKEY;
	if (inode->i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL | EXT4_VERITY_FL))
		return -EPERM;
	return 0;
}

/* The seconds have two more bits where there is room for the nanoseconds. */
static struct timespec inode_time(uint32_t seconds, uint32_t extra, bool has_extra)
{
	struct timespec time = { .tv_sec = (int32_t)seconds };

	if (has_extra) {
		time.tv_sec += (time_t)(extra & 3) << 32;
		time.tv_nsec = extra >> 2;
		if (time.tv_nsec > 999999999)
			time.tv_nsec = 0;
	}
	return time;
}

static dev_t inode_rdev(const struct ext2_inode_large *inode)
{
	uint32_t dev = inode->i_block[0];

	if (dev)
		return makedev(dev >> 8 & 0xff, dev & 0xff);
	dev = inode->i_block[1];
	return makedev((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

#define HAS_EXTRA(image, inode, field) \
	(EXT2_INODE_SIZE((image)->fs->super) > EXT2_GOOD_OLD_INODE_SIZE && \
	 (inode)->i_extra_isize >= offsetof(struct ext2_inode_large, field) + \
				   sizeof((inode)->field) - EXT2_GOOD_OLD_INODE_SIZE)

struct timespec image_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now;
}

/* Seconds of 34 bits where there is room for them, else of 32. */
static uint32_t time_seconds(struct timespec time, bool has_extra)
{
	int64_t most = has_extra ? INT32_MAX + (INT64_C(3) << 32) : INT32_MAX;
	int64_t seconds = time.tv_sec;

	if (seconds > most)
		seconds = most;
	if (seconds < INT32_MIN)
		seconds = INT32_MIN;
	return (uint32_t)seconds;
}

static uint32_t time_extra(struct timespec time)
{
	int64_t seconds = time.tv_sec, low = (int32_t)time_seconds(time, true);

	return (uint32_t)time.tv_nsec << 2 | (uint32_t)((seconds - low) >> 32 & 3);
}

static void set_time(uint32_t *seconds, uint32_t *extra, bool has_extra, struct timespec time)
{
	*seconds = time_seconds(time, has_extra);
	if (has_extra)
		*extra = time_extra(time);
}

void image_set_times(struct image *image, struct ext2_inode_large *inode, unsigned int set,
		     struct timespec time)
{
	if (set & IMAGE_ATIME)
		set_time(&inode->i_atime, &inode->i_atime_extra,
			 HAS_EXTRA(image, inode, i_atime_extra), time);
	if (set & IMAGE_MTIME)
		set_time(&inode->i_mtime, &inode->i_mtime_extra,
			 HAS_EXTRA(image, inode, i_mtime_extra), time);
	if (set & IMAGE_CTIME)
		set_time(&inode->i_ctime, &inode->i_ctime_extra,
			 HAS_EXTRA(image, inode, i_ctime_extra), time);
}

int image_touch(struct image *image, ext2_ino_t ino, unsigned int set)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, ino, &inode);

	if (err)
		return err;
	image_set_times(image, &inode, set, image_now());
	return image_inode_write(image, ino, &inode);
}

/* The old form for numbers that it has room for. */
void image_set_rdev(struct ext2_inode_large *inode, dev_t rdev)
{
	uint32_t high = major(rdev), low = minor(rdev);

	if (high < 256 && low < 256)
		inode->i_block[0] = high << 8 | low;
	else
		inode->i_block[1] = (low & 0xff) | high << 8 | (low & ~0xffu) << 12;
}

struct stat image_stat(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode)
{
	struct ext2_inode *old = (struct ext2_inode *)inode;

	return (struct stat){
		.st_ino = ino,
		.st_mode = inode->i_mode,
		.st_nlink = inode->i_links_count,
		.st_uid = inode_uid(*inode),
		.st_gid = inode_gid(*inode),
		.st_rdev = S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode) ? inode_rdev(inode) : 0,
		.st_size = (off_t)(EXT2_I_SIZE(inode) & INT64_MAX),
		.st_blksize = (blksize_t)image->fs->blocksize,
		.st_blocks = (blkcnt_t)(ext2fs_get_stat_i_blocks(image->fs, old)),
		.st_atim = inode_time(inode->i_atime, inode->i_atime_extra,
				      HAS_EXTRA(image, inode, i_atime_extra)),
		.st_mtim = inode_time(inode->i_mtime, inode->i_mtime_extra,
				      HAS_EXTRA(image, inode, i_mtime_extra)),
		.st_ctim = inode_time(inode->i_ctime, inode->i_ctime_extra,
				      HAS_EXTRA(image, inode, i_ctime_extra)),
	};
}

bool image_birth(struct image *image, const struct ext2_inode_large *inode, struct timespec *time)
{
	if (!HAS_EXTRA(image, inode, i_crtime) || (!inode->i_crtime && !inode->i_crtime_extra))
		return false;
	*time = inode_time(inode->i_crtime, inode->i_crtime_extra,
			   HAS_EXTRA(image, inode, i_crtime_extra));
	return true;
}

ssize_t image_read(struct image *image, ext2_ino_t ino, uint64_t off, size_t size, char *buf)
{
	unsigned int got = 0;
	ext2_file_t file;
	errcode_t err;

	err = ext2fs_file_open(image->fs, ino, 0, &file);
	if (err)
		return image_error(err);
	err = ext2fs_file_llseek(file, off, EXT2_SEEK_SET, NULL);
	if (!err)
		err = ext2fs_file_read(file, buf, (unsigned int)size, &got);
	ext2fs_file_close(file);
	return err ? image_error(err) : (ssize_t)got;
}

int image_readlink(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode, char *buf,
		   size_t size)
{
	uint64_t len = EXT2_I_SIZE(inode);
	ssize_t got;

	if (!len || len >= size)
		return -EUCLEAN;
	if (ext2fs_is_fast_symlink((struct ext2_inode *)inode)) {
		if (len > sizeof(inode->i_block))
			return -EUCLEAN;
		memcpy(buf, inode->i_block, len);
	} else {
		got = image_read(image, ino, 0, len, buf);
		if (got < 0)
			return (int)got;
		if ((uint64_t)got < len)
			return -EUCLEAN;
	}
	buf[len] = '\0';
	return *buf ? 0 : -EUCLEAN;
}
