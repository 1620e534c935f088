// SPDX-License-Identifier: GPL-2.0
/* Walking a directory of an image. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"

#define DIRENT_HEAD 8

/* Visits what one block has. Returns 1 to go on, 0 when the visitor has had enough, or an errno. */
static int walk_block(struct image *image, const char *buf, uint64_t base, uint64_t from,
		      dir_visit *visit, void *data)
{
	unsigned int size = image->fs->blocksize, at = 0, len, name_len;

	while (at + DIRENT_HEAD <= size) {
		struct ext2_dir_entry *entry = (struct ext2_dir_entry *)(buf + at);

		if (ext2fs_get_rec_len(image->fs, entry, &len))
			return -EUCLEAN;
		name_len = (unsigned int)ext2fs_dirent_name_len(entry);
		if (len < DIRENT_HEAD || len % 4 || len > size - at || name_len > len - DIRENT_HEAD)
			return -EUCLEAN;
		/* Neither what was removed, nor the checksum at the end, which has no inode. */
		if (entry->inode && base + at >= from) {
			if (!name_len || memchr(entry->name, '/', name_len) ||
			    memchr(entry->name, 0, name_len))
				return -EUCLEAN;
			if (!visit(entry->name, name_len, entry->inode, base + at + len, data))
				return 0;
		}
		at += len;
	}
	return 1;
}

/*
 * Block by block, as the walks of libext2fs follow a tree of blocks that names itself for as long
 * as it likes.
 */
static int walk_blocks(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode,
		       uint64_t from, dir_visit *visit, void *data)
{
	unsigned int size = image->fs->blocksize;
	uint64_t blocks = EXT2_I_SIZE(inode) / size;
	char *buf;
	int ret = 1;

	if (blocks > ext2fs_blocks_count(image->fs->super))
		return -EUCLEAN;
	buf = malloc(size);
	if (!buf)
		return -ENOMEM;
	for (uint64_t n = from / size; n < blocks && ret == 1; n++) {
		errcode_t err;
		blk64_t block;

		err = ext2fs_bmap2(image->fs, dir, (struct ext2_inode *)inode, NULL, 0, n, NULL,
				   &block);
		if (!err && !block)
			continue;
		if (!err)
			err = ext2fs_read_dir_block4(image->fs, block, buf, 0, dir);
		ret = err ? image_error(err) :
			    walk_block(image, buf, n * size, from, visit, data);
	}
	free(buf);
	return ret < 0 ? ret : 0;
}

struct inline_walk {
	uint64_t from;
	uint64_t count;
	dir_visit *visit;
	void *data;
	int err;
};

static int inline_entry(ext2_ino_t dir, int which, struct ext2_dir_entry *entry, int offset,
			int size, char *buf, void *data)
{
	struct inline_walk *walk = data;
	size_t len = (size_t)ext2fs_dirent_name_len(entry);

	(void)dir, (void)which, (void)offset, (void)size, (void)buf;
	if (walk->count++ < walk->from)
		return 0;
	if (!len || memchr(entry->name, '/', len) || memchr(entry->name, 0, len)) {
		walk->err = -EUCLEAN;
		return DIRENT_ABORT;
	}
	return walk->visit(entry->name, len, entry->inode, walk->count, walk->data) ? 0 :
										       DIRENT_ABORT;
}

/* Names in the inode itself: few, so they are counted. */
static int walk_inline(struct image *image, ext2_ino_t dir, uint64_t from, dir_visit *visit,
		       void *data)
{
	struct inline_walk walk = { .from = from, .visit = visit, .data = data };
	errcode_t err;

	err = ext2fs_dir_iterate2(image->fs, dir, 0, NULL, inline_entry, &walk);
	return err ? image_error(err) : walk.err;
}

int dir_walk(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode, uint64_t from,
	     dir_visit *visit, void *data)
{
	if (!S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (inode->i_flags & EXT4_INLINE_DATA_FL)
		return walk_inline(image, dir, from, visit, data);
	return walk_blocks(image, dir, inode, from, visit, data);
}

struct search {
	const char *name;
	size_t len;
	ext2_ino_t found;
	uint64_t next;
};

static bool search_visit(const char *name, size_t len, ext2_ino_t ino, uint64_t next, void *data)
{
	struct search *search = data;

	if (len != search->len || memcmp(name, search->name, len))
		return true;
	search->found = ino;
	search->next = next;
	return false;
}

int dir_find(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode, const char *name,
	     ext2_ino_t *found)
{
	struct search search = { .name = name, .len = strlen(name) };
	int err;

	if (search.len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	/* Names are mostly asked for in the order in which they were listed. */
	if (image->hint_dir == dir) {
		err = dir_walk(image, dir, inode, image->hint, search_visit, &search);
		if (err)
			return err;
	}
	if (!search.found) {
		err = dir_walk(image, dir, inode, 0, search_visit, &search);
		if (err)
			return err;
	}
	if (!search.found)
		return -ENOENT;
	image->hint_dir = dir;
	image->hint = search.next;
	*found = search.found;
	return 0;
}
