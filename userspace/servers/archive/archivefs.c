// SPDX-License-Identifier: GPL-2.0
/* An archive as a read-only file system: its options and life, and the operations. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "../common/options.h"
#include "../common/stamp.h"
#include "archivefs.h"
#include "index.h"

/* The archive is taken not to change, so the kernel need not ask again soon. */
#define DEFAULT_TTL 86400.0
#define DEFAULT_MAXENTRIES (4u << 20)

/* The places in readdir of the two names that every directory has; members follow. */
#define COOKIE_DOT 1
#define COOKIE_DOTDOT 2

#define AS_ARCHIVED UINT32_MAX

struct archivefs_options {
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
	uint64_t maxentries;
	double ttl;
};

static const struct option_entry option_table[] = {
	{ "uid", OPTION_ID, offsetof(struct archivefs_options, uid) },
	{ "gid", OPTION_ID, offsetof(struct archivefs_options, gid) },
	{ "umask", OPTION_MODE, offsetof(struct archivefs_options, umask) },
	{ "maxentries", OPTION_NUMBER, offsetof(struct archivefs_options, maxentries) },
	{ "ttl", OPTION_SECONDS, offsetof(struct archivefs_options, ttl) },
	{}
};

/* Nothing changes after archivefs_open() but what source.lock protects. */
struct archivefs {
	struct source source;
	struct tree tree;
	struct archivefs_options options;
	uint32_t stamp;
	bool no_opendir;
};

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct archivefs *fs = userdata;

	conn->want &= ~(unsigned int)FUSE_CAP_AUTO_INVAL_DATA;
	conn->want |= conn->capable & (FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_CACHE_SYMLINKS |
				       FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS |
				       FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	fs->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
}

/* A node as it is shown. */
static struct stat node_stat(const struct archivefs *fs, const struct node *node)
{
	struct stat st = node->st;

	if (fs->options.uid != AS_ARCHIVED)
		st.st_uid = fs->options.uid;
	if (fs->options.gid != AS_ARCHIVED)
		st.st_gid = fs->options.gid;
	st.st_mode &= ~(mode_t)fs->options.umask;
	return st;
}

/* The node of a number, or NULL after having replied that there is none. */
static struct node *node_get(fuse_req_t req, fuse_ino_t ino)
{
	struct archivefs *fs = fuse_req_userdata(req);
	struct node *node = tree_node(&fs->tree, stamp_number(fs->stamp, ino));

	if (!node)
		fuse_reply_err(req, ESTALE);
	return node;
}

static struct fuse_entry_param entry_param(const struct archivefs *fs, const struct node *node)
{
	return (struct fuse_entry_param){
		.ino = stamp_id(fs->stamp, node->st.st_ino),
		.attr = node_stat(fs, node),
		.attr_timeout = fs->options.ttl,
		.entry_timeout = fs->options.ttl,
	};
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct archivefs *fs = fuse_req_userdata(req);
	struct fuse_entry_param param = { .entry_timeout = fs->options.ttl };
	struct node *dir = node_get(req, parent), *found = NULL;
	struct member *member;

	if (!dir)
		return;
	if (!strcmp(name, ".")) {
		found = dir;
	} else if (!S_ISDIR(dir->st.st_mode)) {
		fuse_reply_err(req, ENOTDIR);
		return;
	} else if (!strcmp(name, "..")) {
		found = dir->dir.parent;
	} else {
		member = tree_find(&fs->tree, dir, name, strlen(name));
		if (member)
			found = member->what;
	}
	if (found)
		param = entry_param(fs, found);
	fuse_reply_entry(req, &param);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct archivefs *fs = fuse_req_userdata(req);
	struct node *node = node_get(req, ino);
	struct stat st;

	(void)fi;
	if (!node)
		return;
	st = node_stat(fs, node);
	fuse_reply_attr(req, &st, fs->options.ttl);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node = node_get(req, ino);

	if (!node)
		return;
	if (S_ISLNK(node->st.st_mode))
		fuse_reply_readlink(req, node->target);
	else
		fuse_reply_err(req, EINVAL);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_get(req, ino);

	if (!node)
		return;
	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
		fuse_reply_err(req, EROFS);
		return;
	}
	fi->keep_cache = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct archivefs *fs = fuse_req_userdata(req);
	struct node *node = node_get(req, ino);
	ssize_t got;
	char *buf;

	(void)fi;
	if (!node)
		return;
	if (!S_ISREG(node->st.st_mode)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	buf = malloc(size ? size : 1);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	got = content_read(&fs->source, node, off, size, buf);
	if (got < 0)
		fuse_reply_err(req, (int)-got);
	else
		fuse_reply_buf(req, buf, (size_t)got);
	free(buf);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct archivefs *fs = fuse_req_userdata(req);

	(void)ino;
	if (fs->no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

/* A reply to readdir that is being filled. */
struct listing {
	fuse_req_t req;
	bool plus;
	char *buf;
	size_t size;
	size_t used;
};

static bool listing_add(struct listing *list, const char *name, const struct node *node,
			off_t cookie)
{
	struct fuse_entry_param param = entry_param(fuse_req_userdata(list->req), node);
	size_t room = list->size - list->used, need;
	char *place = list->buf + list->used;

	/* These two are not looked up, only listed. */
	if (cookie <= COOKIE_DOTDOT)
		param.ino = 0;
	if (list->plus)
		need = fuse_add_direntry_plus(list->req, place, room, name, &param, cookie);
	else
		need = fuse_add_direntry(list->req, place, room, name, &param.attr, cookie);
	if (need > room)
		return false;
	list->used += need;
	return true;
}

static void listing_fill(struct listing *list, const struct node *node, off_t cookie)
{
	const struct dir *dir = &node->dir;

	if (cookie < COOKIE_DOT && !listing_add(list, ".", node, COOKIE_DOT))
		return;
	if (cookie < COOKIE_DOTDOT && !listing_add(list, "..", dir->parent, COOKIE_DOTDOT))
		return;
	if (cookie < COOKIE_DOTDOT)
		cookie = COOKIE_DOTDOT;
	for (size_t i = (size_t)(cookie - COOKIE_DOTDOT); i < dir->nr_members; i++) {
		const struct member *member = dir->members[i];

		if (!listing_add(list, member->name, member->what,
				 (off_t)i + COOKIE_DOTDOT + 1))
			return;
	}
}

static void read_names(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct listing list = { .req = req, .plus = plus, .size = size };
	struct node *node = node_get(req, ino);

	if (!node)
		return;
	if (!S_ISDIR(node->st.st_mode)) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	list.buf = malloc(size);
	if (!list.buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	listing_fill(&list, node, off);
	fuse_reply_buf(req, list.buf, list.used);
	free(list.buf);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	read_names(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	(void)fi;
	read_names(req, ino, size, off, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct archivefs *fs = fuse_req_userdata(req);
	struct statvfs st = {
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_blocks = fs->tree.content_bytes / 4096 + 1,
		.f_files = fs->tree.nr_nodes,
		.f_namemax = TREE_NAME_MAX,
	};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct node *node = node_get(req, ino);
	const struct xattr *xattr;

	if (!node)
		return;
	xattr = node->xattrs;
	while (xattr && strcmp(xattr->name, name))
		xattr = xattr->next;
	if (!xattr)
		fuse_reply_err(req, ENODATA);
	else if (!size)
		fuse_reply_xattr(req, xattr->size);
	else if (size < xattr->size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, xattr->value, xattr->size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct node *node = node_get(req, ino);
	size_t total = 0, used = 0;
	char *list;

	if (!node)
		return;
	for (const struct xattr *xattr = node->xattrs; xattr; xattr = xattr->next)
		total += strlen(xattr->name) + 1;
	if (!size) {
		fuse_reply_xattr(req, total);
		return;
	}
	list = size < total ? NULL : malloc(total + 1);
	if (!list) {
		fuse_reply_err(req, size < total ? ERANGE : ENOMEM);
		return;
	}
	for (const struct xattr *xattr = node->xattrs; xattr; xattr = xattr->next)
		used += (size_t)(stpcpy(list + used, xattr->name) - (list + used)) + 1;
	fuse_reply_buf(req, list, used);
	free(list);
}

/* Whatever would change the archive. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	(void)ino, (void)attr, (void)to_set, (void)fi;
	fuse_reply_err(req, EROFS);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)parent, (void)name, (void)mode, (void)rdev;
	fuse_reply_err(req, EROFS);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	fuse_reply_err(req, EROFS);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	fuse_reply_err(req, EROFS);
}

/* unlink, rmdir and removexattr. */
static void op_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	(void)name;
	fuse_reply_err(req, EROFS);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	fuse_reply_err(req, EROFS);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		      const char *newname, unsigned int flags)
{
	(void)parent, (void)name, (void)newparent, (void)newname, (void)flags;
	fuse_reply_err(req, EROFS);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	(void)ino, (void)newparent, (void)newname;
	fuse_reply_err(req, EROFS);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	(void)ino, (void)name, (void)value, (void)size, (void)flags;
	fuse_reply_err(req, EROFS);
}

/* Nodes live as long as the file system, so there is nothing to forget. */
const struct fuse_lowlevel_ops archivefs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setattr = op_setattr,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.create = op_create,
	.unlink = op_remove,
	.rmdir = op_remove,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.setxattr = op_setxattr,
	.removexattr = op_remove,
};

/* The root as long as the archive says nothing of it; directories only implied follow it. */
static void root_fill(struct archivefs *fs, const struct viewos_accepted *accepted)
{
	struct stat *st = &tree_node(&fs->tree, 1)->st;

	st->st_uid = accepted->uid;
	st->st_gid = accepted->gid;
	st->st_atim = st->st_mtim = st->st_ctim = fs->source.st.st_mtim;
}

static int archivefs_build(struct archivefs *fs, const struct viewos_accepted *accepted)
{
	int err = source_open(&fs->source, accepted);

	if (err)
		return err;
	fs->stamp = stamp_of(&fs->source.st, NULL, 0);
	err = tree_init(&fs->tree, fs->options.maxentries);
	if (err)
		goto close_source;
	root_fill(fs, accepted);
	err = index_build(&fs->source, &fs->tree);
	if (err)
		goto exit_tree;
	return 0;

exit_tree:
	tree_exit(&fs->tree);
close_source:
	source_close(&fs->source);
	return err;
}

int archivefs_open(const struct viewos_accepted *accepted, void **data)
{
	struct archivefs *fs;
	int err;

	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	fs->options = (struct archivefs_options){
		.uid = AS_ARCHIVED,
		.gid = AS_ARCHIVED,
		.maxentries = DEFAULT_MAXENTRIES,
		.ttl = DEFAULT_TTL,
	};
	err = options_parse(ARCHIVEFS_PROGRAM, accepted->options, option_table, &fs->options);
	if (!err && !*accepted->source) {
		fprintf(stderr, ARCHIVEFS_PROGRAM ": no source given, it is an archive's path\n");
		err = -EINVAL;
	}
	if (!err)
		err = archivefs_build(fs, accepted);
	if (err) {
		free(fs);
		return err;
	}
	*data = fs;
	return 0;
}

void archivefs_close(void *data)
{
	struct archivefs *fs = data;

	tree_exit(&fs->tree);
	source_close(&fs->source);
	free(fs);
}
