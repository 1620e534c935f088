// SPDX-License-Identifier: GPL-2.0
/*
 * Syncing a mount as a whole: its dirty pages, then the server with SYNCFS.
 *
 * Two kinds of callers come here. Who calls syncfs(2) has a file of the mount open and wants to
 * know: they wait for the server, and can be killed. All others must not wait for it: sync(2)
 * is of somebody who need not even know of the mount, a remount holds what sync(2) waits
 * for. For these the flusher has sent what it could, and SYNCFS is sent after it; nobody hears
 * how that ends.
 */

#include <linux/pagemap.h>
#include <linux/sched/task_stack.h>
#include <asm/syscall.h>

#include "viewfs.h"

static const struct fuse_syncfs_in sync_in;

static const struct viewfs_call sync_call = {
	.opcode = FUSE_SYNCFS,
	.nodeid = FUSE_ROOT_ID,
	.in = { { &sync_in, sizeof(sync_in) } },
};

/*
 * Is current in syncfs(2)? Of this mount, or of an overlay whose upper layer it is: there is no
 * other call by which one comes from there to here.
 */
static bool sync_is_syncfs(void)
{
	int nr;

	if (current->flags & (PF_KTHREAD | PF_IO_WORKER))
		return false;
	nr = syscall_get_nr(current, task_pt_regs(current));
#ifdef CONFIG_IA32_EMULATION
	if (in_ia32_syscall())
		return nr == __NR_ia32_syncfs;
#endif
	return nr == __NR_syncfs;
}

static bool sync_wanted(const struct inode *inode)
{
	return S_ISREG(inode->i_mode) &&
	       (mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY) ||
		!list_empty_careful(&viewfs_i(inode)->writebacks));
}

/*
 * Writes back and waits, where the flusher has not waited, and may have left pages. What the
 * server did not take is told by the super block's errors.
 */
static int sync_pages(struct super_block *sb)
{
	struct inode *inode, *before = NULL;
	int err, first = 0;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!sync_wanted(inode) || !igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		/* This one keeps our place in the list; of the one before it is done. */
		iput(before);
		before = inode;
		err = viewfs_writeback_flush(inode, 0, LLONG_MAX);
		first = first ?: err;
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
		if (err == -EINTR)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(before);
	return first;
}

static int sync_wait(struct super_block *sb)
{
	struct viewfs_sb *fs = viewfs_sb(sb);
	int err;

	if (!viewos_session_permitted(fs->session))
		return -EACCES;
	/* It would wait for itself, and not only with the request, which is refused. */
	if (READ_ONCE(fs->session->server_pid) == task_tgid(current))
		return -EDEADLK;
	err = sync_pages(sb);
	if (err || test_bit(VIEWFS_NO_SYNCFS, &fs->flags))
		return err;
	err = viewfs_call_wait(fs, &sync_call);
	return viewfs_sb_lacks(fs, VIEWFS_NO_SYNCFS, err) ? 0 : err;
}

static void sync_end(struct viewos_request *req)
{
	struct viewfs_sb *fs = req->private;

	viewfs_sb_lacks(fs, VIEWFS_NO_SYNCFS, req->error);
	clear_bit(VIEWFS_SYNCING, &fs->flags);
	viewfs_sb_done(fs);
}

/* One at a time: anyone can call sync(2) as often as they like. */
static void sync_start(struct viewfs_sb *fs)
{
	struct viewos_request *req;

	if (test_bit(VIEWFS_NO_SYNCFS, &fs->flags) ||
	    test_and_set_bit(VIEWFS_SYNCING, &fs->flags))
		return;
	req = viewfs_call_request(&sync_call);
	if (IS_ERR(req)) {
		clear_bit(VIEWFS_SYNCING, &fs->flags);
		return;
	}
	viewfs_sb_busy(fs);
	req->flags |= VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_FORCE;
	req->end = sync_end;
	req->private = fs;
	viewos_request_submit(fs->session, req);
}

/**
 * viewfs_super_sync() - ->sync_fs
 * @sb: the super block
 * @wait: what is asked for is to be done when this returns
 *
 * Return: 0 or a negative errno; -EINTR if the caller was killed.
 */
int viewfs_super_sync(struct super_block *sb, int wait)
{
	int err;

	/* Nothing can be begun that would not be asked for again; and DESTROY says it at umount. */
	if (!wait || !sb->s_root)
		return 0;
	if (!sync_is_syncfs()) {
		sync_start(viewfs_sb(sb));
		return 0;
	}
	/*
	 * The caller has ->s_umount, for which sync(2) would wait if a remount waited for us. What
	 * is open keeps the mount.
	 */
	up_read(&sb->s_umount);
	err = sync_wait(sb);
	down_read(&sb->s_umount);
	return err;
}
