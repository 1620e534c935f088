/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: capabilities */
#ifndef _VIEWCTL_CAPS_H
#define _VIEWCTL_CAPS_H

#include <stdbool.h>

/** caps_have_admin() - is CAP_SYS_ADMIN effective in the current user namespace? */
bool caps_have_admin(void);

/** caps_have_files() - likewise those that files_want_caps() is about */
bool caps_have_files(void);

/**
 * caps_keep_admin() - let CAP_SYS_ADMIN survive execve(2) for a user who is not root
 *
 * For the inside of a user namespace of the user's own, where it is what mounting
 * in the view takes. Return: 0 or a negative errno.
 */
int caps_keep_admin(void);

#endif /* _VIEWCTL_CAPS_H */
