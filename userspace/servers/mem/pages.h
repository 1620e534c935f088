/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a memfs: pages from slabs, and the count of what may be used. */
#ifndef MEMFS_PAGES_H
#define MEMFS_PAGES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MEMFS_PAGE_SHIFT 12
#define MEMFS_PAGE_SIZE (1u << MEMFS_PAGE_SHIFT)

struct slab;

/*
 * Charging and getting are apart: a charge is a promise (fallocate charges what it will only need
 * when it is written), a page is memory. Each has its own undoing.
 */
struct pages {
	uint64_t limit;			/* bytes; constant */
	atomic_uint_fast64_t used;	/* bytes charged */
	pthread_mutex_t lock;		/* protects the next 2 fields and the slabs; a leaf lock */
	struct slab *partial;		/* slabs with a free page */
	struct slab *slabs;		/* all slabs */
};

/* Makes the memory of a file system of at most limit bytes. */
void memfs_pages_init(struct pages *pages, uint64_t limit);

/* Gives everything back to the system, whether or not pages were put. */
void memfs_pages_exit(struct pages *pages);

/* Counts bytes as used. Returns 0 or -ENOSPC. */
int memfs_pages_charge(struct pages *pages, uint64_t bytes);
void memfs_pages_uncharge(struct pages *pages, uint64_t bytes);

/* A page with arbitrary content, or NULL without memory; the charge is the caller's. */
void *memfs_page_get(struct pages *pages);
void memfs_page_put(struct pages *pages, void *page);

#endif
