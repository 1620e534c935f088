/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-patch, private: what a mount consists of */
#ifndef _PATCH_PATCH_H
#define _PATCH_PATCH_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "rule.h"

/* Seconds: what the directory itself gets or loses is seen after that. */
#define TTL 1.0

#define NODE_BUCKETS	256

/**
 * struct node - what the kernel knows by number: a directory of the tree, or what cannot be
 * redirected, as a symbolic link or what the server may not read
 * @next: in its bucket; the patch's lock protects it and @count
 * @rule: what is to be changed in it or about it, or NULL
 * @fd: O_PATH of it, -1 if only the names of the rules are there
 * @readonly: it and what is beneath
 * @dev: of what @fd is
 * @ino: likewise; of a directory that is not there the rule's address
 * @count: look-ups that the kernel has not forgotten
 */
struct node {
	struct node *next;
	struct rule *rule;
	int fd;
	bool readonly;
	dev_t dev;
	ino_t ino;
	uint64_t count;
};

/**
 * struct patch - one mount
 * @lock: protects the nodes, and what rules show
 * @rules: what is to be changed
 * @root: the directory
 * @made: when
 * @nodes: all others
 */
struct patch {
	pthread_mutex_t lock;
	struct rule rules;
	struct node root;
	time_t made;
	struct node *nodes[NODE_BUCKETS];
};

/** patch_of() - the mount that a request is for */
static inline struct patch *patch_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/** patch_node() - the node of a request */
static inline struct node *patch_node(fuse_req_t req, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &patch_of(req)->root : (struct node *)(uintptr_t)ino;
}

/* node.c */

/** node_stat() - attributes as they are to be shown. Return: 0 or a negative errno */
int node_stat(struct patch *patch, const struct node *node, struct stat *st);

/**
 * node_reply() - answer with a node
 * @req: the request
 * @node: its key and content; @node->fd is taken over
 * @timeout: seconds for which the name holds
 */
void node_reply(fuse_req_t req, const struct node *node, double timeout);

/** node_forget() - the kernel forgets this many look-ups */
void node_forget(struct patch *patch, struct node *node, uint64_t count);

/** node_path() - a path by which calls that take no O_PATH fd reach it */
static inline void node_path(const struct node *node, char path[40])
{
	snprintf(path, 40, "/proc/self/fd/%d", node->fd);
}

/* list.c */
void patch_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void patch_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *file);
void patch_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);

/* change.c */
void patch_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
		   struct fuse_file_info *file);
void patch_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void patch_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void patch_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void patch_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void patch_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void patch_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		  const char *new_name, unsigned int flags);

#endif /* _PATCH_PATCH_H */
