/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: where each step is made, and on what, before anything is made */
#ifndef _VIEWCTL_PLAN_H
#define _VIEWCTL_PLAN_H

#include "files.h"

/** plan() - fill in what a step needs to be made. Return: 0, or negative after a complaint */
int plan(struct files *files);

/** plan_covering() - the last step whose mount @path is on; only the first @count are looked at */
struct step *plan_covering(const struct files *files, size_t count, const char *path);

#endif /* _VIEWCTL_PLAN_H */
