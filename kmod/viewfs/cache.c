// SPDX-License-Identifier: GPL-2.0
/*
 * Writing into the page cache, of servers that agreed to FUSE_WRITEBACK_CACHE: the data go to the
 * server later, as those of shared mappings do (writeback.c).
 *
 * Until they have, size, times and blocks are ours to tell (VIEWFS_I_CACHED): the server knows
 * only what came to it. When the last page has been written the server is told when the
 * file was written last; its answer makes the attributes its own again.
 *
 * A page goes to the server as a whole, so what is not written here is read before. That is
 * done as any reader does it: with the lock of a page that is not dirty, and killably.
 */

#include <linux/backing-dev.h>
#include <linux/capability.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>
#include <linux/writeback.h>

#include "viewfs.h"

/**
 * viewfs_cache_wanted() - may this write be left in the page cache?
 * @inode: where; the caller has its lock
 *
 * Not one that takes set-id bits away: the server does that when it sees who writes.
 *
 * Return: whether to call viewfs_cache_write().
 */
bool viewfs_cache_wanted(const struct inode *inode)
{
	const struct viewfs_sb *fs = viewfs_inode_sb(inode);

	if (!test_bit(VIEWFS_WRITEBACK, &fs->flags))
		return false;
	return !test_bit(VIEWFS_HANDLE_KILLPRIV, &fs->flags) ||
	       !(inode->i_mode & (S_ISUID | S_ISGID)) || capable(CAP_FSETID);
}

/**
 * viewfs_cache_needs() - what must be known of a file before it is written
 * @inode: the file
 *
 * Where the file ends tells what need not be read; its mode, what viewfs_cache_wanted() says.
 *
 * Return: STATX_*, none for a server without write-back.
 */
u32 viewfs_cache_needs(const struct inode *inode)
{
	const struct viewfs_sb *fs = viewfs_inode_sb(inode);

	if (!test_bit(VIEWFS_WRITEBACK, &fs->flags))
		return 0;
	return STATX_SIZE | (test_bit(VIEWFS_HANDLE_KILLPRIV, &fs->flags) ? STATX_MODE : 0);
}

/* What is not to be sent now would fail later, or not come back at all. */
static int cache_allowed(struct viewos_session *session)
{
	int err = 0;

	spin_lock(&session->lock);
	if (session->state == VIEWOS_SESSION_DEAD)
		err = session->error ?: -ENOTCONN;
	else if (session->server_pid == task_tgid(current))
		err = -EDEADLK;
	spin_unlock(&session->lock);
	return err;
}

/* Is nothing of the page needed but @len bytes from @off on, that are written, and zeros? */
static bool folio_covered(struct inode *inode, struct folio *folio, size_t off, size_t len)
{
	loff_t size = i_size_read(inode);

	if (folio_test_uptodate(folio) || folio_pos(folio) >= size)
		return true;
	return !off && (len == PAGE_SIZE || folio_pos(folio) + len >= size);
}

/* The page, locked, and read if it has to be. */
static struct folio *cache_folio(struct file *file, loff_t pos, size_t len)
{
	struct inode *inode = file_inode(file);
	struct folio *folio;
	int err;

	for (;;) {
		folio = viewfs_write_folio(inode->i_mapping, pos >> PAGE_SHIFT);
		if (IS_ERR(folio) || folio_covered(inode, folio, offset_in_page(pos), len))
			return folio;
		/* Unlocks it. */
		err = viewfs_read_folio(file, folio);
		folio_put(folio);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err)
			return ERR_PTR(err);
	}
}

/* Copies what goes into one page; returns bytes. */
static ssize_t cache_page(struct file *file, loff_t pos, struct iov_iter *from,
			  const struct timespec64 *now)
{
	struct inode *inode = file_inode(file);
	size_t off = offset_in_page(pos), copied;
	size_t len = min(PAGE_SIZE - off, iov_iter_count(from));
	struct folio *folio;
	bool fresh;

	for (;;) {
		if (fault_in_iov_iter_readable(from, len) == len)
			return -EFAULT;
		folio = cache_folio(file, pos, len);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		copied = copy_folio_from_iter_atomic(folio, off, len, from);
		flush_dcache_folio(folio);
		if (copied && folio_covered(inode, folio, off, copied))
			break;
		folio_unlock(folio);
		folio_put(folio);
		iov_iter_revert(from, copied);
		/* Of a page that was not read only what can be copied at once. */
		len = copied ?: len;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (!folio_test_uptodate(folio)) {
		folio_zero_segments(folio, 0, off, off + copied, PAGE_SIZE);
		folio_mark_uptodate(folio);
	}
	fresh = !folio_test_dirty(folio);
	folio_mark_dirty(folio);
	viewfs_attr_cached(inode, pos + copied, fresh, now);
	folio_unlock(folio);
	folio_put(folio);
	return copied;
}

/*
 * If too much is dirty, what is of this file goes to the server, and is waited for: that takes as
 * long as it takes, where the kernel would sleep for a guess. Only what is left is its affair; who
 * is killed waits for neither.
 */
static int cache_balance(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int err;

	if (balance_dirty_pages_ratelimited_flags(mapping, BDP_ASYNC) != -EAGAIN)
		return 0;
	filemap_flush(mapping);
	err = viewfs_writeback_wait(inode, 0, ULONG_MAX);
	if (!err)
		balance_dirty_pages_ratelimited(mapping);
	return err;
}

/**
 * viewfs_cache_write() - write into the page cache
 * @iocb: where; the inode is locked, and checks were made
 * @from: what
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_cache_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	ssize_t ret, done = 0;
	struct timespec64 now;

	/* The rest of a page that has expired is not to be written over what the server has. */
	ret = cache_allowed(viewfs_inode_sb(inode)->session) ?: viewfs_pages_settle(inode);
	if (ret)
		return ret;
	if (iocb->ki_pos > i_size_read(inode))
		viewfs_pages_truncate(inode, i_size_read(inode));
	ktime_get_real_ts64(&now);
	while (iov_iter_count(from)) {
		ret = fatal_signal_pending(current) ? -EINTR :
		      cache_page(file, iocb->ki_pos, from, &now);
		if (ret < 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		ret = cache_balance(inode);
		if (ret)
			break;
	}
	return done ?: ret;
}
