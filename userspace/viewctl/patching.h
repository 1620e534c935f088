/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what a mount of viewos-patch is to change */
#ifndef _VIEWCTL_PATCHING_H
#define _VIEWCTL_PATCHING_H

#include "files.h"

/**
 * struct patching - for patching_changes()
 * @step: it has a mount of viewos-patch
 * @base: path of its directory, inside or outside
 */
struct patching {
	const struct step *step;
	const char *base;
};

/** patching_rules() - make the options of a step's mount. Return: 0, or a negative errno */
int patching_rules(const struct files *files, struct step *step);

/**
 * patching_changes() - is something about a path, or above or beneath it, to be changed?
 * @path: in the directory
 * @patching: struct patching
 */
bool patching_changes(const char *path, const void *patching);

#endif /* _VIEWCTL_PATCHING_H */
