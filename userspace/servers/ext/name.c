// SPDX-License-Identifier: GPL-2.0
/* Making, removing and renaming. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "content.h"
#include "dir.h"
#include "name.h"
#include "node.h"
#include "xattr.h"

/* Finds a name in a directory that is read here. */
static int find(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t *found)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, dir, &inode);

	if (!err && inode.i_flags & EXT4_ENCRYPT_FL)
		err = -ENOKEY;
	return err ? err : dir_find(image, dir, &inode, name, found);
}

/* A name is to be made: -EEXIST, or what else there is against it. */
static int is_free(struct image *image, ext2_ino_t dir, const char *name)
{
	ext2_ino_t found;
	int err = find(image, dir, name, &found);

	return err == -ENOENT ? 0 : err ? err : -EEXIST;
}

/*
 * Changes the number of an inode's names. That of a directory with too many is 1, once and for all,
 * where the image has that feature.
 */
static int count_names(struct image *image, ext2_ino_t ino, int by)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, ino, &inode), links;

	if (err)
		return err;
	links = inode.i_links_count + by;
	if (S_ISDIR(inode.i_mode) && inode.i_links_count == 1)
		links = 1;
	if (links > EXT2_LINK_MAX) {
		if (!S_ISDIR(inode.i_mode) || !ext2fs_has_feature_dir_nlink(image->fs->super))
			return -EMLINK;
		links = 1;
	}
	inode.i_links_count = (uint16_t)(links > 0 ? links : 0);
	image_set_times(image, &inode, IMAGE_CTIME, image_now());
	return image_inode_write(image, ino, &inode);
}

/* Takes the last name, or one of several, from an inode. */
static int lose_name(struct image *image, ext2_ino_t ino, bool is_dir)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, ino, &inode);

	if (err)
		return err;
	inode.i_links_count = is_dir ? 0 : inode.i_links_count - 1;
	image_set_times(image, &inode, IMAGE_CTIME, image_now());
	err = image_inode_write(image, ino, &inode);
	if (!err && !inode.i_links_count && !node_find(image, ino))
		err = content_free(image, ino, &inode);
	return err;
}

/* Whose the new one is, and what it says of itself. */
static void inode_fill(struct image *image, const struct ext2_inode_large *parent,
		       const struct making *making, struct ext2_inode_large *inode)
{
	mode_t mode = making->mode;
	gid_t gid = making->gid;

	if (parent->i_mode & S_ISGID) {
		gid = inode_gid(*parent);
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	inode->i_mode = (uint16_t)mode;
	inode->i_uid = (uint16_t)making->uid;
	inode->osd2.linux2.l_i_uid_high = (uint16_t)(making->uid >> 16);
	inode->i_gid = (uint16_t)gid;
	inode->osd2.linux2.l_i_gid_high = (uint16_t)(gid >> 16);
	if (EXT2_INODE_SIZE(image->fs->super) > EXT2_GOOD_OLD_INODE_SIZE)
		inode->i_extra_isize = sizeof(*inode) - EXT2_GOOD_OLD_INODE_SIZE;
	image_set_times(image, inode, IMAGE_ATIME | IMAGE_MTIME | IMAGE_CTIME, image_now());
	if (inode->i_extra_isize) {
		inode->i_crtime = inode->i_ctime;
		inode->i_crtime_extra = inode->i_ctime_extra;
	}
	if (getrandom(&inode->i_generation, sizeof(inode->i_generation), GRND_NONBLOCK) < 0)
		inode->i_generation = inode->i_ctime;
}

/* Where an inode was before, there may be attributes of it behind the new one. */
static int write_new(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode)
{
	int size = EXT2_INODE_SIZE(image->fs->super);
	char *whole = calloc(1, (size_t)size > sizeof(*inode) ? (size_t)size : sizeof(*inode));
	errcode_t err;

	if (!whole)
		return -ENOMEM;
	memcpy(whole, inode, sizeof(*inode));
	err = ext2fs_write_inode_full(image->fs, ino, (struct ext2_inode *)whole, size);
	free(whole);
	return image_error(err);
}

static int fill_link(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		     const char *target)
{
	size_t len = strlen(target);
	ssize_t done;
	int err;

	if (len < sizeof(inode->i_block)) {
		memcpy(inode->i_block, target, len);
		inode->i_size = (uint32_t)len;
		return write_new(image, ino, inode);
	}
	if (len >= image->fs->blocksize)
		return -ENAMETOOLONG;
	err = content_begin(image, ino, inode);
	if (!err)
		err = write_new(image, ino, inode);
	if (err)
		return err;
	done = content_write(image, ino, 0, target, len);
	return done < 0 ? (int)done : 0;
}

/* Writes the inode and what is in it. It has no name yet. */
static int fill(struct image *image, ext2_ino_t dir, ext2_ino_t ino, struct ext2_inode_large *inode,
		const struct making *making)
{
	int err = 0;

	if (S_ISLNK(making->mode))
		return fill_link(image, ino, inode, making->target);
	if (S_ISREG(making->mode) || S_ISDIR(making->mode))
		err = content_begin(image, ino, inode);
	else if (!S_ISFIFO(making->mode) && !S_ISSOCK(making->mode))
		image_set_rdev(inode, making->rdev);
	if (!err)
		err = write_new(image, ino, inode);
	if (!err && S_ISDIR(making->mode))
		err = dir_begin(image, ino, dir);
	return err ? err : xattr_hand_down(image, dir, ino, making->umask);
}

static void unmake(struct image *image, ext2_ino_t ino)
{
	struct ext2_inode_large inode;

	if (image_inode_any(image, ino, &inode) || content_free(image, ino, &inode))
		image->failed = true;
}

static int name_new(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t ino,
		    mode_t mode)
{
	int err = 0;

	if (!name)
		return 0;
	if (S_ISDIR(mode))
		err = count_names(image, dir, 1);
	if (err)
		return err;
	err = dir_add(image, dir, name, ino, mode);
	if (err && S_ISDIR(mode))
		count_names(image, dir, -1);
	return err;
}

int name_make(struct image *image, ext2_ino_t dir, const char *name, const struct making *making,
	      ext2_ino_t *made)
{
	struct ext2_inode_large parent, inode = {};
	bool is_dir = S_ISDIR(making->mode);
	errcode_t failed;
	int err;

	err = image_inode(image, dir, &parent);
	if (!err)
		err = image_changeable(&parent);
	if (!err)
		err = name ? is_free(image, dir, name) : 0;
	if (err)
		return err;
	if (!parent.i_links_count)
		return -ENOENT;
	failed = ext2fs_new_inode(image->fs, dir, (int)making->mode, NULL, made);
	if (failed)
		return image_error(failed);
	if (*made < EXT2_FIRST_INO(image->fs->super) || node_find(image, *made))
		return -EUCLEAN;
	inode_fill(image, &parent, making, &inode);
	/* From here on it can be unmade: there is nothing of what was there before. */
	err = write_new(image, *made, &inode);
	if (err)
		return err;
	ext2fs_inode_alloc_stats2(image->fs, *made, 1, is_dir);
	inode.i_links_count = is_dir ? 2 : name ? 1 : 0;
	err = fill(image, dir, *made, &inode, making);
	if (!err)
		err = name_new(image, dir, name, *made, making->mode);
	if (err)
		unmake(image, *made);
	return err;
}

int name_link(struct image *image, ext2_ino_t ino, ext2_ino_t dir, const char *name)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, ino, &inode);

	if (!err)
		err = image_changeable(&inode);
	if (!err && S_ISDIR(inode.i_mode))
		err = -EPERM;
	if (!err)
		err = is_free(image, dir, name);
	if (!err)
		err = count_names(image, ino, 1);
	if (err)
		return err;
	err = dir_add(image, dir, name, ino, inode.i_mode);
	if (err)
		count_names(image, ino, -1);
	return err;
}

/* -EPERM and the like, -EISDIR, -ENOTDIR, -ENOTEMPTY: may the inode lose its name? */
static int may_go(struct image *image, ext2_ino_t ino, bool as_dir)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, ino, &inode);

	/* What is encrypted can be removed. */
	if (!err && inode.i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		err = -EPERM;
	if (err)
		return err;
	if (S_ISDIR(inode.i_mode) != as_dir)
		return as_dir ? -ENOTDIR : -EISDIR;
	return as_dir ? dir_empty(image, ino, &inode) : 0;
}

int name_unlink(struct image *image, ext2_ino_t dir, const char *name, bool is_dir)
{
	ext2_ino_t ino;
	int err;

	err = find(image, dir, name, &ino);
	if (!err)
		err = may_go(image, ino, is_dir);
	if (!err)
		err = dir_remove(image, dir, name);
	if (!err && is_dir)
		err = count_names(image, dir, -1);
	return err ? err : lose_name(image, ino, is_dir);
}

/* One of the two ends of a rename. */
struct end {
	ext2_ino_t dir;
	const char *name;
	ext2_ino_t ino;
	mode_t mode;
};

/* Finds what has the name. The inode is 0 if none. */
static int end_find(struct image *image, struct end *end)
{
	struct ext2_inode_large inode;
	int err = find(image, end->dir, end->name, &end->ino);

	if (err == -ENOENT) {
		end->ino = 0;
		return 0;
	}
	if (!err)
		err = image_inode(image, end->ino, &inode);
	if (!err && inode.i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		err = -EPERM;
	end->mode = err ? 0 : inode.i_mode;
	return err;
}

/* A directory that was in one directory is in another. */
static int move_dir(struct image *image, ext2_ino_t ino, ext2_ino_t from, ext2_ino_t to)
{
	int err;

	if (from == to)
		return 0;
	err = dir_change(image, ino, "..", to, S_IFDIR);
	if (!err)
		err = count_names(image, to, 1);
	return err ? err : count_names(image, from, -1);
}

static int exchange(struct image *image, const struct end *from, const struct end *to)
{
	int err;

	err = dir_change(image, to->dir, to->name, from->ino, from->mode);
	if (!err)
		err = dir_change(image, from->dir, from->name, to->ino, to->mode);
	if (!err && S_ISDIR(from->mode))
		err = move_dir(image, from->ino, from->dir, to->dir);
	if (!err && S_ISDIR(to->mode))
		err = move_dir(image, to->ino, to->dir, from->dir);
	if (!err)
		err = image_touch(image, from->ino, IMAGE_CTIME);
	return err ? err : image_touch(image, to->ino, IMAGE_CTIME);
}

static int move(struct image *image, const struct end *from, const struct end *to)
{
	int err;

	/* Only this one may lack room. */
	err = to->ino ? dir_change(image, to->dir, to->name, from->ino, from->mode) :
			dir_add(image, to->dir, to->name, from->ino, from->mode);
	if (!err)
		err = dir_remove(image, from->dir, from->name);
	if (!err && S_ISDIR(from->mode))
		err = move_dir(image, from->ino, from->dir, to->dir);
	if (!err && to->ino && S_ISDIR(to->mode))
		err = count_names(image, to->dir, -1);
	if (!err)
		err = image_touch(image, from->ino, IMAGE_CTIME);
	if (!err && to->ino)
		err = lose_name(image, to->ino, S_ISDIR(to->mode));
	return err;
}

/* May a directory have one more in it? */
static int has_room(struct image *image, ext2_ino_t dir)
{
	struct ext2_inode_large inode;
	int err = image_inode(image, dir, &inode);

	if (!err && inode.i_links_count >= EXT2_LINK_MAX &&
	    !ext2fs_has_feature_dir_nlink(image->fs->super))
		err = -EMLINK;
	return err;
}

int name_rename(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t newdir,
		const char *newname, unsigned int flags)
{
	struct end from = { .dir = dir, .name = name }, to = { .dir = newdir, .name = newname };
	int err;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = end_find(image, &from);
	if (!err)
		err = end_find(image, &to);
	if (!err && (!from.ino || (!to.ino && flags & RENAME_EXCHANGE)))
		err = -ENOENT;
	if (!err && to.ino && flags & RENAME_NOREPLACE)
		err = -EEXIST;
	if (!err && dir != newdir && S_ISDIR(from.mode))
		err = has_room(image, newdir);
	if (err || from.ino == to.ino)
		return err;
	if (flags & RENAME_EXCHANGE)
		return exchange(image, &from, &to);
	if (to.ino)
		err = may_go(image, to.ino, S_ISDIR(from.mode));
	return err ? err : move(image, &from, &to);
}
