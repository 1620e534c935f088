/* SPDX-License-Identifier: GPL-2.0 */
/* The names in a directory of an image. */
#ifndef EXT_DIR_H
#define EXT_DIR_H

#include "image.h"

/*
 * A name that was found; it is not terminated. next is where the walk goes on behind it, never 0.
 * Returns whether to go on.
 */
typedef bool dir_visit(const char *name, size_t len, ext2_ino_t ino, uint64_t next, void *data);

/* Visits the names from a place on, 0 being the first. Returns 0 or a negative errno. */
int dir_walk(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode, uint64_t from,
	     dir_visit *visit, void *data);

/* Finds a name. Returns 0, -ENOENT or another negative errno. */
int dir_find(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode, const char *name,
	     ext2_ino_t *found);

/*
 * What changes a directory takes its number, reads its inode, and leaves it written, with its times
 * set. An index of names is given up, as libext2fs cannot keep one; names in the inode go to a
 * block. They return 0 or a negative errno.
 */

/* Adds a name that is not there. */
int dir_add(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t ino, mode_t mode);

int dir_remove(struct image *image, ext2_ino_t dir, const char *name);

/* Has a name that is there, or "..", be that of another inode. */
int dir_change(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t ino, mode_t mode);

/* Writes the first block of a new directory. */
int dir_begin(struct image *image, ext2_ino_t dir, ext2_ino_t parent);

/* 0, or -ENOTEMPTY. */
int dir_empty(struct image *image, ext2_ino_t dir, struct ext2_inode_large *inode);

#endif
