// SPDX-License-Identifier: GPL-2.0
/* A name that is not known is looked up and opened in one request: viewos_path.h. */

#include <linux/dcache.h>
#include <linux/namei.h>

#include "viewfs.h"

/**
 * viewfs_open_may_lookup() - can this open be one request?
 * @fs: the mount
 * @flags: O_*
 *
 * Not one that changes something: permission is checked only after it.
 *
 * Return: whether to call viewfs_open_lookup().
 */
bool viewfs_open_may_lookup(struct viewfs_sb *fs, unsigned int flags)
{
	return test_bit(VIEWFS_LOOKUP_OPEN, &fs->flags) && !test_bit(VIEWFS_NO_OPEN, &fs->flags) &&
	       !(flags & (O_CREAT | O_TRUNC | O_DIRECTORY));
}

/* Nobody waits for the answer any more. */
static void late_lookup_open(struct viewos_request *req)
{
	const struct viewos_lookup_open_out *out = req->out;

	if (!out->entry.nodeid)
		return;
	if (out->error)
		viewfs_node_forget(req->session, out->entry.nodeid);
	else
		viewfs_open_undo(req->session, out->entry.nodeid, FUSE_RELEASE, out->open.fh,
				 true);
}

static int lookup_open_send(struct inode *dir, const struct qstr *name, const struct file *file,
			    struct viewos_lookup_open_out *out)
{
	struct viewos_lookup_open_in in = {
		.flags = file->f_flags & ~(O_CREAT | O_EXCL | O_NOCTTY),
	};
	struct viewfs_call call = {
		.opcode = VIEWOS_FUSE_LOOKUP_OPEN,
		.nodeid = viewfs_nodeid(dir),
		.in = { { &in, sizeof(in) }, { name->name, name->len + 1 } },
		.out = out,
		.out_len = sizeof(*out),
		.late = late_lookup_open,
	};
	int err;

	err = viewfs_call_wait(viewfs_inode_sb(dir), &call);
	if (err == -ENOENT) {
		memset(out, 0, sizeof(*out));
		out->error = VIEWOS_LOOKUP_NOT_OPENED;
		return 0;
	}
	return min(err, 0);
}

/* May the answer be believed? Of one that is not, all that the server did is undone. */
static int lookup_open_check(struct viewfs_sb *fs, const struct viewos_lookup_open_out *out)
{
	bool opened = !out->error;
	int err = 0;

	if (out->pad || out->error > VIEWOS_LOOKUP_NOT_OPENED || out->error <= -512)
		err = -EIO;
	else if (!out->entry.nodeid)
		err = out->error == VIEWOS_LOOKUP_NOT_OPENED ? 0 : -EIO;
	else
		err = viewfs_entry_check(fs, &out->entry);
	if (!err && out->error != VIEWOS_LOOKUP_NOT_OPENED && !S_ISREG(out->entry.attr.mode))
		err = -EIO;
	if (!err || !out->entry.nodeid)
		return err;
	if (opened)
		viewfs_open_undo(fs->session, out->entry.nodeid, FUSE_RELEASE, out->open.fh, true);
	else
		viewfs_node_forget(fs->session, out->entry.nodeid);
	return err;
}

static int lookup_opened(struct inode *inode, struct file *file)
{
	file->f_mode |= FMODE_CAN_ODIRECT;
	return generic_file_open(inode, file);
}

/* The name is known now; takes @handle over, which is bound if the file is open. */
static int lookup_open_finish(struct dentry *dentry, struct file *file,
			      struct viewfs_handle *handle, int error)
{
	struct dentry *other = NULL;
	int err;

	if (error) {
		viewfs_handle_put(handle);
		if (error != VIEWOS_LOOKUP_NOT_OPENED)
			return error;
		/* finish_no_open() takes a reference over. */
		other = dget(dentry);
		return finish_no_open(file, other);
	}
	err = finish_open(file, dentry, lookup_opened);
	if (err)
		viewfs_handle_put(handle);
	else
		viewfs_handle_attach(handle, file);
	return err;
}

/**
 * viewfs_open_lookup() - look a name up, and open what it is
 * @dir: where
 * @dentry: the name, being looked up
 * @file: to be opened
 *
 * Return: as ->atomic_open, or 1: the server has no such request.
 */
int viewfs_open_lookup(struct inode *dir, struct dentry *dentry, struct file *file)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	u64 version = viewfs_sb_version(fs);
	struct viewos_lookup_open_out out;
	struct viewfs_handle *handle;
	struct inode *inode = NULL;
	struct dentry *other;
	int err;

	/* Before the server is asked: what it opens can be released then. */
	handle = viewfs_handle_create();
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	err = lookup_open_send(dir, &dentry->d_name, file, &out);
	if (err == -ENOSYS) {
		clear_bit(VIEWFS_LOOKUP_OPEN, &fs->flags);
		err = 1;
	}
	if (!err)
		err = lookup_open_check(fs, &out);
	if (err)
		goto put;
	if (out.error == -ENOSYS) {
		set_bit(VIEWFS_NO_OPEN, &fs->flags);
		out.error = VIEWOS_LOOKUP_NOT_OPENED;
	}
	if (out.entry.nodeid) {
		inode = viewfs_entry_inode(dir->i_sb, &out.entry, version);
		err = PTR_ERR_OR_ZERO(inode);
		if (err && out.error)
			viewfs_node_forget(fs->session, out.entry.nodeid);
		else if (err)
			viewfs_open_undo(fs->session, out.entry.nodeid, FUSE_RELEASE, out.open.fh,
					 true);
		if (err)
			goto put;
	}
	if (!out.error)
		viewfs_handle_bind(handle, inode, &out.open, file->f_flags);
	other = viewfs_dentry_splice(dir, dentry, inode, &out.entry, LOOKUP_OPEN);
	if (IS_ERR(other)) {
		err = PTR_ERR(other);
		goto put;
	}
	err = lookup_open_finish(other ?: dentry, file, handle, out.error);
	dput(other);
	return err;

put:
	viewfs_handle_put(handle);
	return err;
}
