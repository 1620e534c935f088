/* SPDX-License-Identifier: GPL-2.0 */
/* The extended attributes of an image's inodes. */
#ifndef EXT_XATTR_H
#define EXT_XATTR_H

#include "image.h"

/* An attribute's value, the caller's to free. Returns 0, -ENODATA or another negative errno. */
int xattr_get(struct image *image, ext2_ino_t ino, const char *name, void **value, size_t *len);

/* The names, each with a zero behind it, the caller's to free. Returns 0 or a negative errno. */
int xattr_list(struct image *image, ext2_ino_t ino, char **names, size_t *len);

/* Sets an attribute; flags are setxattr(2)'s. Returns 0 or a negative errno. */
int xattr_set(struct image *image, ext2_ino_t ino, const char *name, const void *value, size_t len,
	      int flags);

/* Returns 0, -ENODATA or another negative errno. */
int xattr_remove(struct image *image, ext2_ino_t ino, const char *name);

/* Drops the rest of contents that are in the inode. */
int xattr_drop_inline(struct image *image, ext2_ino_t ino);

/* A mode was set: the access list, if there is one, has to say the same. */
int xattr_chmod(struct image *image, ext2_ino_t ino, mode_t mode);

/*
 * A new inode gets what its directory hands down, and its mode loses what that, or else the umask,
 * takes away. Before the inode is in the directory.
 */
int xattr_hand_down(struct image *image, ext2_ino_t dir, ext2_ino_t ino, mode_t umask);

#endif
