/* SPDX-License-Identifier: GPL-2.0 */
/* The content of a regular file: a sparse tree of pages. */
#ifndef MEMFS_DATA_H
#define MEMFS_DATA_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "pages.h"

/*
 * A radix tree of 512 pointers a node, as high as the file needs; at height 0 the root is the only
 * page, so a small file costs one page. A hole is a NULL. A page that is promised but was never
 * written points to the common page of zeros. Bytes of a page beyond the end of the file are zero.
 *
 * The inode that the tree is in owns it, and the inode's lock protects it.
 */
struct data {
	void *root;
	unsigned int height;
	uint64_t pages;		/* without the nodes; promised ones too */
};

/* Frees everything. */
void memfs_data_free(struct data *data, struct pages *pages);

/*
 * Describes the bytes [off, off + len) in iov, of len / MEMFS_PAGE_SIZE + 2 elements at least;
 * returns the number of elements used.
 */
int memfs_data_read(const struct data *data, off_t off, size_t len, struct iovec *iov);

/* Writes; returns the number of bytes written, fewer than len if memory ends, -ENOSPC for none. */
ssize_t memfs_data_write(struct data *data, struct pages *pages, off_t off, const char *bytes,
			 size_t len);

/* Makes [from, to) read as zeros and frees the pages that lie wholly inside. */
void memfs_data_zero(struct data *data, struct pages *pages, off_t from, off_t to);

/* Promises memory for [from, to). Returns 0 or -ENOSPC, after which some of it may be promised. */
int memfs_data_reserve(struct data *data, struct pages *pages, off_t from, off_t to);

/* The next offset from off that is data (or a hole); a hole is at INT64_MAX if nowhere before. */
off_t memfs_data_next(const struct data *data, off_t off, int hole);

#endif
