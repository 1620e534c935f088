// SPDX-License-Identifier: GPL-2.0
/* Extended attributes of a memfs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "inode.h"

/* A list in the order in which they were made; few inodes have more than one. */
struct xattr {
	struct xattr *next;
	char *value;
	size_t size;
	char name[];
};

/* What one of them is charged: its own memory, roughly. */
static uint64_t xattr_cost(const char *name, size_t size)
{
	return sizeof(struct xattr) + strlen(name) + 1 + size;
}

/* Access control lists are kept if the kernel honours them. */
static bool name_is_supported(const struct memfs *fs, const char *name)
{
	return !strncmp(name, "user.", 5) || !strncmp(name, "trusted.", 8) ||
	       !strncmp(name, "security.", 9) || (fs->acl && memfs_acl_is_name(name));
}

static struct xattr **xattr_find(struct inode *inode, const char *name)
{
	struct xattr **slot = &inode->xattrs;

	while (*slot && strcmp((*slot)->name, name))
		slot = &(*slot)->next;
	return slot;
}

static struct xattr *xattr_create(const char *name, const char *value, size_t size)
{
	size_t len = strlen(name) + 1;
	struct xattr *xattr = malloc(sizeof(*xattr) + len);

	if (!xattr)
		return NULL;
	xattr->value = malloc(size ? size : 1);
	if (!xattr->value) {
		free(xattr);
		return NULL;
	}
	memcpy(xattr->value, value, size);
	memcpy(xattr->name, name, len);
	xattr->size = size;
	return xattr;
}

static void xattr_drop(struct memfs *fs, struct xattr **slot)
{
	struct xattr *xattr = *slot;

	memfs_pages_uncharge(&fs->pages, xattr_cost(xattr->name, xattr->size));
	*slot = xattr->next;
	free(xattr->value);
	free(xattr);
}

int memfs_xattr_put_locked(struct memfs *fs, struct inode *inode, const char *name,
			   const char *value, size_t size)
{
	struct xattr **slot = xattr_find(inode, name), *xattr;
	uint64_t cost = xattr_cost(name, size);

	if (memfs_pages_charge(&fs->pages, cost))
		return -ENOSPC;
	xattr = xattr_create(name, value, size);
	if (!xattr) {
		memfs_pages_uncharge(&fs->pages, cost);
		return -ENOMEM;
	}
	if (*slot)
		xattr_drop(fs, slot);
	xattr->next = *slot;
	*slot = xattr;
	inode->ctime = memfs_now();
	return 0;
}

void memfs_xattr_drop_locked(struct memfs *fs, struct inode *inode, const char *name)
{
	struct xattr **slot = xattr_find(inode, name);

	if (*slot)
		xattr_drop(fs, slot);
}

char *memfs_xattr_value_locked(struct inode *inode, const char *name, size_t *size)
{
	struct xattr *xattr = *xattr_find(inode, name);

	if (!xattr)
		return NULL;
	*size = xattr->size;
	return xattr->value;
}

static int acl_set_locked(struct memfs *fs, struct inode *inode, const char *name,
			  const char *value, size_t size)
{
	char *copy = malloc(size ? size : 1);
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, size);
	err = memfs_acl_set_locked(fs, inode, name, copy, size);
	free(copy);
	return err;
}

int memfs_xattr_set_locked(struct memfs *fs, struct inode *inode, const char *name,
			   const char *value, size_t size, int flags)
{
	struct xattr **slot;

	if (!name_is_supported(fs, name))
		return -EOPNOTSUPP;
	slot = xattr_find(inode, name);
	if (*slot && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!*slot && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (memfs_acl_is_name(name))
		return acl_set_locked(fs, inode, name, value, size);
	return memfs_xattr_put_locked(fs, inode, name, value, size);
}

ssize_t memfs_xattr_get_locked(const struct memfs *fs, const struct inode *inode,
			       const char *name, char *buf, size_t size)
{
	const struct xattr *xattr = inode->xattrs;

	if (!name_is_supported(fs, name))
		return -EOPNOTSUPP;
	while (xattr && strcmp(xattr->name, name))
		xattr = xattr->next;
	if (!xattr)
		return -ENODATA;
	if (size && size < xattr->size)
		return -ERANGE;
	if (size)
		memcpy(buf, xattr->value, xattr->size);
	return (ssize_t)xattr->size;
}

ssize_t memfs_xattr_list_locked(const struct inode *inode, bool root, char *buf, size_t size)
{
	size_t total = 0;

	for (const struct xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		size_t len = strlen(xattr->name) + 1;

		if (!root && !strncmp(xattr->name, "trusted.", 8))
			continue;
		if (size) {
			if (total + len > size)
				return -ERANGE;
			memcpy(buf + total, xattr->name, len);
		}
		total += len;
	}
	return (ssize_t)total;
}

int memfs_xattr_remove_locked(struct memfs *fs, struct inode *inode, const char *name)
{
	struct xattr **slot;

	if (!name_is_supported(fs, name))
		return -EOPNOTSUPP;
	slot = xattr_find(inode, name);
	if (!*slot)
		return -ENODATA;
	xattr_drop(fs, slot);
	inode->ctime = memfs_now();
	return 0;
}

void memfs_xattr_free(struct memfs *fs, struct inode *inode)
{
	while (inode->xattrs)
		xattr_drop(fs, &inode->xattrs);
}
