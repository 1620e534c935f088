// SPDX-License-Identifier: GPL-2.0
/* Directories as files: READDIR and READDIRPLUS. */

#include <linux/dcache.h>
#include <linux/pagemap.h>

#include "viewfs.h"

/* About what the C library reads a directory with: more would mostly be thrown away. */
#define READDIR_SIZE	SZ_32K

/* With attributes that perhaps nobody will look at: who does gets the rest with them. */
#define READDIR_TRY	SZ_4K

/* The dentry of a name in a directory that is being read: hashed, or being looked up by us. */
static struct dentry *plus_dentry(struct dentry *parent, struct qstr *name, u64 nodeid,
				  wait_queue_head_t *wq)
{
	struct dentry *dentry;
	struct inode *inode;

	name->hash = full_name_hash(parent, name->name, name->len);
	for (;;) {
		dentry = d_lookup(parent, name);
		if (!dentry)
			dentry = d_alloc_parallel(parent, name, wq);
		if (IS_ERR(dentry) || d_in_lookup(dentry))
			return dentry;
		inode = d_inode(dentry);
		if (inode && viewfs_nodeid(inode) == nodeid)
			return dentry;
		d_invalidate(dentry);
		dput(dentry);
	}
}

/* Fills the dentry; sets *@dentryp to the one to be held. Takes the lookup over, or fails. */
static int plus_fill(struct inode *dir, struct dentry **dentryp,
		     const struct fuse_entry_out *entry, u64 version)
{
	struct dentry *dentry = *dentryp, *other;
	struct inode *inode;

	if (!d_in_lookup(dentry)) {
		u64 until = viewfs_time_until(entry->attr_valid, entry->attr_valid_nsec);

		inode = d_inode(dentry);
		if (viewfs_inode_other(inode, entry->generation, &entry->attr))
			return -EIO;
		spin_lock(&viewfs_i(inode)->lock);
		viewfs_i(inode)->nlookup++;
		spin_unlock(&viewfs_i(inode)->lock);
		viewfs_attr_apply(inode, &entry->attr, until, version);
		return 0;
	}
	inode = viewfs_entry_inode(dir->i_sb, entry, version);
	if (IS_ERR(inode)) {
		d_lookup_done(dentry);
		return PTR_ERR(inode);
	}
	viewfs_dentry_hold(dentry, entry);
	other = d_splice_alias(inode, dentry);
	d_lookup_done(dentry);
	if (other) {
		dput(dentry);
		*dentryp = other;
	}
	return 0;
}

/* "." and ".." are no lookups. */
static bool dot_name(const struct fuse_dirent *dirent)
{
	return dirent->namelen <= 2 && !memcmp(dirent->name, "..", dirent->namelen);
}

/* Keeps the entry that came with a name. Whatever fails, the name itself was read. */
static void plus_keep(struct file *file, const struct fuse_direntplus *plus, u64 version)
{
	const struct fuse_dirent *dirent = &plus->dirent;
	const struct fuse_entry_out *entry = &plus->entry_out;
	struct qstr name = QSTR_INIT(dirent->name, dirent->namelen);
	struct inode *dir = file_inode(file);
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(wq);
	struct dentry *dentry;

	if (!entry->nodeid || dot_name(dirent))
		return;
	if (viewfs_entry_check(viewfs_inode_sb(dir), entry))
		goto forget;
	dentry = plus_dentry(file->f_path.dentry, &name, entry->nodeid, &wq);
	if (IS_ERR(dentry))
		goto forget;
	if (plus_fill(dir, &dentry, entry, version)) {
		dput(dentry);
		goto forget;
	}
	if (IS_ERR(dentry))
		return;
	viewfs_dentry_hold(dentry, entry);
	if (test_bit(VIEWFS_READDIRPLUS_AUTO, &viewfs_inode_sb(dir)->flags))
		set_bit(VIEWFS_I_FROM_PLUS, &viewfs_i(d_inode(dentry))->flags);
	dput(dentry);
	return;

forget:
	viewfs_node_forget(viewfs_inode_sb(dir)->session, entry->nodeid);
}

static int dirent_check(const struct fuse_dirent *dirent)
{
	if (!dirent->namelen || dirent->namelen > NAME_MAX)
		return -EIO;
	if (memchr(dirent->name, '/', dirent->namelen) ||
	    memchr(dirent->name, 0, dirent->namelen))
		return -EIO;
	if (dirent->type > (S_IFMT >> 12) || dirent->off > S64_MAX)
		return -EIO;
	return 0;
}

static int parse(struct file *file, struct dir_context *ctx, const struct viewos_request *req,
		 struct viewfs_fill *fill, u64 version)
{
	const bool plus = req->in->opcode == FUSE_READDIRPLUS;
	const void *buf = req->out;
	size_t len = req->out_len;
	const size_t name_at = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	bool full = false;
	int err = 0;

	while (len >= name_at) {
		const struct fuse_entry_out *entry = plus ? buf : NULL;
		const struct fuse_dirent *dirent = buf;
		size_t size;

		if (plus)
			dirent = &((const struct fuse_direntplus *)buf)->dirent;
		size = FUSE_DIRENT_ALIGN(name_at + dirent->namelen);
		if (dirent->namelen > NAME_MAX || size > len)
			return err ?: dirent->namelen > NAME_MAX ? -EIO : 0;
		/* After an error the rest is still parsed: its lookups have been counted. */
		if (!err)
			err = dirent_check(dirent);
		if (!err)
			viewfs_dircache_add(fill, dirent, entry);
		if (!err && !full) {
			full = !dir_emit(ctx, dirent->name, dirent->namelen, dirent->ino,
					 dirent->type);
			if (!full)
				ctx->pos = dirent->off;
		}
		if (plus && !err)
			plus_keep(file, buf, version);
		else if (plus)
			viewfs_node_forget(viewfs_inode_sb(file_inode(file))->session,
					   entry->nodeid);
		buf += size;
		len -= size;
	}
	return err;
}

/* Whether to read attributes too; *@size is how much to read. */
static bool want_plus(struct inode *dir, struct dir_context *ctx, u32 *size)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);

	*size = READDIR_SIZE;
	if (!test_bit(VIEWFS_READDIRPLUS, &fs->flags))
		return false;
	if (!test_bit(VIEWFS_READDIRPLUS_AUTO, &fs->flags) ||
	    test_and_clear_bit(VIEWFS_I_WANT_PLUS, &viewfs_i(dir)->flags))
		return true;
	if (ctx->pos)
		return false;
	*size = READDIR_TRY;
	return true;
}

/*
 * Nobody waits for entries any more: their lookups are given back. The message has been
 * cut at a reply's end, so this parses as above.
 */
static void late_plus(struct viewos_request *req)
{
	const void *buf = req->out;
	size_t len = req->out_len;

	while (len >= FUSE_NAME_OFFSET_DIRENTPLUS) {
		const struct fuse_direntplus *plus = buf;
		size_t size = FUSE_DIRENTPLUS_SIZE(plus);

		if (plus->dirent.namelen > NAME_MAX || size > len)
			break;
		if (!dot_name(&plus->dirent))
			viewfs_node_forget(req->session, plus->entry_out.nodeid);
		buf += size;
		len -= size;
	}
}

/* Asks the server for entries, and keeps them if it allows that. */
static int dir_read(struct file *file, struct dir_context *ctx, bool cache)
{
	struct viewfs_handle *handle = file->private_data;
	struct inode *dir = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	u64 version = viewfs_sb_version(fs);
	u32 size;
	bool plus = want_plus(dir, ctx, &size);
	struct fuse_read_in in = {
		.fh = handle->fh,
		.offset = ctx->pos,
		.size = size,
		.flags = file->f_flags,
	};
	struct viewfs_call call = {
		.opcode = plus ? FUSE_READDIRPLUS : FUSE_READDIR,
		.nodeid = viewfs_nodeid(dir),
		.in = { { &in, sizeof(in) } },
		.out_len = size,
		.out_var = true,
		.late = plus ? late_plus : NULL,
	};
	struct viewfs_fill fill = { };
	struct viewos_request *req;
	int err;

	req = viewfs_call_request(&call);
	if (IS_ERR(req))
		return PTR_ERR(req);
	if (cache)
		viewfs_dircache_begin(&fill, dir, ctx->pos, plus);
	err = viewos_request_call(fs->session, req);
	if (!err) {
		err = parse(file, ctx, req, &fill, version);
		if (err)
			viewfs_dircache_bad(&fill);
		viewfs_dircache_end(&fill, !req->out_len);
	}
	viewos_request_put(req);
	return err;
}

static int dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct viewfs_handle *handle = file->private_data;
	struct inode *dir = file_inode(file);
	bool cache = handle->open_flags & FOPEN_CACHE_DIR;
	int ret = 1;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(dir)->flags))
		return -EIO;
	if (cache)
		ret = viewfs_dircache_read(dir, ctx);
	return ret > 0 ? dir_read(file, ctx, cache) : ret;
}

static int dir_open(struct inode *inode, struct file *file)
{
	struct viewfs_handle *handle;
	int err;

	err = viewfs_inode_check(inode);
	if (err)
		return err;
	handle = viewfs_handle_open(inode, file);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	viewfs_handle_attach(handle, file);
	return 0;
}

/* Offsets are the server's, and opaque. */
static loff_t dir_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, S64_MAX);
}

static int dir_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct viewfs_handle *handle = file->private_data;
	struct inode *inode = file_inode(file);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_fsync_in in = {
		.fh = handle->fh,
		.fsync_flags = datasync ? FUSE_FSYNC_FDATASYNC : 0,
	};
	struct viewfs_call call = {
		.opcode = FUSE_FSYNCDIR,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
	};
	int err;

	if (test_bit(VIEWFS_NO_FSYNCDIR, &fs->flags))
		return 0;
	err = viewfs_call_wait(fs, &call);
	return viewfs_sb_lacks(fs, VIEWFS_NO_FSYNCDIR, err) ? 0 : err;
}

const struct file_operations viewfs_dir_file_ops = {
	.open = dir_open,
	.release = viewfs_file_release,
	.llseek = dir_llseek,
	.read = generic_read_dir,
	.iterate_shared = dir_iterate,
	.fsync = dir_fsync,
	.unlocked_ioctl = viewfs_file_ioctl,
	.compat_ioctl = viewfs_file_compat_ioctl,
};
