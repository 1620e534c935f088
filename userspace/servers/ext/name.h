/* SPDX-License-Identifier: GPL-2.0 */
/* Making, removing and renaming. */
#ifndef EXT_NAME_H
#define EXT_NAME_H

#include "image.h"

/* What is to be made. */
struct making {
	mode_t mode;
	mode_t umask;
	dev_t rdev;
	uid_t uid;
	gid_t gid;
	const char *target;	/* of a symbolic link */
};

/*
 * All return 0 or a negative errno: what the kernel has not seen to already. If one fails, the
 * image is as it was, but for failures of the disk.
 */

/* Makes an inode, and gives it a name unless that is NULL. */
int name_make(struct image *image, ext2_ino_t dir, const char *name, const struct making *making,
	      ext2_ino_t *made);

int name_link(struct image *image, ext2_ino_t ino, ext2_ino_t dir, const char *name);

int name_unlink(struct image *image, ext2_ino_t dir, const char *name, bool is_dir);

/* flags are renameat2(2)'s. */
int name_rename(struct image *image, ext2_ino_t dir, const char *name, ext2_ino_t newdir,
		const char *newname, unsigned int flags);

#endif
