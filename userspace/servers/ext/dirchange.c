// SPDX-License-Identifier: GPL-2.0
/* Changing a directory of an image, block by block. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "dir.h"

#define DIRENT_HEAD 8
#define TAIL_SIZE sizeof(struct ext2_dir_entry_tail)

/* One block of a directory in memory, or one entry of it. */
struct place {
	struct image *image;
	char *buf;
	/* Where the entries end: before the checksum, if there is one. */
	unsigned int end;
	unsigned int at;
	unsigned int len;
};

static struct ext2_dir_entry *place_entry(const struct place *place)
{
	return (struct ext2_dir_entry *)(place->buf + place->at);
}

/* Reads the length of the entry there. Returns 1, 0 behind the last one, or -EUCLEAN. */
static int place_read(struct place *place)
{
	struct ext2_dir_entry *entry = place_entry(place);

	if (place->at >= place->end)
		return 0;
	if (place->end - place->at < DIRENT_HEAD ||
	    ext2fs_get_rec_len(place->image->fs, entry, &place->len) ||
	    place->len < DIRENT_HEAD || place->len % 4 || place->len > place->end - place->at ||
	    (unsigned int)ext2fs_dirent_name_len(entry) > place->len - DIRENT_HEAD)
		return -EUCLEAN;
	return 1;
}

/* What is done with each block: 1, it is changed, and that is all; 0, go on; or an errno. */
typedef int edit_block(struct place *place, uint64_t number, void *data);

static unsigned int tail_size(const struct image *image)
{
	return ext2fs_has_feature_metadata_csum(image->fs->super) ? TAIL_SIZE : 0;
}

/* Returns 1 if a block was changed, which is written then, else 0 or a negative errno. */
static int edit_blocks(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode,
		       uint64_t from, edit_block *edit, void *data)
{
	uint64_t blocks = EXT2_I_SIZE(inode) / image->fs->blocksize;
	struct place place = { .image = image };
	int ret = 0;

	if (blocks > ext2fs_blocks_count(image->fs->super))
		return -EUCLEAN;
	place.buf = malloc(image->fs->blocksize);
	if (!place.buf)
		return -ENOMEM;
	for (uint64_t n = from; n < blocks && !ret; n++) {
		errcode_t err;
		blk64_t block;

		err = ext2fs_bmap2(image->fs, dir, (struct ext2_inode *)inode, NULL, 0, n, NULL,
				   &block);
		if (!err && !block)
			continue;
		if (!err)
			err = ext2fs_read_dir_block4(image->fs, block, place.buf, 0, dir);
		place.end = image->fs->blocksize - tail_size(image);
		place.at = 0;
		ret = err ? image_error(err) : edit(&place, n, data);
		if (ret > 0) {
			err = ext2fs_write_dir_block4(image->fs, block, place.buf, 0, dir);
			ret = err ? image_error(err) : ret;
		}
	}
	free(place.buf);
	return ret;
}

static void tail_write(struct place *place)
{
	if (tail_size(place->image))
		ext2fs_initialize_dirent_tail(place->image->fs,
					      EXT2_DIRENT_TAIL(place->buf,
							       place->image->fs->blocksize));
}

/* The length of the entry there, at most up to the end. */
static int place_set_len(struct place *place, unsigned int len)
{
	return ext2fs_set_rec_len(place->image->fs, len, place_entry(place)) ? -EUCLEAN : 0;
}

/*
 * The blocks of an index look like such with one entry that is free, or with the two that each
 * directory has, up to the block's very end. Their checksum is elsewhere.
 */
static int unindex_block(struct place *place, uint64_t number, void *data)
{
	unsigned int size = place->image->fs->blocksize;
	bool *changed = data;
	int ret;

	place->end = size;
	if (!number) {
		ret = place_read(place);
		if (ret <= 0)
			return -EUCLEAN;
		place->at += place->len;
	}
	ret = place_read(place);
	if (ret <= 0)
		return -EUCLEAN;
	if (place->at + place->len != size || (number && place_entry(place)->inode))
		return 0;
	ret = place_set_len(place, size - tail_size(place->image) - place->at);
	tail_write(place);
	*changed = true;
	return ret ? ret : 1;
}

static int unindex(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode)
{
	uint64_t blocks = EXT2_I_SIZE(inode) / image->fs->blocksize;

	if (!(inode->i_flags & EXT2_INDEX_FL))
		return 0;
	for (uint64_t n = 0; tail_size(image) && n < blocks; n++) {
		bool changed = false;
		int ret = edit_blocks(image, dir, inode, n, unindex_block, &changed);

		if (ret < 0)
			return ret;
		if (!changed)
			break;
	}
	inode->i_flags &= ~(uint32_t)EXT2_INDEX_FL;
	return image_inode_write(image, dir, inode);
}

/* A directory as it has to be before it is changed. */
static int prepare(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode)
{
	int err = image_inode(image, dir, inode);

	if (err)
		return err;
	if (!S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (inode->i_flags & EXT4_CASEFOLD_FL)
		return -EOPNOTSUPP;
	err = image_changeable(inode);
	if (!err)
		err = content_check(image, dir, inode);
	if (!err && inode->i_flags & EXT4_INLINE_DATA_FL) {
		err = image_error(ext2fs_expand_dir(image->fs, dir));
		if (!err)
			err = image_inode(image, dir, inode);
	}
	return err ? err : unindex(image, dir, inode);
}

static int finish(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode)
{
	image_set_times(image, inode, IMAGE_MTIME | IMAGE_CTIME, image_now());
	return image_inode_write(image, dir, inode);
}

/* A name, and the inode that it is to have. */
struct naming {
	const char *name;
	size_t len;
	ext2_ino_t ino;
	mode_t mode;
	/* The block in which it was found, or put. */
	uint64_t block;
};

static unsigned int naming_size(size_t len)
{
	return (unsigned int)(DIRENT_HEAD + len + 3) & ~3u;
}

static int file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

static void place_name(struct place *place, const struct naming *naming)
{
	struct ext2_dir_entry *entry = place_entry(place);
	bool typed = ext2fs_has_feature_filetype(place->image->fs->super);

	entry->inode = naming->ino;
	ext2fs_dirent_set_name_len(entry, (int)naming->len);
	ext2fs_dirent_set_file_type(entry, typed ? file_type(naming->mode) : 0);
	memcpy(entry->name, naming->name, naming->len);
}

static int add_in_block(struct place *place, uint64_t number, void *data)
{
	struct naming *naming = data;
	unsigned int need = naming_size(naming->len), used, len;
	int ret;

	while ((ret = place_read(place)) > 0) {
		struct ext2_dir_entry *entry = place_entry(place);

		len = place->len;
		used = entry->inode ? naming_size((size_t)ext2fs_dirent_name_len(entry)) : 0;
		if (len >= used + need) {
			ret = used ? place_set_len(place, used) : 0;
			place->at += used;
			if (!ret)
				ret = place_set_len(place, len - used);
			place_name(place, naming);
			naming->block = number;
			return ret ? ret : 1;
		}
		place->at += len;
	}
	return ret;
}

/* A new block with nothing but this name. */
static int add_block(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode,
		     struct naming *naming)
{
	uint64_t size = image->fs->blocksize, number = EXT2_I_SIZE(inode) / size;
	struct place place = { .image = image, .end = (unsigned int)size - tail_size(image) };
	errcode_t err;
	blk64_t block;
	int ret;

	if (EXT2_I_SIZE(inode) + size > INT32_MAX)
		return -EFBIG;
	place.buf = calloc(1, size);
	if (!place.buf)
		return -ENOMEM;
	ret = place_set_len(&place, place.end);
	place_name(&place, naming);
	tail_write(&place);
	err = ext2fs_bmap2(image->fs, dir, (struct ext2_inode *)inode, NULL, BMAP_ALLOC, number,
			   NULL, &block);
	if (!err && !ret)
		err = ext2fs_write_dir_block4(image->fs, block, place.buf, 0, dir);
	free(place.buf);
	if (err || ret)
		return ret ? ret : image_error(err);
	inode->i_size += (uint32_t)size;
	naming->block = number;
	return 0;
}

int dir_add(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t ino, mode_t mode)
{
	struct naming naming = { .name = name, .len = strlen(name), .ino = ino, .mode = mode };
	struct ext2_inode_large inode;
	int ret;

	if (naming.len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	ret = prepare(image, dir, &inode);
	if (ret)
		return ret;
	if (!inode.i_links_count)
		return -ENOENT;
	ret = edit_blocks(image, dir, &inode, image->room_dir == dir ? image->room : 0,
			  add_in_block, &naming);
	if (!ret)
		ret = add_block(image, dir, &inode, &naming);
	if (ret < 0)
		return ret;
	image->room_dir = dir;
	image->room = naming.block;
	return finish(image, dir, &inode);
}

/* Finds the entry of the name; *before is where the one before it in the block is, or its own. */
static int find_in_block(struct place *place, const struct naming *naming, unsigned int *before)
{
	int ret;

	*before = 0;
	while ((ret = place_read(place)) > 0) {
		struct ext2_dir_entry *entry = place_entry(place);

		if (entry->inode && (size_t)ext2fs_dirent_name_len(entry) == naming->len &&
		    !memcmp(entry->name, naming->name, naming->len))
			return 1;
		*before = place->at;
		place->at += place->len;
	}
	return ret;
}

static int remove_in_block(struct place *place, uint64_t number, void *data)
{
	struct naming *naming = data;
	unsigned int before, len;
	int ret = find_in_block(place, naming, &before);

	if (ret <= 0)
		return ret;
	naming->block = number;
	place_entry(place)->inode = 0;
	if (before == place->at)
		return 1;
	/* It becomes room of the one before. */
	len = place->at + place->len - before;
	place->at = before;
	ret = place_set_len(place, len);
	return ret ? ret : 1;
}

static int change_in_block(struct place *place, uint64_t number, void *data)
{
	struct naming *naming = data;
	unsigned int before;
	int ret = find_in_block(place, naming, &before);

	if (ret > 0) {
		naming->block = number;
		place_name(place, naming);
	}
	return ret;
}

static int edit_name(struct image *image, ext2_ino_t dir, struct naming *naming, edit_block *edit)
{
	struct ext2_inode_large inode;
	uint64_t from;
	int ret;

	ret = prepare(image, dir, &inode);
	if (ret)
		return ret;
	/* Near where it was just looked up. */
	from = image->hint_dir == dir && image->hint ? (image->hint - 1) / image->fs->blocksize : 0;
	ret = edit_blocks(image, dir, &inode, from, edit, naming);
	if (!ret && from)
		ret = edit_blocks(image, dir, &inode, 0, edit, naming);
	if (ret <= 0)
		return ret ? ret : -ENOENT;
	return finish(image, dir, &inode);
}

int dir_remove(struct image *image, ext2_ino_t dir, const char *name)
{
	struct naming naming = { .name = name, .len = strlen(name) };
	int err = edit_name(image, dir, &naming, remove_in_block);

	if (!err && image->room_dir == dir && naming.block < image->room)
		image->room = naming.block;
	return err;
}

int dir_change(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t ino, mode_t mode)
{
	struct naming naming = { .name = name, .len = strlen(name), .ino = ino, .mode = mode };

	return edit_name(image, dir, &naming, change_in_block);
}

int dir_begin(struct image *image, ext2_ino_t dir, ext2_ino_t parent)
{
	struct ext2_inode_large inode;
	errcode_t err;
	blk64_t block;
	char *buf;
	int ret;

	ret = image_inode_any(image, dir, &inode);
	if (ret)
		return ret;
	err = ext2fs_new_dir_block(image->fs, dir, parent, &buf);
	if (err)
		return image_error(err);
	err = ext2fs_bmap2(image->fs, dir, (struct ext2_inode *)&inode, NULL, BMAP_ALLOC, 0, NULL,
			   &block);
	if (!err)
		err = ext2fs_write_dir_block4(image->fs, block, buf, 0, dir);
	ext2fs_free_mem(&buf);
	if (err)
		return image_error(err);
	inode.i_size = image->fs->blocksize;
	return image_inode_write(image, dir, &inode);
}

static bool empty_visit(const char *name, size_t len, ext2_ino_t ino, uint64_t next, void *data)
{
	bool *empty = data;

	(void)ino;
	(void)next;
	*empty = *name == '.' && (len == 1 || (len == 2 && name[1] == '.'));
	return *empty;
}

int dir_empty(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode)
{
	bool empty = true;
	int err = dir_walk(image, dir, inode, 0, empty_visit, &empty);

	return err ? err : empty ? 0 : -ENOTEMPTY;
}
