// SPDX-License-Identifier: GPL-2.0
/* STATX: the time of birth, which no other operation tells. */

#include "viewfs.h"

/* All of these, or none of them is taken. */
#define STATX_ALL_BASIC(mask)	(((mask) & STATX_BASIC_STATS) == STATX_BASIC_STATS)

static void statx_attr(const struct fuse_statx *stat, struct fuse_attr *attr)
{
	*attr = (struct fuse_attr){
		.ino = stat->ino,
		.size = stat->size,
		.blocks = stat->blocks,
		.atime = stat->atime.tv_sec,
		.mtime = stat->mtime.tv_sec,
		.ctime = stat->ctime.tv_sec,
		.atimensec = stat->atime.tv_nsec,
		.mtimensec = stat->mtime.tv_nsec,
		.ctimensec = stat->ctime.tv_nsec,
		.mode = stat->mode,
		.nlink = stat->nlink,
		.uid = stat->uid,
		.gid = stat->gid,
		.rdev = new_encode_dev(MKDEV(stat->rdev_major, stat->rdev_minor)),
		.blksize = stat->blksize,
	};
}

/* Takes the time of birth, or that there is none. */
static void statx_birth(struct inode *inode, const struct fuse_statx *stat)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->birth.tv_sec = stat->btime.tv_sec;
	vi->birth.tv_nsec = stat->mask & STATX_BTIME ? stat->btime.tv_nsec : VIEWFS_NO_BIRTH;
	set_bit(VIEWFS_I_BIRTH, &vi->flags);
	spin_unlock(&vi->lock);
}

/* The attributes that come with it: 0 or -EIO. */
static int statx_take(struct inode *inode, const struct fuse_statx_out *out, u64 version)
{
	struct fuse_attr attr;
	int err;

	statx_attr(&out->stat, &attr);
	err = viewfs_attr_check(viewfs_inode_sb(inode), &attr);
	if (err)
		return err;
	if (viewfs_inode_changed(inode, &attr)) {
		viewfs_inode_make_bad(inode);
		return -EIO;
	}
	viewfs_attr_apply(inode, &attr, viewfs_time_until(out->attr_valid, out->attr_valid_nsec),
			  version);
	return 0;
}

/**
 * viewfs_statx_wanted() - is the time of birth to be asked for?
 * @inode: whose
 * @fresh: the other attributes need not be
 *
 * As long as these hold it holds too, and if the server has not told it, it is not asked again.
 * The mode of a device that the server serves does not fit into the answer.
 *
 * Return: true if it is.
 */
bool viewfs_statx_wanted(const struct inode *inode, bool fresh)
{
	const struct viewfs_inode *vi = viewfs_i(inode);

	return test_bit(VIEWFS_STATX, &viewfs_inode_sb(inode)->flags) && !vi->device &&
	       !(fresh && test_bit(VIEWFS_I_BIRTH, &vi->flags));
}

/**
 * viewfs_statx_fetch() - ask the server for attributes and the time of birth
 * @inode: whose
 *
 * Return: 0, also if it tells no time of birth, or a negative errno.
 */
int viewfs_statx_fetch(struct inode *inode)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	u64 version = viewfs_sb_version(fs);
	struct fuse_statx_in in = { .sx_mask = STATX_BASIC_STATS | STATX_BTIME };
	struct fuse_statx_out out;
	struct viewfs_call call = {
		.opcode = FUSE_STATX,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.out = &out,
		.out_len = sizeof(out),
	};
	int err;

	err = viewfs_call_wait(fs, &call);
	if (err == -ENOSYS) {
		clear_bit(VIEWFS_STATX, &fs->flags);
		return viewfs_attr_fetch(inode);
	}
	if (err < 0)
		return err;
	if (out.stat.mask & STATX_BTIME && out.stat.btime.tv_nsec >= NSEC_PER_SEC)
		return -EIO;
	err = STATX_ALL_BASIC(out.stat.mask) ? statx_take(inode, &out, version) :
					       viewfs_attr_fetch(inode);
	if (!err)
		statx_birth(inode, &out.stat);
	return err;
}

/**
 * viewfs_statx_fill() - tell the time of birth, if it is known
 * @inode: whose
 * @stat: where to
 */
void viewfs_statx_fill(struct inode *inode, struct kstat *stat)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct timespec64 birth;

	if (!test_bit(VIEWFS_I_BIRTH, &vi->flags))
		return;
	spin_lock(&vi->lock);
	birth = vi->birth;
	spin_unlock(&vi->lock);
	if (birth.tv_nsec == VIEWFS_NO_BIRTH)
		return;
	stat->btime = birth;
	stat->result_mask |= STATX_BTIME;
}
