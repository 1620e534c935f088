// SPDX-License-Identifier: GPL-2.0
/*
 * Writing dirty pages of shared mappings back.
 *
 * A server may take for ever, and nobody else may be made to wait for a page under
 * write-back: not sync(2), not memory reclaim. So a page is copied, and is done with at
 * once; the copies under way are in the inode's list, where those who
 * read the pages anew, fsync, or change the size wait for them, killably.
 */

#include <linux/backing-dev.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/writeback.h>

#include "viewfs.h"

/**
 * struct writeback - copies of adjacent pages, on their way
 * @link: in the inode's ->writebacks
 * @handle: what they go through, referenced
 * @req: until it is sent
 * @first: the first page
 * @nr: how many (inode's ->lock)
 * @put_work: puts @handle where this must not be done at once
 */
struct writeback {
	struct list_head link;
	struct viewfs_handle *handle;
	struct viewos_request *req;
	pgoff_t first;
	unsigned int nr;
	struct work_struct put_work;
};

/**
 * struct writeback_run - one run of ->writepages
 * @inode: whose pages
 * @wait: may wait for the server, since it can be killed
 * @again: pages were left, of which an older copy is on its way
 * @batch: not yet sent, or NULL
 */
struct writeback_run {
	struct inode *inode;
	bool wait;
	bool again;
	struct writeback *batch;
};

static bool writeback_overlaps(struct inode *inode, pgoff_t first, pgoff_t last)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct writeback *batch;
	bool found = false;

	spin_lock(&vi->lock);
	list_for_each_entry(batch, &vi->writebacks, link) {
		if (batch->nr && batch->first <= last && batch->first + batch->nr > first) {
			found = true;
			break;
		}
	}
	spin_unlock(&vi->lock);
	return found;
}

/**
 * viewfs_writeback_wait() - wait for write-back under way
 * @inode: whose
 * @first: first page
 * @last: last page
 *
 * Return: 0 or -EINTR. A task that is exiting does not wait.
 */
int viewfs_writeback_wait(struct inode *inode, pgoff_t first, pgoff_t last)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	if (likely(list_empty_careful(&vi->writebacks)) || current->flags & PF_EXITING)
		return 0;
	return wait_event_killable(vi->wait, !writeback_overlaps(inode, first, last)) ?
	       -EINTR : 0;
}

/**
 * viewfs_writeback_flush() - write back and wait
 * @inode: whose
 * @start: first byte
 * @end: last byte
 *
 * Return: 0 or a negative errno. That the server failed is told by the mapping's errors.
 */
int viewfs_writeback_flush(struct inode *inode, loff_t start, loff_t end)
{
	int err;

	if (end < start)
		end = LLONG_MAX;
	err = filemap_fdatawrite_range(inode->i_mapping, start, end);
	return viewfs_writeback_wait(inode, start >> PAGE_SHIFT, end >> PAGE_SHIFT) ?: err;
}

static bool writeback_idle(struct viewfs_inode *vi)
{
	bool idle;

	spin_lock(&vi->lock);
	idle = !vi->writing && list_empty(&vi->writebacks);
	spin_unlock(&vi->lock);
	return idle;
}

/**
 * viewfs_writeback_hold() - wait until no write-back is under way, and keep it so
 * @inode: whose; the caller has its lock
 *
 * Return: 0 or -EINTR.
 */
int viewfs_writeback_hold(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	WARN_ON_ONCE(vi->holder);
	vi->holder = current;
	spin_unlock(&vi->lock);
	if (!wait_event_killable(vi->wait, writeback_idle(vi)))
		return 0;
	viewfs_writeback_resume(inode);
	return -EINTR;
}

/**
 * viewfs_writeback_resume() - let write-back go on
 * @inode: whose
 */
void viewfs_writeback_resume(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->holder = NULL;
	spin_unlock(&vi->lock);
	wake_up_all(&vi->wait);
}

static bool writing_try(struct viewfs_inode *vi)
{
	bool begun;

	spin_lock(&vi->lock);
	begun = !vi->holder;
	if (begun)
		vi->writing++;
	spin_unlock(&vi->lock);
	return begun;
}

/* 0: begun. The holder itself comes here when it faults on what it writes from: -EAGAIN. */
static int writing_begin(struct viewfs_inode *vi, bool wait)
{
	if (!wait || READ_ONCE(vi->holder) == current)
		return writing_try(vi) ? 0 : -EAGAIN;
	return wait_event_killable(vi->wait, writing_try(vi)) ? -EINTR : 0;
}

static void writing_end(struct viewfs_inode *vi)
{
	spin_lock(&vi->lock);
	vi->writing--;
	spin_unlock(&vi->lock);
	wake_up_all(&vi->wait);
}

static void account(struct inode *inode, struct writeback *batch, bool end)
{
	struct bdi_writeback *wb = &inode_to_bdi(inode)->wb;
	unsigned int i;

	wb_stat_mod(wb, WB_WRITEBACK, end ? -(s64)batch->nr : batch->nr);
	for (i = 0; end && i < batch->nr; i++)
		wb_writeout_inc(wb);
}

static void batch_put(struct writeback *batch)
{
	struct viewfs_handle *handle = batch->handle;
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	kfree(batch);
	viewfs_handle_put(handle);
	viewfs_sb_done(fs);
}

static void batch_put_work(struct work_struct *work)
{
	batch_put(container_of(work, struct writeback, put_work));
}

/*
 * Of a file that was left meanwhile the handle may have the last reference to the inode, and
 * go at once if the session is dead. Eviction waits for the flusher: this must not be itself.
 */
static void batch_free(struct writeback *batch)
{
	if (current->flags & PF_KTHREAD) {
		INIT_WORK(&batch->put_work, batch_put_work);
		viewfs_work_queue(&batch->put_work);
	} else {
		batch_put(batch);
	}
}

/* The batch has gone, one way or the other. */
static void batch_done(struct writeback *batch)
{
	struct viewfs_inode *vi = viewfs_i(batch->handle->inode);

	spin_lock(&vi->lock);
	list_del(&batch->link);
	spin_unlock(&vi->lock);
	wake_up_all(&vi->wait);
	batch_free(batch);
}

static void batch_end(struct viewos_request *req)
{
	struct writeback *batch = req->private;
	struct inode *inode = batch->handle->inode;
	struct fuse_write_in *in = viewos_request_body(req);
	struct fuse_write_out *out = req->out;
	int err = req->error;

	if (!err && out->size != in->size)
		err = -EIO;
	if (err)
		mapping_set_error(inode->i_mapping, err);
	viewfs_attr_grow(inode, 0);
	account(inode, batch, true);
	batch_done(batch);
}

static void batch_send(struct writeback_run *run)
{
	struct writeback *batch = run->batch;
	struct viewos_request *req = batch->req;
	loff_t pos = (loff_t)batch->first << PAGE_SHIFT;
	loff_t size = i_size_read(run->inode);

	run->batch = NULL;
	if (pos >= size || !batch->nr) {
		viewos_request_put(req);
		batch_done(batch);
		return;
	}
	viewfs_write_fill(req, pos, min_t(loff_t, (loff_t)batch->nr << PAGE_SHIFT, size - pos),
			  FUSE_WRITE_CACHE);
	/* There was room when the run began. */
	req->flags |= VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_FORCE;
	req->end = batch_end;
	req->private = batch;
	account(run->inode, batch, false);
	viewos_request_submit(viewfs_inode_sb(run->inode)->session, req);
}

static bool session_room(struct viewos_session *session)
{
	return READ_ONCE(session->nr_background) < VIEWOS_MAX_BACKGROUND ||
	       READ_ONCE(session->state) == VIEWOS_SESSION_DEAD;
}

static unsigned int batch_max(struct viewfs_sb *fs)
{
	return min(fs->max_pages, fs->max_write >> PAGE_SHIFT);
}

static int batch_begin(struct writeback_run *run, pgoff_t index)
{
	struct inode *inode = run->inode;
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct writeback *batch;
	int err;

	batch = kzalloc(sizeof(*batch), GFP_KERNEL_ACCOUNT);
	if (!batch)
		return -ENOMEM;
	batch->first = index;
	batch->handle = viewfs_handle_writable(inode);
	if (!batch->handle) {
		kfree(batch);
		return -EIO;
	}
	viewfs_sb_busy(fs);
	batch->req = viewfs_write_request(batch->handle, batch_max(fs));
	if (IS_ERR(batch->req)) {
		err = PTR_ERR(batch->req);
		batch_free(batch);
		return err;
	}
	spin_lock(&vi->lock);
	list_add_tail(&batch->link, &vi->writebacks);
	spin_unlock(&vi->lock);
	run->batch = batch;
	return 0;
}

static int batch_add(struct writeback_run *run, struct folio *folio)
{
	struct viewfs_inode *vi = viewfs_i(run->inode);
	struct writeback *batch = run->batch;
	struct viewos_request *req;
	struct page *page;
	int err;

	if (batch && (folio->index != batch->first + batch->nr ||
		      batch->nr == batch_max(viewfs_inode_sb(run->inode)))) {
		batch_send(run);
		batch = NULL;
	}
	if (!batch) {
		err = batch_begin(run, folio->index);
		if (err)
			return err;
		batch = run->batch;
	}
	page = alloc_page(GFP_NOFS | __GFP_ACCOUNT);
	if (!page)
		return -ENOMEM;
	copy_highpage(page, folio_page(folio, 0));
	req = batch->req;
	req->pages[req->nr_pages++] = page;
	spin_lock(&vi->lock);
	batch->nr++;
	spin_unlock(&vi->lock);
	return 0;
}

static int writeback_folio(struct folio *folio, struct writeback_control *wbc, void *data)
{
	struct writeback_run *run = data;
	int err = 0;

	if (folio_pos(folio) >= i_size_read(run->inode)) {
		folio_unlock(folio);
		return 0;
	}
	/* The flusher may want the page: so it is not waited for the server with its lock. */
	if (writeback_overlaps(run->inode, folio->index, folio->index)) {
		run->again = true;
		err = -EAGAIN;
	}
	if (!err)
		err = batch_add(run, folio);
	if (err == -EIO) {
		/* It is open for writing nowhere: the page is lost. */
		mapping_set_error(folio->mapping, err);
		folio_unlock(folio);
		return err;
	}
	if (err) {
		folio_redirty_for_writepage(wbc, folio);
		folio_unlock(folio);
		return err == -EAGAIN ? 0 : err;
	}
	folio_start_writeback(folio);
	folio_unlock(folio);
	folio_end_writeback(folio);
	return 0;
}

/**
 * viewfs_writeback_run() - ->writepages
 * @mapping: whose pages
 * @wbc: which of them
 *
 * The flusher never waits for the server: what cannot be sent stays dirty.
 *
 * Return: 0 or a negative errno.
 */
int viewfs_writeback_run(struct address_space *mapping, struct writeback_control *wbc)
{
	struct inode *inode = mapping->host;
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct writeback_run run = {
		.inode = inode,
		.wait = !(current->flags & (PF_KTHREAD | PF_EXITING)),
	};
	int err;

	if (test_bit(VIEWFS_I_BAD, &vi->flags))
		return -EIO;
	if (current->flags & PF_KTHREAD && !session_room(fs->session)) {
		wbc->pages_skipped++;
		return 0;
	}
	if (run.wait && wait_event_killable(fs->session->background_wait,
					    session_room(fs->session)))
		return -EINTR;
	err = writing_begin(vi, run.wait);
	if (err == -EAGAIN) {
		wbc->pages_skipped++;
		return 0;
	}
	if (err)
		return err;
	do {
		run.again = false;
		err = viewos_writeback_each(mapping, wbc, writeback_folio, &run);
		if (run.batch)
			batch_send(&run);
		if (run.again && run.wait && wbc->sync_mode == WB_SYNC_ALL)
			err = viewfs_writeback_wait(inode, 0, ULONG_MAX) ?: err;
		else
			run.again = false;
	} while (run.again && !err);
	writing_end(vi);
	return err;
}
