// SPDX-License-Identifier: GPL-2.0
/*
 * Access control lists: kept by the server as extended attributes, heeded by the kernel.
 *
 * For servers that ask for it at INIT. Such a server keeps the mode in step with the list,
 * when either is set, and gives what is made in a directory what its default list says. What
 * is cached of a list goes with the attributes: each new answer about those drops it.
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/slab.h>

#include "viewfs.h"

/* The largest list, as with kernel FUSE. */
#define ACL_MAX	PAGE_SIZE

static const char *acl_name(int type)
{
	return type == ACL_TYPE_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS :
					 XATTR_NAME_POSIX_ACL_DEFAULT;
}

static struct posix_acl *acl_of_value(struct inode *inode, const void *value, size_t size)
{
	struct user_namespace *ns = viewfs_user_ns(inode->i_sb);
	struct posix_acl *acl;

	acl = posix_acl_from_xattr(ns, value, size);
	if (IS_ERR(acl))
		return PTR_ERR(acl) == -ENOMEM ? acl : ERR_PTR(-EIO);
	/*
	 * A list of nothing is none. One may be about users whom the mount's namespace does not
	 * have: it says nothing to those that it has.
	 */
	if (!acl || !posix_acl_valid(ns, acl))
		return acl;
	posix_acl_release(acl);
	return ERR_PTR(-EIO);
}

/**
 * viewfs_acl_get() - ->get_inode_acl
 * @inode: of what
 * @type: ACL_TYPE_*
 * @rcu: nobody may wait
 *
 * Return: a list, NULL if there is none, or ERR_PTR: -EIO for one that cannot be.
 */
struct posix_acl *viewfs_acl_get(struct inode *inode, int type, bool rcu)
{
	struct posix_acl *acl;
	ssize_t size;
	void *value;

	if (!test_bit(VIEWFS_ACL, &viewfs_inode_sb(inode)->flags))
		return NULL;
	if (rcu)
		return ERR_PTR(-ECHILD);
	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return ERR_PTR(-EIO);
	value = kmalloc(ACL_MAX, GFP_KERNEL_ACCOUNT);
	if (!value)
		return ERR_PTR(-ENOMEM);
	size = viewfs_xattr_get(inode, acl_name(type), value, ACL_MAX);
	if (size > 0)
		acl = acl_of_value(inode, value, size);
	else if (!size || size == -ENODATA || size == -EOPNOTSUPP)
		acl = NULL;
	else
		acl = ERR_PTR(size == -ERANGE ? -E2BIG : size);
	kfree(value);
	return acl;
}

/* For a server that was not asked to, or does not know how: who is not of the group loses it. */
static int acl_kill_sgid(struct inode *inode)
{
	struct iattr iattr = { .ia_valid = ATTR_MODE };
	int err;

	err = viewfs_attr_fetch(inode);
	if (err || !(inode->i_mode & S_ISGID))
		return err;
	iattr.ia_mode = inode->i_mode & ~S_ISGID;
	return viewfs_attr_change(inode, &iattr);
}

static int acl_store(struct inode *inode, const struct posix_acl *acl, int type)
{
	struct user_namespace *ns = viewfs_user_ns(inode->i_sb);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	bool kill = type == ACL_TYPE_ACCESS && !in_group_p(inode->i_gid) &&
		    !capable_wrt_inode_uidgid(&nop_mnt_idmap, inode, CAP_FSETID);
	size_t size;
	void *value;
	int err;

	/* All in it have a number that the server can be told. */
	err = posix_acl_valid(ns, acl);
	if (err)
		return err;
	value = posix_acl_to_xattr(ns, acl, &size, GFP_KERNEL_ACCOUNT);
	if (IS_ERR_OR_NULL(value))
		return value ? PTR_ERR(value) : -ENOMEM;
	err = -E2BIG;
	if (size <= ACL_MAX)
		err = viewfs_xattr_set(inode, acl_name(type), value, size, 0,
				       kill ? FUSE_SETXATTR_ACL_KILL_SGID : 0);
	kfree(value);
	if (!err && kill && !test_bit(VIEWFS_SETXATTR_EXT, &fs->flags))
		err = acl_kill_sgid(inode);
	return err;
}

/**
 * viewfs_acl_set() - ->set_acl
 * @idmap: of the mount, always none
 * @of: of what
 * @acl: a list, checked; or NULL
 * @type: ACL_TYPE_*
 *
 * Return: 0 or a negative errno.
 */
int viewfs_acl_set(struct mnt_idmap *idmap, VIEWOS_SET_ACL_OF *of, struct posix_acl *acl,
		   int type)
{
	struct inode *inode = viewos_set_acl_inode(of);
	int err;

	if (!test_bit(VIEWFS_ACL, &viewfs_inode_sb(inode)->flags))
		return -EOPNOTSUPP;
	err = viewfs_inode_check(inode);
	if (err)
		return err;
	err = acl ? acl_store(inode, acl, type) : viewfs_xattr_remove(inode, acl_name(type));
	/* The mode may be another, and both may have been changed though it failed. */
	viewfs_attr_stale(inode, STATX_BASIC_STATS);
	return err;
}
