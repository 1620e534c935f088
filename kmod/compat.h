/* SPDX-License-Identifier: GPL-2.0 */
/* What viewfs uses that differs between kernels, named as in the newest. */
#ifndef _VIEWOS_COMPAT_H
#define _VIEWOS_COMPAT_H

#ifndef __ASSEMBLY__

#include <linux/version.h>
#include <linux/fs.h>
#include <linux/mnt_idmapping.h>
#include <linux/pagemap.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/writeback.h>
#include <linux/xattr.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)

/* A mount had the user namespace itself where it now has an idmap. */
#define mnt_idmap user_namespace
#define nop_mnt_idmap init_user_ns

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)

typedef unsigned int fgf_t;

#define FGP_WRITEBEGIN (FGP_LOCK | FGP_WRITE | FGP_CREAT | FGP_STABLE)

/* NULL meant that there is no memory, or no such folio. */
#define __filemap_get_folio(mapping, index, flags, gfp) \
	((__filemap_get_folio)(mapping, index, flags, gfp) ?: ERR_PTR(-ENOMEM))

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)

#define filemap_splice_read generic_file_splice_read
#ifndef copy_splice_read
#define copy_splice_read generic_file_splice_read
#endif

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)

#define generic_fillattr(idmap, request_mask, inode, stat) \
	(generic_fillattr)(idmap, inode, stat)

/* xattr handler tables became constant themselves. */
#define VIEWOS_XATTR_TABLE const struct xattr_handler *

static inline size_t copy_folio_from_iter_atomic(struct folio *folio, size_t offset,
						 size_t bytes, struct iov_iter *i)
{
	return copy_page_from_iter_atomic(&folio->page, offset, bytes, i);
}

#else

#define VIEWOS_XATTR_TABLE const struct xattr_handler * const

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)

static inline struct timespec64 inode_set_atime(struct inode *inode, time64_t sec, long nsec)
{
	inode->i_atime = (struct timespec64){ .tv_sec = sec, .tv_nsec = nsec };
	return inode->i_atime;
}

static inline struct timespec64 inode_set_mtime(struct inode *inode, time64_t sec, long nsec)
{
	inode->i_mtime = (struct timespec64){ .tv_sec = sec, .tv_nsec = nsec };
	return inode->i_mtime;
}

static inline struct timespec64 inode_get_mtime(const struct inode *inode)
{
	return inode->i_mtime;
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)

static inline long splice_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
					  loff_t pos_out, size_t len)
{
	return generic_copy_file_range(in, pos_in, out, pos_out, len, 0);
}

#endif

/*
 * viewos_writeback_each() - call @fn for each dirty folio that @wbc asks for: locked, its
 * dirty mark cleared, to be unlocked by @fn.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)

/* inode_lock_killable() came later as well. */
static inline __must_check int inode_lock_killable(struct inode *inode)
{
	return down_write_killable(&inode->i_rwsem);
}

struct viewos_writeback_each {
	int (*fn)(struct folio *folio, struct writeback_control *wbc, void *data);
	void *data;
};

static inline int viewos_writeback_page(struct page *page, struct writeback_control *wbc,
					void *data)
{
	struct viewos_writeback_each *each = data;

	return each->fn(page_folio(page), wbc, each->data);
}

static inline int viewos_writeback_each(struct address_space *mapping,
					struct writeback_control *wbc,
					int (*fn)(struct folio *folio,
						  struct writeback_control *wbc, void *data),
					void *data)
{
	struct viewos_writeback_each each = { .fn = fn, .data = data };

	return write_cache_pages(mapping, wbc, viewos_writeback_page, &each);
}

#else

static inline int viewos_writeback_each(struct address_space *mapping,
					struct writeback_control *wbc,
					int (*fn)(struct folio *folio,
						  struct writeback_control *wbc, void *data),
					void *data)
{
	struct folio *folio = NULL;
	int err = 0;

	while ((folio = writeback_iter(mapping, wbc, folio, &err)))
		err = fn(folio, wbc, data);
	return err;
}

#endif

#endif /* !__ASSEMBLY__ */

#endif /* _VIEWOS_COMPAT_H */
