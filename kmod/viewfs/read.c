// SPDX-License-Identifier: GPL-2.0
/* Reading through the page cache: pages are asked for and not waited for. */

#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/splice.h>

#include "viewfs.h"

static void read_page_done(struct viewos_request *req, unsigned int i)
{
	struct folio *folio = page_folio(req->pages[i]);
	size_t at = (size_t)i << PAGE_SHIFT;

	if (!req->error) {
		if (at + PAGE_SIZE > req->page_len)
			folio_zero_segment(folio, req->page_len > at ? req->page_len - at : 0,
					   PAGE_SIZE);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
}

static void read_end(struct viewos_request *req)
{
	struct viewfs_handle *handle = req->private;
	struct inode *inode = handle->inode;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_read_in *in = viewos_request_body(req);
	unsigned int i;

	/* Less than asked for is the end of the file: it may have become shorter. */
	if (!req->error && req->page_len < in->size &&
	    in->offset + req->page_len < i_size_read(inode))
		viewfs_attr_stale(inode, STATX_SIZE);
	for (i = 0; i < req->nr_pages; i++)
		read_page_done(req, i);
	viewfs_handle_put(handle);
	viewfs_sb_done(fs);
}

static struct viewos_request *read_request(struct viewfs_handle *handle, pgoff_t index,
					   unsigned int nr)
{
	struct viewos_request *req;
	struct fuse_read_in *in;
	int err;

	req = viewos_request_alloc(FUSE_READ, viewfs_nodeid(handle->inode), sizeof(*in), 0);
	if (IS_ERR(req))
		return req;
	err = viewos_request_pages(req, nr);
	if (err) {
		viewos_request_put(req);
		return ERR_PTR(err);
	}
	in = viewos_request_body(req);
	in->fh = handle->fh;
	in->offset = (u64)index << PAGE_SHIFT;
	in->size = nr << PAGE_SHIFT;
	in->flags = handle->flags;
	req->flags |= VIEWOS_REQUEST_PAGES_OUT | VIEWOS_REQUEST_OUT_VAR;
	req->page_len = in->size;
	req->private = handle;
	req->end = read_end;
	return req;
}

/* The caller's reference and locked pages go to read_end(). */
static void read_submit(struct viewfs_handle *handle, struct viewos_request *req)
{
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);

	viewfs_handle_get(handle);
	viewfs_sb_busy(fs);
	viewos_request_submit(fs->session, req);
}

/**
 * viewfs_read_folio() - ->read_folio
 * @file: open for reading, or, if the server writes back, for writing
 * @folio: of a page, locked; unlocked afterwards
 *
 * Waits for the page here, though the page cache would too, to tell the server's errno. A
 * killed reader leaves; the page is unlocked when the reply comes.
 *
 * Return: 0 or a negative errno.
 */
int viewfs_read_folio(struct file *file, struct folio *folio)
{
	struct viewfs_handle *handle = file ? file->private_data : NULL;
	pgoff_t index = folio->index;
	struct viewos_request *req;
	int err = -EIO;

	if (!handle)
		goto unlock;
	err = viewfs_writeback_wait(handle->inode, index, index);
	if (err)
		goto unlock;
	req = read_request(handle, index, 1);
	if (IS_ERR(req)) {
		err = PTR_ERR(req);
		goto unlock;
	}
	folio_get(folio);
	req->pages[0] = folio_page(folio, 0);
	req->nr_pages = 1;
	viewos_request_get(req);
	read_submit(handle, req);
	err = folio_wait_locked_killable(folio);
	if (!err && !folio_test_uptodate(folio))
		err = req->error ?: -EIO;
	viewos_request_put(req);
	return err;

unlock:
	folio_unlock(folio);
	return err;
}

static void file_readahead(struct readahead_control *rac)
{
	struct viewfs_handle *handle = rac->file ? rac->file->private_data : NULL;
	struct viewos_request *req;
	unsigned int nr, max, left;
	pgoff_t index;

	if (!handle || test_bit(VIEWFS_I_BAD, &viewfs_i(handle->inode)->flags))
		return;
	index = readahead_index(rac);
	/* Counted here: the page cache counts a page only when the next one is taken. */
	left = readahead_count(rac);
	max = viewfs_inode_sb(handle->inode)->max_pages;
	if (viewfs_writeback_wait(handle->inode, index, index + left - 1))
		return;
	for (; left; left -= nr, index += nr) {
		nr = min(left, max);
		req = read_request(handle, index, nr);
		if (IS_ERR(req))
			return;
		while (req->nr_pages < nr) {
			struct folio *folio = readahead_folio(rac);

			/* It is locked, so it did not go with the reference just dropped. */
			folio_get(folio);
			req->pages[req->nr_pages++] = folio_page(folio, 0);
		}
		read_submit(handle, req);
	}
}

static bool read_direct(const struct kiocb *iocb)
{
	struct viewfs_handle *handle = iocb->ki_filp->private_data;

	return handle->open_flags & FOPEN_DIRECT_IO || iocb->ki_flags & IOCB_DIRECT;
}

/* Whatever the server has told us by now is heeded; beyond the end it is asked. */
static int read_prepare(struct inode *inode, loff_t end)
{
	int err = 0;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	if (test_bit(VIEWFS_AUTO_INVAL_DATA, &viewfs_inode_sb(inode)->flags) ||
	    end > i_size_read(inode))
		err = viewfs_attr_update(inode, STATX_SIZE);
	return err ?: viewfs_pages_settle(inode);
}

/**
 * viewfs_file_read() - ->read_iter
 * @iocb: what
 * @to: where to
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_file_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	int err;

	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	if (read_direct(iocb))
		return viewfs_direct_read(iocb, to);
	err = read_prepare(inode, iocb->ki_pos + iov_iter_count(to));
	return err ?: generic_file_read_iter(iocb, to);
}

/**
 * viewfs_file_splice_read() - ->splice_read
 * @file: what
 * @pos: where
 * @pipe: where to
 * @len: how much
 * @flags: SPLICE_F_*
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_file_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe,
				size_t len, unsigned int flags)
{
	struct viewfs_handle *handle = file->private_data;
	int err;

	if (handle->open_flags & FOPEN_DIRECT_IO || file->f_flags & O_DIRECT)
		return copy_splice_read(file, pos, pipe, len, flags);
	err = read_prepare(file_inode(file), *pos + len);
	return err ?: filemap_splice_read(file, pos, pipe, len, flags);
}

const struct address_space_operations viewfs_file_aops = {
	.read_folio = viewfs_read_folio,
	.readahead = file_readahead,
	.dirty_folio = filemap_dirty_folio,
	.writepages = viewfs_writeback_run,
	.migrate_folio = filemap_migrate_folio,
};
