/* SPDX-License-Identifier: GPL-2.0 */
/* The extended attributes of an image's inodes. */
#ifndef EXT_XATTR_H
#define EXT_XATTR_H

#include "image.h"

/* An attribute's value, the caller's to free. Returns 0, -ENODATA or another negative errno. */
int xattr_get(struct image *image, ext2_ino_t ino, const char *name, void **value, size_t *len);

/* The names, each with a zero behind it, the caller's to free. Returns 0 or a negative errno. */
int xattr_list(struct image *image, ext2_ino_t ino, char **names, size_t *len);

#endif
