// SPDX-License-Identifier: GPL-2.0
/*
 * Writing dirty pages back, those of shared mappings and those that cache.c leaves.
 *
 * A server may take for ever, and nobody else may be made to wait for a page under
 * write-back: not sync(2), not memory reclaim. So a page is copied, and is done with at
 * once; the copies under way are in the inode's list, where those who
 * read the pages anew, fsync, or change the size wait for them, killably.
 *
 * What is dirty needs a handle that it can be written through. So the last one to be closed
 * lingers while there is something left, which close(2) itself was not allowed to wait for.
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
 * struct writeback - copies of adjacent pages, on their way; then perhaps the file's times
 * @link: in the inode's ->writebacks
 * @handle: what they go through, referenced
 * @req: until it is sent
 * @first: the first page
 * @nr: how many (inode's ->lock)
 * @end: of the data in them, in bytes from the file's start
 * @times: the pages have been written, now the server is told the times (inode's ->lock)
 * @version: viewfs_sb_version() from before that
 * @put_work: puts @handle where this must not be done at once
 */
struct writeback {
	struct list_head link;
	struct viewfs_handle *handle;
	struct viewos_request *req;
	pgoff_t first;
	unsigned int nr;
	loff_t end;
	bool times;
	u64 version;
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

static int times_flush(struct inode *inode);

static bool writeback_overlaps(struct inode *inode, pgoff_t first, pgoff_t last)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct writeback *batch;
	bool found = false;

	spin_lock(&vi->lock);
	list_for_each_entry(batch, &vi->writebacks, link) {
		found = batch->times ||
			(batch->nr && batch->first <= last && batch->first + batch->nr > first);
		if (found)
			break;
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
	err = viewfs_writeback_wait(inode, start >> PAGE_SHIFT, end >> PAGE_SHIFT) ?: err;
	if (!err && test_bit(VIEWFS_I_CACHED, &viewfs_i(inode)->flags))
		err = times_flush(inode);
	return err;
}

/**
 * viewfs_writeback_clean() - have the server know all of a file that was written into the cache
 * @inode: which; without its lock it may be written at once again
 *
 * Return: 0 or a negative errno.
 */
int viewfs_writeback_clean(struct inode *inode)
{
	if (likely(!test_bit(VIEWFS_I_CACHED, &viewfs_i(inode)->flags)))
		return 0;
	return viewfs_writeback_flush(inode, 0, LLONG_MAX);
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

/* The flusher waits for no server, and who is to end, or ends, for nothing. */
static bool may_wait(void)
{
	return !(current->flags & (PF_KTHREAD | PF_EXITING)) && !fatal_signal_pending(current);
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

/* Umount is to wait. */
static void write_begin(struct viewfs_sb *fs)
{
	viewfs_sb_busy(fs);
	atomic_inc(&fs->unwritten);
}

static void write_done(struct viewfs_sb *fs)
{
	atomic_dec(&fs->unwritten);
	viewfs_sb_done(fs);
}

static void linger_work(struct work_struct *work)
{
	struct viewfs_handle *handle = container_of(work, struct viewfs_handle, put_work);
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	viewfs_handle_put(handle);
	write_done(fs);
}

/**
 * viewfs_writeback_linger() - a file open for writing is closed
 * @handle: its handle, in the inode's list
 *
 * Return: true if the file's reference was taken over: it is kept until all pages are written.
 */
bool viewfs_writeback_linger(struct viewfs_handle *handle)
{
	struct inode *inode = handle->inode;
	struct viewfs_inode *vi = viewfs_i(inode);
	bool lingers;

	spin_lock(&vi->lock);
	/* Others are as good. */
	lingers = mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY) &&
		  list_is_singular(&vi->handles);
	if (lingers) {
		handle->lingers = true;
		INIT_WORK(&handle->put_work, linger_work);
		write_begin(viewfs_inode_sb(inode));
	} else {
		list_del_init(&handle->link);
	}
	spin_unlock(&vi->lock);
	return lingers;
}

/* If nothing is left to be written: the server knows all, and no handle need linger. */
static void settle_locked(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_handle *handle, *next;

	lockdep_assert_held(&vi->lock);

	if (!list_empty(&vi->writebacks) ||
	    mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY))
		return;
	list_for_each_entry_safe(handle, next, &vi->handles, link) {
		if (!handle->lingers)
			continue;
		list_del_init(&handle->link);
		handle->lingers = false;
		clear_bit(VIEWFS_I_TIMES, &vi->flags);
		viewfs_work_queue(&handle->put_work);
	}
	if (!test_bit(VIEWFS_I_TIMES, &vi->flags))
		clear_bit(VIEWFS_I_CACHED, &vi->flags);
}

static void writing_end(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	spin_lock(&vi->lock);
	vi->writing--;
	settle_locked(inode);
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
	write_done(fs);
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

/* It is under way no more. */
static void batch_unlink(struct writeback *batch)
{
	struct viewfs_inode *vi = viewfs_i(batch->handle->inode);

	spin_lock(&vi->lock);
	list_del(&batch->link);
	settle_locked(&vi->vfs);
	spin_unlock(&vi->lock);
	wake_up_all(&vi->wait);
}

/* The batch has gone, one way or the other. */
static void batch_done(struct writeback *batch)
{
	batch_unlink(batch);
	batch_free(batch);
}

/* The answer is as good as one to GETATTR; that times cannot be set does not matter. */
static void times_end(struct viewos_request *req)
{
	struct writeback *batch = req->private;
	struct inode *inode = batch->handle->inode;
	struct fuse_attr_out *out = req->out;

	batch_unlink(batch);
	if (!req->error && !viewfs_attr_check(viewfs_inode_sb(inode), &out->attr) &&
	    !viewfs_inode_changed(inode, &out->attr)) {
		set_bit(VIEWFS_I_WROTE, &viewfs_i(inode)->flags);
		viewfs_attr_apply(inode, &out->attr,
				  viewfs_time_until(out->attr_valid, out->attr_valid_nsec),
				  batch->version);
	}
	batch_free(batch);
}

static struct viewos_request *times_request(struct writeback *batch)
{
	struct viewos_request *req;
	struct fuse_setattr_in *in;

	req = viewos_request_alloc(FUSE_SETATTR, viewfs_nodeid(batch->handle->inode), sizeof(*in),
				   sizeof(struct fuse_attr_out));
	if (IS_ERR(req))
		return NULL;
	in = viewos_request_body(req);
	in->valid = FATTR_MTIME | FATTR_CTIME | FATTR_FH;
	in->fh = batch->handle->fh;
	req->flags |= VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_FORCE;
	req->end = times_end;
	req->private = batch;
	return req;
}

static void times_fill_locked(struct inode *inode, struct fuse_setattr_in *in)
{
	struct timespec64 mtime = inode_get_mtime(inode), ctime = inode_get_ctime(inode);

	lockdep_assert_held(&viewfs_i(inode)->lock);

	in->mtime = mtime.tv_sec;
	in->mtimensec = mtime.tv_nsec;
	in->ctime = ctime.tv_sec;
	in->ctimensec = ctime.tv_nsec;
}

/*
 * If this is the last batch, and no page is dirty, the server is told when the file was written
 * last: by its own clock that was when the pages came. The batch stays in the list
 * meanwhile, so whoever waits for the pages waits for this. Returns whether it is so.
 */
static bool times_send(struct writeback *batch)
{
	struct inode *inode = batch->handle->inode;
	struct viewfs_inode *vi = viewfs_i(inode);
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct viewos_request *req;
	bool due;

	if (!test_bit(VIEWFS_I_TIMES, &vi->flags))
		return false;
	req = times_request(batch);
	spin_lock(&vi->lock);
	due = list_is_singular(&vi->writebacks) &&
	      !mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY) &&
	      test_and_clear_bit(VIEWFS_I_TIMES, &vi->flags);
	if (due && req) {
		batch->times = true;
		batch->version = viewfs_sb_version(fs);
		times_fill_locked(inode, viewos_request_body(req));
	}
	spin_unlock(&vi->lock);
	if (due && req)
		viewos_request_submit(fs->session, req);
	else if (req)
		viewos_request_put(req);
	return due && req;
}

/* A write-back of an inode that has a handle for it; without pages yet. */
static struct writeback *batch_alloc(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct writeback *batch;

	batch = kzalloc(sizeof(*batch), GFP_KERNEL_ACCOUNT);
	if (!batch)
		return ERR_PTR(-ENOMEM);
	batch->handle = viewfs_handle_writable(inode);
	if (!batch->handle) {
		kfree(batch);
		return ERR_PTR(-EIO);
	}
	write_begin(viewfs_inode_sb(inode));
	spin_lock(&vi->lock);
	list_add_tail(&batch->link, &vi->writebacks);
	spin_unlock(&vi->lock);
	return batch;
}

/* Tells the times where no page was left that would have done it, and waits. */
static int times_flush(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	struct writeback *batch;
	int err;

	if (test_bit(VIEWFS_I_TIMES, &vi->flags)) {
		err = writing_begin(vi, may_wait());
		if (err)
			return err == -EAGAIN ? 0 : err;
		batch = batch_alloc(inode);
		err = PTR_ERR_OR_ZERO(batch);
		if (!err && !times_send(batch))
			batch_done(batch);
		/* Without a file to do it by, the server's times stand. */
		if (err == -EIO)
			clear_bit(VIEWFS_I_TIMES, &vi->flags);
		writing_end(inode);
		if (err)
			return err == -EIO ? 0 : err;
	}
	return viewfs_writeback_wait(inode, 0, ULONG_MAX);
}

/* Who wrote them will be told; who reads them is to see what the server has. */
static void pages_lost(struct inode *inode, pgoff_t first, unsigned int nr, int err)
{
	mapping_set_error(inode->i_mapping, err);
	if (!test_bit(VIEWFS_WRITEBACK, &viewfs_inode_sb(inode)->flags))
		return;
	viewfs_attr_stale(inode, STATX_SIZE | VIEWFS_STALE_WRITE);
	viewfs_pages_expire(inode, first, first + nr - 1);
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
	viewfs_attr_grow(inode, 0);
	if (err)
		pages_lost(inode, batch->first, batch->nr, err);
	account(inode, batch, true);
	if (!times_send(batch))
		batch_done(batch);
}

static void batch_send(struct writeback_run *run)
{
	struct writeback *batch = run->batch;
	struct viewos_request *req = batch->req;
	loff_t pos = (loff_t)batch->first << PAGE_SHIFT;
	loff_t end = min(batch->end, i_size_read(run->inode));
	struct fuse_write_in *in = viewos_request_body(req);

	run->batch = NULL;
	if (pos >= end || !batch->nr) {
		viewos_request_put(req);
		batch_done(batch);
		return;
	}
	viewfs_write_fill(req, pos, end - pos, FUSE_WRITE_CACHE);
	/* It has its place already. */
	in->flags &= ~O_APPEND;
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
	struct writeback *batch;
	int err;

	batch = batch_alloc(run->inode);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	batch->first = index;
	batch->req = viewfs_write_request(batch->handle, batch_max(viewfs_inode_sb(run->inode)));
	if (IS_ERR(batch->req)) {
		err = PTR_ERR(batch->req);
		batch_done(batch);
		return err;
	}
	run->batch = batch;
	return 0;
}

/* Copies a page, of which the file has @len bytes. */
static int batch_add(struct writeback_run *run, struct folio *folio, size_t len)
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
	/* The file may become longer before this is sent. */
	if (len < PAGE_SIZE)
		zero_user_segment(page, len, PAGE_SIZE);
	req = batch->req;
	req->pages[req->nr_pages++] = page;
	batch->end = folio_pos(folio) + len;
	spin_lock(&vi->lock);
	batch->nr++;
	spin_unlock(&vi->lock);
	return 0;
}

/* It is dirty no more. */
static void folio_done(struct folio *folio)
{
	folio_start_writeback(folio);
	folio_unlock(folio);
	folio_end_writeback(folio);
}

/* Where pages cannot go any more: an errno, or 0. */
static int writeback_lost(const struct inode *inode)
{
	const struct viewos_session *session = viewfs_inode_sb(inode)->session;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	if (READ_ONCE(session->state) == VIEWOS_SESSION_DEAD)
		return READ_ONCE(session->error) ?: -ENOTCONN;
	return 0;
}

static int writeback_folio(struct folio *folio, struct writeback_control *wbc, void *data)
{
	struct writeback_run *run = data;
	loff_t left = i_size_read(run->inode) - folio_pos(folio);
	int err = 0;

	if (left <= 0) {
		folio_done(folio);
		return 0;
	}
	err = writeback_lost(run->inode);
	if (err) {
		pages_lost(run->inode, folio->index, 1, err);
		folio_done(folio);
		return err;
	}
	/* The flusher may want the page: so it is not waited for the server with its lock. */
	if (writeback_overlaps(run->inode, folio->index, folio->index)) {
		run->again = true;
		err = -EAGAIN;
	}
	if (!err)
		err = batch_add(run, folio, min_t(loff_t, left, PAGE_SIZE));
	if (err == -EIO) {
		/* It is open for writing nowhere: the page is lost. */
		pages_lost(run->inode, folio->index, 1, err);
		folio_done(folio);
		return err;
	}
	if (err) {
		folio_redirty_for_writepage(wbc, folio);
		folio_unlock(folio);
		return err == -EAGAIN ? 0 : err;
	}
	folio_done(folio);
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
		.wait = may_wait(),
	};
	int err;

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
	writing_end(inode);
	return err;
}
