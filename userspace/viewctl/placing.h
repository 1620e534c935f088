/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: binds, layers and patched directories, put where they are to be */
#ifndef _VIEWCTL_PLACING_H
#define _VIEWCTL_PLACING_H

#include "files.h"

/* All are called in a mount namespace of one's own, and return 0, or negative after a complaint. */

/** placing_bind() - mount @step->fd on the target */
int placing_bind(const struct step *step);

/** placing_cow() - put a layer over the target that can be written, and has no hidden names */
int placing_cow(const struct files *files, const struct step *step);

/** placing_patch() - mount what viewos-patch shows of a directory on it */
int placing_patch(struct step *step);

/** placing_root() - move into what was mounted on the root directory */
int placing_root(void);

#endif /* _VIEWCTL_PLACING_H */
