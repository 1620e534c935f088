// SPDX-License-Identifier: GPL-2.0
/* Names: looked up, held for as long as the server said, looked up again. */

#include <linux/dcache.h>
#include <linux/jiffies.h>
#include <linux/namei.h>
#include <linux/pagemap.h>

#include "viewfs.h"

/**
 * viewfs_dentry_hold() - a name is good for some time
 * @dentry: the name; ->d_time is the jiffies64 when that time is over
 * @entry: the reply that said so
 */
void viewfs_dentry_hold(struct dentry *dentry, const struct fuse_entry_out *entry)
{
	BUILD_BUG_ON(sizeof(dentry->d_time) < sizeof(u64));
	WRITE_ONCE(dentry->d_time,
		   viewfs_time_until(entry->entry_valid, entry->entry_valid_nsec));
}

/**
 * viewfs_dentry_expire() - a name is to be looked up again
 * @dentry: the name
 */
void viewfs_dentry_expire(struct dentry *dentry)
{
	WRITE_ONCE(dentry->d_time, 0);
}

static u64 entry_until(const struct fuse_entry_out *entry)
{
	return viewfs_time_until(entry->attr_valid, entry->attr_valid_nsec);
}

/**
 * viewfs_entry_check() - may this entry be believed?
 * @fs: the mount
 * @entry: from the server
 *
 * Return: 0 or -EIO.
 */
int viewfs_entry_check(const struct viewfs_sb *fs, const struct fuse_entry_out *entry)
{
	if (!entry->nodeid || entry->nodeid == FUSE_ROOT_ID)
		return -EIO;
	return viewfs_attr_check(fs, &entry->attr);
}

/**
 * viewfs_entry_inode() - the inode of an entry
 * @sb: the super block
 * @entry: from the server, not checked yet
 * @version: viewfs_sb_version() from before the request
 *
 * Takes over the entry's lookup, unless it fails.
 *
 * Return: a referenced inode, or ERR_PTR: -EIO for an entry that cannot be, -ENOMEM.
 */
struct inode *viewfs_entry_inode(struct super_block *sb, const struct fuse_entry_out *entry,
				 u64 version)
{
	int err = viewfs_entry_check(viewfs_sb(sb), entry);

	if (err)
		return ERR_PTR(err);
	return viewfs_inode_get(sb, entry->nodeid, entry->generation, &entry->attr,
				entry_until(entry), version);
}

/**
 * viewfs_entry_lookup() - ask the server for a name
 * @dir: where
 * @name: the name
 * @entry: the reply; no nodeid says that the name is known not to be
 * @target: the object that the name is, if the reply brought one; @entry has no nodeid then
 *
 * Return: 0 or a negative errno.
 */
int viewfs_entry_lookup(struct inode *dir, const struct qstr *name,
			struct fuse_entry_out *entry, struct viewfs_target *target)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);
	struct {
		struct fuse_entry_out entry;
		struct viewos_path_target target;
	} out = { };
	struct viewfs_call call = {
		.opcode = FUSE_LOOKUP,
		.nodeid = viewfs_nodeid(dir),
		.in = { { name->name, name->len + 1 } },
		.out = &out,
		.out_len = sizeof(out.entry),
		.late = viewfs_late_entry,
	};
	int err;

	target->file = NULL;
	if (test_bit(VIEWFS_TARGET, &fs->flags)) {
		call.out_len = sizeof(out);
		call.out_var = true;
		call.check = viewfs_redirect_check;
		call.target = target;
	}
	err = viewfs_call_wait(fs, &call);
	if (err < 0)
		return err;
	*entry = out.entry;
	target->flags = out.target.flags;
	return 0;
}

/**
 * viewfs_dentry_splice() - a name was looked up
 * @dir: where
 * @dentry: the name
 * @inode: what it is, whose reference is taken over; NULL if there is no such name
 * @entry: the reply
 * @flags: LOOKUP_*
 *
 * Return: as ->lookup.
 */
struct dentry *viewfs_dentry_splice(struct inode *dir, struct dentry *dentry,
				    struct inode *inode, const struct fuse_entry_out *entry,
				    unsigned int flags)
{
	struct dentry *other;

	viewfs_dentry_hold(dentry, entry);
	other = d_splice_alias(inode, dentry);
	if (IS_ERR(other))
		return other;
	if (other)
		viewfs_dentry_hold(other, entry);
	if (inode) {
		set_bit(VIEWFS_I_WANT_PLUS, &viewfs_i(dir)->flags);
		viewfs_attr_call(d_inode(other ?: dentry), flags);
	}
	return other;
}

/**
 * viewfs_dir_lookup() - ->lookup
 * @dir: where
 * @dentry: the name
 * @flags: LOOKUP_*
 *
 * Return: another dentry to be used, NULL for @dentry itself, or ERR_PTR.
 */
struct dentry *viewfs_dir_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	u64 version = viewfs_sb_version(viewfs_inode_sb(dir));
	struct viewfs_target target;
	struct fuse_entry_out entry;
	struct inode *inode = NULL;
	int err;

	err = viewfs_inode_check(dir);
	if (err)
		return ERR_PTR(err);
	if (dentry->d_name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	err = viewfs_entry_lookup(dir, &dentry->d_name, &entry, &target);
	if (err && err != -ENOENT)
		return ERR_PTR(err);
	if (err)
		memset(&entry, 0, sizeof(entry));
	if (entry.nodeid) {
		inode = viewfs_entry_inode(dir->i_sb, &entry, version);
		if (IS_ERR(inode)) {
			viewfs_node_forget(viewfs_inode_sb(dir)->session, entry.nodeid);
			return ERR_CAST(inode);
		}
	}
	if (target.file) {
		inode = viewfs_redirect_inode(dir->i_sb, &target);
		viewfs_target_drop(&target);
		if (IS_ERR(inode))
			return ERR_CAST(inode);
	}
	return viewfs_dentry_splice(dir, dentry, inode, &entry, flags);
}

/* Is a name that was a redirect, or is one now, the same still? */
static int dentry_redirect_again(struct dentry *dentry, struct inode *inode,
				 const struct fuse_entry_out *entry,
				 struct viewfs_target *target)
{
	bool same = target->file && viewfs_inode_redirected(inode) &&
		    viewfs_redirect_same(inode, target);

	viewfs_target_drop(target);
	viewfs_node_forget(viewfs_sb(dentry->d_sb)->session, entry->nodeid);
	if (same)
		viewfs_dentry_hold(dentry, entry);
	return same;
}

/* Looks an expired name up again: 1 it is the same, 0 it is not, or a negative errno. */
static int dentry_again(struct dentry *dentry, struct inode *inode, unsigned int flags)
{
	struct viewfs_sb *fs = viewfs_sb(dentry->d_sb);
	struct dentry *parent = dget_parent(dentry);
	u64 version = viewfs_sb_version(fs);
	struct viewfs_target target;
	struct fuse_entry_out entry;
	struct name_snapshot name;
	int err;

	take_dentry_name_snapshot(&name, dentry);
	err = viewfs_entry_lookup(d_inode(parent), &name.name, &entry, &target);
	release_dentry_name_snapshot(&name);
	dput(parent);
	/* Only of a name that went the mounts beneath may go too, not for a server in trouble. */
	if (err == -ENOENT || err == -ENOTDIR || err == -ESTALE)
		return 0;
	if (err)
		return err;
	if (target.file || viewfs_inode_redirected(inode))
		return dentry_redirect_again(dentry, inode, &entry, &target);
	if (!entry.nodeid)
		return 0;
	if (entry.nodeid != viewfs_nodeid(inode) || viewfs_attr_check(fs, &entry.attr) ||
	    viewfs_inode_other(inode, entry.generation, &entry.attr)) {
		viewfs_node_forget(fs->session, entry.nodeid);
		return 0;
	}
	spin_lock(&viewfs_i(inode)->lock);
	viewfs_i(inode)->nlookup++;
	spin_unlock(&viewfs_i(inode)->lock);
	viewfs_attr_apply(inode, &entry.attr, entry_until(&entry), version);
	viewfs_attr_call(inode, flags);
	viewfs_dentry_hold(dentry, &entry);
	return 1;
}

/* A name that readdir brought is used: bring the attributes next time too. */
static void dentry_from_plus(struct dentry *dentry, struct inode *inode)
{
	struct dentry *parent;

	if (!test_and_clear_bit(VIEWFS_I_FROM_PLUS, &viewfs_i(inode)->flags))
		return;
	parent = dget_parent(dentry);
	set_bit(VIEWFS_I_WANT_PLUS, &viewfs_i(d_inode(parent))->flags);
	dput(parent);
}

/*
 * Is it a file that somebody is to remove or rename, or to put another in its place? The VFS
 * does not do so with a mount point. What is open stays open without the crossing; it goes
 * when the name is dropped, and the next look-up brings the same name without one.
 */
static bool dentry_uncross(struct dentry *dentry, const struct inode *inode, unsigned int flags)
{
	return (!flags || flags & LOOKUP_RENAME_TARGET) && viewfs_inode_redirected(inode) &&
	       S_ISREG(inode->i_mode) && d_mountpoint(dentry);
}

static int dentry_revalidate(VIEWOS_D_REVALIDATE_DIR struct dentry *dentry, unsigned int flags)
{
	struct inode *inode = d_inode_rcu(dentry);
	bool expired;

	if (inode && test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return 0;
	if (inode && dentry_uncross(dentry, inode, flags))
		return 0;
	expired = time_before64((u64)READ_ONCE(dentry->d_time), get_jiffies_64());
	if (!expired && !(flags & (LOOKUP_EXCL | LOOKUP_REVAL | LOOKUP_RENAME_TARGET))) {
		if (!inode || !test_bit(VIEWFS_I_FROM_PLUS, &viewfs_i(inode)->flags))
			return 1;
		if (flags & LOOKUP_RCU)
			return -ECHILD;
		dentry_from_plus(dentry, inode);
		return 1;
	}
	/* What was not there is just looked up as if never seen. */
	if (!inode)
		return 0;
	if (flags & LOOKUP_RCU)
		return -ECHILD;
	return dentry_again(dentry, inode, flags);
}

const struct dentry_operations viewfs_dentry_ops = {
	.d_revalidate = dentry_revalidate,
	.d_automount = viewfs_crossing_mount,
};
