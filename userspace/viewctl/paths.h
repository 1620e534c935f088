/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: paths as they are outside of a new view */
#ifndef _VIEWCTL_PATHS_H
#define _VIEWCTL_PATHS_H

#include <stdbool.h>

/**
 * path_absolute() - a path without symbolic links, '.' and '..'
 *
 * Names at its end that are not there outside, but may be inside, stay as they are.
 * Return: to be freed, or NULL with an errno.
 */
char *path_absolute(const char *path);

/** path_of_name() - likewise, but a link at its end is not followed */
char *path_of_name(const char *path);

/** path_parent() - the directory of an absolute path. Return: to be freed, or NULL */
char *path_parent(const char *path);

/** path_join() - @name in @directory, or that itself if @name is empty. Return: likewise */
char *path_join(const char *directory, const char *name);

/** path_beneath() - the part of @path that is beneath @above, which covers it */
const char *path_beneath(const char *above, const char *path);

/** path_covers() - is @path, as path_absolute() gives it, @above or beneath it? */
bool path_covers(const char *above, const char *path);

#endif /* _VIEWCTL_PATHS_H */
