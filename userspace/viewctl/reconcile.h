/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: making of a view that exists what a file says */
#ifndef _VIEWCTL_RECONCILE_H
#define _VIEWCTL_RECONCILE_H

#include "live.h"
#include "told.h"

/**
 * reconcile() - all of it, or nothing
 * @file: name of the file, for complaints about what it does not say
 * @world: that it describes
 * @told: by it
 * @dry: change nothing
 *
 * What is changed, or would be, is printed. Return: an exit status, after a complaint.
 */
int reconcile(struct live *live, const char *file, struct world *world, const struct told *told,
	      bool dry);

#endif /* _VIEWCTL_RECONCILE_H */
