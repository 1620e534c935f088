// SPDX-License-Identifier: GPL-2.0
/*
 * viewos-patch: a directory as it is, with names hidden, replaced or added.
 *
 * The rules make a tree. Of its directories the server lists and finds the names itself; every
 * name that is not on the way to a rule is a redirect, and out of its hands.
 */
#define FUSE_USE_VERSION 314

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/viewos.h"

#define PROGRAM "viewos-patch"

/* Seconds: what the directory itself gets or loses is seen after that. */
#define TTL 1.0

/**
 * struct rule - a name of the tree that the rules make
 * @next: sibling
 * @children: first of the names in it
 * @name: the name, allocated
 * @source: path of what it is instead, allocated, or NULL
 * @hidden: it is not there
 * @readonly: it and all beneath
 * @fd: O_PATH of the directory that it patches; -1 if there is none
 */
struct rule {
	struct rule *next;
	struct rule *children;
	char *name;
	char *source;
	bool hidden;
	bool readonly;
	int fd;
};

/**
 * struct node - what the kernel knows by number: a directory of the tree, or what cannot be
 * redirected: a symbolic link, a device, a fifo, a socket
 * @rule: the directory, or NULL
 * @fd: O_PATH of the other
 */
struct node {
	struct rule *rule;
	int fd;
};

/** struct patch - one mount; nothing of it changes */
struct patch {
	struct rule root;
	time_t made;
};

static struct rule *rule_find(const struct rule *dir, const char *name)
{
	struct rule *rule;

	for (rule = dir->children; rule && strcmp(rule->name, name); rule = rule->next)
		;
	return rule;
}

static struct rule *rule_add(struct rule *dir, const char *name)
{
	struct rule *rule = rule_find(dir, name);

	if (rule)
		return rule;
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return NULL;
	rule->name = strdup(name);
	if (!rule->name) {
		free(rule);
		return NULL;
	}
	rule->fd = -1;
	rule->next = dir->children;
	dir->children = rule;
	return rule;
}

static void rule_free(struct rule *rule)
{
	struct rule *child;

	while ((child = rule->children)) {
		rule->children = child->next;
		rule_free(child);
		free(child);
	}
	if (rule->fd >= 0)
		close(rule->fd);
	free(rule->name);
	free(rule->source);
}

/* The rule for a path in the patched directory, with those on the way to it. */
static struct rule *rule_make(struct rule *root, char *path)
{
	struct rule *rule = root;
	char *name, *rest = NULL;

	for (name = strtok_r(path, "/", &rest); name && rule; name = strtok_r(NULL, "/", &rest)) {
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			return NULL;
		rule = rule_add(rule, name);
	}
	return rule == root ? NULL : rule;
}

static int option_bad(const char *option, const char *why)
{
	fprintf(stderr, PROGRAM ": %s: %s\n", option, why);
	return -EINVAL;
}

static int option_apply(struct patch *patch, char *option)
{
	char *value = strchr(option, '='), *source = NULL;
	struct rule *rule;

	if (!value)
		return option_bad(option, "expected hide=PATH, bind=PATH:SOURCE or ro=PATH");
	*value++ = 0;
	if (!strcmp(option, "bind")) {
		source = strchr(value, ':');
		if (!source || source[1] != '/')
			return option_bad(value, "expected PATH:SOURCE, SOURCE beginning with '/'");
		*source++ = 0;
	} else if (strcmp(option, "hide") && strcmp(option, "ro")) {
		return option_bad(option, "no such option; expected hide=, bind= or ro=");
	}
	rule = rule_make(&patch->root, value);
	if (!rule)
		return option_bad(option, "expected a path beneath the directory, without '..'");
	if (source) {
		free(rule->source);
		rule->source = strdup(source);
		return rule->source ? 0 : -ENOMEM;
	}
	if (*option == 'h')
		rule->hidden = true;
	else
		rule->readonly = true;
	return 0;
}

static int options_apply(struct patch *patch, const char *options)
{
	char *copy = strdup(options ? options : ""), *option, *rest = NULL;
	int ret = copy ? 0 : -ENOMEM;

	for (option = copy ? strtok_r(copy, ",", &rest) : NULL; option && !ret;
	     option = strtok_r(NULL, ",", &rest))
		ret = option_apply(patch, option);
	free(copy);
	return ret;
}

static bool is_directory(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISDIR(st.st_mode);
}

/* Opens what a rule is about, by the name it has in the directory above, or by its source. */
static int rule_open(const struct rule *rule, int above, int flags)
{
	int fd = -1;

	errno = ENOENT;
	if (rule->source)
		fd = open(rule->source, flags | O_CLOEXEC);
	else if (above >= 0)
		fd = openat(above, rule->name, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* Opens the directories that the tree patches; those that are not there are ghosts. */
static void tree_open(struct rule *dir)
{
	struct rule *rule;

	for (rule = dir->children; rule; rule = rule->next) {
		if (!rule->children)
			continue;
		rule->readonly |= dir->readonly;
		rule->fd = rule_open(rule, dir->fd, O_PATH);
		if (!is_directory(rule->fd) && rule->fd >= 0) {
			close(rule->fd);
			rule->fd = -1;
		}
		tree_open(rule);
	}
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
	patch->made = time(NULL);
	ret = options_apply(patch, accepted->options);
	patch->root.fd = open(accepted->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!ret && patch->root.fd < 0) {
		ret = -errno;
		fprintf(stderr, PROGRAM ": %s: %s\n", accepted->source, strerror(errno));
	}
	if (ret) {
		rule_free(&patch->root);
		free(patch);
		return ret;
	}
	tree_open(&patch->root);
	*data = patch;
	return 0;
}

static void patch_close(void *data)
{
	struct patch *patch = data;

	rule_free(&patch->root);
	free(patch);
}

static struct patch *patch_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct node *node_of(fuse_ino_t ino)
{
	return (struct node *)(uintptr_t)ino;
}

static struct rule *dir_of(fuse_req_t req, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &patch_of(req)->root : node_of(ino)->rule;
}

static int dir_stat(const struct patch *patch, const struct rule *dir, struct stat *st)
{
	if (dir->fd >= 0)
		return fstat(dir->fd, st) ? -errno : 0;
	*st = (struct stat){
		.st_ino = (ino_t)(uintptr_t)dir,
		.st_mode = S_IFDIR | 0755,
		.st_nlink = 2,
		.st_uid = geteuid(),
		.st_gid = getegid(),
		.st_mtim.tv_sec = patch->made,
		.st_ctim.tv_sec = patch->made,
	};
	return 0;
}

/* A node for a directory of the tree, or for what @fd is, which is taken over. */
static void reply_node(fuse_req_t req, struct rule *rule, int fd)
{
	struct fuse_entry_param entry = { .attr_timeout = TTL, .entry_timeout = TTL };
	struct node *node = malloc(sizeof(*node));
	int ret = node ? 0 : -ENOMEM;

	if (!ret && rule)
		ret = dir_stat(patch_of(req), rule, &entry.attr);
	else if (!ret && fstat(fd, &entry.attr))
		ret = -errno;
	if (ret) {
		fuse_reply_err(req, -ret);
		goto drop;
	}
	node->rule = rule;
	node->fd = fd;
	entry.ino = (uintptr_t)node;
	/* Each look-up makes a node, so that a forgotten one is surely done with. */
	if (!fuse_reply_entry(req, &entry))
		return;
drop:
	if (fd >= 0)
		close(fd);
	free(node);
}

/* A program that is open for writing cannot be run, be it for a moment. */
static int reopen(int fd, mode_t mode, bool readonly)
{
	char path[40];
	int ret = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISREG(mode) && !(mode & 0111) && !readonly)
		ret = open(path, O_RDWR | O_CLOEXEC);
	return ret < 0 ? open(path, O_RDONLY | O_CLOEXEC) : ret;
}

static void reply_redirect(fuse_req_t req, int fd, mode_t mode, bool readonly)
{
	int object = reopen(fd, mode, readonly);

	if (object < 0)
		fuse_reply_err(req, errno);
	else
		viewos_fuse_reply_redirect(req, object, TTL,
					   readonly ? VIEWOS_REDIRECT_READONLY : 0);
	if (object >= 0)
		close(object);
	close(fd);
}

static void patch_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct rule *dir = dir_of(req, parent), *rule;
	struct stat st;
	int fd;

	if (!dir) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	rule = rule_find(dir, name);
	if (rule && rule->hidden) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	if (rule && rule->children) {
		reply_node(req, rule, -1);
		return;
	}
	if (rule)
		fd = rule_open(rule, dir->fd, O_PATH);
	else if (dir->fd >= 0)
		fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	else
		fd = -(errno = ENOENT);
	if (fd < 0 || fstat(fd, &st)) {
		fuse_reply_err(req, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		reply_redirect(req, fd, st.st_mode, dir->readonly || (rule && rule->readonly));
	else
		reply_node(req, NULL, fd);
}

static void patch_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	(void)count;
	if (ino != FUSE_ROOT_ID) {
		if (node_of(ino)->fd >= 0)
			close(node_of(ino)->fd);
		free(node_of(ino));
	}
	fuse_reply_none(req);
}

static void patch_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct rule *dir = dir_of(req, ino);
	struct stat st;
	int ret;

	(void)file;
	if (dir)
		ret = dir_stat(patch_of(req), dir, &st);
	else
		ret = fstat(node_of(ino)->fd, &st) ? -errno : 0;
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &st, TTL);
}

static void patch_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(node_of(ino)->fd, "", target, sizeof(target) - 1);

	if (len < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	target[len] = 0;
	fuse_reply_readlink(req, target);
}

/** struct listing - an open directory: what was there when it was opened, in libfuse's form */
struct listing {
	char *data;
	size_t len;
};

static int listing_add(fuse_req_t req, struct listing *list, const char *name, unsigned char type)
{
	const struct stat st = { .st_ino = 1, .st_mode = (mode_t)type << 12 };
	size_t more = fuse_add_direntry(req, NULL, 0, name, NULL, 0);
	char *data = realloc(list->data, list->len + more);

	if (!data)
		return -ENOMEM;
	list->data = data;
	fuse_add_direntry(req, data + list->len, more, name, &st, (off_t)(list->len + more));
	list->len += more;
	return 0;
}

static int listing_fill(fuse_req_t req, struct listing *list, const struct rule *dir)
{
	int fd = dir->fd < 0 ? -1 : openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct rule *rule;
	struct dirent *entry;
	int ret = 0;

	if (dir->fd >= 0 && !stream) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && stream && (entry = readdir(stream)))
		if (!rule_find(dir, entry->d_name))
			ret = listing_add(req, list, entry->d_name, entry->d_type);
	for (rule = dir->children; !ret && rule; rule = rule->next) {
		int is = rule_open(rule, dir->fd, O_PATH);

		if (!rule->hidden && (is >= 0 || rule->children))
			ret = listing_add(req, list, rule->name, DT_UNKNOWN);
		if (is >= 0)
			close(is);
	}
	if (stream)
		closedir(stream);
	return ret;
}

static void patch_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct listing *list = calloc(1, sizeof(*list));
	int ret = list ? listing_fill(req, list, dir_of(req, ino)) : -ENOMEM;

	if (!ret) {
		file->fh = (uintptr_t)list;
		if (!fuse_reply_open(req, file))
			return;
	} else {
		fuse_reply_err(req, -ret);
	}
	if (list)
		free(list->data);
	free(list);
}

static void patch_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			  struct fuse_file_info *file)
{
	const struct listing *list = (const struct listing *)(uintptr_t)file->fh;
	const char *name;
	size_t len, more;

	(void)ino;
	if (off < 0 || (size_t)off >= list->len) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	/* Whole entries only: each says where the next one begins. */
	for (len = 0; off + len < list->len; len += more) {
		uint32_t namelen;

		name = list->data + off + len;
		memcpy(&namelen, name + 16, sizeof(namelen));
		more = (24 + namelen + 7) & ~(size_t)7;
		if (len + more > size)
			break;
	}
	fuse_reply_buf(req, list->data + off, len);
}

static void patch_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct listing *list = (struct listing *)(uintptr_t)file->fh;

	(void)ino;
	free(list->data);
	free(list);
	fuse_reply_err(req, 0);
}

/* The names of a patched directory are as they are. */
static void patch_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EROFS);
}

static void patch_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
	patch_unlink(req, parent, name);
}

static void patch_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)mode;
	(void)rdev;
	patch_unlink(req, parent, name);
}

static void patch_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	patch_unlink(req, parent, name);
}

static void patch_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
			 const char *new_name, unsigned int flags)
{
	(void)new_parent;
	(void)new_name;
	(void)flags;
	patch_unlink(req, parent, name);
}

static const struct fuse_lowlevel_ops patch_ops = {
	.lookup = patch_lookup,
	.forget = patch_forget,
	.getattr = patch_getattr,
	.readlink = patch_readlink,
	.opendir = patch_opendir,
	.readdir = patch_readdir,
	.releasedir = patch_releasedir,
	.mknod = patch_mknod,
	.mkdir = patch_mkdir,
	.symlink = patch_symlink,
	.unlink = patch_unlink,
	.rmdir = patch_unlink,
	.rename = patch_rename,
};

static const struct viewos_fuse_server server = {
	.name = "patch",
	.usage =
		"The source is a directory as the server sees it. Options of a mount (-o), separated\n"
		"by commas, each any number of times; paths are relative to the directory:\n"
		"  hide=PATH         the name is not there\n"
		"  bind=PATH:SOURCE  the name is the directory or file SOURCE, there already or not\n"
		"  ro=PATH           the name, and what is beneath, can only be read\n"
		"Directories with such a name in them keep their names: EROFS.\n",
	.ops = &patch_ops,
	.ops_size = sizeof(patch_ops),
	.open = patch_open,
	.close = patch_close,
};

int main(int argc, char **argv)
{
	return viewos_fuse_main(argc, argv, &server);
}
