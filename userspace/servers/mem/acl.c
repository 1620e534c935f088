// SPDX-License-Identifier: GPL-2.0
/*
 * Access control lists of a memfs: kept as the extended attributes that they come as.
 *
 * The kernel heeds them. Here they are kept in step with the mode, and handed down from a
 * directory to what is made in it, as POSIX.1e says.
 */
#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

#include "inode.h"

/* A list in memory that is its value's. */
struct acl {
	struct posix_acl_xattr_entry *entries;
	size_t count;
};

static bool acl_parse(char *value, size_t size, struct acl *acl)
{
	struct posix_acl_xattr_header header;

	if (size < sizeof(header) || (size - sizeof(header)) % sizeof(*acl->entries))
		return false;
	memcpy(&header, value, sizeof(header));
	acl->entries = (void *)(value + sizeof(header));
	acl->count = (size - sizeof(header)) / sizeof(*acl->entries);
	return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION;
}

static struct posix_acl_xattr_entry *entry_find(const struct acl *acl, uint16_t tag)
{
	for (size_t i = 0; i < acl->count; i++)
		if (le16toh(acl->entries[i].e_tag) == tag)
			return &acl->entries[i];
	return NULL;
}

/* What the group's bits of the mode are: the mask, where there is one. */
static struct posix_acl_xattr_entry *entry_group(const struct acl *acl)
{
	struct posix_acl_xattr_entry *mask = entry_find(acl, ACL_MASK);

	return mask ? mask : entry_find(acl, ACL_GROUP_OBJ);
}

/* One of the mode's three digits, and the entry that is the same. */
struct digit {
	struct posix_acl_xattr_entry *entry;
	unsigned int shift;
};

static bool acl_digits(const struct acl *acl, struct digit digits[3])
{
	digits[0] = (struct digit){ entry_find(acl, ACL_USER_OBJ), 6 };
	digits[1] = (struct digit){ entry_group(acl), 3 };
	digits[2] = (struct digit){ entry_find(acl, ACL_OTHER), 0 };
	return digits[0].entry && digits[1].entry && digits[2].entry;
}

/* Says the list more than the mode? */
static bool acl_is_extended(const struct acl *acl)
{
	return acl->count > 3;
}

static mode_t acl_mode(const struct digit digits[3], mode_t mode)
{
	mode &= ~(mode_t)0777;
	for (int i = 0; i < 3; i++)
		mode |= (le16toh(digits[i].entry->e_perm) & 7u) << digits[i].shift;
	return mode;
}

/* Both become what both allow. */
static mode_t acl_restrict(const struct digit digits[3], mode_t mode)
{
	for (int i = 0; i < 3; i++) {
		unsigned int shift = digits[i].shift;
		unsigned int both = le16toh(digits[i].entry->e_perm) & (mode >> shift) & 7u;

		digits[i].entry->e_perm = htole16((uint16_t)both);
		mode = (mode & ~(7u << shift)) | both << shift;
	}
	return mode;
}

bool memfs_acl_is_name(const char *name)
{
	return !strcmp(name, MEMFS_ACL_ACCESS) || !strcmp(name, MEMFS_ACL_DEFAULT);
}

int memfs_acl_set_locked(struct memfs *fs, struct inode *inode, const char *name, char *value,
			 size_t size)
{
	struct digit digits[3];
	struct acl acl;
	int err = 0;

	if (!acl_parse(value, size, &acl) || !acl_digits(&acl, digits))
		return -EINVAL;
	if (!strcmp(name, MEMFS_ACL_DEFAULT)) {
		if (!S_ISDIR(inode->mode))
			return -EACCES;
		return memfs_xattr_put_locked(fs, inode, name, value, size);
	}
	if (acl_is_extended(&acl))
		err = memfs_xattr_put_locked(fs, inode, name, value, size);
	else
		memfs_xattr_drop_locked(fs, inode, name);
	if (err)
		return err;
	inode->mode = acl_mode(digits, inode->mode);
	inode->ctime = memfs_now();
	return 0;
}

void memfs_acl_chmod_locked(struct inode *inode)
{
	struct digit digits[3];
	struct acl acl;
	size_t size;
	char *value = memfs_xattr_value_locked(inode, MEMFS_ACL_ACCESS, &size);

	if (!value || !acl_parse(value, size, &acl) || !acl_digits(&acl, digits))
		return;
	for (int i = 0; i < 3; i++)
		digits[i].entry->e_perm = htole16((inode->mode >> digits[i].shift) & 7u);
}

/* Gives a new inode the list of its directory, restricted by the mode that it was made with. */
static int acl_hand_down_locked(struct memfs *fs, struct inode *inode, const char *value,
				size_t size)
{
	struct digit digits[3];
	struct acl acl;
	char *copy;
	int err = 0;

	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, size);
	if (!acl_parse(copy, size, &acl) || !acl_digits(&acl, digits)) {
		free(copy);
		return -EINVAL;
	}
	inode->mode = acl_restrict(digits, inode->mode);
	if (acl_is_extended(&acl))
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
