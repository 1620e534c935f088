/* SPDX-License-Identifier: GPL-2.0 */
/* The map of an inode's blocks. */
#ifndef EXT_MAP_H
#define EXT_MAP_H

#include "image.h"

/*
 * Follows the whole map, which libext2fs does for as long as it goes on. Returns 0, or -EUCLEAN if
 * it has more blocks than the image, some that are outside, or is in no order.
 */
int map_check(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode);

/*
 * Finds the first block from a place on that is there, or that is not. One that was allocated but
 * never written is not. Returns 0, -ENXIO if none of the first end ones is, or a negative errno.
 */
int map_seek(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t from,
	     uint64_t end, bool there, uint64_t *found);

/*
 * Frees the image's very last block if a file with extents has it at or behind one of its blocks,
 * and not behind another, as libext2fs takes it for one outside when it frees such. The inode is
 * written then. Returns 0 or a negative errno.
 */
int map_free_last(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode,
		  uint64_t first, uint64_t last);

#endif
