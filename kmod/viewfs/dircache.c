// SPDX-License-Identifier: GPL-2.0
/*
 * Listings that are kept: what a directory has, as the server told it.
 *
 * The entries lie in the page cache of the directory, one behind the other as READDIR brings
 * them, none across a page's end. They come by readers who read on where the ones before have
 * ended; once one has seen the end, the listing is complete and is read without the server.
 * Their offsets grow, or nothing is kept, so an offset is found wherever it is, and no reader
 * needs a state of its own: two of them, telldir(3) and a new listing in the middle
 * are all the same.
 *
 * Pages are written and read with the inode's ->lock, and only while struct viewfs_listing
 * says that they are what they are thought to be. Whatever makes the listing old
 * changes its version and waits for nothing; the pages are written anew, or reclaimed, as
 * they may be at any time: then the server is asked again. A page is not locked: who
 * has a reference keeps it from being reclaimed or moved, and directories are not truncated.
 */

#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "viewfs.h"

/* Where an entry is: in which page, and where there. */
struct place {
	pgoff_t index;
	size_t at;
};

/* Under the inode's ->lock. */
static void listing_reset_locked(struct viewfs_listing *listing)
{
	listing->version++;
	listing->size = 0;
	listing->pos = 0;
	listing->complete = false;
}

/**
 * viewfs_dircache_expire_locked() - the directory is not what it was
 * @vi: of the directory, or of anything else; its ->lock is held
 *
 * Waits for nothing.
 */
void viewfs_dircache_expire_locked(struct viewfs_inode *vi)
{
	lockdep_assert_held(&vi->lock);

	if (vi->listing)
		listing_reset_locked(vi->listing);
}

static void listing_expire(struct inode *dir)
{
	spin_lock(&viewfs_i(dir)->lock);
	viewfs_dircache_expire_locked(viewfs_i(dir));
	spin_unlock(&viewfs_i(dir)->lock);
}

/* The directory's listing, made with the first reader; NULL without memory. */
static struct viewfs_listing *listing_get(struct viewfs_inode *vi)
{
	struct viewfs_listing *listing = READ_ONCE(vi->listing), *other;

	if (listing)
		return listing;
	listing = kzalloc(sizeof(*listing), GFP_KERNEL_ACCOUNT);
	if (!listing)
		return NULL;
	/* Replies to requests that were sent before there was one are not for it. */
	listing->version = 1;
	spin_lock(&vi->lock);
	other = vi->listing;
	if (!other)
		WRITE_ONCE(vi->listing, listing);
	spin_unlock(&vi->lock);
	if (!other)
		return listing;
	kfree(listing);
	return other;
}

static bool listing_same_times(const struct viewfs_listing *listing, const struct inode *dir)
{
	struct timespec64 mtime = inode_get_mtime(dir), ctime = inode_get_ctime(dir);

	return timespec64_equal(&listing->mtime, &mtime) &&
	       timespec64_equal(&listing->ctime, &ctime);
}

/* Somebody reads from the beginning, of a directory whose times are known to be these. */
static void listing_start_locked(struct viewfs_listing *listing, const struct inode *dir)
{
	listing->names_next = U64_MAX;
	if (listing->complete)
		return;
	if (listing->size && !listing_same_times(listing, dir))
		listing_reset_locked(listing);
	if (listing->size)
		return;
	listing->mtime = inode_get_mtime(dir);
	listing->ctime = inode_get_ctime(dir);
}

/**
 * viewfs_dircache_begin() - entries are going to be asked for
 * @fill: is set up
 * @dir: the directory
 * @pos: the offset from which on
 * @plus: with attributes
 *
 * To be called before the request. Of a directory from whose beginning nothing is kept yet
 * the listing starts here.
 */
void viewfs_dircache_begin(struct viewfs_fill *fill, struct inode *dir, u64 pos, bool plus)
{
	struct viewfs_inode *vi = viewfs_i(dir);
	struct viewfs_listing *listing = listing_get(vi);

	fill->dir = dir;
	fill->version = 0;
	fill->pos = pos;
	fill->folio = NULL;
	fill->names_until = plus ? U64_MAX : 0;
	if (!listing)
		return;
	spin_lock(&vi->lock);
	if (!pos)
		listing_start_locked(listing, dir);
	fill->version = listing->version;
	spin_unlock(&vi->lock);
}

/* Is what was asked for still to be added, and here? */
static bool fill_good_locked(const struct viewfs_fill *fill)
{
	const struct viewfs_listing *listing = viewfs_i(fill->dir)->listing;

	lockdep_assert_held(&viewfs_i(fill->dir)->lock);

	return fill->version == listing->version && !listing->complete &&
	       fill->pos == listing->pos;
}

/* Where the next entry goes. */
static loff_t fill_at_locked(const struct viewfs_fill *fill, size_t size)
{
	loff_t at = viewfs_i(fill->dir)->listing->size;

	return offset_in_page(at) + size > PAGE_SIZE ? round_up(at, PAGE_SIZE) : at;
}

/*
 * Puts an entry into the page at hand, if it is the listing's next one. False if it belongs into
 * another page: the entry's place is at *@at then.
 */
static bool fill_put(struct viewfs_fill *fill, const struct fuse_dirent *dirent, loff_t *at)
{
	struct viewfs_inode *vi = viewfs_i(fill->dir);
	size_t size = FUSE_DIRENT_SIZE(dirent);
	struct folio *folio = fill->folio;
	bool here = true;
	void *to;

	spin_lock(&vi->lock);
	if (!fill_good_locked(fill))
		goto unlock;
	*at = fill_at_locked(fill, size);
	here = folio && folio->index == *at >> PAGE_SHIFT;
	/* Only with its first entry a page is made. */
	if (!here || (offset_in_page(*at) && !folio_test_uptodate(folio)))
		goto unlock;
	to = kmap_local_folio(folio, 0);
	if (!offset_in_page(*at)) {
		clear_page(to);
		folio_mark_uptodate(folio);
	}
	memcpy(to + offset_in_page(*at), dirent, FUSE_NAME_OFFSET + dirent->namelen);
	kunmap_local(to);
	vi->listing->size = *at + size;
	vi->listing->pos = dirent->off;
unlock:
	spin_unlock(&vi->lock);
	return here;
}

/* Takes the page at @at to hand, or none. */
static void fill_page(struct viewfs_fill *fill, loff_t at)
{
	struct address_space *mapping = fill->dir->i_mapping;
	struct folio *folio;

	if (fill->folio)
		folio_put(fill->folio);
	folio = __filemap_get_folio(mapping, at >> PAGE_SHIFT,
				    offset_in_page(at) ? 0 : FGP_CREAT | FGP_FOR_MMAP,
				    mapping_gfp_mask(mapping));
	fill->folio = IS_ERR(folio) ? NULL : folio;
}

/**
 * viewfs_dircache_add() - an entry has come
 * @fill: of viewfs_dircache_begin()
 * @dirent: the entry, checked
 * @entry: what came with it, or NULL
 *
 * Keeps it, if it is the next one of the listing.
 */
void viewfs_dircache_add(struct viewfs_fill *fill, const struct fuse_dirent *dirent,
			 const struct fuse_entry_out *entry)
{
	loff_t at;

	if (!fill->version)
		return;
	if (entry && entry->nodeid)
		fill->names_until = min(fill->names_until,
					viewfs_time_until(entry->entry_valid,
							  entry->entry_valid_nsec));
	/* There is no finding one's way in offsets that do not grow. */
	if (dirent->off <= fill->pos) {
		viewfs_dircache_bad(fill);
		return;
	}
	if (!fill_put(fill, dirent, &at)) {
		fill_page(fill, at);
		fill_put(fill, dirent, &at);
	}
	fill->pos = dirent->off;
}

/**
 * viewfs_dircache_bad() - the server said what cannot be
 * @fill: of viewfs_dircache_begin()
 *
 * Nothing is kept of it, nor of what came before.
 */
void viewfs_dircache_bad(struct viewfs_fill *fill)
{
	if (fill->version)
		listing_expire(fill->dir);
	fill->version = 0;
}

/**
 * viewfs_dircache_end() - all of a reply was added
 * @fill: of viewfs_dircache_begin()
 * @last: it had no entries: there are no more
 */
void viewfs_dircache_end(struct viewfs_fill *fill, bool last)
{
	struct viewfs_listing *listing;

	if (fill->folio)
		folio_put(fill->folio);
	fill->folio = NULL;
	if (!fill->version)
		return;
	listing = viewfs_i(fill->dir)->listing;
	spin_lock(&viewfs_i(fill->dir)->lock);
	if (last && fill_good_locked(fill))
		listing->complete = true;
	if (last)
		listing->names_until = listing->names_next == U64_MAX ? 0 : listing->names_next;
	else
		listing->names_next = min(listing->names_next, fill->names_until);
	spin_unlock(&viewfs_i(fill->dir)->lock);
}

/**
 * struct reading - a reader of a complete listing
 * @dir: whose
 * @version: of the listing
 * @size: bytes
 * @buf: a page of it
 */
struct reading {
	struct inode *dir;
	u64 version;
	loff_t size;
	void *buf;
};

/* Copies from a page of the listing; false if it is not there, or is not this listing's. */
static bool reading_copy(const struct reading *reading, pgoff_t index, size_t len, void *to)
{
	struct viewfs_inode *vi = viewfs_i(reading->dir);
	struct folio *folio;
	bool there, same;
	void *from;

	folio = __filemap_get_folio(reading->dir->i_mapping, index, FGP_ACCESSED, 0);
	there = !IS_ERR(folio);
	spin_lock(&vi->lock);
	same = vi->listing->version == reading->version;
	there = there && folio_test_uptodate(folio);
	if (same && there) {
		from = kmap_local_folio(folio, 0);
		memcpy(to, from, len);
		kunmap_local(from);
	} else if (same) {
		/* It was reclaimed. */
		listing_reset_locked(vi->listing);
	}
	spin_unlock(&vi->lock);
	if (!IS_ERR(folio))
		folio_put(folio);
	return same && there;
}

static size_t reading_len(const struct reading *reading, pgoff_t index)
{
	return min_t(loff_t, reading->size - ((loff_t)index << PAGE_SHIFT), PAGE_SIZE);
}

/* The entry at @at in the page, or NULL behind the last one. */
static const struct fuse_dirent *reading_entry(const struct reading *reading, size_t at, size_t len)
{
	const struct fuse_dirent *dirent = reading->buf + at;

	return at + FUSE_NAME_OFFSET <= len && dirent->namelen ? dirent : NULL;
}

/* The last page whose first entry does not lie behind @pos; false if none, or it has gone. */
static bool reading_find_page(const struct reading *reading, u64 pos, pgoff_t *index)
{
	pgoff_t low = 0, high = DIV_ROUND_UP(reading->size, PAGE_SIZE);
	struct fuse_dirent first;

	/* Before @low, and @low itself if it is not 0, they do not; at @high they do. */
	while (high - low > 1) {
		pgoff_t middle = low + (high - low) / 2;

		if (!reading_copy(reading, middle, sizeof(first), &first))
			return false;
		if (first.off <= pos)
			low = middle;
		else
			high = middle;
	}
	*index = low;
	return true;
}

/* Where to go on after the entry whose offset is @pos; false if there is no such entry. */
static bool reading_find(const struct reading *reading, u64 pos, struct place *place)
{
	const struct fuse_dirent *dirent;
	size_t len;

	*place = (struct place){ };
	if (!pos)
		return true;
	if (!reading_find_page(reading, pos, &place->index))
		return false;
	len = reading_len(reading, place->index);
	if (!reading_copy(reading, place->index, len, reading->buf))
		return false;
	while ((dirent = reading_entry(reading, place->at, len))) {
		place->at += FUSE_DIRENT_SIZE(dirent);
		if (dirent->off == pos)
			return true;
	}
	return false;
}

/* Tells the entries of a page; false if the caller has no room for more. */
static bool reading_emit(const struct reading *reading, struct dir_context *ctx, size_t at,
			 size_t len)
{
	const struct fuse_dirent *dirent;

	while ((dirent = reading_entry(reading, at, len))) {
		if (!dir_emit(ctx, dirent->name, dirent->namelen, dirent->ino, dirent->type))
			return false;
		ctx->pos = dirent->off;
		at += FUSE_DIRENT_SIZE(dirent);
	}
	return true;
}

/* 0, or 1 if nothing was told and the server is to be asked. */
static int reading_run(const struct reading *reading, struct dir_context *ctx, bool one_page)
{
	loff_t start = ctx->pos;
	struct place place;

	if (!reading_find(reading, ctx->pos, &place))
		return 1;
	for (;; place.index++, place.at = 0) {
		size_t len;

		if ((loff_t)place.index << PAGE_SHIFT >= reading->size)
			break;
		len = reading_len(reading, place.index);
		/* What is left goes on from where the caller is, with the server. */
		if (!reading_copy(reading, place.index, len, reading->buf))
			return ctx->pos == start;
		if (!reading_emit(reading, ctx, place.at, len) || fatal_signal_pending(current))
			break;
		if (one_page && ctx->pos != start)
			break;
		cond_resched();
	}
	return 0;
}

/*
 * Is the listing to be read, rather than READDIRPLUS sent? Names whose time is over are better
 * asked for all at once, if they are used at all: after one page that is known.
 */
static bool listing_wanted(struct inode *dir, u64 names_until, u64 pos, bool *one_page)
{
	struct viewfs_sb *fs = viewfs_inode_sb(dir);

	*one_page = false;
	if (!test_bit(VIEWFS_READDIRPLUS, &fs->flags) ||
	    time_after64(names_until, get_jiffies_64()))
		return true;
	if (!test_bit(VIEWFS_READDIRPLUS_AUTO, &fs->flags) ||
	    test_bit(VIEWFS_I_WANT_PLUS, &viewfs_i(dir)->flags))
		return false;
	*one_page = !pos;
	return true;
}

/* A listing is read from the beginning: is the directory what it was? */
static int listing_check(struct inode *dir)
{
	struct viewfs_inode *vi = viewfs_i(dir);
	int err;

	err = viewfs_attr_update(dir, STATX_MTIME | STATX_CTIME);
	if (err)
		return err;
	spin_lock(&vi->lock);
	if (!listing_same_times(vi->listing, dir))
		listing_reset_locked(vi->listing);
	spin_unlock(&vi->lock);
	return 0;
}

/**
 * viewfs_dircache_read() - list a directory without the server
 * @dir: the directory
 * @ctx: where the listing goes
 *
 * Return: 0, 1 if the server has to be asked, or a negative errno.
 */
int viewfs_dircache_read(struct inode *dir, struct dir_context *ctx)
{
	struct viewfs_inode *vi = viewfs_i(dir);
	struct viewfs_listing *listing = READ_ONCE(vi->listing);
	struct reading reading = { .dir = dir };
	bool complete, one_page;
	u64 names_until, end;
	int ret;

	if (!listing || !READ_ONCE(listing->complete))
		return 1;
	ret = ctx->pos ? 0 : listing_check(dir);
	if (ret)
		return ret;
	spin_lock(&vi->lock);
	complete = listing->complete;
	reading.version = listing->version;
	reading.size = listing->size;
	names_until = listing->names_until;
	end = listing->pos;
	spin_unlock(&vi->lock);
	if (!complete)
		return 1;
	if (ctx->pos == end)
		return 0;
	if (!listing_wanted(dir, names_until, ctx->pos, &one_page))
		return 1;
	reading.buf = (void *)__get_free_page(GFP_KERNEL);
	if (!reading.buf)
		return -ENOMEM;
	ret = reading_run(&reading, ctx, one_page);
	free_page((unsigned long)reading.buf);
	return ret;
}
