// SPDX-License-Identifier: GPL-2.0
/* The memory of a memfs: pages from slabs, and the count of what may be used. */
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "pages.h"

/* A slab is as large and as aligned as a huge page; its first page describes it. */
#define SLAB_SIZE (2u << 20)
#define SLAB_PAGES (SLAB_SIZE / MEMFS_PAGE_SIZE - 1)

struct slab_links {
	struct slab *prev;
	struct slab *next;
};

struct slab {
	struct slab_links all;
	struct slab_links partial;
	unsigned int nr_free;
	uint16_t free[SLAB_PAGES];	/* a stack of page numbers */
};

_Static_assert(sizeof(struct slab) <= MEMFS_PAGE_SIZE, "a slab describes itself in a page");

void memfs_pages_init(struct pages *pages, uint64_t limit)
{
	pages->limit = limit;
	atomic_init(&pages->used, 0);
	pthread_mutex_init(&pages->lock, NULL);
	pages->partial = NULL;
	pages->slabs = NULL;
}

void memfs_pages_exit(struct pages *pages)
{
	struct slab *slab = pages->slabs;

	while (slab) {
		struct slab *next = slab->all.next;

		munmap(slab, SLAB_SIZE);
		slab = next;
	}
	pthread_mutex_destroy(&pages->lock);
}

int memfs_pages_charge(struct pages *pages, uint64_t bytes)
{
	uint64_t used = atomic_fetch_add(&pages->used, bytes);

	if (bytes <= pages->limit && used <= pages->limit - bytes)
		return 0;
	atomic_fetch_sub(&pages->used, bytes);
	return -ENOSPC;
}

void memfs_pages_uncharge(struct pages *pages, uint64_t bytes)
{
	atomic_fetch_sub(&pages->used, bytes);
}

static void partial_add_locked(struct pages *pages, struct slab *slab)
{
	slab->partial.prev = NULL;
	slab->partial.next = pages->partial;
	if (pages->partial)
		pages->partial->partial.prev = slab;
	pages->partial = slab;
}

static void partial_del_locked(struct pages *pages, struct slab *slab)
{
	if (slab->partial.next)
		slab->partial.next->partial.prev = slab->partial.prev;
	if (slab->partial.prev)
		slab->partial.prev->partial.next = slab->partial.next;
	else
		pages->partial = slab->partial.next;
}

static void *map_aligned(void)
{
	char *raw, *start;
	size_t before;

	raw = mmap(NULL, 2 * SLAB_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw == MAP_FAILED)
		return NULL;
	before = (SLAB_SIZE - ((uintptr_t)raw & (SLAB_SIZE - 1))) & (SLAB_SIZE - 1);
	start = raw + before;
	if (before)
		munmap(raw, before);
	munmap(start + SLAB_SIZE, SLAB_SIZE - before);
	madvise(start, SLAB_SIZE, MADV_HUGEPAGE);
	return start;
}

static bool slab_create_locked(struct pages *pages)
{
	struct slab *slab = map_aligned();

	if (!slab)
		return false;
	slab->nr_free = SLAB_PAGES;
	for (unsigned int i = 0; i < SLAB_PAGES; i++)
		slab->free[i] = (uint16_t)(SLAB_PAGES - i);
	slab->all.prev = NULL;
	slab->all.next = pages->slabs;
	if (pages->slabs)
		pages->slabs->all.prev = slab;
	pages->slabs = slab;
	partial_add_locked(pages, slab);
	return true;
}

static void slab_destroy_locked(struct pages *pages, struct slab *slab)
{
	partial_del_locked(pages, slab);
	if (slab->all.next)
		slab->all.next->all.prev = slab->all.prev;
	if (slab->all.prev)
		slab->all.prev->all.next = slab->all.next;
	else
		pages->slabs = slab->all.next;
	munmap(slab, SLAB_SIZE);
}

void *memfs_page_get(struct pages *pages)
{
	struct slab *slab;
	void *page = NULL;

	pthread_mutex_lock(&pages->lock);
	if (pages->partial || slab_create_locked(pages)) {
		slab = pages->partial;
		slab->nr_free--;
		page = (char *)slab + (size_t)slab->free[slab->nr_free] * MEMFS_PAGE_SIZE;
		if (!slab->nr_free)
			partial_del_locked(pages, slab);
	}
	pthread_mutex_unlock(&pages->lock);
	return page;
}

void memfs_page_put(struct pages *pages, void *page)
{
	struct slab *slab = (struct slab *)((uintptr_t)page & ~(uintptr_t)(SLAB_SIZE - 1));

	pthread_mutex_lock(&pages->lock);
	if (!slab->nr_free)
		partial_add_locked(pages, slab);
	slab->free[slab->nr_free++] =
		(uint16_t)((size_t)((char *)page - (char *)slab) / MEMFS_PAGE_SIZE);
	/* The last slab with room stays, or a file made and removed would map it each time. */
	if (slab->nr_free == SLAB_PAGES && (slab->partial.prev || slab->partial.next))
		slab_destroy_locked(pages, slab);
	pthread_mutex_unlock(&pages->lock);
}
