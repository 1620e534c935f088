// SPDX-License-Identifier: GPL-2.0
/* Opening an image, and reading inodes and contents. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "extfs.h"
#include "image.h"

#define SECTOR 512

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
	case EXT2_ET_SHORT_READ:
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

static errcode_t open_fs(struct image *image, uint64_t offset, int flags)
{
	char name[16], options[32];
	errcode_t err;
	int fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return errno;
	snprintf(name, sizeof(name), "%d", fd);
	snprintf(options, sizeof(options), "offset=%llu", (unsigned long long)offset);
	err = ext2fs_open2(name, options, flags | EXT2_FLAG_64BITS, 0, 0, unixfd_io_manager,
			   &image->fs);
	return err;
}

static int open_image(struct image *image, const char *path, uint64_t offset, bool noload)
{
	off_t size = lseek(image->fd, 0, SEEK_END);
	errcode_t err;
	int ret;

	if (size < 0 || offset > (uint64_t)size)
		return refuse(path, -EINVAL, "ends before the offset");
	/* The superblock alone first: by its counts memory is allocated. */
	err = open_fs(image, offset, EXT2_FLAG_SUPER_ONLY | EXT2_FLAG_JOURNAL_DEV_OK);
	if (err)
		return open_error(path, err);
	ret = check_super(image->fs, path, (uint64_t)size - offset, noload);
	ext2fs_close_free(&image->fs);
	if (ret)
		return ret;
	err = open_fs(image, offset, 0);
	return err ? open_error(path, err) : 0;
}

int image_open(struct image *image, const struct viewos_accepted *accepted, uint64_t offset,
	       bool noload)
{
	const char *path = accepted->source;
	struct stat st;
	int err;

	initialize_ext2_error_table();
	image->fd = viewos_accepted_open(accepted, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (image->fd < 0)
		return refuse(path, image->fd, strerror(-image->fd));
	if (fstat(image->fd, &st) || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		err = refuse(path, -EINVAL, "neither a file nor a disk");
	else if (flock(image->fd, LOCK_SH | LOCK_NB))
		err = refuse(path, -EBUSY, "another program has locked it");
	else
		err = open_image(image, path, offset, noload);
	if (err)
		close(image->fd);
	else
		pthread_mutex_init(&image->lock, NULL);
	return err;
}

void image_close(struct image *image)
{
	ext2fs_close_free(&image->fs);
	close(image->fd);
	pthread_mutex_destroy(&image->lock);
}

static bool known_type(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) ||
	       S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

int image_inode(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	const struct ext2_super_block *super = image->fs->super;
	errcode_t err;

	if (ino != EXT2_ROOT_INO && (ino < EXT2_FIRST_INO(super) || ino > super->s_inodes_count))
		return -EUCLEAN;
	memset(inode, 0, sizeof(*inode));
	err = ext2fs_read_inode_full(image->fs, ino, (struct ext2_inode *)inode, sizeof(*inode));
	if (err)
		return image_error(err);
	if (!inode->i_links_count || !known_type(inode->i_mode))
		return -EUCLEAN;
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
