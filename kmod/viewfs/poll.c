// SPDX-License-Identifier: GPL-2.0
/* poll: the server is asked, and tells later when that has changed. */

#include <linux/poll.h>
#include <linux/slab.h>

#include "viewfs.h"

/**
 * struct viewfs_poll - where those wait who poll an open file
 * @kh: by which the server names it in its notice, an index of the mount's ->polled
 * @wait: they
 *
 * Made at the first poll of a handle, and the handle's.
 */
struct viewfs_poll {
	u32 kh;
	wait_queue_head_t wait;
};

static void poll_free(struct viewfs_sb *fs, struct viewfs_poll *poll)
{
	/* A notice uses it under the array's lock only. */
	xa_erase(&fs->polled, poll->kh);
	kfree(poll);
}

/**
 * viewfs_poll_free() - a handle goes, nobody has it open any more
 * @handle: the handle, bound
 */
void viewfs_poll_free(struct viewfs_handle *handle)
{
	if (handle->poll)
		poll_free(viewfs_inode_sb(handle->inode), handle->poll);
	handle->poll = NULL;
}

/* The handle's, made if there is none; NULL without memory. */
static struct viewfs_poll *poll_of(struct viewfs_sb *fs, struct viewfs_handle *handle)
{
	/* Pairs with cmpxchg(): what is seen there is filled in. */
	struct viewfs_poll *poll = smp_load_acquire(&handle->poll);
	struct viewfs_poll *other;

	if (poll)
		return poll;
	poll = kzalloc(sizeof(*poll), GFP_KERNEL_ACCOUNT);
	if (!poll)
		return NULL;
	init_waitqueue_head(&poll->wait);
	if (xa_alloc(&fs->polled, &poll->kh, poll, xa_limit_31b, GFP_KERNEL_ACCOUNT)) {
		kfree(poll);
		return NULL;
	}
	other = cmpxchg(&handle->poll, NULL, poll);
	if (other) {
		poll_free(fs, poll);
		poll = other;
	}
	return poll;
}

/**
 * viewfs_file_poll() - ->poll
 * @file: the file
 * @wait: what is wanted
 *
 * Return: EPOLL* as the server says; as of an ordinary file if it has no poll.
 */
__poll_t viewfs_file_poll(struct file *file, poll_table *wait)
{
	struct inode *inode = file_inode(file);
	struct viewfs_handle *handle = file->private_data;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_poll_in in = { .fh = handle->fh };
	struct fuse_poll_out out;
	struct viewfs_call call = {
		.opcode = FUSE_POLL,
		.nodeid = viewfs_nodeid(inode),
		.in = { { &in, sizeof(in) } },
		.out = &out,
		.out_len = sizeof(out),
	};
	struct viewfs_poll *poll;
	int err;

	if (test_bit(VIEWFS_NO_POLL, &fs->flags))
		return DEFAULT_POLLMASK;
	if (viewfs_inode_check(inode))
		return EPOLLERR;
	poll = poll_of(fs, handle);
	if (!poll)
		return EPOLLERR;
	poll_wait(file, &poll->wait, wait);
	in.kh = poll->kh;
	in.events = mangle_poll(poll_requested_events(wait));
	/* Of use only to who will wait; but to all of them. */
	if (waitqueue_active(&poll->wait))
		in.flags = FUSE_POLL_SCHEDULE_NOTIFY;
	err = viewfs_call_wait(fs, &call);
	if (viewfs_sb_lacks(fs, VIEWFS_NO_POLL, err))
		return DEFAULT_POLLMASK;
	return err < 0 ? EPOLLERR : demangle_poll(out.revents);
}

/**
 * viewfs_poll_notify() - the server tells that a poll is to be repeated
 * @sb: the super block
 * @data: a struct fuse_notify_poll_wakeup_out
 * @len: its length
 *
 * Return: 0, also if nobody polls any more, or -EINVAL.
 */
int viewfs_poll_notify(struct super_block *sb, const void *data, u32 len)
{
	const struct fuse_notify_poll_wakeup_out *out = data;
	struct viewfs_sb *fs = viewfs_sb(sb);
	struct viewfs_poll *poll;

	if (len != sizeof(*out))
		return -EINVAL;
	if (out->kh > U32_MAX)
		return 0;
	xa_lock(&fs->polled);
	poll = xa_load(&fs->polled, out->kh);
	if (poll)
		wake_up_interruptible(&poll->wait);
	xa_unlock(&fs->polled);
	return 0;
}

/**
 * viewfs_poll_again() - another server is at work, which knows nobody who polls
 * @fs: the mount
 */
void viewfs_poll_again(struct viewfs_sb *fs)
{
	struct viewfs_poll *poll;
	unsigned long kh;

	xa_lock(&fs->polled);
	xa_for_each(&fs->polled, kh, poll)
		wake_up_interruptible(&poll->wait);
	xa_unlock(&fs->polled);
}
