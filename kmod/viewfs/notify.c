// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: the server tells of changes.
 *
 * It may do so while somebody who waits for it holds a directory or a page: so no such
 * lock is taken here, names and pages only expire.
 */

#include <linux/dcache.h>
#include <linux/pagemap.h>

#include "viewfs.h"

static int notify_inode(struct super_block *sb, const void *data, u32 len)
{
	const struct fuse_notify_inval_inode_out *out = data;
	pgoff_t last = ULONG_MAX;
	struct inode *inode;

	if (len != sizeof(*out))
		return -EINVAL;
	inode = viewfs_inode_find(sb, out->ino);
	if (!inode)
		return -ENOENT;
	viewfs_attr_stale(inode, STATX_BASIC_STATS);
	if (out->len > 0 && out->off >= 0 && out->len <= LLONG_MAX - out->off)
		last = (out->off + out->len - 1) >> PAGE_SHIFT;
	if (out->off >= 0 && S_ISREG(inode->i_mode))
		viewfs_pages_expire(inode, out->off >> PAGE_SHIFT, last);
	iput(inode);
	return 0;
}

/**
 * viewfs_name_changed() - a name in a directory was made, removed, or became another thing
 * @sb: the super block
 * @parent: the directory's node, whose attributes and listing go
 * @name: the name
 * @len: bytes of it
 *
 * Waits for nothing.
 *
 * Return: its dentry, referenced, for the caller to expire; NULL if it is not known.
 */
struct dentry *viewfs_name_changed(struct super_block *sb, u64 parent, const char *name, u32 len)
{
	struct qstr qstr = QSTR_INIT(name, len);
	struct dentry *dir, *dentry;
	struct inode *inode;

	inode = viewfs_inode_find(sb, parent);
	if (!inode)
		return NULL;
	dir = S_ISDIR(inode->i_mode) ? d_find_alias(inode) : NULL;
	viewfs_attr_stale(inode, VIEWFS_STALE_DIR);
	iput(inode);
	if (!dir)
		return NULL;
	qstr.hash = full_name_hash(dir, qstr.name, qstr.len);
	dentry = d_lookup(dir, &qstr);
	dput(dir);
	return dentry;
}

static int notify_name_check(const char *name, u32 namelen, u32 room)
{
	if (!namelen || namelen > NAME_MAX)
		return -ENAMETOOLONG;
	/* The name ends with a NUL that is not counted. */
	if (room != namelen + 1 || name[namelen] || memchr(name, 0, namelen) ||
	    memchr(name, '/', namelen))
		return -EINVAL;
	return 0;
}

/* Expires what a name leads to; if nobody uses it, the node is forgotten at once. */
static void notify_expire(struct dentry *dentry)
{
	struct inode *inode = d_really_is_positive(dentry) ? d_inode(dentry) : NULL;

	viewfs_dentry_expire(dentry);
	if (inode) {
		viewfs_attr_stale(inode, STATX_BASIC_STATS);
		ihold(inode);
	}
	dput(dentry);
	if (inode) {
		d_prune_aliases(inode);
		iput(inode);
	}
}

static int notify_entry(struct super_block *sb, const void *data, u32 len)
{
	const struct fuse_notify_inval_entry_out *out = data;
	struct dentry *dentry;
	int err;

	if (len < sizeof(*out))
		return -EINVAL;
	err = notify_name_check(data + sizeof(*out), out->namelen, len - sizeof(*out));
	if (err)
		return err;
	dentry = viewfs_name_changed(sb, out->parent, data + sizeof(*out), out->namelen);
	if (!dentry)
		return -ENOENT;
	if (out->flags & FUSE_EXPIRE_ONLY) {
		viewfs_dentry_expire(dentry);
		dput(dentry);
	} else {
		notify_expire(dentry);
	}
	return 0;
}

static int notify_delete(struct super_block *sb, const void *data, u32 len)
{
	const struct fuse_notify_delete_out *out = data;
	struct dentry *dentry;
	int err;

	if (len < sizeof(*out))
		return -EINVAL;
	err = notify_name_check(data + sizeof(*out), out->namelen, len - sizeof(*out));
	if (err)
		return err;
	dentry = viewfs_name_changed(sb, out->parent, data + sizeof(*out), out->namelen);
	if (!dentry)
		return -ENOENT;
	viewfs_dentry_expire(dentry);
	err = -ENOENT;
	if (d_really_is_positive(dentry) && viewfs_nodeid(d_inode(dentry)) == out->child) {
		viewfs_attr_stale(d_inode(dentry), STATX_BASIC_STATS);
		d_invalidate(dentry);
		err = 0;
	}
	dput(dentry);
	return err;
}

static int session_notify(struct viewos_session *session, int code, const void *data, u32 len)
{
	struct super_block *sb = session->ops_data;

	switch (code) {
	case FUSE_NOTIFY_INVAL_INODE:
		return notify_inode(sb, data, len);
	case FUSE_NOTIFY_INVAL_ENTRY:
		return notify_entry(sb, data, len);
	case FUSE_NOTIFY_DELETE:
		return notify_delete(sb, data, len);
	case FUSE_NOTIFY_POLL:
		return viewfs_poll_notify(sb, data, len);
	case FUSE_NOTIFY_STORE:
		return viewfs_store_notify(sb, data, len);
	case FUSE_NOTIFY_RETRIEVE:
		return viewfs_retrieve_notify(sb, data, len);
	default:
		return -EINVAL;
	}
}

const struct viewos_session_ops viewfs_session_ops = {
	.notify = session_notify,
	.end = viewfs_redirect_end,
	.init = viewfs_session_again,
};
