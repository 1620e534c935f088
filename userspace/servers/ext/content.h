/* SPDX-License-Identifier: GPL-2.0 */
/* Changing the contents of files, and the maps of blocks in which they are. */
#ifndef EXT_CONTENT_H
#define EXT_CONTENT_H

#include "image.h"

/*
 * All of these take an inode's number, read the inode, and leave it written. They return 0 or a
 * negative errno: -EUCLEAN where the map of blocks makes no sense, before anything is changed.
 */

/* Is the map of an inode's blocks one that ends, within the image? */
int content_check(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode);

/* Makes an inode's map of blocks an empty one, and leaves the inode to be written. */
int content_begin(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

/* Contents that are in the inode go to a block, where they can grow. */
int content_outline(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

/* Returns how much was written, which is all but for an error, or a negative errno. */
ssize_t content_write(struct image *image, ext2_ino_t ino, uint64_t off, const char *buf,
		      size_t size);

int content_resize(struct image *image, ext2_ino_t ino, uint64_t size);

/* As fallocate(2) has it, with its modes. */
int content_allocate(struct image *image, ext2_ino_t ino, int mode, uint64_t off, uint64_t len);

/* The next place at or behind off that has data, or that has none. -ENXIO: there is no such. */
int content_seek(struct image *image, ext2_ino_t ino, uint64_t off, bool data, uint64_t *found);

/* Frees an inode that has no name any more, with all that it has. */
int content_free(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

#endif
