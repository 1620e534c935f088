// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are no longer what the server has.
 *
 * To drop a page one must wait for its lock, that is, perhaps for the server, which is
 * what tells us in the first place. So pages are only marked here, and taken from
 * the page tables; whoever reads next drops them, and can be killed waiting.
 */

#include <linux/mm.h>
#include <linux/pagemap.h>

#include "viewfs.h"

/**
 * viewfs_pages_expire() - pages are to be read again
 * @inode: whose
 * @first: the first
 * @last: the last
 *
 * Waits for nothing.
 */
void viewfs_pages_expire(struct inode *inode, pgoff_t first, pgoff_t last)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	if (mapping_empty(inode->i_mapping))
		return;
	spin_lock(&vi->lock);
	if (!test_bit(VIEWFS_I_DROP, &vi->flags)) {
		vi->drop_first = first;
		vi->drop_last = last;
	} else {
		vi->drop_first = min(vi->drop_first, first);
		vi->drop_last = max(vi->drop_last, last);
	}
	vi->drop_seq++;
	set_bit(VIEWFS_I_DROP, &vi->flags);
	spin_unlock(&vi->lock);
	unmap_mapping_pages(inode->i_mapping, first, last - first + 1, false);
}

/* Waits, killably, until no page of the range is being read. */
static int pages_wait(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct folio_batch batch;
	unsigned int i;
	int err = 0;

	folio_batch_init(&batch);
	while (!err && filemap_get_folios(mapping, &first, last, &batch)) {
		for (i = 0; !err && i < folio_batch_count(&batch); i++)
			err = folio_wait_locked_killable(batch.folios[i]);
		folio_batch_release(&batch);
		cond_resched();
	}
	return err;
}

static int pages_drop(struct inode *inode, pgoff_t first, pgoff_t last)
{
	loff_t end = last > (LLONG_MAX >> PAGE_SHIFT) ? LLONG_MAX :
		     ((loff_t)last << PAGE_SHIFT) + PAGE_SIZE - 1;
	int err;

	if (mapping_empty(inode->i_mapping))
		return 0;
	/* A failed write-back is told to those who wrote. */
	err = viewfs_writeback_flush(inode, (loff_t)first << PAGE_SHIFT, end);
	if (err == -EINTR)
		return err;
	err = pages_wait(inode->i_mapping, first, last);
	/* A page that was made dirty meanwhile stays: it will be written. */
	if (!err)
		invalidate_inode_pages2_range(inode->i_mapping, first, last);
	return err;
}

/**
 * viewfs_pages_drop() - drop the pages of a range of bytes
 * @inode: whose
 * @start: the first byte
 * @end: the last byte
 *
 * Return: 0 or -EINTR.
 */
int viewfs_pages_drop(struct inode *inode, loff_t start, loff_t end)
{
	return pages_drop(inode, start >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

/**
 * viewfs_pages_truncate() - the file ends, or ended, here
 * @inode: whose pages
 * @from: the first byte that is not the file's
 *
 * Drops the pages behind and clears the rest of the last one. The caller has the
 * inode's lock, and has set i_size if it became less.
 */
void viewfs_pages_truncate(struct inode *inode, loff_t from)
{
	if (mapping_empty(inode->i_mapping))
		return;
	if (pages_wait(inode->i_mapping, from >> PAGE_SHIFT, ULONG_MAX))
		viewfs_pages_expire(inode, from >> PAGE_SHIFT, ULONG_MAX);
	else
		truncate_pagecache(inode, from);
}

/**
 * viewfs_pages_settle() - drop what has expired, before pages are read
 * @inode: whose
 *
 * Return: 0 or -EINTR.
 */
int viewfs_pages_settle(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	pgoff_t first, last;
	unsigned int seq;
	int err;

	if (likely(!test_bit(VIEWFS_I_DROP, &vi->flags)))
		return 0;
	spin_lock(&vi->lock);
	first = vi->drop_first;
	last = vi->drop_last;
	seq = vi->drop_seq;
	spin_unlock(&vi->lock);

	err = pages_drop(inode, first, last);
	if (err)
		return err;
	spin_lock(&vi->lock);
	if (seq == vi->drop_seq)
		clear_bit(VIEWFS_I_DROP, &vi->flags);
	spin_unlock(&vi->lock);
	return 0;
}
