// SPDX-License-Identifier: GPL-2.0
/* The tree of an archive's members. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

/* Makes room for one more element in an array that doubles. */
static int make_room(void *array, size_t nr, size_t *max, size_t size)
{
	size_t wanted = *max ? *max * 2 : 8;
	void **place = array, *wider;

	if (nr < *max)
		return 0;
	wider = reallocarray(*place, wanted, size);
	if (!wider)
		return -ENOMEM;
	*place = wider;
	*max = wanted;
	return 0;
}

struct node *tree_node(const struct tree *tree, uint64_t ino)
{
	return ino && ino <= tree->nr_nodes ? tree->nodes[ino - 1] : NULL;
}

int tree_node_create(struct tree *tree, mode_t mode, struct node **node)
{
	if (tree->nr_nodes >= tree->limit)
		return -EFBIG;
	if (make_room(&tree->nodes, tree->nr_nodes, &tree->max_nodes, sizeof(*tree->nodes)))
		return -ENOMEM;
	*node = calloc(1, sizeof(**node));
	if (!*node)
		return -ENOMEM;
	tree->nodes[tree->nr_nodes++] = *node;
	(*node)->st.st_ino = tree->nr_nodes;
	(*node)->st.st_mode = mode;
	(*node)->st.st_blksize = 4096;
	if (S_ISDIR(mode)) {
		(*node)->st.st_nlink = 2;
		(*node)->dir.parent = *node;
	} else if (S_ISREG(mode)) {
		(*node)->content.place = -1;
	}
	return 0;
}

int tree_init(struct tree *tree, size_t limit)
{
	struct node *root;
	int err;

	*tree = (struct tree){ .limit = limit ? limit : 1 };
	if (table_init(&tree->names))
		return -ENOMEM;
	err = tree_node_create(tree, S_IFDIR | 0755, &root);
	if (err)
		table_exit(&tree->names);
	return err;
}

static void xattr_free(struct xattr *xattr)
{
	free(xattr->name);
	free(xattr->value);
	free(xattr);
}

static void node_free(struct node *node)
{
	while (node->xattrs) {
		struct xattr *xattr = node->xattrs;

		node->xattrs = xattr->next;
		xattr_free(xattr);
	}
	if (S_ISDIR(node->st.st_mode))
		free(node->dir.members);
	else if (S_ISLNK(node->st.st_mode))
		free(node->target);
	free(node);
}

static void member_free(struct table_node *node, void *data)
{
	(void)data;
	free(node);
}

void tree_exit(struct tree *tree)
{
	table_empty(&tree->names, member_free, NULL);
	table_exit(&tree->names);
	for (size_t i = 0; i < tree->nr_nodes; i++)
		node_free(tree->nodes[i]);
	free(tree->nodes);
}

struct member *tree_find(const struct tree *tree, const struct node *dir, const char *name,
			 size_t len)
{
	struct table_node *node = table_first(&tree->names,
					      table_hash(&tree->names, dir->st.st_ino, name, len));

	for (; node; node = table_next(node)) {
		struct member *member = (struct member *)node;

		if (member->dir == dir && member->len == len && !memcmp(member->name, name, len))
			return member;
	}
	return NULL;
}

/* Counts a node's new name in its directory's links and its own. */
static void link_node(struct node *dir, struct node *node)
{
	if (S_ISDIR(node->st.st_mode)) {
		node->dir.parent = dir;
		dir->st.st_nlink++;
	} else {
		node->st.st_nlink++;
	}
}

static int replace(struct member *member, struct node *node)
{
	struct node *old = member->what;

	if (old == node)
		return 0;
	if (S_ISDIR(old->st.st_mode)) {
		if (old->dir.nr_members)
			return -EEXIST;
		member->dir->st.st_nlink--;
		old->st.st_nlink = 0;
	} else {
		old->st.st_nlink--;
	}
	member->what = node;
	link_node(member->dir, node);
	return 0;
}

int tree_add(struct tree *tree, struct node *dir, const char *name, size_t len, struct node *node)
{
	struct member *member = tree_find(tree, dir, name, len);

	if (member)
		return replace(member, node);
	if (tree->nr_members >= tree->limit)
		return -EFBIG;
	if (make_room(&dir->dir.members, dir->dir.nr_members, &dir->dir.max_members,
		      sizeof(*dir->dir.members)))
		return -ENOMEM;
	member = malloc(sizeof(*member) + len + 1);
	if (!member)
		return -ENOMEM;
	member->dir = dir;
	member->what = node;
	member->len = len;
	memcpy(member->name, name, len);
	member->name[len] = '\0';
	table_add(&tree->names, &member->node,
		  table_hash(&tree->names, dir->st.st_ino, name, len));
	dir->dir.members[dir->dir.nr_members++] = member;
	tree->nr_members++;
	link_node(dir, node);
	return 0;
}

/* What an attribute counts for: its memory, roughly. */
static size_t xattr_cost(const char *name, size_t size)
{
	return sizeof(struct xattr) + strlen(name) + size;
}

/*
 * An attribute of the same name gives way: some formats tell each one twice. Returns how many
 * others the node has.
 */
static unsigned int xattr_drop(struct tree *tree, struct node *node, const char *name)
{
	struct xattr **slot = &node->xattrs;
	unsigned int others = 0;

	while (*slot) {
		struct xattr *xattr = *slot;

		if (strcmp(xattr->name, name)) {
			slot = &xattr->next;
			others++;
			continue;
		}
		*slot = xattr->next;
		tree->xattr_bytes -= xattr_cost(name, xattr->size);
		xattr_free(xattr);
	}
	return others;
}

int tree_xattr_add(struct tree *tree, struct node *node, const char *name, const void *value,
		   size_t size)
{
	struct xattr *xattr;

	if (strlen(name) > TREE_NAME_MAX || size > TREE_XATTR_VALUE_MAX ||
	    xattr_drop(tree, node, name) >= TREE_XATTR_MAX ||
	    xattr_cost(name, size) > TREE_XATTR_TOTAL - tree->xattr_bytes)
		return -E2BIG;
	xattr = calloc(1, sizeof(*xattr));
	if (!xattr)
		return -ENOMEM;
	xattr->name = strdup(name);
	xattr->value = malloc(size ? size : 1);
	if (!xattr->name || !xattr->value) {
		xattr_free(xattr);
		return -ENOMEM;
	}
	memcpy(xattr->value, value, size);
	xattr->size = size;
	xattr->next = node->xattrs;
	node->xattrs = xattr;
	tree->xattr_bytes += xattr_cost(name, size);
	return 0;
}
