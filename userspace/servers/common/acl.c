// SPDX-License-Identifier: GPL-2.0
/* Keeping access control lists in step with modes, as POSIX.1e says. The kernel heeds them. */
#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdint.h>
#include <string.h>

#include "acl.h"

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

static bool acl_digits(char *value, size_t size, struct digit digits[3], bool *extended)
{
	struct acl acl;

	if (!acl_parse(value, size, &acl))
		return false;
	*extended = acl.count > 3;
	digits[0] = (struct digit){ entry_find(&acl, ACL_USER_OBJ), 6 };
	digits[1] = (struct digit){ entry_group(&acl), 3 };
	digits[2] = (struct digit){ entry_find(&acl, ACL_OTHER), 0 };
	return digits[0].entry && digits[1].entry && digits[2].entry;
}

bool acl_mode_of(char *value, size_t size, mode_t *mode, bool *extended)
{
	struct digit digits[3];

	if (!acl_digits(value, size, digits, extended))
		return false;
	*mode &= ~(mode_t)0777;
	for (int i = 0; i < 3; i++)
		*mode |= (le16toh(digits[i].entry->e_perm) & 7u) << digits[i].shift;
	return true;
}

bool acl_chmod(char *value, size_t size, mode_t mode)
{
	struct digit digits[3];
	bool extended;

	if (!acl_digits(value, size, digits, &extended))
		return false;
	for (int i = 0; i < 3; i++)
		digits[i].entry->e_perm = htole16((mode >> digits[i].shift) & 7u);
	return true;
}

bool acl_hand_down(char *value, size_t size, mode_t *mode, bool *extended)
{
	struct digit digits[3];

	if (!acl_digits(value, size, digits, extended))
		return false;
	for (int i = 0; i < 3; i++) {
		unsigned int shift = digits[i].shift;
		unsigned int both = le16toh(digits[i].entry->e_perm) & (*mode >> shift) & 7u;

		digits[i].entry->e_perm = htole16((uint16_t)both);
		*mode = (*mode & ~(7u << shift)) | both << shift;
	}
	return true;
}
