// SPDX-License-Identifier: GPL-2.0
/* viewos-patch: changes of the patched directory, and of what is shown */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patch.h"

/*
 * May this name come or go? A name that a rule is about stays what the rule makes of it. What
 * is done is done with our rights, which are those of our own user only. The fd of the
 * directory, or a negative errno.
 */
static int change_allowed(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct node *dir = patch_node(req, parent);

	if (dir->readonly || dir->fd < 0)
		return -EROFS;
	if (fuse_req_ctx(req)->uid != geteuid() || (dir->rule && rule_find(dir->rule, name)))
		return -EPERM;
	return dir->fd;
}

/* What was made; it is looked up again when it is used next, and may be a redirect then. */
static void reply_made(fuse_req_t req, int dir, const char *name)
{
	struct node key = { .fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) };
	struct stat st;

	if (key.fd < 0 || fstat(key.fd, &st)) {
		fuse_reply_err(req, errno);
		if (key.fd >= 0)
			close(key.fd);
		return;
	}
	key.dev = st.st_dev;
	key.ino = st.st_ino;
	node_reply(req, &key, 0);
}

void patch_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	int dir = change_allowed(req, parent, name);

	if (dir < 0)
		fuse_reply_err(req, -dir);
	else if (mknodat(dir, name, mode, rdev))
		fuse_reply_err(req, errno);
	else
		reply_made(req, dir, name);
}

void patch_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	int dir = change_allowed(req, parent, name);

	if (dir < 0)
		fuse_reply_err(req, -dir);
	else if (mkdirat(dir, name, mode))
		fuse_reply_err(req, errno);
	else
		reply_made(req, dir, name);
}

void patch_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	int dir = change_allowed(req, parent, name);

	if (dir < 0)
		fuse_reply_err(req, -dir);
	else if (symlinkat(target, dir, name))
		fuse_reply_err(req, errno);
	else
		reply_made(req, dir, name);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	int dir = change_allowed(req, parent, name);

	if (dir < 0)
		fuse_reply_err(req, -dir);
	else
		fuse_reply_err(req, unlinkat(dir, name, flags) ? errno : 0);
}

void patch_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

void patch_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, AT_REMOVEDIR);
}

void patch_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		  const char *new_name, unsigned int flags)
{
	int from = change_allowed(req, parent, name);
	int to = change_allowed(req, new_parent, new_name);

	if (from < 0 || to < 0)
		fuse_reply_err(req, from < 0 ? -from : -to);
	else
		fuse_reply_err(req, renameat2(from, name, to, new_name, flags) ? errno : 0);
}

/* Of what a rule shows otherwise only the showing changes. */
static void show_set(struct patch *patch, struct rule *rule, const struct stat *st, int to_set)
{
	pthread_mutex_lock(&patch->lock);
	if (to_set & FUSE_SET_ATTR_MODE)
		rule->mode = st->st_mode & 07777;
	if (to_set & FUSE_SET_ATTR_UID)
		rule->uid = st->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		rule->gid = st->st_gid;
	pthread_mutex_unlock(&patch->lock);
}

static int owner_set(const struct node *node, const struct stat *st, int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? st->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? st->st_gid : (gid_t)-1;

	return fchownat(node->fd, "", uid, gid, AT_EMPTY_PATH) ? -errno : 0;
}

static struct timespec time_of(const struct timespec *time, int to_set, int set, int now)
{
	if (to_set & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	return to_set & set ? *time : (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int times_set(const char *path, const struct stat *st, int to_set)
{
	const struct timespec times[] = {
		time_of(&st->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW),
		time_of(&st->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW),
	};

	return utimensat(AT_FDCWD, path, times, 0) ? -errno : 0;
}

static int attributes_set(struct patch *patch, struct node *node, const struct stat *st,
			  int to_set)
{
	const int who = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
	char path[40];
	int ret = 0;

	node_path(node, path);
	if (node->rule && node->rule->shown) {
		show_set(patch, node->rule, st, to_set);
		to_set &= ~(FUSE_SET_ATTR_MODE | who);
	}
	if (to_set & who)
		ret = owner_set(node, st, to_set);
	if (!ret && to_set & FUSE_SET_ATTR_MODE && chmod(path, st->st_mode & 07777))
		ret = -errno;
	if (!ret && to_set & FUSE_SET_ATTR_SIZE && truncate(path, st->st_size))
		ret = -errno;
	if (!ret && to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME))
		ret = times_set(path, st, to_set);
	return ret;
}

void patch_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
		   struct fuse_file_info *file)
{
	struct patch *patch = patch_of(req);
	struct node *node = patch_node(req, ino);
	struct stat now;
	int ret;

	(void)file;
	ret = node->readonly || node->fd < 0 ? -EROFS : attributes_set(patch, node, st, to_set);
	if (!ret)
		ret = node_stat(patch, node, &now);
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &now, TTL);
}
