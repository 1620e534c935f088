// SPDX-License-Identifier: GPL-2.0
/* viewctl: what is mounted beneath a directory that is to be covered */
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"
#include "submounts.h"
#include "viewctl.h"

/* Is a mount seen at @path? One that is covered, or that we may not reach, is not. */
static bool mount_seen(const char *path)
{
	struct statx st;

	return !statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) &&
	       st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static bool taken(const struct submounts *submounts, const char *path)
{
	size_t i;

	for (i = 0; i < submounts->count; i++)
		if (path_covers(submounts->paths[i], path))
			return true;
	return false;
}

static int path_add(struct submounts *submounts, const char *path)
{
	char **paths;
	int *trees;

	paths = reallocarray(submounts->paths, submounts->count + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	submounts->paths = paths;
	trees = reallocarray(submounts->trees, submounts->count + 1, sizeof(*trees));
	if (!trees)
		return -ENOMEM;
	submounts->trees = trees;
	trees[submounts->count] = -1;
	paths[submounts->count] = strdup(path);
	return paths[submounts->count++] ? 0 : -ENOMEM;
}

/* Their order in the table is that of mounting, which is not that of their paths. */
static int depth_compare(const void *a, const void *b)
{
	size_t one = strlen(*(const char *const *)a), other = strlen(*(const char *const *)b);

	return one < other ? -1 : one > other;
}

int submounts_find(struct submounts *submounts, const char *path,
		   bool (*but)(const char *path, const void *arg), const void *arg)
{
	struct libmnt_table *table = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	const char **found = NULL, *target;
	struct libmnt_fs *fs;
	size_t count = 0, i;
	int ret = 0;

	*submounts = (struct submounts){ 0 };
	if (table && iter)
		found = calloc(mnt_table_get_nents(table) + 1, sizeof(*found));
	if (!found)
		ret = table || errno == ENOMEM ? -ENOMEM : -errno;
	while (!ret && !mnt_table_next_fs(table, iter, &fs)) {
		target = mnt_fs_get_target(fs);
		if (target && strcmp(target, path) && path_covers(path, target) &&
		    !but(target, arg))
			found[count++] = target;
	}
	if (count)
		qsort(found, count, sizeof(*found), depth_compare);
	for (i = 0; !ret && i < count; i++)
		if (!taken(submounts, found[i]) && mount_seen(found[i]))
			ret = path_add(submounts, found[i]);
	free(found);
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return ret;
}

int submounts_take(struct submounts *submounts, const char *path,
		   bool (*but)(const char *path, const void *arg), const void *arg)
{
	int ret = submounts_find(submounts, path, but, arg);
	size_t i;

	for (i = 0; !ret && i < submounts->count; i++) {
		submounts->trees[i] = open_tree(AT_FDCWD, submounts->paths[i],
						OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						AT_RECURSIVE | AT_NO_AUTOMOUNT);
		/* One that is unbindable is not for copying. */
		if (submounts->trees[i] < 0 && errno != EINVAL)
			ret = -errno;
	}
	return ret;
}

int submounts_give(const struct submounts *submounts)
{
	size_t i;
	int ret;

	for (i = 0; i < submounts->count; i++) {
		if (submounts->trees[i] < 0 ||
		    !move_mount(submounts->trees[i], "", AT_FDCWD, submounts->paths[i],
				MOVE_MOUNT_F_EMPTY_PATH))
			continue;
		ret = -errno;
		fail("'%s': cannot mount it again: %s", submounts->paths[i], strerror(-ret));
		return ret;
	}
	return 0;
}

void submounts_free(struct submounts *submounts)
{
	size_t i;

	for (i = 0; i < submounts->count; i++) {
		if (submounts->trees[i] >= 0)
			close(submounts->trees[i]);
		free(submounts->paths[i]);
	}
	free(submounts->trees);
	free(submounts->paths);
}
