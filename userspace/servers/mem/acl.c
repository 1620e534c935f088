// SPDX-License-Identifier: GPL-2.0
/*
 * Access control lists of a memfs: kept as the extended attributes that they come as.
 *
 * The kernel heeds them. Here they are kept in step with the mode, and handed down from a
 * directory to what is made in it, as POSIX.1e says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/acl.h"
#include "inode.h"

bool memfs_acl_is_name(const char *name)
{
	return !strcmp(name, MEMFS_ACL_ACCESS) || !strcmp(name, MEMFS_ACL_DEFAULT);
}

int memfs_acl_set_locked(struct memfs *fs, struct inode *inode, const char *name, char *value,
			 size_t size)
{
	mode_t mode = inode->mode;
	bool extended;
	int err = 0;

	if (!acl_mode_of(value, size, &mode, &extended))
		return -EINVAL;
	if (!strcmp(name, MEMFS_ACL_DEFAULT)) {
		if (!S_ISDIR(inode->mode))
			return -EACCES;
		return memfs_xattr_put_locked(fs, inode, name, value, size);
	}
	if (extended)
		err = memfs_xattr_put_locked(fs, inode, name, value, size);
	else
		memfs_xattr_drop_locked(fs, inode, name);
	if (err)
		return err;
	inode->mode = mode;
	inode->ctime = memfs_now();
	return 0;
}

void memfs_acl_chmod_locked(struct inode *inode)
{
	size_t size;
	char *value = memfs_xattr_value_locked(inode, MEMFS_ACL_ACCESS, &size);

	if (value)
		acl_chmod(value, size, inode->mode);
}

/* Gives a new inode the list of its directory, restricted by the mode that it was made with. */
static int acl_hand_down_locked(struct memfs *fs, struct inode *inode, const char *value,
				size_t size)
{
	bool extended;
	char *copy;
	int err = 0;

	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, size);
	if (!acl_hand_down(copy, size, &inode->mode, &extended)) {
		free(copy);
		return -EINVAL;
	}
	if (extended)
		err = memfs_xattr_put_locked(fs, inode, MEMFS_ACL_ACCESS, copy, size);
	if (!err && S_ISDIR(inode->mode))
		err = memfs_xattr_put_locked(fs, inode, MEMFS_ACL_DEFAULT, value, size);
	free(copy);
	return err;
}

int memfs_acl_create_locked(struct memfs *fs, struct inode *dir, struct inode *inode, mode_t umask)
{
	const char *value;
	size_t size;

	if (!fs->acl || S_ISLNK(inode->mode))
		return 0;
	value = memfs_xattr_value_locked(dir, MEMFS_ACL_DEFAULT, &size);
	if (value)
		return acl_hand_down_locked(fs, inode, value, size);
	inode->mode &= ~(umask & 0777u);
	return 0;
}
