// SPDX-License-Identifier: GPL-2.0
/* Counting what the kernel knows, and freeing what nobody needs any more. */
#include <errno.h>
#include <stdlib.h>

#include "content.h"
#include "node.h"

#define NODE(link_) ((struct node *)((char *)(link_) - offsetof(struct node, link)))

struct node *node_find(const struct image *image, ext2_ino_t ino)
{
	struct table_node *at;

	if (!image->rw)
		return NULL;
	at = table_first(&image->known, table_hash(&image->known, ino, NULL, 0));
	for (; at; at = table_next(at))
		if (NODE(at)->ino == ino)
			return NODE(at);
	return NULL;
}

int node_get(struct image *image, ext2_ino_t ino)
{
	struct node *node;

	if (!image->rw || ino == EXT2_ROOT_INO)
		return 0;
	node = node_find(image, ino);
	if (!node) {
		node = calloc(1, sizeof(*node));
		if (!node)
			return -ENOMEM;
		node->ino = ino;
		table_add(&image->known, &node->link, table_hash(&image->known, ino, NULL, 0));
	}
	node->lookups++;
	return 0;
}

/* Nobody is left to be told if it fails: then it is for e2fsck(8) to find. */
static void free_nameless(struct image *image, ext2_ino_t ino)
{
	struct ext2_inode_large inode;

	if (!image_inode_any(image, ino, &inode) && !inode.i_links_count &&
	    content_free(image, ino, &inode))
		image->failed = true;
}

void node_forget(struct image *image, ext2_ino_t ino, uint64_t lookups)
{
	struct node *node = node_find(image, ino);

	if (!node)
		return;
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	if (node->lookups)
		return;
	free_nameless(image, ino);
	table_del(&image->known, &node->link);
	free(node);
}

static void node_drop(struct table_node *at, void *data)
{
	struct node *node = NODE(at);

	free_nameless(data, node->ino);
	free(node);
}

void nodes_empty(struct image *image)
{
	table_empty(&image->known, node_drop, image);
}
