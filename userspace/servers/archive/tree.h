/* SPDX-License-Identifier: GPL-2.0 */
/* The tree of an archive's members. */
#ifndef ARCHIVEFS_TREE_H
#define ARCHIVEFS_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "../common/table.h"

/* Bounds on what an archive, which may be anyone's, can make of itself. */
#define TREE_NAME_MAX 255		/* what a name may be elsewhere, too */
#define TREE_DEPTH_MAX 128		/* directories implied by one name */
#define TREE_TARGET_MAX 4095		/* as PATH_MAX has it */
#define TREE_XATTR_VALUE_MAX 65536	/* as XATTR_SIZE_MAX has it */
#define TREE_XATTR_MAX 256		/* attributes of one node, each of which is searched */
#define TREE_XATTR_TOTAL (64u << 20)	/* bytes of all attributes of one archive */

/*
 * The tree is built by one thread and never changes after that, so it needs no lock. It owns the
 * nodes and the members. Nodes are numbered from 1, the root, and found by number in an array.
 * The content's part of a node belongs to content.c and is protected as said there.
 */
struct node;

struct xattr {
	struct xattr *next;
	char *name;
	char *value;
	size_t size;
};

/* A name in a directory. */
struct member {
	struct table_node node;		/* in tree.names, by the directory's number and name */
	struct node *dir;
	struct node *what;
	size_t len;
	char name[];
};

struct dir {
	struct node *parent;
	struct member **members;	/* in the archive's order */
	size_t nr_members;
	size_t max_members;
};

/* Where the content of a regular file is, and how much of it has been unpacked. */
struct content {
	_Atomic off_t have;		/* bytes from the start that can be read */
	uint64_t header;		/* the number of its header in the archive; 0: empty */
	off_t place;			/* where it is in the store; -1 if nowhere yet */
	int error;			/* the errno of the rest, if it cannot be unpacked */
};

struct node {
	struct stat st;
	struct xattr *xattrs;
	union {
		struct dir dir;
		struct content content;
		char *target;
	};
};

struct tree {
	struct node **nodes;		/* nodes[ino - 1] */
	size_t nr_nodes;
	size_t max_nodes;
	size_t limit;			/* of nodes and of members */
	size_t nr_members;
	size_t xattr_bytes;
	uint64_t content_bytes;
	struct table names;
};

/* Makes a tree with an empty root. Returns 0 or -ENOMEM. */
int tree_init(struct tree *tree, size_t limit);
void tree_exit(struct tree *tree);

/* The node of a number, or NULL. */
struct node *tree_node(const struct tree *tree, uint64_t ino);

/* Makes a node of a type (with permissions) that has no name yet. Returns 0, -EFBIG or -ENOMEM. */
int tree_node_create(struct tree *tree, mode_t mode, struct node **node);

struct member *tree_find(const struct tree *tree, const struct node *dir, const char *name,
			 size_t len);

/*
 * Names a node. A member of that name is replaced, unless it is a directory that is not empty:
 * -EEXIST. Also -EFBIG, -ENOMEM.
 */
int tree_add(struct tree *tree, struct node *dir, const char *name, size_t len,
	     struct node *node);

/* Adds an extended attribute to a node. Returns 0, -ENOMEM, or -E2BIG beyond the bounds. */
int tree_xattr_add(struct tree *tree, struct node *node, const char *name, const void *value,
		   size_t size);

#endif
