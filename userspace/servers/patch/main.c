// SPDX-License-Identifier: GPL-2.0
/*
 * viewos-patch: a directory as it is, with names hidden, replaced, added or shown otherwise.
 *
 * The rules make a tree. Of its directories the server lists and finds the names itself; every
 * name that is not on the way to a rule is a redirect, and out of its hands.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "patch.h"

static int root_open(struct patch *patch, const char *source)
{
	int fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (fd < 0) {
		ret = -errno;
		fprintf(stderr, PROGRAM ": '%s': %s\n", source, strerror(errno));
		return ret;
	}
	patch->root = (struct node){
		.rule = &patch->rules, .fd = fd, .readonly = patch->rules.readonly,
	};
	return rules_check(&patch->rules, fd);
}

static void patch_close(void *data)
{
	struct patch *patch = data;
	struct node *node;

	for (size_t i = 0; i < NODE_BUCKETS; i++)
		while ((node = patch->nodes[i]))
			node_forget(patch, node, node->count);
	if (patch->root.fd >= 0)
		close(patch->root.fd);
	rules_free(&patch->rules);
	pthread_mutex_destroy(&patch->lock);
	free(patch);
}

static int patch_open(const struct viewos_accepted *accepted, void **data)
{
	struct patch *patch;
	int ret;

	/* What is opened later is opened with our rights. */
	if (accepted->uid != geteuid())
		return -EPERM;
	patch = calloc(1, sizeof(*patch));
	if (!patch)
		return -ENOMEM;
	pthread_mutex_init(&patch->lock, NULL);
	rule_init(&patch->rules);
	patch->root.fd = -1;
	patch->made = time(NULL);
	ret = rules_parse(&patch->rules, accepted->options);
	if (!ret)
		ret = root_open(patch, accepted->source);
	if (ret)
		patch_close(patch);
	else
		*data = patch;
	return ret;
}

static void patch_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	(void)conn;
	if (viewos_fuse_want_redirect())
		fprintf(stderr, PROGRAM ": the kernel takes no redirects; nothing will be found\n");
}

/*
 * Opens the object of a redirect. A program that is open for writing cannot be run, be it for
 * a moment; so it can only be read there.
 */
static int object_open(const struct node *node, mode_t mode)
{
	char path[40];
	int fd = -1;

	node_path(node, path);
	if (S_ISREG(mode) && !(mode & 0111) && !node->readonly)
		fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? open(path, O_RDONLY | O_CLOEXEC) : fd;
}

static void reply_object(fuse_req_t req, const struct node *node, mode_t mode)
{
	int fd = -1;

	if ((S_ISDIR(mode) || S_ISREG(mode)) && !(node->rule && rule_node(node->rule)))
		fd = object_open(node, mode);
	/* What we may not read others may, or its attributes. */
	if (fd < 0) {
		node_reply(req, node, TTL);
		return;
	}
	viewos_fuse_reply_redirect(req, fd, TTL, node->readonly ? VIEWOS_REDIRECT_READONLY : 0);
	close(fd);
	close(node->fd);
}

static void reply_nothing(fuse_req_t req)
{
	const struct fuse_entry_param entry = { .entry_timeout = TTL };

	fuse_reply_entry(req, &entry);
}

/* Opens a name of a directory as it is; an O_PATH fd, or a negative errno. */
static int name_open(const struct node *dir, const struct rule *rule, const char *name)
{
	int fd;

	if (rule)
		return rule_open(rule, dir->fd);
	if (dir->fd < 0)
		return -ENOENT;
	fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void patch_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct node *dir = patch_node(req, parent);
	struct rule *rule = dir->rule ? rule_find(dir->rule, name) : NULL;
	struct node node = { .rule = rule };
	struct stat st;

	if (rule && rule->hidden) {
		reply_nothing(req);
		return;
	}
	node.fd = name_open(dir, rule, name);
	node.readonly = dir->readonly || (rule && rule->readonly);
	if (node.fd == -ENOENT && rule && rule->children) {
		node.fd = -1;
		node.ino = (uintptr_t)rule;
		node_reply(req, &node, TTL);
	} else if (node.fd == -ENOENT) {
		reply_nothing(req);
	} else if (node.fd < 0) {
		fuse_reply_err(req, -node.fd);
	} else if (fstat(node.fd, &st) || (rule && rule->children && !S_ISDIR(st.st_mode))) {
		/* Where names are to be changed nothing else may come. */
		fuse_reply_err(req, ENOTDIR);
		close(node.fd);
	} else {
		node.dev = st.st_dev;
		node.ino = st.st_ino;
		reply_object(req, &node, st.st_mode);
	}
}

static void patch_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	node_forget(patch_of(req), patch_node(req, ino), count);
	fuse_reply_none(req);
}

static void patch_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct stat st;
	int ret = node_stat(patch_of(req), patch_node(req, ino), &st);

	(void)file;
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &st, TTL);
}

static void patch_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(patch_node(req, ino)->fd, "", target, sizeof(target) - 1);

	if (len < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	target[len] = 0;
	fuse_reply_readlink(req, target);
}

/* A file that is shown otherwise, or that was made just now: the kernel reads it by itself. */
static void patch_open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	const struct node *node = patch_node(req, ino);
	char path[40];
	int fd;

	if (node->readonly && (file->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	node_path(node, path);
	fd = open(path, (file->flags & (O_ACCMODE | O_APPEND | O_TRUNC)) | O_CLOEXEC);
	if (fd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	viewos_fuse_reply_open(req, file, fd);
	close(fd);
}

static void patch_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct node *node = patch_node(req, ino);
	struct statvfs st;

	if (fstatvfs(node->fd < 0 ? patch_of(req)->root.fd : node->fd, &st))
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &st);
}

static const struct fuse_lowlevel_ops patch_ops = {
	.init = patch_init,
	.lookup = patch_lookup,
	.forget = patch_forget,
	.getattr = patch_getattr,
	.setattr = patch_setattr,
	.readlink = patch_readlink,
	.open = patch_open_file,
	.statfs = patch_statfs,
	.opendir = patch_opendir,
	.readdir = patch_readdir,
	.releasedir = patch_releasedir,
	.mknod = patch_mknod,
	.mkdir = patch_mkdir,
	.symlink = patch_symlink,
	.unlink = patch_unlink,
	.rmdir = patch_rmdir,
	.rename = patch_rename,
};

static const struct viewos_fuse_server server = {
	.name = "patch",
	.usage =
		"The source is a directory as the server sees it. Options of a mount (-o), separated\n"
		"by commas, each any number of times; paths are relative to the directory:\n"
		RULE_HELP,
	.ops = &patch_ops,
	.ops_size = sizeof(patch_ops),
	.open = patch_open,
	.close = patch_close,
};

int main(int argc, char **argv)
{
	/* The kernel has taken the caller's away. */
	umask(0);
	return viewos_fuse_main(argc, argv, &server);
}
