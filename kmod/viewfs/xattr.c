// SPDX-License-Identifier: GPL-2.0
/* Extended attributes, all the server's. */

#include <linux/fs.h>
#include <linux/posix_acl_xattr.h>
#include <linux/slab.h>
#include <linux/xattr.h>

#include "viewfs.h"

/*
 * Those of servers that have asked for it go by acl.c. Otherwise access is decided by mode and
 * owner: a list that nobody heeds must not be set, since it makes the group's bits of the mode
 * its mask.
 */
static bool name_is_acl(const char *name)
{
	return !strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) ||
	       !strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT);
}

/**
 * viewfs_xattr_set() - have the server set an extended attribute
 * @inode: of what
 * @name: its name
 * @value: its value
 * @size: of the value
 * @flags: XATTR_*
 * @more_flags: FUSE_SETXATTR_*, for a server that knows them
 *
 * Return: 0 or a negative errno.
 */
int viewfs_xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
		     int flags, u32 more_flags)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	bool ext = test_bit(VIEWFS_SETXATTR_EXT, &fs->flags);
	struct fuse_setxattr_in in = {
		.size = size, .flags = flags, .setxattr_flags = more_flags,
	};
	struct viewfs_call call = {
		.opcode = FUSE_SETXATTR,
		.nodeid = viewfs_nodeid(inode),
		.in = {
			{ &in, ext ? sizeof(in) : FUSE_COMPAT_SETXATTR_IN_SIZE },
			{ name, strlen(name) + 1 },
			{ value, size },
		},
		.late = viewfs_late_change,
	};
	int err;

	if (test_bit(VIEWFS_NO_SETXATTR, &fs->flags))
		return -EOPNOTSUPP;
	err = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_SETXATTR, err))
		return -EOPNOTSUPP;
	return err;
}

/**
 * viewfs_xattr_remove() - have the server remove an extended attribute
 * @inode: of what
 * @name: its name
 *
 * Return: 0 or a negative errno.
 */
int viewfs_xattr_remove(struct inode *inode, const char *name)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_call call = {
		.opcode = FUSE_REMOVEXATTR,
		.nodeid = viewfs_nodeid(inode),
		.late = viewfs_late_change,
		.in = { { name, strlen(name) + 1 } },
	};
	int err;

	if (test_bit(VIEWFS_NO_REMOVEXATTR, &fs->flags))
		return -EOPNOTSUPP;
	err = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_REMOVEXATTR, err))
		return -EOPNOTSUPP;
	return err;
}

/* A value or a list: with no room only its size is asked for. */
static ssize_t xattr_read(struct inode *inode, struct viewfs_call *call, void *buf, size_t size)
{
	struct fuse_getxattr_in in = { .size = min_t(size_t, size, VIEWOS_MAX_REPLY) };
	struct fuse_getxattr_out out;
	ssize_t ret;

	call->nodeid = viewfs_nodeid(inode);
	call->in[0] = (struct viewfs_part){ &in, sizeof(in) };
	call->out = size ? buf : &out;
	call->out_len = size ? in.size : sizeof(out);
	call->out_var = size;
	ret = viewfs_call_wait(viewfs_inode_sb(inode), call);
	if (ret < 0 || size)
		return ret;
	return min_t(u32, out.size, VIEWOS_MAX_REPLY);
}

/**
 * viewfs_xattr_get() - ask the server for an extended attribute
 * @inode: of what
 * @name: its name
 * @value: where to
 * @size: room there, 0 to ask how much is needed
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_xattr_get(struct inode *inode, const char *name, void *value, size_t size)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_call call = {
		.opcode = FUSE_GETXATTR,
		.in = { { }, { name, strlen(name) + 1 } },
	};
	ssize_t ret;

	if (test_bit(VIEWFS_NO_GETXATTR, &fs->flags))
		return -EOPNOTSUPP;
	ret = xattr_read(inode, &call, value, size);
	return viewfs_sb_lacks(fs, VIEWFS_NO_GETXATTR, ret) ? -EOPNOTSUPP : ret;
}

static int handler_get(const struct xattr_handler *handler, struct dentry *dentry,
		       struct inode *inode, const char *name, void *value, size_t size)
{
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (name_is_acl(name))
		return -EOPNOTSUPP;
	if (viewfs_inode_redirected(inode))
		return viewfs_redirect_getxattr(inode, name, value, size);
	return viewfs_xattr_get(inode, name, value, size);
}

static int handler_set(const struct xattr_handler *handler, struct mnt_idmap *idmap,
		       struct dentry *dentry, struct inode *inode, const char *name,
		       const void *value, size_t size, int flags)
{
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (name_is_acl(name))
		return -EOPNOTSUPP;
	if (viewfs_inode_redirected(inode))
		return viewfs_redirect_setxattr(inode, name, value, size, flags);
	err = value ? viewfs_xattr_set(inode, name, value, size, flags, 0) :
		      viewfs_xattr_remove(inode, name);
	viewfs_attr_stale(inode, STATX_CTIME);
	return err;
}

static int list_check(const char *list, size_t size)
{
	while (size) {
		size_t len = strnlen(list, size);

		if (!len || len == size)
			return -EIO;
		list += len + 1;
		size -= len + 1;
	}
	return 0;
}

/**
 * viewfs_xattr_list() - ->listxattr
 * @dentry: of what
 * @list: where to
 * @size: room there, 0 to ask how much is needed
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_xattr_list(struct dentry *dentry, char *list, size_t size)
{
	struct inode *inode = d_inode(dentry);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewfs_call call = { .opcode = FUSE_LISTXATTR };
	ssize_t ret;
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	if (test_bit(VIEWFS_NO_LISTXATTR, &fs->flags))
		return -EOPNOTSUPP;
	ret = xattr_read(inode, &call, list, size);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_LISTXATTR, ret))
		return -EOPNOTSUPP;
	if (ret > 0 && size)
		err = list_check(list, ret);
	return err ?: ret;
}

static const struct xattr_handler any_handler = {
	.prefix = "",
	.get = handler_get,
	.set = handler_set,
};

VIEWOS_XATTR_TABLE viewfs_xattr_handlers[] = {
	&any_handler,
	NULL,
};

VIEWOS_XATTR_TABLE viewfs_acl_xattr_handlers[] = {
	VIEWOS_ACL_XATTR_HANDLERS(&any_handler),
	NULL,
};
