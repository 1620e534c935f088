// SPDX-License-Identifier: GPL-2.0
/*
 * File handles: for name_to_handle_at(2), open_by_handle_at(2) and NFS, where the server asks
 * for it at INIT. It then answers a LOOKUP of "." and ".." for a node that was forgotten.
 *
 * A handle is a way to a file without a path, so what a path is checked for is checked here:
 * whether the caller is in the view of the mount.
 */

#include <linux/dcache.h>
#include <linux/exportfs.h>

#include "viewfs.h"

/* Types and layout are those of kernel FUSE: node, generation, and the same of the parent. */
enum { HANDLE_NODE = 0x81, HANDLE_PARENT = 0x82 };
enum { HANDLE_WORDS = 3 };

static void handle_put(u32 *words, const struct inode *inode)
{
	u64 nodeid = viewfs_nodeid(inode);

	words[0] = nodeid >> 32;
	words[1] = nodeid;
	words[2] = inode->i_generation;
}

static int export_encode(struct inode *inode, u32 *words, int *max, struct inode *parent)
{
	int want = parent ? 2 * HANDLE_WORDS : HANDLE_WORDS;
	int room = *max;

	/* A name that is another object has no node. */
	if (viewfs_inode_redirected(inode))
		return FILEID_INVALID;
	*max = want;
	if (room < want)
		return FILEID_INVALID;
	handle_put(words, inode);
	if (!parent)
		return HANDLE_NODE;
	handle_put(words + HANDLE_WORDS, parent);
	return HANDLE_PARENT;
}

/* Looks "." or ".." of a node up: a referenced inode, or ERR_PTR. */
static struct inode *export_lookup(struct super_block *sb, u64 nodeid, const char *name)
{
	struct viewfs_sb *fs = viewfs_sb(sb);
	u64 version = viewfs_sb_version(fs);
	struct fuse_entry_out entry;
	struct viewfs_call call = {
		.opcode = FUSE_LOOKUP,
		.nodeid = nodeid,
		.in = { { name, strlen(name) + 1 } },
		.out = &entry,
		.out_len = sizeof(entry),
		.late = viewfs_late_entry,
	};
	struct inode *inode;
	int err;

	err = viewfs_call_wait(fs, &call);
	if (err == -ENOENT || (err >= 0 && !entry.nodeid))
		return ERR_PTR(-ESTALE);
	if (err < 0)
		return ERR_PTR(err);
	/* The root is named by nobody else, and is always there. */
	if (entry.nodeid == FUSE_ROOT_ID)
		return viewfs_inode_find(sb, FUSE_ROOT_ID) ?: ERR_PTR(-ESTALE);
	inode = viewfs_entry_inode(sb, &entry, version);
	if (IS_ERR(inode))
		viewfs_node_forget(fs->session, entry.nodeid);
	return inode;
}

static struct dentry *export_dentry(struct inode *inode)
{
	struct dentry *dentry = d_obtain_alias(inode);

	/* It is looked up when somebody comes by its name. */
	if (!IS_ERR(dentry) && !IS_ROOT(dentry))
		viewfs_dentry_expire(dentry);
	return dentry;
}

static struct dentry *export_find(struct super_block *sb, const u32 *words)
{
	u64 nodeid = (u64)words[0] << 32 | words[1];
	struct inode *inode;

	if (!viewos_session_permitted(viewfs_sb(sb)->session))
		return ERR_PTR(-EACCES);
	if (!nodeid)
		return ERR_PTR(-ESTALE);
	inode = viewfs_inode_find(sb, nodeid);
	if (!inode)
		inode = export_lookup(sb, nodeid, ".");
	if (IS_ERR(inode))
		return ERR_CAST(inode);
	if (viewfs_nodeid(inode) != nodeid || inode->i_generation != words[2] ||
	    test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags)) {
		iput(inode);
		return ERR_PTR(-ESTALE);
	}
	return export_dentry(inode);
}

static struct dentry *export_to_dentry(struct super_block *sb, struct fid *fid, int len, int type)
{
	if ((type != HANDLE_NODE && type != HANDLE_PARENT) || len < HANDLE_WORDS)
		return NULL;
	return export_find(sb, fid->raw);
}

static struct dentry *export_to_parent(struct super_block *sb, struct fid *fid, int len, int type)
{
	if (type != HANDLE_PARENT || len < 2 * HANDLE_WORDS)
		return NULL;
	return export_find(sb, fid->raw + HANDLE_WORDS);
}

static struct dentry *export_parent(struct dentry *child)
{
	struct inode *inode = d_inode(child);
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return ERR_PTR(err);
	inode = export_lookup(inode->i_sb, viewfs_nodeid(inode), "..");
	return IS_ERR(inode) ? ERR_CAST(inode) : export_dentry(inode);
}

const struct export_operations viewfs_export_ops = {
	.encode_fh = export_encode,
	.fh_to_dentry = export_to_dentry,
	.fh_to_parent = export_to_parent,
	.get_parent = export_parent,
};
