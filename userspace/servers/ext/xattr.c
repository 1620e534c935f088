// SPDX-License-Identifier: GPL-2.0
/* Extended attributes, and access lists among them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "../common/acl.h"
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

/* Names that an image has a number for. */
static bool name_is_known(const char *name)
{
	static const char *const prefixes[] = { "user.", "trusted.", "security." };

	if (!strcmp(name, ACL_NAME_ACCESS) || !strcmp(name, ACL_NAME_DEFAULT))
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name[strlen(prefixes[i])];
	return false;
}

static int put(struct image *image, ext2_ino_t ino, const char *name, const void *value, size_t len)
{
	struct ext2_xattr_handle *handle;
	int err;

	/* As the kernel does with the first one. */
	if (!ext2fs_has_feature_xattr(image->fs->super)) {
		ext2fs_set_feature_xattr(image->fs->super);
		ext2fs_mark_super_dirty(image->fs);
	}
	err = attributes_read(image, ino, &handle);
	if (err)
		return err;
	err = image_error(ext2fs_xattr_set(handle, name, value, len));
	ext2fs_xattrs_close(&handle);
	return err;
}

static int drop(struct image *image, ext2_ino_t ino, const char *name)
{
	struct ext2_xattr_handle *handle;
	errcode_t err;
	int ret;

	ret = attributes_read(image, ino, &handle);
	if (ret)
		return ret;
	err = ext2fs_xattr_remove(handle, name);
	ext2fs_xattrs_close(&handle);
	return err == EXT2_ET_EA_KEY_NOT_FOUND ? -ENODATA : image_error(err);
}

static int exists(struct image *image, ext2_ino_t ino, const char *name)
{
	void *value = NULL;
	size_t len;
	int err = xattr_get(image, ino, name, &value, &len);

	free(value);
	return err == -ENODATA ? 0 : err ? err : 1;
}

/* An access list sets the mode too, and is not kept where the mode says it all. */
static int put_access(struct image *image, ext2_ino_t ino, void *value, size_t len)
{
	struct ext2_inode_large inode;
	bool extended;
	mode_t mode;
	int err;

	err = image_inode(image, ino, &inode);
	if (err)
		return err;
	mode = inode.i_mode;
	if (!acl_mode_of(value, len, &mode, &extended))
		return -EINVAL;
	err = extended ? put(image, ino, ACL_NAME_ACCESS, value, len) :
			 drop(image, ino, ACL_NAME_ACCESS);
	if (err && (extended || err != -ENODATA))
		return err;
	err = image_inode(image, ino, &inode);
	inode.i_mode = (uint16_t)mode;
	return err ? err : image_inode_write(image, ino, &inode);
}

static int put_default(struct image *image, ext2_ino_t ino, void *value, size_t len)
{
	struct ext2_inode_large inode;
	mode_t mode = 0;
	bool extended;
	int err;

	err = image_inode(image, ino, &inode);
	if (err)
		return err;
	if (!acl_mode_of(value, len, &mode, &extended))
		return -EINVAL;
	return S_ISDIR(inode.i_mode) ? put(image, ino, ACL_NAME_DEFAULT, value, len) : -EACCES;
}

/* The lists are read as a copy, which may be aligned and written. */
static int put_list(struct image *image, ext2_ino_t ino, const char *name, const void *value,
		    size_t len)
{
	void *copy = malloc(len ? len : 1);
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, len);
	if (!strcmp(name, ACL_NAME_ACCESS))
		err = put_access(image, ino, copy, len);
	else
		err = put_default(image, ino, copy, len);
	free(copy);
	return err;
}

int xattr_set(struct image *image, ext2_ino_t ino, const char *name, const void *value, size_t len,
	      int flags)
{
	struct ext2_inode_large inode;
	int err;

	if (!name_is_known(name))
		return -EOPNOTSUPP;
	err = image_inode(image, ino, &inode);
	if (!err)
		err = image_changeable(&inode);
	if (!err && flags & (XATTR_CREATE | XATTR_REPLACE)) {
		err = exists(image, ino, name);
		if (err >= 0)
			err = err ? flags & XATTR_CREATE ? -EEXIST : 0 :
				    flags & XATTR_REPLACE ? -ENODATA : 0;
	}
	if (!err)
		err = strncmp(name, "system.", 7) ? put(image, ino, name, value, len) :
						    put_list(image, ino, name, value, len);
	return err ? err : image_touch(image, ino, IMAGE_CTIME);
}

int xattr_remove(struct image *image, ext2_ino_t ino, const char *name)
{
	struct ext2_inode_large inode;
	int err;

	if (!name_is_known(name))
		return -EOPNOTSUPP;
	err = image_inode(image, ino, &inode);
	if (!err)
		err = image_changeable(&inode);
	if (!err)
		err = drop(image, ino, name);
	return err ? err : image_touch(image, ino, IMAGE_CTIME);
}

int xattr_drop_inline(struct image *image, ext2_ino_t ino)
{
	int err = drop(image, ino, INLINE_REST);

	return err == -ENODATA ? 0 : err;
}

/* A list, or NULL. Nothing is read of an image in which no inode has any. */
static int list_get(struct image *image, ext2_ino_t ino, const char *name, void **value,
		    size_t *len)
{
	int err;

	*value = NULL;
	if (!ext2fs_has_feature_xattr(image->fs->super))
		return 0;
	err = xattr_get(image, ino, name, value, len);
	return err == -ENODATA ? 0 : err;
}

int xattr_chmod(struct image *image, ext2_ino_t ino, mode_t mode)
{
	void *value;
	size_t len;
	int err;

	err = list_get(image, ino, ACL_NAME_ACCESS, &value, &len);
	if (err || !value)
		return err;
	err = acl_chmod(value, len, mode) ? put(image, ino, ACL_NAME_ACCESS, value, len) : -EUCLEAN;
	free(value);
	return err;
}

/* The directory's list: once as it is for a directory, and once as the access list. */
static int hand_list(struct image *image, ext2_ino_t ino, void *value, size_t len, mode_t *mode)
{
	bool extended;
	int err = 0;

	if (S_ISDIR(*mode))
		err = put(image, ino, ACL_NAME_DEFAULT, value, len);
	if (!err && !acl_hand_down(value, len, mode, &extended))
		err = -EUCLEAN;
	if (!err && extended)
		err = put(image, ino, ACL_NAME_ACCESS, value, len);
	return err;
}

int xattr_hand_down(struct image *image, ext2_ino_t dir, ext2_ino_t ino, mode_t umask)
{
	struct ext2_inode_large inode;
	void *value;
	size_t len;
	mode_t mode;
	int err;

	err = image_inode_any(image, ino, &inode);
	if (!err)
		err = list_get(image, dir, ACL_NAME_DEFAULT, &value, &len);
	if (err)
		return err;
	mode = inode.i_mode;
	if (value) {
		err = hand_list(image, ino, value, len, &mode);
		free(value);
		if (!err)
			err = image_inode_any(image, ino, &inode);
	} else {
		mode &= ~(umask & 0777u);
	}
	if (err || mode == inode.i_mode)
		return err;
	inode.i_mode = (uint16_t)mode;
	return image_inode_write(image, ino, &inode);
}
