// SPDX-License-Identifier: GPL-2.0
/* libviewos: the sockets of one session by number */
#include <errno.h>
#include <stdlib.h>

#include "socktable.h"

#define SIZE_FIRST	64

/* Numbers are the kernel's, one after the other. */
static struct socket_entry **bucket(const struct socket_table *table, uint64_t id)
{
	return &table->buckets[id & (table->size - 1)];
}

int socket_table_init(struct socket_table *table)
{
	table->count = 0;
	table->size = SIZE_FIRST;
	table->buckets = calloc(table->size, sizeof(*table->buckets));
	return table->buckets ? 0 : -ENOMEM;
}

void socket_table_exit(struct socket_table *table)
{
	free(table->buckets);
}

struct socket_entry *socket_table_find(const struct socket_table *table, uint64_t id)
{
	struct socket_entry *entry;

	for (entry = *bucket(table, id); entry && entry->id != id; entry = entry->next)
		;
	return entry;
}

static void grow(struct socket_table *table)
{
	struct socket_table larger = { .size = table->size * 2 };
	struct socket_entry *entry;
	size_t i;

	larger.buckets = calloc(larger.size, sizeof(*larger.buckets));
	if (!larger.buckets)
		return;
	for (i = 0; i < table->size; i++) {
		while ((entry = table->buckets[i])) {
			table->buckets[i] = entry->next;
			entry->next = *bucket(&larger, entry->id);
			*bucket(&larger, entry->id) = entry;
		}
	}
	free(table->buckets);
	larger.count = table->count;
	*table = larger;
}

void socket_table_add(struct socket_table *table, struct socket_entry *entry)
{
	if (table->count >= table->size)
		grow(table);
	entry->next = *bucket(table, entry->id);
	*bucket(table, entry->id) = entry;
	table->count++;
}

static struct socket_entry *take(struct socket_table *table, struct socket_entry **link)
{
	struct socket_entry *entry = *link;

	*link = entry->next;
	table->count--;
	return entry;
}

struct socket_entry *socket_table_take(struct socket_table *table, const uint64_t *id)
{
	struct socket_entry **link;
	size_t i;

	if (id) {
		for (link = bucket(table, *id); *link; link = &(*link)->next)
			if ((*link)->id == *id)
				return take(table, link);
		return NULL;
	}
	for (i = 0; i < table->size; i++)
		if (table->buckets[i])
			return take(table, &table->buckets[i]);
	return NULL;
}
