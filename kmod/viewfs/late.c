// SPDX-License-Identifier: GPL-2.0
/*
 * Changes that the server made when nobody waited for them any more.
 *
 * Who is killed waiting makes expire what they were about to change. But the server may
 * change it later than that, and what was asked for in between is of before: so it expires once
 * more, with the answer.
 */

#include <linux/dcache.h>
#include <linux/pagemap.h>

#include "viewfs.h"

/* Where in the message the name is; of a RENAME the old one, which the new one follows. */
static size_t late_name_at(u32 opcode)
{
	switch (opcode) {
	case FUSE_CREATE:
		return sizeof(struct fuse_create_in);
	case FUSE_MKNOD:
		return sizeof(struct fuse_mknod_in);
	case FUSE_MKDIR:
		return sizeof(struct fuse_mkdir_in);
	case FUSE_LINK:
		return sizeof(struct fuse_link_in);
	case FUSE_RENAME:
		return sizeof(struct fuse_rename_in);
	case FUSE_RENAME2:
		return sizeof(struct fuse_rename2_in);
	default:
		return 0;
	}
}

static void late_name(struct super_block *sb, u64 dir, const char *name)
{
	struct dentry *dentry = viewfs_name_changed(sb, dir, name, strlen(name));

	if (!dentry)
		return;
	viewfs_dentry_expire(dentry);
	if (d_really_is_positive(dentry))
		viewfs_attr_stale(d_inode(dentry), STATX_NLINK | STATX_CTIME);
	dput(dentry);
}

static void late_inode(struct super_block *sb, u64 nodeid, u32 mask, bool content)
{
	struct inode *inode = viewfs_inode_find(sb, nodeid);

	if (!inode)
		return;
	viewfs_attr_stale(inode, mask);
	if (content && S_ISREG(inode->i_mode))
		viewfs_pages_expire(inode, 0, ULONG_MAX);
	iput(inode);
}

static void late_names(struct super_block *sb, struct viewos_request *req)
{
	const void *body = viewos_request_body(req);
	u32 opcode = req->in->opcode;
	const char *name = body + late_name_at(opcode);

	late_name(sb, req->in->nodeid, name);
	if (opcode == FUSE_RENAME || opcode == FUSE_RENAME2)
		late_name(sb, ((const struct fuse_rename_in *)body)->newdir,
			  name + strlen(name) + 1);
	if (opcode == FUSE_LINK)
		late_inode(sb, ((const struct fuse_link_in *)body)->oldnodeid,
			   STATX_NLINK | STATX_CTIME, false);
}

/**
 * viewfs_late_names() - names were made, removed or renamed, and nobody waits for it any more
 * @req: a request of the operations in dir.c
 */
void viewfs_late_names(struct viewos_request *req)
{
	struct viewos_session *session = req->session;

	down_read(&session->ops_lock);
	if (session->ops_data)
		late_names(session->ops_data, req);
	up_read(&session->ops_lock);
}

/**
 * viewfs_late_made() - likewise a name was made, and the answer has its node
 * @req: a request whose reply begins with struct fuse_entry_out
 */
void viewfs_late_made(struct viewos_request *req)
{
	viewfs_late_names(req);
	viewfs_late_entry(req);
}

/**
 * viewfs_late_change() - likewise attributes, or content without a WRITE
 * @req: a SETATTR, SETXATTR, REMOVEXATTR, FALLOCATE or COPY_FILE_RANGE
 */
void viewfs_late_change(struct viewos_request *req)
{
	const struct fuse_copy_file_range_in *copy = viewos_request_body(req);
	struct viewos_session *session = req->session;
	u64 nodeid = req->in->nodeid;
	bool content = false;

	if (req->in->opcode == FUSE_COPY_FILE_RANGE) {
		nodeid = copy->nodeid_out;
		content = true;
	} else if (req->in->opcode == FUSE_FALLOCATE) {
		content = true;
	}
	down_read(&session->ops_lock);
	if (session->ops_data)
		late_inode(session->ops_data, nodeid, STATX_BASIC_STATS, content);
	up_read(&session->ops_lock);
}
