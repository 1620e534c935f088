// SPDX-License-Identifier: GPL-2.0
/* Walking the map of an inode's blocks: extents, or trees of block numbers. */
#include <errno.h>
#include <stdlib.h>

#include "map.h"

/* What a walk of a tree is about, and how many blocks it may still see. */
struct walk {
	struct image *image;
	uint64_t left;
	/* Stop at the first block from here on. */
	bool seek;
	uint64_t from;
	uint64_t found;
};

static bool block_is_outside(const struct image *image, uint64_t block, uint64_t count)
{
	uint64_t blocks = ext2fs_blocks_count(image->fs->super);

	return block <= image->fs->super->s_first_data_block || block >= blocks ||
	       count > blocks - block;
}

/* A block number in a tree, covering blocks from first on. Returns 1 to go on, or 0 or an errno. */
static int walk_tree(struct walk *walk, uint32_t block, int level, uint64_t first)
{
	uint64_t each = 1, per = walk->image->fs->blocksize / sizeof(uint32_t);
	uint32_t *numbers;
	int ret = 1;

	for (int n = 0; n < level; n++)
		each *= per;
	if (!block || first + each <= walk->from)
		return 1;
	if (!walk->left-- || block_is_outside(walk->image, block, 1))
		return -EUCLEAN;
	if (!level) {
		walk->found = first;
		return !walk->seek;
	}
	numbers = malloc(walk->image->fs->blocksize);
	if (!numbers)
		return -ENOMEM;
	if (ext2fs_read_ind_block(walk->image->fs, block, numbers))
		ret = -EIO;
	for (uint64_t n = 0; n < per && ret == 1; n++)
		ret = walk_tree(walk, numbers[n], level - 1, first + n * (each / per));
	free(numbers);
	return ret;
}

static int walk_trees(struct walk *walk, const struct ext2_inode_large *inode)
{
	uint64_t first = EXT2_NDIR_BLOCKS, per = walk->image->fs->blocksize / sizeof(uint32_t);
	uint64_t each = 1;
	int ret = 1;

	for (int n = 0; n < EXT2_NDIR_BLOCKS && ret == 1; n++)
		ret = walk_tree(walk, inode->i_block[n], 0, (uint64_t)n);
	for (int level = 1; level <= 3 && ret == 1; level++) {
		ret = walk_tree(walk, inode->i_block[EXT2_NDIR_BLOCKS + level - 1], level, first);
		each *= per;
		first += each;
	}
	return ret;
}

/* One step of the check of extents; next is the first block that may come. */
static int check_extent(const struct image *image, const struct ext2fs_extent *extent,
			uint64_t *next)
{
	if (!(extent->e_flags & EXT2_EXTENT_FLAGS_LEAF))
		return block_is_outside(image, extent->e_pblk, 1) ? -EUCLEAN : 0;
	if (!extent->e_len || extent->e_lblk < *next ||
	    block_is_outside(image, extent->e_pblk, extent->e_len))
		return -EUCLEAN;
	*next = extent->e_lblk + extent->e_len;
	return 0;
}

static int check_extents(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	uint64_t left = ext2fs_blocks_count(image->fs->super) * 2 + 16, next = 0;
	struct ext2fs_extent extent;
	ext2_extent_handle_t handle;
	errcode_t err;
	int ret = 0;

	err = ext2fs_extent_open2(image->fs, ino, (struct ext2_inode *)inode, &handle);
	if (err)
		return image_error(err);
	err = ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &extent);
	while (!err && !ret) {
		/* Nodes are seen once more when all that is in them was. */
		if (!(extent.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT))
			ret = left-- ? check_extent(image, &extent, &next) : -EUCLEAN;
		if (!left)
			ret = -EUCLEAN;
		if (!ret)
			err = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT, &extent);
	}
	ext2fs_extent_free(handle);
	if (ret || err == EXT2_ET_EXTENT_NO_NEXT || err == EXT2_ET_NO_CURRENT_NODE)
		return ret;
	return image_error(err);
}

/* Nothing has extents that begins with a node that has no entries. */
static bool extents_are_none(const struct ext2_inode_large *inode)
{
	const struct ext3_extent_header *header = (const void *)inode->i_block;

	return header->eh_magic == EXT3_EXT_MAGIC && !header->eh_entries && !header->eh_depth;
}

int map_check(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode)
{
	struct walk walk = {
		.image = image,
		.left = ext2fs_blocks_count(image->fs->super),
	};
	struct ext2_inode_large copy = *inode;
	int ret;

	if (inode->i_flags & EXT4_INLINE_DATA_FL ||
	    !ext2fs_inode_has_valid_blocks2(image->fs, (struct ext2_inode *)&copy))
		return 0;
	if (inode->i_flags & EXT4_EXTENTS_FL)
		return extents_are_none(inode) ? 0 : check_extents(image, ino, &copy);
	ret = walk_trees(&walk, inode);
	return ret < 0 ? ret : 0;
}

/* The first block of data in a map of extents. Ends, as they are in order. */
static int seek_extents(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
			uint64_t from, uint64_t *found)
{
	struct ext2fs_extent extent;
	ext2_extent_handle_t handle;
	uint64_t next = 0;
	errcode_t err;

	err = ext2fs_extent_open2(image->fs, ino, (struct ext2_inode *)inode, &handle);
	if (err)
		return image_error(err);
	err = ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &extent);
	for (; !err; err = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT_LEAF, &extent)) {
		if (!(extent.e_flags & EXT2_EXTENT_FLAGS_LEAF))
			continue;
		if (extent.e_lblk < next || !extent.e_len)
			err = EXT2_ET_EXTENT_HEADER_BAD;
		next = extent.e_lblk + extent.e_len;
		if (err || (next > from && !(extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT)))
			break;
	}
	ext2fs_extent_free(handle);
	*found = extent.e_lblk > from ? extent.e_lblk : from;
	if (err == EXT2_ET_EXTENT_NO_NEXT || err == EXT2_ET_NO_CURRENT_NODE)
		return -ENXIO;
	return image_error(err);
}

static int seek_there(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		      uint64_t from, uint64_t *found)
{
	struct walk walk = {
		.image = image,
		.left = ext2fs_blocks_count(image->fs->super),
		.seek = true,
		.from = from,
	};
	int ret;

	if (inode->i_flags & EXT4_EXTENTS_FL)
		return extents_are_none(inode) ? -ENXIO :
						 seek_extents(image, ino, inode, from, found);
	ret = walk_trees(&walk, inode);
	*found = walk.found;
	return ret == 1 ? -ENXIO : ret;
}

/* Block by block, of which an image has not so many. */
static int seek_hole(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		     uint64_t from, uint64_t end, uint64_t *found)
{
	for (uint64_t n = 0; from < end; n++, from++) {
		blk64_t block = 0;
		errcode_t err;
		int flags = 0;

		if (n > ext2fs_blocks_count(image->fs->super))
			return -EUCLEAN;
		err = ext2fs_bmap2(image->fs, ino, (struct ext2_inode *)inode, NULL, 0, from,
				   &flags, &block);
		if (err)
			return image_error(err);
		if (!block || flags & BMAP_RET_UNINIT)
			break;
	}
	*found = from;
	return from < end ? 0 : -ENXIO;
}

int map_seek(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t from,
	     uint64_t end, bool there, uint64_t *found)
{
	int err;

	if (!there)
		return seek_hole(image, ino, inode, from, end, found);
	err = seek_there(image, ino, inode, from, found);
	return !err && *found >= end ? -ENXIO : err;
}

/* Takes a block out of the map of extents that the handle is of, and gives it back. */
static errcode_t unmap_block(struct image *image, ext2_extent_handle_t handle,
			     struct ext2_inode_large *inode, uint64_t logical, uint64_t block)
{
	errcode_t err = ext2fs_extent_set_bmap(handle, logical, 0, 0);

	if (err)
		return err;
	ext2fs_block_alloc_stats2(image->fs, block, -1);
	return ext2fs_iblk_sub_blocks(image->fs, (struct ext2_inode *)inode, 1);
}

int map_free_last(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		  uint64_t first, uint64_t last)
{
	uint64_t end = ext2fs_blocks_count(image->fs->super), logical = 0;
	struct ext2fs_extent extent;
	ext2_extent_handle_t handle;
	bool found = false;
	errcode_t err;

	if (!(inode->i_flags & EXT4_EXTENTS_FL) || extents_are_none(inode) ||
	    !ext2fs_test_block_bitmap2(image->fs->block_map, end - 1))
		return 0;
	err = ext2fs_extent_open2(image->fs, ino, (struct ext2_inode *)inode, &handle);
	if (err)
		return image_error(err);
	err = ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &extent);
	for (; !err && !found; err = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT, &extent)) {
		found = extent.e_flags & EXT2_EXTENT_FLAGS_LEAF &&
			extent.e_pblk + extent.e_len == end;
		logical = extent.e_lblk + extent.e_len - 1;
	}
	found = found && logical >= first && logical <= last;
	err = found ? unmap_block(image, handle, inode, logical, end - 1) : 0;
	ext2fs_extent_free(handle);
	if (!found || err)
		return image_error(err);
	return image_inode_write(image, ino, inode);
}
