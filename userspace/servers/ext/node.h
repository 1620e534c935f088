/* SPDX-License-Identifier: GPL-2.0 */
/* The inodes of an image that the kernel knows. */
#ifndef EXT_NODE_H
#define EXT_NODE_H

#include "image.h"

/*
 * An inode that lost its last name lives for as long as the kernel knows it, which is as long as
 * it is open. Only an image that is written has nodes.
 */
struct node {
	struct table_node link;
	uint64_t lookups;
	ext2_ino_t ino;
	/* The map of its blocks makes sense: content_check(). */
	bool checked;
};

/* NULL: the kernel does not know it. */
struct node *node_find(const struct image *image, ext2_ino_t ino);

/* The kernel is told of an inode. Returns 0 or -ENOMEM. */
int node_get(struct image *image, ext2_ino_t ino);

/* The kernel forgets it that often. Without a name it is freed then. */
void node_forget(struct image *image, ext2_ino_t ino, uint64_t lookups);

/* The kernel forgets them all. */
void nodes_empty(struct image *image);

#endif
