// SPDX-License-Identifier: GPL-2.0
/* Reading and writing past the page cache: O_DIRECT, and servers that ask for it. */

#include <linux/gfp.h>
#include <linux/pagemap.h>
#include <linux/uio.h>

#include "viewfs.h"

static int pages_add(struct viewos_request *req, unsigned int nr)
{
	while (req->nr_pages < nr) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		req->pages[req->nr_pages++] = page;
	}
	return 0;
}

static struct viewos_request *read_request(struct viewfs_handle *handle, loff_t pos, size_t len,
					   u32 flags)
{
	struct viewos_request *req;
	unsigned int nr = DIV_ROUND_UP(len, PAGE_SIZE);
	struct fuse_read_in *in;
	int err;

	req = viewos_request_alloc(FUSE_READ, viewfs_nodeid(handle->inode), sizeof(*in), 0);
	if (IS_ERR(req))
		return req;
	err = viewos_request_pages(req, nr) ?: pages_add(req, nr);
	if (err) {
		viewos_request_put(req);
		return ERR_PTR(err);
	}
	in = viewos_request_body(req);
	in->fh = handle->fh;
	in->offset = pos;
	in->size = len;
	in->flags = flags;
	req->flags |= VIEWOS_REQUEST_PAGES_OUT | VIEWOS_REQUEST_OUT_VAR;
	req->page_len = len;
	return req;
}

/**
 * viewfs_direct_read_part() - one READ
 * @handle: of what
 * @pos: from where on
 * @flags: O_* for the message
 * @to: where to; not empty
 * @asked: set to the bytes asked for
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_direct_read_part(struct viewfs_handle *handle, loff_t pos, u32 flags,
				struct iov_iter *to, size_t *asked)
{
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);
	size_t len = min_t(size_t, iov_iter_count(to), (size_t)fs->max_pages << PAGE_SHIFT);
	struct viewos_request *req;
	size_t done = 0;
	ssize_t ret;

	*asked = len;
	req = read_request(handle, pos, len, flags);
	if (IS_ERR(req))
		return PTR_ERR(req);
	ret = viewos_request_call(fs->session, req);
	/* Not by page, which a pipe would keep: 6.1 wants that to be of a file's cache. */
	while (!ret && done < req->page_len) {
		size_t part = min(req->page_len - done, PAGE_SIZE);
		void *data = page_address(req->pages[done >> PAGE_SHIFT]);
		size_t copied = copy_to_iter(data, part, to);

		done += copied;
		if (copied < part)
			ret = -EFAULT;
	}
	viewos_request_put(req);
	return done ?: ret;
}

/**
 * viewfs_direct_read() - read past the page cache
 * @iocb: what
 * @to: where to
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_direct_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct viewfs_handle *handle = iocb->ki_filp->private_data;
	struct inode *inode = handle->inode;
	size_t count = iov_iter_count(to), asked;
	ssize_t ret, done = 0;

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	if (!count)
		return 0;
	ret = viewfs_writeback_clean(inode) ?:
	      viewfs_writeback_flush(inode, iocb->ki_pos, iocb->ki_pos + count - 1);
	if (ret)
		return ret;
	while (iov_iter_count(to)) {
		ret = viewfs_direct_read_part(handle, iocb->ki_pos, handle->flags, to, &asked);
		if (ret <= 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		if (ret < asked)
			break;
	}
	return done ?: ret;
}

static int write_copy(struct viewos_request *req, size_t off, size_t len, struct iov_iter *from)
{
	unsigned int i;

	for (i = 0; len; i++) {
		size_t part = min(len, PAGE_SIZE - off);

		if (copy_page_from_iter(req->pages[i], off, part, from) != part)
			return -EFAULT;
		len -= part;
		off = 0;
	}
	return 0;
}

/**
 * viewfs_direct_write_part() - one WRITE
 * @handle: of what
 * @pos: from where on
 * @flags: O_* for the message
 * @from: what; not empty
 * @asked: set to the bytes in it
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_direct_write_part(struct viewfs_handle *handle, loff_t pos, u32 flags,
				 struct iov_iter *from, size_t *asked)
{
	struct viewfs_sb *fs = viewfs_inode_sb(handle->inode);
	size_t max = min_t(size_t, fs->max_write, (size_t)fs->max_pages << PAGE_SHIFT);
	size_t len = min(iov_iter_count(from), max - offset_in_page(pos));
	unsigned int nr = DIV_ROUND_UP(offset_in_page(pos) + len, PAGE_SIZE);
	struct viewos_request *req;
	ssize_t ret;

	*asked = len;
	req = viewfs_write_request(handle, nr);
	if (IS_ERR(req))
		return PTR_ERR(req);
	((struct fuse_write_in *)viewos_request_body(req))->flags = flags;
	ret = pages_add(req, nr) ?: write_copy(req, offset_in_page(pos), len, from);
	if (!ret) {
		viewfs_write_fill(req, pos, len, 0);
		ret = viewfs_write_send(handle->inode, req);
	}
	viewos_request_put(req);
	return ret;
}

/**
 * viewfs_direct_write() - write past the page cache
 * @iocb: where; the inode is locked, and checks were made
 * @from: what
 *
 * Return: bytes, or a negative errno.
 */
ssize_t viewfs_direct_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct viewfs_handle *handle = iocb->ki_filp->private_data;
	struct inode *inode = handle->inode;
	struct viewfs_inode *vi = viewfs_i(inode);
	loff_t start = iocb->ki_pos;
	loff_t end = start + iov_iter_count(from) - 1;
	ssize_t ret, done = 0;
	size_t asked;

	ret = viewfs_writeback_clean(inode) ?: viewfs_pages_drop(inode, start, end) ?:
	      viewfs_writeback_hold(inode);
	if (ret)
		return ret;
	set_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	if (start > i_size_read(inode))
		viewfs_pages_truncate(inode, i_size_read(inode));
	while (iov_iter_count(from)) {
		ret = viewfs_direct_write_part(handle, iocb->ki_pos, handle->flags, from, &asked);
		if (ret <= 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		if (ret < asked)
			break;
	}
	/* Pages that were read meanwhile are of before. */
	viewfs_pages_expire(inode, start >> PAGE_SHIFT, end >> PAGE_SHIFT);
	clear_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	viewfs_writeback_resume(inode);
	return done ?: ret;
}
