// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that the server gives without having been asked, and those that it wants back.
 *
 * As other notices these wait for nothing: of a page that somebody has locked, perhaps until
 * this very server answers, the cached content expires instead.
 */

#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "viewfs.h"

/* Puts data into one page of the cache; false if that cannot be done at once. */
static bool store_page(struct inode *inode, loff_t pos, const void *data, size_t len)
{
	struct address_space *mapping = inode->i_mapping;
	size_t at = offset_in_page(pos);
	struct folio *folio;
	void *to;

	folio = __filemap_get_folio(mapping, pos >> PAGE_SHIFT,
				    FGP_LOCK | FGP_CREAT | FGP_NOWAIT, mapping_gfp_mask(mapping));
	if (IS_ERR(folio))
		return false;
	/* Of a page that was never read the rest must not be wanted. */
	if (!folio_test_uptodate(folio) &&
	    (at || (len < PAGE_SIZE && pos + len < i_size_read(inode))))
		goto unlock;
	at = offset_in_folio(folio, pos);
	to = kmap_local_folio(folio, at);
	memcpy(to, data, len);
	kunmap_local(to);
	flush_dcache_folio(folio);
	if (!folio_test_uptodate(folio)) {
		folio_zero_segment(folio, at + len, folio_size(folio));
		folio_mark_uptodate(folio);
	}
unlock:
	folio_unlock(folio);
	folio_put(folio);
	return true;
}

static void store_pages(struct inode *inode, loff_t pos, const void *data, size_t len)
{
	while (len) {
		size_t part = min(len, PAGE_SIZE - offset_in_page(pos));

		if (!store_page(inode, pos, data, part))
			viewfs_pages_expire(inode, pos >> PAGE_SHIFT, pos >> PAGE_SHIFT);
		pos += part;
		data += part;
		len -= part;
		cond_resched();
	}
}

/* What is behind the end of the file in its last page is not zero if it was mapped. */
static void store_grow(struct inode *inode, loff_t pos, loff_t end)
{
	loff_t size = i_size_read(inode);

	if (end <= size)
		return;
	if (offset_in_page(size) && pos > size)
		viewfs_pages_expire(inode, size >> PAGE_SHIFT, size >> PAGE_SHIFT);
	viewfs_attr_stored(inode, end);
}

/*
 * Is content, that was asked for at @version, what the file has? With a page of it in the cache
 * and locked: whoever changes the file from now on finds that. A write-back under way may come
 * to the server behind our question; when it has ended, it counts as a change.
 */
static bool content_good(struct inode *inode, size_t len, u64 version)
{
	struct viewfs_inode *vi = viewfs_i(inode);
	bool good;

	spin_lock(&vi->lock);
	good = list_empty(&vi->writebacks) && vi->data_version <= version &&
	       i_size_read(inode) == len && !test_bit(VIEWFS_I_DROP, &vi->flags) &&
	       !test_bit(VIEWFS_I_SIZE_UNSTABLE, &vi->flags);
	spin_unlock(&vi->lock);
	return good;
}

/**
 * viewfs_store_content() - the content of a small file has come with its name
 * @inode: the file
 * @data: the content
 * @len: bytes, not none; at most a page, and all that the file has
 * @version: viewfs_sb_version() from before the request
 *
 * It is kept if nothing is cached of the file, and nothing has changed it since.
 */
void viewfs_store_content(struct inode *inode, const void *data, size_t len, u64 version)
{
	struct address_space *mapping = inode->i_mapping;
	struct folio *folio;
	void *to;

	if (!filemap_invalidate_trylock_shared(mapping))
		return;
	folio = __filemap_get_folio(mapping, 0, FGP_LOCK | FGP_CREAT | FGP_NOWAIT,
				    mapping_gfp_mask(mapping));
	if (IS_ERR(folio))
		goto unlock;
	/* What is there is as good, or is to be written. */
	if (!folio_test_uptodate(folio) && content_good(inode, len, version)) {
		to = kmap_local_folio(folio, 0);
		memcpy(to, data, len);
		kunmap_local(to);
		folio_zero_segment(folio, len, folio_size(folio));
		flush_dcache_folio(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
	folio_put(folio);
unlock:
	filemap_invalidate_unlock_shared(mapping);
}

/* A node's file, referenced, or ERR_PTR. */
static struct inode *store_file(struct super_block *sb, u64 nodeid, u64 offset)
{
	struct inode *inode;

	if (offset >= MAX_LFS_FILESIZE)
		return ERR_PTR(-EINVAL);
	inode = viewfs_inode_find(sb, nodeid);
	if (!inode)
		return ERR_PTR(-ENOENT);
	if (S_ISREG(inode->i_mode))
		return inode;
	iput(inode);
	return ERR_PTR(-EINVAL);
}

/**
 * viewfs_store_notify() - the server gives content of a file
 * @sb: the super block
 * @data: a struct fuse_notify_store_out, then the content
 * @len: length of both
 *
 * Return: 0, also if it could not be kept, or -EINVAL, -ENOENT.
 */
int viewfs_store_notify(struct super_block *sb, const void *data, u32 len)
{
	const struct fuse_notify_store_out *out = data;
	struct inode *inode;
	loff_t end;

	if (len < sizeof(*out) || out->size != len - sizeof(*out))
		return -EINVAL;
	inode = store_file(sb, out->nodeid, out->offset);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if (out->size > MAX_LFS_FILESIZE - out->offset) {
		iput(inode);
		return -EINVAL;
	}
	end = out->offset + out->size;
	/* Whoever changes the size has it, and may be waiting for this server. */
	if (filemap_invalidate_trylock_shared(inode->i_mapping)) {
		store_grow(inode, out->offset, end);
		store_pages(inode, out->offset, out + 1, out->size);
		filemap_invalidate_unlock_shared(inode->i_mapping);
	} else if (out->size) {
		viewfs_pages_expire(inode, out->offset >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
		viewfs_attr_stale(inode, STATX_SIZE | VIEWFS_STALE_WRITE);
	}
	iput(inode);
	return 0;
}

static void retrieve_end(struct viewos_request *req)
{
	struct viewfs_sb *fs = req->private;

	atomic_dec(&fs->retrieves);
	viewfs_sb_done(fs);
}

/* Adds what is cached, up to the first page that is not; returns bytes. */
static u32 retrieve_pages(struct inode *inode, struct viewos_request *req, loff_t pos, u32 size)
{
	u32 got = 0;

	while (got < size) {
		pgoff_t index = (pos + got) >> PAGE_SHIFT;
		struct folio *folio;

		folio = __filemap_get_folio(inode->i_mapping, index, 0, 0);
		if (IS_ERR(folio))
			break;
		if (!folio_test_uptodate(folio)) {
			folio_put(folio);
			break;
		}
		/* Dropped with the request. */
		req->pages[req->nr_pages++] = folio_file_page(folio, index);
		got = min_t(u32, size, got + PAGE_SIZE - offset_in_page(pos + got));
	}
	return got;
}

static int retrieve_send(struct inode *inode, const struct fuse_notify_retrieve_out *out, u32 size)
{
	struct viewfs_sb *fs = viewfs_inode_sb(inode);
	struct fuse_notify_retrieve_in *in;
	struct viewos_request *req;
	int err = 0;

	req = viewos_request_alloc(FUSE_NOTIFY_REPLY, out->nodeid, sizeof(*in), 0);
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->page_off = offset_in_page(out->offset);
	if (size)
		err = viewos_request_pages(req, DIV_ROUND_UP(req->page_off + size, PAGE_SIZE));
	if (err) {
		viewos_request_put(req);
		return err;
	}
	req->in->unique = out->notify_unique;
	req->page_len = retrieve_pages(inode, req, out->offset, size);
	in = viewos_request_body(req);
	in->offset = out->offset;
	in->size = req->page_len;
	/* The server is not to wait in its notice for room that it makes itself. */
	req->flags |= VIEWOS_REQUEST_PAGES_IN | VIEWOS_REQUEST_NO_REPLY | VIEWOS_REQUEST_KERNEL |
		      VIEWOS_REQUEST_FORCE;
	req->end = retrieve_end;
	req->private = fs;
	viewfs_sb_busy(fs);
	viewos_request_submit(fs->session, req);
	return 0;
}

/**
 * viewfs_retrieve_notify() - the server wants what is cached of a file
 * @sb: the super block
 * @data: a struct fuse_notify_retrieve_out
 * @len: its length
 *
 * It comes as a NOTIFY_REPLY, which has no reply.
 *
 * Return: 0, or -EINVAL, -ENOENT, -ENOMEM, -EBUSY while too many are not read yet.
 */
int viewfs_retrieve_notify(struct super_block *sb, const void *data, u32 len)
{
	const struct fuse_notify_retrieve_out *out = data;
	struct viewfs_sb *fs = viewfs_sb(sb);
	struct inode *inode;
	loff_t left;
	u32 size;
	int err;

	if (len != sizeof(*out))
		return -EINVAL;
	inode = store_file(sb, out->nodeid, out->offset);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	left = max_t(loff_t, i_size_read(inode) - (loff_t)out->offset, 0);
	size = min_t(loff_t, min(out->size, fs->max_write), left);
	size = min_t(u32, size, (fs->max_pages << PAGE_SHIFT) - offset_in_page(out->offset));
	if (atomic_inc_return(&fs->retrieves) > VIEWOS_MAX_RETRIEVES)
		err = -EBUSY;
	else
		err = retrieve_send(inode, out, size);
	if (err)
		atomic_dec(&fs->retrieves);
	iput(inode);
	return err;
}
