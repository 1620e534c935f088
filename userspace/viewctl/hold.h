/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: a view that a process keeps */
#ifndef _VIEWCTL_HOLD_H
#define _VIEWCTL_HOLD_H

#include "told.h"

/**
 * hold_world() - make a view that stays, and print its id
 * @told: what was told of it
 * @stdio: its command, if it has one, keeps our standard output and error
 *
 * Return: an exit status, after a complaint.
 */
int hold_world(struct world *world, const struct told *told, bool stdio);

#endif /* _VIEWCTL_HOLD_H */
