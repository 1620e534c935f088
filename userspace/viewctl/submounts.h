/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what is mounted beneath a directory that is to be covered */
#ifndef _VIEWCTL_SUBMOUNTS_H
#define _VIEWCTL_SUBMOUNTS_H

#include <stddef.h>

/**
 * struct submounts - copies of mounts, each with those beneath it
 * @paths: where they are, each to be freed
 * @trees: fds
 * @count: of both
 */
struct submounts {
	char **paths;
	int *trees;
	size_t count;
};

/** submounts_take() - copy what is mounted beneath @path. Return: 0, or a negative errno */
int submounts_take(struct submounts *submounts, const char *path);

/** submounts_give() - mount the copies where they were. Return: 0, or negative after a complaint */
int submounts_give(const struct submounts *submounts);

/** submounts_free() - free what it holds */
void submounts_free(struct submounts *submounts);

#endif /* _VIEWCTL_SUBMOUNTS_H */
