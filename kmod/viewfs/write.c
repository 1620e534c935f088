// SPDX-License-Identifier: GPL-2.0
/* Writing through the page cache: the data go into pages and to the server at once. */

#include <linux/capability.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/uio.h>

#include "viewfs.h"

/* A write that nobody waited for was done: what was read since may be of before. */
static void write_late(struct viewos_request *req)
{
	struct viewos_session *session = req->session;
	struct fuse_write_in *in = viewos_request_body(req);
	struct inode *inode = NULL;

	down_read(&session->ops_lock);
	if (session->ops_data)
		inode = viewfs_inode_find(session->ops_data, req->in->nodeid);
	if (inode) {
		viewfs_attr_stale(inode, STATX_SIZE | VIEWFS_STALE_WRITE);
		viewfs_pages_expire(inode, in->offset >> PAGE_SHIFT,
				    (in->offset + in->size) >> PAGE_SHIFT);
		iput(inode);
	}
	up_read(&session->ops_lock);
}

/**
 * viewfs_write_request() - make a WRITE
 * @handle: what it goes through
 * @nr: room for pages
 *
 * Return: a NEW request without pages, or ERR_PTR(-ENOMEM).
 */
struct viewos_request *viewfs_write_request(struct viewfs_handle *handle, unsigned int nr)
{
	struct viewos_request *req;
	struct fuse_write_in *in;
	int err;

	req = viewos_request_alloc(FUSE_WRITE, viewfs_nodeid(handle->inode), sizeof(*in),
				   sizeof(struct fuse_write_out));
	if (IS_ERR(req))
		return req;
	err = viewos_request_pages(req, nr);
	if (err) {
		viewos_request_put(req);
		return ERR_PTR(err);
	}
	in = viewos_request_body(req);
	in->fh = handle->fh;
	in->flags = handle->flags;
	return req;
}

/**
 * viewfs_write_fill() - complete a WRITE
 * @req: with its pages
 * @pos: where in the file the data begin; in the first page likewise
 * @len: bytes
 * @flags: FUSE_WRITE_*
 */
void viewfs_write_fill(struct viewos_request *req, loff_t pos, size_t len, u32 flags)
{
	struct fuse_write_in *in = viewos_request_body(req);

	in->offset = pos;
	in->size = len;
	in->write_flags = flags;
	req->flags |= VIEWOS_REQUEST_PAGES_IN;
	req->page_off = offset_in_page(pos);
	req->page_len = len;
}

/**
 * viewfs_write_send() - send a WRITE and wait
 * @inode: where
 * @req: a complete request
 *
 * What the server did not take, or took without telling, is read again later.
 *
 * Return: bytes that the server wrote, or a negative errno.
 */
ssize_t viewfs_write_send(struct inode *inode, struct viewos_request *req)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_write_in *in = viewos_request_body(req);
	struct fuse_write_out *out = req->out;
	/* Its size is the server's to tell. */
	bool device = viewfs_i(inode)->device;
	ssize_t done = 0;
	int err;

	if (!device && test_bit(VIEWFS_HANDLE_KILLPRIV, &fs->flags) && !capable(CAP_FSETID))
		in->write_flags |= FUSE_WRITE_KILL_SUIDGID;
	req->late = write_late;
	err = viewos_request_call(fs->session, req);
	if (!err && (!out->size || out->size > in->size))
		err = -EIO;
	if (!err)
		done = out->size;
	if (done)
		viewfs_attr_grow(inode, device ? 0 : in->offset + done);
	if (done < in->size) {
		viewfs_attr_stale(inode, STATX_SIZE | VIEWFS_STALE_WRITE);
		viewfs_pages_expire(inode, (in->offset + done) >> PAGE_SHIFT,
				    (in->offset + in->size - 1) >> PAGE_SHIFT);
	}
	return err ?: done;
}

/**
 * viewfs_write_folio() - a page to be written into
 * @mapping: of which file
 * @index: which page
 *
 * Return: the folio, locked and referenced; perhaps not up to date; or ERR_PTR.
 */
struct folio *viewfs_write_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio;
	int err;

	for (;;) {
		/* Not locked by the look-up, whose wait could not be killed. */
		folio = __filemap_get_folio(mapping, index,
					    FGP_CREAT | FGP_WRITE | FGP_FOR_MMAP,
					    mapping_gfp_mask(mapping));
		if (IS_ERR(folio))
			return folio;
		err = folio_lock_killable(folio);
		if (err) {
			folio_put(folio);
			return ERR_PTR(err);
		}
		if (folio->mapping == mapping)
			return folio;
		folio_unlock(folio);
		folio_put(folio);
	}
}

/*
 * Is the page, of which @len bytes from @off on were copied, known as a whole now? If it
 * is not, it stays locked until the server has the data, or a reader would bring the old.
 */
static bool write_page_known(struct inode *inode, struct folio *folio, size_t off, size_t len)
{
	if (folio_test_uptodate(folio))
		return true;
	if (len < PAGE_SIZE) {
		/* Behind the end there are zeros. */
		if (folio_pos(folio) < i_size_read(inode))
			return false;
		folio_zero_segments(folio, 0, off, off + len, PAGE_SIZE);
	}
	folio_mark_uptodate(folio);
	return true;
}

/* Copies into one page. Returns bytes; *@lockedp is the page if it stays locked. */
static ssize_t write_page(struct inode *inode, struct viewos_request *req, loff_t pos,
			  size_t len, struct iov_iter *from, struct folio **lockedp)
{
	size_t off = offset_in_page(pos), copied;
	struct folio *folio;

	for (;;) {
		if (fault_in_iov_iter_readable(from, len) == len)
			return -EFAULT;
		folio = viewfs_write_folio(inode->i_mapping, pos >> PAGE_SHIFT);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		copied = copy_folio_from_iter_atomic(folio, off, len, from);
		flush_dcache_folio(folio);
		if (copied)
			break;
		folio_unlock(folio);
		folio_put(folio);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (write_page_known(inode, folio, off, copied))
		folio_unlock(folio);
	else
		*lockedp = folio;
	req->pages[req->nr_pages++] = folio_page(folio, 0);
	return copied;
}

/* Writes what fits in one request. Returns bytes that the server took. */
static ssize_t write_batch(struct viewfs_handle *handle, loff_t pos, struct iov_iter *from)
{
	struct inode *inode = handle->inode;
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	size_t max = min_t(size_t, iov_iter_count(from), fs->max_write);
	unsigned int nr = min_t(size_t, DIV_ROUND_UP(offset_in_page(pos) + max, PAGE_SIZE),
				fs->max_pages);
	struct folio *locked = NULL;
	struct viewos_request *req;
	ssize_t ret = 0, bytes = 0;

	req = viewfs_write_request(handle, nr);
	if (IS_ERR(req))
		return PTR_ERR(req);
	while (!locked && bytes < max && req->nr_pages < nr) {
		size_t len = min(max - bytes, PAGE_SIZE - offset_in_page(pos + bytes));

		ret = write_page(inode, req, pos + bytes, len, from, &locked);
		if (ret < 0)
			break;
		bytes += ret;
		if (ret < len)
			break;
	}
	if (bytes) {
		viewfs_write_fill(req, pos, bytes, 0);
		ret = viewfs_write_send(inode, req);
		if (ret >= 0 && ret < bytes)
			iov_iter_revert(from, bytes - ret);
	}
	if (locked)
		folio_unlock(locked);
	viewos_request_put(req);
	return ret;
}

/* Under the inode's lock. */
static ssize_t write_locked(struct kiocb *iocb, struct iov_iter *from)
{
	struct viewfs_handle *handle = iocb->ki_filp->private_data;
	struct inode *inode = handle->inode;
	struct viewfs_inode *vi = viewfs_i(inode);
	ssize_t ret, done = 0;

	/* No write-back of the same pages may come to the server after these data. */
	ret = viewfs_writeback_clean(inode) ?: viewfs_writeback_hold(inode);
	if (ret)
		return ret;
	set_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	if (iocb->ki_pos > i_size_read(inode))
		viewfs_pages_truncate(inode, i_size_read(inode));
	while (iov_iter_count(from)) {
		ret = write_batch(handle, iocb->ki_pos, from);
		if (ret <= 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
	}
	clear_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	viewfs_writeback_resume(inode);
	return done ?: ret;
}

static bool write_direct(const struct kiocb *iocb)
{
	struct viewfs_handle *handle = iocb->ki_filp->private_data;

	return handle->open_flags & FOPEN_DIRECT_IO || iocb->ki_flags & IOCB_DIRECT;
}

/* What has to be known of the file before it is written; the server is asked if need be. */
static int write_known(const struct kiocb *iocb)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	u32 mask = iocb->ki_flags & IOCB_APPEND ? STATX_SIZE : 0;

	if (!write_direct(iocb))
		mask |= viewfs_cache_needs(inode);
	return mask ? viewfs_attr_update(inode, mask) : 0;
}

/**
 * viewfs_file_write() - ->write_iter
 * @iocb: where
 * @from: what
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_file_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	ssize_t ret;
	int err;

	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	err = viewfs_inode_lock(inode);
	if (err)
		return err;
	ret = write_known(iocb);
	if (!ret)
		ret = generic_write_checks(iocb, from);
	if (ret <= 0)
		goto unlock;
	ret = file_remove_privs(file);
	if (ret)
		goto unlock;
	if (write_direct(iocb))
		ret = viewfs_direct_write(iocb, from);
	else if (viewfs_cache_wanted(inode))
		ret = viewfs_cache_write(iocb, from);
	else
		ret = write_locked(iocb, from);
unlock:
	inode_unlock(inode);
	return ret > 0 ? generic_write_sync(iocb, ret) : ret;
}
