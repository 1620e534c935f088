// SPDX-License-Identifier: GPL-2.0
/* Changing the contents of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "content.h"
#include "map.h"
#include "node.h"
#include "xattr.h"

#define ALLOCATE_MODES \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)

/* What was found right once stays so, as nobody else writes it. */
int content_check(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode)
{
	struct node *node = node_find(image, ino);
	int err;

	if (node && node->checked)
		return 0;
	err = map_check(image, ino, inode);
	if (!err && node)
		node->checked = true;
	return err;
}

static errcode_t file_write(struct image *image, ext2_ino_t ino, uint64_t off, const char *buf,
			    size_t size, size_t *done)
{
	errcode_t err, closed;
	unsigned int count;
	ext2_file_t file;

	*done = 0;
	err = ext2fs_file_open(image->fs, ino, EXT2_FILE_WRITE, &file);
	if (err)
		return err;
	err = ext2fs_file_llseek(file, off, EXT2_SEEK_SET, NULL);
	while (!err && *done < size) {
		count = 0;
		err = ext2fs_file_write(file, buf + *done, (unsigned int)(size - *done), &count);
		*done += count;
		if (!err && !count)
			err = EXT2_ET_SHORT_WRITE;
	}
	closed = ext2fs_file_close(file);
	return err ? err : closed;
}

int content_outline(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	uint64_t size = EXT2_I_SIZE(inode);
	ssize_t got;
	size_t done;
	char *buf;
	int err;

	if (!(inode->i_flags & EXT4_INLINE_DATA_FL))
		return 0;
	if (size > image->fs->blocksize)
		return -EUCLEAN;
	/* It has to have room, so that nothing is lost on the way. */
	if (ext2fs_free_blocks_count(image->fs->super) < 2)
		return -ENOSPC;
	buf = malloc(size + 1);
	if (!buf)
		return -ENOMEM;
	got = image_read(image, ino, 0, size, buf);
	err = got < 0 ? (int)got : (uint64_t)got < size ? -EUCLEAN : xattr_drop_inline(image, ino);
	if (!err)
		err = image_inode_any(image, ino, inode);
	if (!err) {
		inode->i_flags &= ~(uint32_t)EXT4_INLINE_DATA_FL;
		err = content_begin(image, ino, inode);
	}
	if (!err)
		err = image_inode_write(image, ino, inode);
	if (!err)
		err = image_error(file_write(image, ino, 0, buf, size, &done));
	if (!err)
		err = image_inode_any(image, ino, inode);
	free(buf);
	return err;
}

int content_begin(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	ext2_extent_handle_t handle;
	errcode_t err;

	memset(inode->i_block, 0, sizeof(inode->i_block));
	if (!ext2fs_has_feature_extents(image->fs->super))
		return 0;
	inode->i_flags |= EXT4_EXTENTS_FL;
	/* Opening writes the head of an empty map. */
	err = ext2fs_extent_open2(image->fs, ino, (struct ext2_inode *)inode, &handle);
	if (!err)
		ext2fs_extent_free(handle);
	return image_error(err);
}

/* What is to be so before the contents of an inode are changed. */
static int prepare(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	int err = image_inode(image, ino, inode);

	if (!err)
		err = image_changeable(inode);
	if (!err)
		err = content_check(image, ino, inode);
	return err ? err : content_outline(image, ino, inode);
}

ssize_t content_write(struct image *image, ext2_ino_t ino, uint64_t off, const char *buf,
		      size_t size)
{
	struct ext2_inode_large inode;
	errcode_t err;
	size_t done;
	int ret;

	ret = prepare(image, ino, &inode);
	if (ret)
		return ret;
	err = file_write(image, ino, off, buf, size, &done);
	ret = image_touch(image, ino, IMAGE_MTIME | IMAGE_CTIME);
	if (done && (!err || done < size))
		return ret ? ret : (ssize_t)done;
	return err ? image_error(err) : ret;
}

int content_resize(struct image *image, ext2_ino_t ino, uint64_t size)
{
	struct ext2_inode_large inode;
	ext2_file_t file;
	errcode_t err, closed;
	uint64_t first = size / image->fs->blocksize + !!(size % image->fs->blocksize);
	int ret;

	ret = prepare(image, ino, &inode);
	if (!ret && size < EXT2_I_SIZE(&inode))
		ret = map_free_last(image, ino, &inode, first, UINT64_MAX);
	if (ret)
		return ret;
	err = ext2fs_file_open(image->fs, ino, EXT2_FILE_WRITE, &file);
	if (err)
		return image_error(err);
	err = ext2fs_file_set_size2(file, (ext2_off64_t)size);
	closed = ext2fs_file_close(file);
	ret = image_error(err ? err : closed);
	return ret ? ret : image_touch(image, ino, IMAGE_MTIME | IMAGE_CTIME);
}

/* Writes zeros where something else may be, which is not in a hole, nor behind the end. */
static int clear_part(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		      uint64_t off, uint64_t end)
{
	static const char zeros[65536];
	int flags = 0;
	blk64_t block;
	errcode_t err;
	size_t done;

	if (end > EXT2_I_SIZE(inode))
		end = EXT2_I_SIZE(inode);
	if (off >= end)
		return 0;
	err = ext2fs_bmap2(image->fs, ino, (struct ext2_inode *)inode, NULL, 0,
			   off / image->fs->blocksize, &flags, &block);
	if (err || !block || flags & BMAP_RET_UNINIT)
		return image_error(err);
	return image_error(file_write(image, ino, off, zeros, end - off, &done));
}

static int punch(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t off,
		 uint64_t end)
{
	uint64_t size = image->fs->blocksize, first = (off + size - 1) / size, last = end / size;
	errcode_t err;
	int ret;

	if (first > last)
		return clear_part(image, ino, inode, off, end);
	ret = clear_part(image, ino, inode, off, first * size);
	if (!ret)
		ret = clear_part(image, ino, inode, last * size, end);
	if (ret || first == last)
		return ret;
	ret = image_inode_any(image, ino, inode);
	if (!ret)
		ret = map_free_last(image, ino, inode, first, last - 1);
	if (ret)
		return ret;
	err = ext2fs_punch(image->fs, ino, (struct ext2_inode *)inode, NULL, first, last - 1);
	return image_error(err);
}

static int allocate(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		    uint64_t off, uint64_t end)
{
	uint64_t size = image->fs->blocksize, first = off / size, last = (end + size - 1) / size;
	errcode_t err;
	int ret;

	if (!(inode->i_flags & EXT4_EXTENTS_FL))
		return -EOPNOTSUPP;
	if (last > UINT32_MAX)
		return -EFBIG;
	/* What does not fit is not begun. */
	if (last - first > ext2fs_free_blocks_count(image->fs->super) + inode->i_blocks)
		return -ENOSPC;
	err = ext2fs_fallocate(image->fs, EXT2_FALLOCATE_FORCE_UNINIT, ino,
			       (struct ext2_inode *)inode, ~0ULL, first, last - first);
	/* It does not always write how many blocks there are now. */
	ret = image_inode_write(image, ino, inode);
	return err ? image_error(err) : ret;
}

int content_allocate(struct image *image, ext2_ino_t ino, int mode, uint64_t off, uint64_t len)
{
	struct ext2_inode_large inode;
	uint64_t end = off + len;
	int err;

	if (mode & ~ALLOCATE_MODES)
		return -EOPNOTSUPP;
	err = prepare(image, ino, &inode);
	if (!err && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		err = punch(image, ino, &inode, off, end);
	if (!err)
		err = image_inode_any(image, ino, &inode);
	if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
		err = allocate(image, ino, &inode, off, end);
	if (!err)
		err = image_inode_any(image, ino, &inode);
	if (err)
		return err;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > EXT2_I_SIZE(&inode))
		err = image_error(ext2fs_inode_size_set(image->fs, (struct ext2_inode *)&inode,
							(ext2_off64_t)end));
	image_set_times(image, &inode, IMAGE_MTIME | IMAGE_CTIME, image_now());
	return err ? err : image_inode_write(image, ino, &inode);
}

int content_seek(struct image *image, ext2_ino_t ino, uint64_t off, bool data, uint64_t *found)
{
	struct ext2_inode_large inode;
	uint64_t size, block = image->fs->blocksize;
	int err;

	err = image_inode(image, ino, &inode);
	if (err)
		return err;
	size = EXT2_I_SIZE(&inode);
	if (off >= size)
		return -ENXIO;
	if (inode.i_flags & EXT4_INLINE_DATA_FL) {
		*found = data ? off : size;
		return 0;
	}
	err = map_seek(image, ino, &inode, off / block, (size + block - 1) / block, data, found);
	if (err == -ENXIO && !data) {
		*found = size;
		return 0;
	}
	*found *= block;
	if (*found < off)
		*found = off;
	return err;
}

/* Whatever the inode names is given back. */
static int free_blocks(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	errcode_t err = ext2fs_free_ext_attr(image->fs, ino, inode);
	int ret = 0;

	if (!err && ext2fs_inode_has_valid_blocks2(image->fs, (struct ext2_inode *)inode))
		ret = map_free_last(image, ino, inode, 0, UINT64_MAX);
	if (ret)
		return ret;
	if (!err && ext2fs_inode_has_valid_blocks2(image->fs, (struct ext2_inode *)inode))
		err = ext2fs_punch(image->fs, ino, (struct ext2_inode *)inode, NULL, 0, ~0ULL);
	return image_error(err);
}

int content_free(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	int err = content_check(image, ino, inode);

	if (!err)
		err = free_blocks(image, ino, inode);
	if (err)
		return err;
	if (image->hint_dir == ino)
		image->hint_dir = 0;
	if (image->room_dir == ino)
		image->room_dir = 0;
	inode->i_links_count = 0;
	inode->i_size = 0;
	inode->i_size_high = 0;
	inode->i_dtime = (uint32_t)time(NULL);
	err = image_inode_write(image, ino, inode);
	ext2fs_inode_alloc_stats2(image->fs, ino, -1, S_ISDIR(inode->i_mode));
	return err;
}
