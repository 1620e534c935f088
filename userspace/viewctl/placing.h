/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: binds and layers, by the kernel's own mounts */
#ifndef _VIEWCTL_PLACING_H
#define _VIEWCTL_PLACING_H

#include "files.h"

/* All are called in a mount namespace of one's own, and return 0, or negative after a complaint. */

/** placing_bind() - mount @step->fd on the target */
int placing_bind(const struct step *step);

/** placing_cow() - put a layer that can be written over the target; see struct step */
int placing_cow(const struct step *step);

/** placing_root() - move into what was mounted on the root directory */
int placing_root(void);

#endif /* _VIEWCTL_PLACING_H */
