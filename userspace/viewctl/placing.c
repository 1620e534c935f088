// SPDX-License-Identifier: GPL-2.0
/* viewctl: binds and layers, by the kernel's own mounts */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

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
		fail("--bind: '%s': only one of it and '%s' is a directory", step->at, step->from);
	else if (ret < 0)
		fail("--bind: '%s' on '%s': %s", step->from, step->at, strerror(-ret));
	return ret;
}

/**
 * struct layer - what an overlay is made of
 * @step: the option
 * @dir: O_PATH of the directory as it is
 * @store: directory in which the layer is
 * @temporary: @store is the root of a mount of ours
 */
struct layer {
	const struct step *step;
	int dir;
	int store;
	bool temporary;
};

static int layer_fail(const struct layer *layer, const char *what, int error)
{
	fail("--cow: '%s': %s: %s", layer->step->at, what, strerror(error));
	return -error;
}

/*
 * The layer's root is what one sees of the directory itself, so it gets its attributes: but
 * not an owner or group that has no number in the user namespace.
 */
static int root_dress(const struct layer *layer, int upper)
{
	static const char *const acls[] = {
		"system.posix_acl_access", "system.posix_acl_default",
	};
	char dir[FD_PATH_LEN], path[FD_PATH_LEN], acl[4096];
	struct stat st;
	ssize_t len;
	size_t i;

	if (fstat(layer->dir, &st) < 0)
		return -errno;
	if (fchown(upper, st.st_uid, -1) < 0 && errno != EPERM && errno != EINVAL)
		return -errno;
	if (fchown(upper, -1, st.st_gid) < 0 && errno != EPERM && errno != EINVAL)
		return -errno;
	if (fchmod(upper, st.st_mode & 07777) < 0)
		return -errno;
	snprintf(dir, sizeof(dir), "/proc/self/fd/%d", layer->dir);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", upper);
	for (i = 0; i < sizeof(acls) / sizeof(acls[0]); i++) {
		len = getxattr(dir, acls[i], acl, sizeof(acl));
		if (len > 0 && setxattr(path, acls[i], acl, len, 0) < 0)
			return -errno;
	}
	return 0;
}

/* Directories of a layer; one that is there already is gone on with. */
static int store_fill(const struct layer *layer)
{
	int upper, ret;

	if (mkdirat(layer->store, "work", 0700) < 0 && errno != EEXIST)
		return layer_fail(layer, "work", errno);
	if (mkdirat(layer->store, "upper", 0700) < 0)
		return errno == EEXIST ? 0 : layer_fail(layer, "upper", errno);
	upper = openat(layer->store, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = upper < 0 ? -errno : root_dress(layer, upper);
	if (upper >= 0)
		close(upper);
	/* Next time it is to be tried again. */
	if (ret < 0) {
		unlinkat(layer->store, "upper", AT_REMOVEDIR);
		layer_fail(layer, "attributes of the layer", -ret);
	}
	return ret;
}

/* A file system in memory, mounted since an overlay's layers must be. */
static int store_make(struct layer *layer)
{
	int context, ret = 0;

	context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (context < 0)
		return layer_fail(layer, "tmpfs", errno);
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", "viewctl", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		ret = layer_fail(layer, "tmpfs", errno);
	if (!ret)
		layer->store = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (!ret && layer->store < 0)
		ret = layer_fail(layer, "tmpfs", errno);
	close(context);
	if (!ret && move_mount(layer->store, "", layer->dir, "",
			       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		ret = layer_fail(layer, "tmpfs", errno);
	layer->temporary = !ret;
	return ret;
}

static void store_leave(struct layer *layer)
{
	char path[FD_PATH_LEN];

	if (layer->store == layer->step->fd)
		return;
	if (layer->temporary) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", layer->store);
		umount2(path, MNT_DETACH);
	}
	if (layer->store >= 0)
		close(layer->store);
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

static int overlay_configure(const struct layer *layer, int context)
{
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", "viewctl", 0) < 0 ||
	    fd_set_string(context, "lowerdir", layer->dir, "") < 0 ||
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
		fail("--cow: '%s': the kernel has no overlay file system", step->at);
	else if (error == EINVAL && covers && in_user_ns())
		fail("--cow: '%s': other file systems are mounted in it, and the kernel lets "
		     "nobody in a user namespace look behind them", step->at);
	else if (error == EINVAL && step->from)
		fail("--cow: '%s': '%s' is on a file system that cannot have the layer", step->at,
		     step->from);
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
	int overlay, ret;

	if (layer->step->from) {
		layer->store = layer->step->fd;
		ret = 0;
	} else {
		ret = store_make(layer);
	}
	if (!ret)
		ret = store_fill(layer);
	overlay = ret ? ret : overlay_make(layer, covers);
	store_leave(layer);
	if (overlay < 0)
		return overlay;
	ret = 0;
	if (move_mount(overlay, "", layer->dir, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		ret = layer_fail(layer, "overlay", errno);
	close(overlay);
	return ret;
}

int placing_cow(const struct step *step)
{
	struct layer layer = { .step = step, .store = -1 };
	struct submounts submounts;
	int ret;

	layer.dir = open(step->at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layer.dir < 0) {
		ret = -errno;
		fail("--cow: '%s': %s", step->at, strerror(-ret));
		return ret;
	}
	ret = submounts_take(&submounts, step->at);
	if (ret < 0)
		layer_fail(&layer, "what is mounted in it", -ret);
	else
		ret = overlay_place(&layer, submounts.count);
	/* By its path one gets to what is mounted on the root only from inside. */
	if (!ret && !strcmp(step->at, "/"))
		ret = placing_root();
	if (!ret)
		ret = submounts_give(&submounts);
	submounts_free(&submounts);
	close(layer.dir);
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
