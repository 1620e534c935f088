/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what the kernel's numbers are called */
#ifndef _VIEWCTL_LOOKUP_H
#define _VIEWCTL_LOOKUP_H

#include <sys/types.h>

#include "viewctl.h"

struct libmnt_table;

/**
 * struct lookup - names of views, and targets of mounts
 * @views: that have a name, unsorted
 * @view_count: how many
 * @tables: the mounts of some mount namespaces
 * @namespaces: inode numbers of these namespaces
 * @table_count: how many
 */
struct lookup {
	struct lookup_view {
		uint64_t id;
		char name[VIEWOS_NAME_LEN];
	} *views;
	size_t view_count;
	struct libmnt_table **tables;
	ino_t *namespaces;
	size_t table_count;
};

/** lookup_views() - fill in the names of views. Return: 0, or negative after a complaint */
int lookup_views(struct lookup *lookup, struct viewos_nl *nl);

/** lookup_mounts() - fill in the mounts of all tasks in views. Return: as lookup_views() */
int lookup_mounts(struct lookup *lookup, struct viewos_nl *nl);

/** lookup_view() - the view's name, or NULL */
const char *lookup_view(const struct lookup *lookup, uint64_t id);

/** lookup_target() - where one sees the file system of this MOUNT_DEV, or NULL if one does not */
const char *lookup_target(const struct lookup *lookup, uint64_t dev);

void lookup_free(struct lookup *lookup);

#endif /* _VIEWCTL_LOOKUP_H */
