// SPDX-License-Identifier: GPL-2.0
/* Files mapped into memory. */

#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/timekeeping.h>

#include "viewfs.h"

static vm_fault_t mmap_fault(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return VM_FAULT_SIGBUS;
	/* Only who is being killed does not get through. */
	if (viewfs_pages_settle(inode))
		return VM_FAULT_SIGBUS;
	return filemap_fault(vmf);
}

static vm_fault_t mmap_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	if (test_bit(VIEWFS_I_DROP, &viewfs_i(inode)->flags))
		return 0;
	return filemap_map_pages(vmf, first, last);
}

static vm_fault_t mmap_page_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	struct folio *folio = page_folio(vmf->page);
	struct timespec64 now;

	if (folio_lock_killable(folio))
		return VM_FAULT_SIGBUS;
	if (folio->mapping != inode->i_mapping) {
		folio_unlock(folio);
		return VM_FAULT_NOPAGE;
	}
	if (test_bit(VIEWFS_WRITEBACK, &viewfs_inode_sb(inode)->flags)) {
		bool fresh = !folio_test_dirty(folio);

		folio_mark_dirty(folio);
		ktime_get_real_ts64(&now);
		viewfs_attr_cached(inode, 0, fresh, &now);
	}
	return VM_FAULT_LOCKED;
}

/* Dirty pages go while a handle for writing is there. */
static void mmap_close(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_SHARED)
		filemap_fdatawrite(vma->vm_file->f_mapping);
}

static const struct vm_operations_struct mmap_ops = {
	.close = mmap_close,
	.fault = mmap_fault,
	.map_pages = mmap_map_pages,
	.page_mkwrite = mmap_page_mkwrite,
};

/**
 * viewfs_file_mmap() - ->mmap
 * @file: what
 * @vma: where to
 *
 * Return: 0, -EIO, or -ENODEV for a shared mapping of a file that the server wants uncached.
 */
int viewfs_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct viewfs_handle *handle = file->private_data;
	struct inode *inode = file_inode(file);

	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	if (handle->open_flags & FOPEN_DIRECT_IO) {
		if (vma->vm_flags & VM_MAYSHARE)
			return -ENODEV;
		viewfs_pages_expire(inode, 0, ULONG_MAX);
	}
	vma->vm_ops = &mmap_ops;
	return 0;
}
