// SPDX-License-Identifier: GPL-2.0
/* Reading extended attributes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xattr.h"

/* Where contents in the inode go on: no attribute for anybody to see. */
#define INLINE_REST "system.data"

static int attributes_read(struct image *image, ext2_ino_t ino, struct ext2_xattr_handle **handle)
{
	errcode_t err = ext2fs_xattrs_open(image->fs, ino, handle);

	if (err)
		return image_error(err);
	err = ext2fs_xattrs_read(*handle);
	if (err)
		ext2fs_xattrs_close(handle);
	return image_error(err);
}

int xattr_get(struct image *image, ext2_ino_t ino, const char *name, void **value, size_t *len)
{
	struct ext2_xattr_handle *handle;
	errcode_t err;
	int ret;

	if (!strcmp(name, INLINE_REST))
		return -ENODATA;
	ret = attributes_read(image, ino, &handle);
	if (ret)
		return ret;
	err = ext2fs_xattr_get(handle, name, value, len);
	ext2fs_xattrs_close(&handle);
	return err == EXT2_ET_EA_KEY_NOT_FOUND ? -ENODATA : image_error(err);
}

struct names {
	char *names;
	size_t len;
	int err;
};

static int names_add(char *name, char *value, size_t value_len, void *data)
{
	struct names *list = data;
	size_t len = strlen(name) + 1;
	char *names;

	(void)value;
	(void)value_len;
	if (!strcmp(name, INLINE_REST))
		return 0;
	names = realloc(list->names, list->len + len);
	if (!names) {
		list->err = -ENOMEM;
		return XATTR_ABORT;
	}
	memcpy(names + list->len, name, len);
	list->names = names;
	list->len += len;
	return 0;
}

int xattr_list(struct image *image, ext2_ino_t ino, char **names, size_t *len)
{
	struct ext2_xattr_handle *handle;
	struct names list = {};
	int err = attributes_read(image, ino, &handle);

	if (err)
		return err;
	err = image_error(ext2fs_xattrs_iterate(handle, names_add, &list));
	ext2fs_xattrs_close(&handle);
	if (!err)
		err = list.err;
	if (err) {
		free(list.names);
		return err;
	}
	*names = list.names;
	*len = list.len;
	return 0;
}
