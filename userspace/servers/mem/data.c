// SPDX-License-Identifier: GPL-2.0
/* The content of a regular file: a sparse tree of pages. */
#include <errno.h>
#include <string.h>

#include "data.h"

#define NODE_SHIFT 9
#define NODE_SLOTS (1u << NODE_SHIFT)
#define NODE_MASK (NODE_SLOTS - 1)
#define NOWHERE UINT64_MAX

/* What holes and promised pages read as; never written. */
static char zeros[MEMFS_PAGE_SIZE] __attribute__((aligned(MEMFS_PAGE_SIZE)));

static uint64_t page_index(off_t off)
{
	return (uint64_t)off >> MEMFS_PAGE_SHIFT;
}

static size_t page_offset(off_t off)
{
	return (size_t)off & (MEMFS_PAGE_SIZE - 1);
}

/* How many pages a tree of some height can have, less one. */
static uint64_t last_index(unsigned int height)
{
	return (1ULL << (NODE_SHIFT * height)) - 1;
}

static void *slot_get(const struct data *data, uint64_t index)
{
	void *const *slot = &data->root;

	if (index > last_index(data->height))
		return NULL;
	for (unsigned int level = data->height; level > 0; level--) {
		if (!*slot)
			return NULL;
		slot = &((void **)*slot)[(index >> (NODE_SHIFT * (level - 1))) & NODE_MASK];
	}
	return *slot;
}

static void *node_create(struct pages *pages)
{
	void *node;

	if (memfs_pages_charge(pages, MEMFS_PAGE_SIZE))
		return NULL;
	node = memfs_page_get(pages);
	if (!node) {
		memfs_pages_uncharge(pages, MEMFS_PAGE_SIZE);
		return NULL;
	}
	return memset(node, 0, MEMFS_PAGE_SIZE);
}

/* The slot of a page, with the nodes above it made; NULL without memory. */
static void **slot_create(struct data *data, struct pages *pages, uint64_t index)
{
	void **slot = &data->root;

	while (index > last_index(data->height)) {
		if (data->root) {
			void **node = node_create(pages);

			if (!node)
				return NULL;
			node[0] = data->root;
			data->root = node;
		}
		data->height++;
	}
	for (unsigned int level = data->height; level > 0; level--) {
		if (!*slot)
			*slot = node_create(pages);
		if (!*slot)
			return NULL;
		slot = &((void **)*slot)[(index >> (NODE_SHIFT * (level - 1))) & NODE_MASK];
	}
	return slot;
}

static int node_is_empty(void *const *node)
{
	for (unsigned int i = 0; i < NODE_SLOTS; i++)
		if (node[i])
			return 0;
	return 1;
}

/* Frees the pages first..last, counted from the first one of the subtree in slot. */
static void slot_release(struct data *data, struct pages *pages, void **slot, unsigned int level,
			 uint64_t first, uint64_t last)
{
	unsigned int shift = NODE_SHIFT * (level - 1);
	void **node = *slot;
	uint64_t whole;

	if (!node)
		return;
	if (!level) {
		data->pages--;
	} else {
		whole = last_index(level - 1);
		for (uint64_t i = first >> shift; i <= last >> shift; i++)
			slot_release(data, pages, &node[i], level - 1,
				     i == first >> shift ? first & whole : 0,
				     i == last >> shift ? last & whole : whole);
		if (!node_is_empty(node))
			return;
	}
	if (*slot != zeros)
		memfs_page_put(pages, *slot);
	memfs_pages_uncharge(pages, MEMFS_PAGE_SIZE);
	*slot = NULL;
}

void memfs_data_free(struct data *data, struct pages *pages)
{
	slot_release(data, pages, &data->root, data->height, 0, last_index(data->height));
	data->height = 0;
}

int memfs_data_read(const struct data *data, off_t off, size_t len, struct iovec *iov)
{
	int nr = 0;

	while (len) {
		size_t skip = page_offset(off);
		size_t part = MEMFS_PAGE_SIZE - skip < len ? MEMFS_PAGE_SIZE - skip : len;
		char *page = slot_get(data, page_index(off));
		char *start = (page ? page : zeros) + skip;

		if (nr && page && (char *)iov[nr - 1].iov_base + iov[nr - 1].iov_len == start) {
			iov[nr - 1].iov_len += part;
		} else {
			iov[nr].iov_base = start;
			iov[nr++].iov_len = part;
		}
		off += part;
		len -= part;
	}
	return nr;
}

/* A page to be written at [skip, skip + part): what else is in it is as it was, or zero. */
static char *page_for_write(struct data *data, struct pages *pages, uint64_t index, size_t skip,
			    size_t part)
{
	void **slot = slot_create(data, pages, index);
	char *page;

	if (!slot)
		return NULL;
	if (*slot && *slot != zeros)
		return *slot;
	if (!*slot && memfs_pages_charge(pages, MEMFS_PAGE_SIZE))
		return NULL;
	page = memfs_page_get(pages);
	if (!page) {
		if (!*slot)
			memfs_pages_uncharge(pages, MEMFS_PAGE_SIZE);
		return NULL;
	}
	memset(page, 0, skip);
	memset(page + skip + part, 0, MEMFS_PAGE_SIZE - skip - part);
	if (!*slot)
		data->pages++;
	*slot = page;
	return page;
}

ssize_t memfs_data_write(struct data *data, struct pages *pages, off_t off, const char *bytes,
			 size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t skip = page_offset(off);
		size_t part = MEMFS_PAGE_SIZE - skip;
		char *page;

		if (part > len - done)
			part = len - done;
		page = page_for_write(data, pages, page_index(off), skip, part);
		if (!page)
			return done ? (ssize_t)done : -ENOSPC;
		memcpy(page + skip, bytes + done, part);
		off += part;
		done += part;
	}
	return (ssize_t)done;
}

static void page_clear(struct data *data, off_t from, size_t len)
{
	char *page = slot_get(data, page_index(from));

	if (page && page != zeros)
		memset(page + page_offset(from), 0, len);
}

void memfs_data_zero(struct data *data, struct pages *pages, off_t from, off_t to)
{
	uint64_t first, last;

	if (from < to && page_offset(from)) {
		size_t part = MEMFS_PAGE_SIZE - page_offset(from);

		if ((off_t)part > to - from)
			part = (size_t)(to - from);
		page_clear(data, from, part);
		from += part;
	}
	if (from >= to)
		return;
	if (page_offset(to)) {
		page_clear(data, to - (off_t)page_offset(to), page_offset(to));
		to -= (off_t)page_offset(to);
	}
	first = page_index(from);
	last = page_index(to);
	if (first == last || first > last_index(data->height))
		return;
	last--;
	if (last > last_index(data->height))
		last = last_index(data->height);
	slot_release(data, pages, &data->root, data->height, first, last);
}

int memfs_data_reserve(struct data *data, struct pages *pages, off_t from, off_t to)
{
	uint64_t last;

	if (from >= to)
		return 0;
	last = page_index(to - 1);
	/* What cannot ever fit fails before it promises anything. */
	if (last - page_index(from) >= data->pages + pages->limit / MEMFS_PAGE_SIZE)
		return -ENOSPC;
	for (uint64_t index = page_index(from); index <= last; index++) {
		void **slot = slot_create(data, pages, index);

		if (!slot)
			return -ENOSPC;
		if (*slot)
			continue;
		if (memfs_pages_charge(pages, MEMFS_PAGE_SIZE))
			return -ENOSPC;
		*slot = zeros;
		data->pages++;
	}
	return 0;
}

/* The first page from an index that is there (or is not), counted within the subtree. */
static uint64_t slot_next(void *slot, unsigned int level, uint64_t from, int hole)
{
	unsigned int shift = NODE_SHIFT * (level - 1);
	void **node = slot;
	uint64_t whole, found;

	if (!slot)
		return hole ? from : NOWHERE;
	if (!level)
		return hole ? NOWHERE : from;
	whole = last_index(level - 1);
	for (uint64_t i = from >> shift; i < NODE_SLOTS; i++) {
		found = slot_next(node[i], level - 1, i == from >> shift ? from & whole : 0, hole);
		if (found != NOWHERE)
			return (i << shift) + found;
	}
	return NOWHERE;
}

off_t memfs_data_next(const struct data *data, off_t off, int hole)
{
	uint64_t index = page_index(off), found;

	if (index > last_index(data->height))
		found = hole ? index : NOWHERE;
	else
		found = slot_next(data->root, data->height, index, hole);
	if (found == NOWHERE && hole)
		found = last_index(data->height) + 1;
	if (found > INT64_MAX >> MEMFS_PAGE_SHIFT)
		return INT64_MAX;
	return found == index ? off : (off_t)(found << MEMFS_PAGE_SHIFT);
}
