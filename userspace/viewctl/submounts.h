/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what is mounted beneath a directory that is to be covered */
#ifndef _VIEWCTL_SUBMOUNTS_H
#define _VIEWCTL_SUBMOUNTS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct submounts - copies of mounts, each with those beneath it
 * @paths: where they are, each to be freed
 * @trees: fds, -1 without a copy
 * @count: of both
 */
struct submounts {
	char **paths;
	int *trees;
	size_t count;
};

/**
 * submounts_find() - which mounts are there beneath @path, and not beneath one another?
 * @but: tells what is left out, for its path; not what is beneath that
 *
 * They are not copied. Return: 0, or a negative errno.
 */
int submounts_find(struct submounts *submounts, const char *path,
		   bool (*but)(const char *path, const void *arg), const void *arg);

/** submounts_take() - copy them, with all that is mounted beneath them. Return: likewise */
int submounts_take(struct submounts *submounts, const char *path,
		   bool (*but)(const char *path, const void *arg), const void *arg);

/** submounts_give() - mount the copies where they were. Return: 0, or negative after a complaint */
int submounts_give(const struct submounts *submounts);

/** submounts_free() - free what it holds */
void submounts_free(struct submounts *submounts);

#endif /* _VIEWCTL_SUBMOUNTS_H */
