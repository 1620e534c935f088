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

/** path_covers() - is @path, as path_absolute() gives it, @above or beneath it? */
bool path_covers(const char *above, const char *path);

#endif /* _VIEWCTL_PATHS_H */
