// SPDX-License-Identifier: GPL-2.0
/* viewos-patch: nodes, each of which the kernel knows by one number as long as it wants */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "patch.h"

static void rule_show(struct patch *patch, const struct rule *rule, struct stat *st)
{
	pthread_mutex_lock(&patch->lock);
	if (rule->mode >= 0)
		st->st_mode = (st->st_mode & S_IFMT) | rule->mode;
	if (rule->uid >= 0)
		st->st_uid = rule->uid;
	if (rule->gid >= 0)
		st->st_gid = rule->gid;
	pthread_mutex_unlock(&patch->lock);
}

int node_stat(struct patch *patch, const struct node *node, struct stat *st)
{
	if (node->fd >= 0) {
		if (fstat(node->fd, st))
			return -errno;
	} else {
		*st = (struct stat){
			.st_ino = (uintptr_t)node->rule,
			.st_mode = S_IFDIR | 0755,
			.st_nlink = 2,
			.st_uid = geteuid(),
			.st_gid = getegid(),
			.st_atim.tv_sec = patch->made,
			.st_mtim.tv_sec = patch->made,
			.st_ctim.tv_sec = patch->made,
		};
	}
	if (node->rule && node->rule->shown)
		rule_show(patch, node->rule, st);
	return 0;
}

static struct node **bucket(struct patch *patch, const struct node *key)
{
	return &patch->nodes[(key->ino ^ key->ino >> 8) % NODE_BUCKETS];
}

/* The node that the key is, one look-up more; made if there is none. Takes over its fd. */
static struct node *node_get(struct patch *patch, const struct node *key)
{
	struct node **head = bucket(patch, key), *node;

	pthread_mutex_lock(&patch->lock);
	for (node = *head; node; node = node->next)
		if (node->ino == key->ino && node->dev == key->dev && node->rule == key->rule &&
		    node->readonly == key->readonly)
			break;
	if (node) {
		if (key->fd >= 0)
			close(key->fd);
	} else {
		node = malloc(sizeof(*node));
		if (node) {
			*node = *key;
			node->count = 0;
			node->next = *head;
			*head = node;
		}
	}
	if (node)
		node->count++;
	pthread_mutex_unlock(&patch->lock);
	return node;
}

void node_forget(struct patch *patch, struct node *node, uint64_t count)
{
	struct node **at;

	if (node == &patch->root)
		return;
	pthread_mutex_lock(&patch->lock);
	node->count -= count;
	if (!node->count) {
		for (at = bucket(patch, node); *at != node; at = &(*at)->next)
			;
		*at = node->next;
		if (node->fd >= 0)
			close(node->fd);
		free(node);
	}
	pthread_mutex_unlock(&patch->lock);
}

void node_reply(fuse_req_t req, const struct node *key, double timeout)
{
	struct fuse_entry_param entry = { .attr_timeout = timeout, .entry_timeout = timeout };
	struct patch *patch = patch_of(req);
	struct node *node;
	int ret;

	ret = node_stat(patch, key, &entry.attr);
	node = ret ? NULL : node_get(patch, key);
	if (!node) {
		fuse_reply_err(req, ret ? -ret : ENOMEM);
		if (key->fd >= 0)
			close(key->fd);
		return;
	}
	entry.ino = (uintptr_t)node;
	if (fuse_reply_entry(req, &entry))
		node_forget(patch, node, 1);
}
