// SPDX-License-Identifier: GPL-2.0
/* A name that is not known is looked up and opened in one request: viewos_path.h. */

#include <linux/dcache.h>
#include <linux/namei.h>

#include "viewfs.h"

/* Can a small file's content come with it? */
static bool open_wants_content(const struct viewfs_sb *fs, unsigned int flags)
{
	return test_bit(VIEWFS_CONTENT, &fs->flags) && (flags & O_ACCMODE) != O_WRONLY &&
	       !(flags & O_DIRECT);
}

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
	if (!test_bit(VIEWFS_LOOKUP_OPEN, &fs->flags) || flags & (O_CREAT | O_TRUNC | O_DIRECTORY))
		return false;
	return !test_bit(VIEWFS_NO_OPEN, &fs->flags) || open_wants_content(fs, flags);
}

/* Nobody waits for the answer any more. */
static void late_lookup_open(struct viewos_request *req)
{
	const struct viewos_lookup_open_out *out = req->out;

	if (req->out_len < sizeof(*out) || !out->entry.nodeid)
		return;
	if (out->error)
		viewfs_node_forget(req->session, out->entry.nodeid);
	else
		viewfs_open_undo(req->session, out->entry.nodeid, FUSE_RELEASE, out->open.fh,
				 true);
}

/* The answered request, whose reply is a struct viewos_lookup_open_out and content; or ERR_PTR. */
static struct viewos_request *lookup_open_send(struct inode *dir, const struct qstr *name,
					       const struct file *file)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	struct viewos_lookup_open_in in = {
		.flags = file->f_flags & ~(O_CREAT | O_EXCL | O_NOCTTY),
	};
	struct viewfs_call call = {
		.opcode = VIEWOS_FUSE_LOOKUP_OPEN,
		.nodeid = viewfs_nodeid(dir),
		.in = { { &in, sizeof(in) }, { name->name, name->len + 1 } },
		.out_len = sizeof(struct viewos_lookup_open_out),
		.late = late_lookup_open,
	};
	struct viewos_lookup_open_out *out;
	struct viewos_request *req;
	int err;

	if (open_wants_content(fs, file->f_flags)) {
		call.out_len += VIEWOS_CONTENT_MAX;
		call.out_var = true;
	}
	req = viewfs_call_request(&call);
	if (IS_ERR(req))
		return req;
	err = viewos_request_call(fs->session, req);
	out = req->out;
	if (err == -ENOENT) {
		memset(out, 0, sizeof(*out));
		out->error = VIEWOS_LOOKUP_NOT_OPENED;
		req->out_len = sizeof(*out);
		err = 0;
	}
	if (!err && req->out_len < sizeof(*out))
		err = -EIO;
	if (!err)
		return req;
	viewos_request_put(req);
	return ERR_PTR(err);
}

/* May this content be of what the answer says? */
static bool lookup_open_content(const struct viewos_lookup_open_out *out, size_t len)
{
	if (!len)
		return true;
	return len == out->entry.attr.size && S_ISREG(out->entry.attr.mode) &&
	       (out->error == -ENOSYS ||
		(!out->error && !(out->open.open_flags & FOPEN_DIRECT_IO)));
}

/* May the answer be believed? Of one that is not, all that the server did is undone. */
static int lookup_open_check(struct viewfs_sb *fs, const struct viewos_lookup_open_out *out,
			     size_t content)
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
	if (!lookup_open_content(out, content))
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

/* What an answer that was checked says is made so; takes @handle over. */
static int lookup_open_done(struct inode *dir, struct dentry *dentry, struct file *file,
			    struct viewfs_handle *handle, struct viewos_request *req, u64 version)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	struct viewos_lookup_open_out *out = req->out;
	size_t content = req->out_len - sizeof(*out);
	struct inode *inode = NULL;
	struct dentry *other;
	int err = 0;

	if (out->error == -ENOSYS) {
		set_bit(VIEWFS_NO_OPEN, &fs->flags);
		out->error = VIEWOS_LOOKUP_NOT_OPENED;
	}
	if (out->entry.nodeid) {
		inode = viewfs_entry_inode(dir->i_sb, &out->entry, version);
		err = PTR_ERR_OR_ZERO(inode);
		if (err && out->error)
			viewfs_node_forget(fs->session, out->entry.nodeid);
		else if (err)
			viewfs_open_undo(fs->session, out->entry.nodeid, FUSE_RELEASE,
					 out->open.fh, true);
		if (err)
			goto put;
	}
	if (!out->error)
		viewfs_handle_bind(handle, inode, &out->open, file->f_flags);
	else if (content)
		viewfs_store_content(inode, out + 1, content, version);
	other = viewfs_dentry_splice(dir, dentry, inode, &out->entry, LOOKUP_OPEN);
	if (IS_ERR(other)) {
		err = PTR_ERR(other);
		goto put;
	}
	err = lookup_open_finish(other ?: dentry, file, handle, out->error);
	dput(other);
	/* An open may have dropped what was cached before: it was asked for after that. */
	if (!err && !out->error && content)
		viewfs_store_content(file_inode(file), out + 1, content, version);
	return err;

put:
	viewfs_handle_put(handle);
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
	struct viewfs_handle *handle;
	struct viewos_request *req;
	int err;

	/* Before the server is asked: what it opens can be released then. */
	handle = viewfs_handle_create();
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	req = lookup_open_send(dir, &dentry->d_name, file);
	if (IS_ERR(req)) {
		viewfs_handle_put(handle);
		if (PTR_ERR(req) != -ENOSYS)
			return PTR_ERR(req);
		clear_bit(VIEWFS_LOOKUP_OPEN, &fs->flags);
		return 1;
	}
	err = lookup_open_check(fs, req->out,
				req->out_len - sizeof(struct viewos_lookup_open_out));
	if (err)
		viewfs_handle_put(handle);
	else
		err = lookup_open_done(dir, dentry, file, handle, req, version);
	viewos_request_put(req);
	return err;
}
