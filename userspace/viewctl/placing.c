// SPDX-License-Identifier: GPL-2.0
/* viewctl: binds, layers and patched directories, put where they are to be */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "patching.h"
#include "paths.h"
#include "placing.h"
#include "submounts.h"

/* Number of the inode that is the initial user namespace. */
#define INITIAL_USER_NS	0xEFFFFFFDU

/* Long enough for "/proc/self/fd/NUMBER/upper". */
#define FD_PATH_LEN	48

static bool is_directory(int fd, const char *path)
{
	struct stat st;

	return !fstatat(fd, path, &st, AT_EMPTY_PATH) && S_ISDIR(st.st_mode);
}

int placing_bind(const struct step *step)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	int ret = 0;

	if ((step->readonly && mount_setattr(step->fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
					     &attributes, sizeof(attributes)) < 0) ||
	    move_mount(step->fd, "", AT_FDCWD, step->at, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		ret = -errno;
	if (ret == -EINVAL && is_directory(step->fd, "") != is_directory(AT_FDCWD, step->at))
		fail_at(&step->where, "'%s': only one of it and '%s' is a directory", step->at,
			step->from);
	else if (ret < 0)
		fail_at(&step->where, "'%s' on '%s': %s", step->from, step->at, strerror(-ret));
	return ret;
}

/**
 * struct layer - what an overlay is made of
 * @files: all options
 * @step: the one it is for
 * @dir: O_PATH of the directory as it is
 * @memory: root of a tmpfs of ours, mounted for the time being, or -1
 * @store: directory in which the layer is that is written to
 * @changes: directory of a layer in between, with the names that are hidden or added, or -1
 */
struct layer {
	const struct files *files;
	const struct step *step;
	int dir;
	int memory;
	int store;
	int changes;
};

static int layer_fail(const struct layer *layer, const char *what, int error)
{
	fail_at(&layer->step->where, "'%s': %s: %s", layer->step->at, what, strerror(error));
	return -error;
}

/*
 * A directory of a layer is what one sees of the one beneath, so it gets its attributes: but
 * not an owner or group that has no number in the user namespace.
 */
static int dress(int to, int from)
{
	static const char *const acls[] = {
		"system.posix_acl_access", "system.posix_acl_default",
	};
	char source[FD_PATH_LEN], path[FD_PATH_LEN], acl[4096];
	struct stat st;
	ssize_t len;
	size_t i;

	if (fstat(from, &st) < 0)
		return -errno;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", from);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	if (chown(path, st.st_uid, -1) < 0 && errno != EPERM && errno != EINVAL)
		return -errno;
	if (chown(path, -1, st.st_gid) < 0 && errno != EPERM && errno != EINVAL)
		return -errno;
	if (chmod(path, st.st_mode & 07777) < 0)
		return -errno;
	for (i = 0; i < sizeof(acls) / sizeof(acls[0]); i++) {
		len = getxattr(source, acls[i], acl, sizeof(acl));
		if (len > 0 && setxattr(path, acls[i], acl, len, 0) < 0)
			return -errno;
	}
	return 0;
}

/* A new directory; an O_PATH fd, or a negative errno. */
static int directory_make(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0700) < 0)
		return -errno;
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Directories of a layer; one that is there already is gone on with. */
static int store_fill(const struct layer *layer)
{
	int upper, ret;

	if (mkdirat(layer->store, "work", 0700) < 0 && errno != EEXIST)
		return layer_fail(layer, "work", errno);
	upper = directory_make(layer->store, "upper");
	if (upper == -EEXIST)
		return 0;
	ret = upper < 0 ? upper : dress(upper, layer->dir);
	if (upper >= 0)
		close(upper);
	/* Next time it is to be tried again. */
	if (ret < 0) {
		unlinkat(layer->store, "upper", AT_REMOVEDIR);
		layer_fail(layer, "attributes of the layer", -ret);
	}
	return ret;
}

/* Opens, or makes, the directory of a layer that is over @under, or over nothing. */
static int way_open(int parent, const char *name, int under)
{
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	fd = directory_make(parent, name);
	if (fd >= 0 && under < 0)
		ret = fchmodat(parent, name, 0755, 0) < 0 ? -errno : 0;
	else
		ret = fd < 0 ? fd : dress(fd, under);
	if (ret < 0 && fd >= 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

/* Goes into a directory of the layer, and of what is beneath if it is there. */
static int way_go(int *at, int *under, const char *name)
{
	int next = openat(*under, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (next < 0 && errno != ENOENT && errno != EBADF)
		return -errno;
	if (*under >= 0)
		close(*under);
	*under = next;
	next = way_open(*at, name, *under);
	if (next < 0)
		return next;
	close(*at);
	*at = next;
	return 0;
}

/*
 * A device with the number 0, as the kernel leaves it behind where a file was. By mknod(2) it might
 * become something that is only said to be one, where the view above has rules for that.
 */
static int whiteout_make(const struct layer *layer, int at, const char *name)
{
	static const char other[] = "moved";

	if (mknodat(at, name, S_IFREG, 0) < 0 ||
	    renameat2(at, name, layer->memory, other, RENAME_WHITEOUT) < 0 ||
	    unlinkat(layer->memory, other, 0) < 0)
		return -errno;
	return 0;
}

/* A whiteout; or something to be mounted on. */
static int name_make(const struct layer *layer, int at, const char *name, const struct step *step)
{
	struct stat st;

	if (step->kind == STEP_HIDE)
		return whiteout_make(layer, at, name);
	if (stat(step->from, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return mkdirat(at, name, 0755) < 0 ? -errno : 0;
	return mknodat(at, name, S_IFREG | 0644, 0) < 0 ? -errno : 0;
}

/* Makes a name in the layer in between, and the directories on the way to it. */
static int change_make(const struct layer *layer, const struct step *step, char *path)
{
	int at = dup(layer->changes), under = dup(layer->dir), ret = 0;
	char *name;

	if (at < 0 || under < 0)
		ret = -errno;
	while (!ret && (name = strsep(&path, "/")) && path)
		ret = way_go(&at, &under, name);
	if (!ret)
		ret = name_make(layer, at, name, step);
	if (at >= 0)
		close(at);
	if (under >= 0)
		close(under);
	return ret;
}

/* What is in the layer that is written to is above what is hidden. */
static int kept_check(const struct layer *layer, const struct step *hide)
{
	struct stat st;
	char *path;
	int ret;

	if (asprintf(&path, "upper/%s", path_beneath(layer->step->at, hide->at)) < 0)
		return layer_fail(layer, "changed names", ENOMEM);
	ret = fstatat(layer->store, path, &st, AT_SYMLINK_NOFOLLOW);
	free(path);
	if (ret < 0 || (S_ISCHR(st.st_mode) && !st.st_rdev))
		return 0;
	fail_at(&hide->where, "'%s': the layer that is kept in '%s' has it", hide->at,
		layer->step->from);
	return -EEXIST;
}

static int change_fill(const struct layer *layer, const struct step *step)
{
	char *path = strdup(path_beneath(layer->step->at, step->at));
	int ret = path ? change_make(layer, step, path) : -ENOMEM;

	free(path);
	if (ret < 0) {
		fail_at(&step->where, "'%s': %s", step->at, strerror(-ret));
		return ret;
	}
	return layer->step->from && step->kind == STEP_HIDE ? kept_check(layer, step) : 0;
}

static int changes_fill(struct layer *layer)
{
	const struct step *step, *end = layer->files->steps + layer->files->count;
	int ret = 0;

	for (step = layer->files->steps; !ret && step < end; step++) {
		if (step->into != layer->step)
			continue;
		if (layer->changes < 0)
			layer->changes = directory_make(layer->memory, "changes");
		if (layer->changes < 0)
			return layer_fail(layer, "changed names", -layer->changes);
		ret = change_fill(layer, step);
	}
	return ret;
}

/* Is there anything that is not to be kept? */
static bool wants_memory(const struct layer *layer)
{
	size_t i;

	if (!layer->step->from)
		return true;
	for (i = 0; i < layer->files->count; i++)
		if (layer->files->steps[i].into == layer->step)
			return true;
	return false;
}

/* A file system in memory, mounted since an overlay's layers must be. */
static int memory_make(struct layer *layer)
{
	int context, ret = 0;

	context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (context < 0)
		return layer_fail(layer, "tmpfs", errno);
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", "viewctl", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		ret = -errno;
	if (!ret)
		layer->memory = fsmount(context, FSMOUNT_CLOEXEC, 0);
	close(context);
	if (!ret && (layer->memory < 0 ||
		     move_mount(layer->memory, "", layer->dir, "",
				MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0))
		ret = -errno;
	return ret ? layer_fail(layer, "tmpfs", -ret) : 0;
}

static int store_make(struct layer *layer)
{
	int ret = 0;

	if (wants_memory(layer))
		ret = memory_make(layer);
	layer->store = layer->step->from ? layer->step->fd : layer->memory;
	if (!ret)
		ret = store_fill(layer);
	if (!ret)
		ret = changes_fill(layer);
	return ret;
}

/* The overlay holds what it is made of. */
static void store_leave(struct layer *layer)
{
	char path[FD_PATH_LEN];

	if (layer->changes >= 0)
		close(layer->changes);
	if (layer->memory < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", layer->memory);
	umount2(path, MNT_DETACH);
	close(layer->memory);
}

static bool in_user_ns(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != INITIAL_USER_NS;
}

static int fd_set_string(int context, const char *key, int fd, const char *name)
{
	char path[FD_PATH_LEN];

	snprintf(path, sizeof(path), "/proc/self/fd/%d%s", fd, name);
	return fsconfig(context, FSCONFIG_SET_STRING, key, path, 0);
}

static int lower_set(const struct layer *layer, int context)
{
	char paths[2 * FD_PATH_LEN];

	if (layer->changes < 0)
		return fd_set_string(context, "lowerdir", layer->dir, "");
	snprintf(paths, sizeof(paths), "/proc/self/fd/%d:/proc/self/fd/%d", layer->changes,
		 layer->dir);
	return fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", paths, 0);
}

static int overlay_configure(const struct layer *layer, int context)
{
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", "viewctl", 0) < 0 ||
	    lower_set(layer, context) < 0 ||
	    fd_set_string(context, "upperdir", layer->store, "/upper") < 0 ||
	    fd_set_string(context, "workdir", layer->store, "/work") < 0)
		return -errno;
	/* The attributes that it uses otherwise take privilege over the whole system. */
	if (in_user_ns() && fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return -errno;
	return fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* What the mount of the directory restricts stays so, but that it can be written. */
static unsigned int attributes_of(int dir)
{
	struct statvfs st;
	unsigned int attributes = 0;

	if (fstatvfs(dir, &st) < 0)
		return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	attributes |= st.f_flag & ST_NOSUID ? MOUNT_ATTR_NOSUID : 0;
	attributes |= st.f_flag & ST_NODEV ? MOUNT_ATTR_NODEV : 0;
	attributes |= st.f_flag & ST_NOEXEC ? MOUNT_ATTR_NOEXEC : 0;
	return attributes;
}

static int overlay_fail(const struct layer *layer, int error, bool covers)
{
	const struct step *step = layer->step;

	if (error == ENODEV)
		fail_at(&step->where, "'%s': the kernel has no overlay file system", step->at);
	else if (error == EINVAL && covers && in_user_ns())
		fail_at(&step->where, "'%s': other file systems are mounted in it, and the kernel "
			"lets nobody in a user namespace look behind them", step->at);
	else if (error == EINVAL && step->from)
		fail_at(&step->where, "'%s': '%s' is on a file system that cannot have the layer",
			step->at, step->from);
	else
		layer_fail(layer, "overlay", error);
	return -error;
}

/* An overlay that is not attached yet: its fd, or negative after a complaint. */
static int overlay_make(const struct layer *layer, bool covers)
{
	int context, overlay, ret;

	context = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context < 0)
		return overlay_fail(layer, errno, covers);
	ret = overlay_configure(layer, context);
	overlay = ret ? -1 : fsmount(context, FSMOUNT_CLOEXEC, attributes_of(layer->dir));
	if (!ret && overlay < 0)
		ret = -errno;
	close(context);
	return ret ? overlay_fail(layer, -ret, covers) : overlay;
}

static int overlay_place(struct layer *layer, bool covers)
{
	int overlay = -1, ret;

	ret = store_make(layer);
	if (!ret)
		overlay = overlay_make(layer, covers);
	store_leave(layer);
	if (ret || overlay < 0)
		return ret ? ret : overlay;
	if (move_mount(overlay, "", layer->dir, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		ret = layer_fail(layer, "overlay", errno);
	close(overlay);
	return ret;
}

/* What a layer takes out is not put back. */
static bool is_hidden(const char *path, const void *arg)
{
	const struct layer *layer = arg;
	const struct step *step, *end = layer->files->steps + layer->files->count;

	for (step = layer->files->steps; step < end; step++)
		if (step->kind == STEP_HIDE && step->into == layer->step &&
		    path_covers(step->at, path))
			return true;
	return false;
}

/* What is mounted beneath the directory that has been covered is mounted again. */
static int uncover(const struct submounts *submounts, const char *root)
{
	int ret = 0;

	/* By its path one gets to what is mounted on the root only from inside. */
	if (!strcmp(root, "/"))
		ret = placing_root();
	return ret ? ret : submounts_give(submounts);
}

int placing_cow(const struct files *files, const struct step *step)
{
	struct layer layer = { .files = files, .step = step, .memory = -1, .changes = -1 };
	struct submounts submounts;
	int ret;

	layer.dir = open(step->at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layer.dir < 0) {
		ret = -errno;
		fail_at(&step->where, "'%s': %s", step->at, strerror(-ret));
		return ret;
	}
	ret = submounts_take(&submounts, step->at, is_hidden, &layer);
	if (ret < 0)
		layer_fail(&layer, "what is mounted in it", -ret);
	else
		ret = overlay_place(&layer, submounts.count);
	if (!ret)
		ret = uncover(&submounts, step->at);
	submounts_free(&submounts);
	close(layer.dir);
	return ret;
}

int placing_patch(struct step *step)
{
	const struct patching patching = { .step = step, .base = step->root };
	struct submounts submounts = { 0 };
	int dir, ret;

	dir = open(step->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret = dir < 0 ? -errno :
	      submounts_take(&submounts, step->root, patching_changes, &patching);
	if (ret < 0) {
		fail_at(&step->where, "'%s': %s", step->root, strerror(-ret));
	} else {
		step->mounting.attributes = attributes_of(dir);
		ret = mounting_do(&step->mounting);
	}
	if (!ret)
		ret = uncover(&submounts, step->root);
	submounts_free(&submounts);
	if (dir >= 0)
		close(dir);
	return ret;
}

int placing_root(void)
{
	int ret = 0;

	/* The root's own ".." leads to what is mounted on it. */
	if (chdir("/..") < 0 || chroot(".") < 0) {
		ret = -errno;
		fail("'/': %s", strerror(-ret));
	}
	return ret;
}
