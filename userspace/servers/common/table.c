// SPDX-License-Identifier: GPL-2.0
/* An intrusive hash table that grows. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "table.h"

#define TABLE_FIRST_BUCKETS 64

int table_init(struct table *table)
{
	table->buckets = calloc(TABLE_FIRST_BUCKETS, sizeof(*table->buckets));
	if (!table->buckets)
		return -ENOMEM;
	table->mask = TABLE_FIRST_BUCKETS - 1;
	table->count = 0;
	if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) != sizeof(table->seed))
		table->seed = (uint64_t)time(NULL) ^ (uintptr_t)table->buckets;
	return 0;
}

void table_exit(struct table *table)
{
	free(table->buckets);
	table->buckets = NULL;
}

static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 32)) * 0x9e3779b97f4a7c15ULL;
	return value ^ (value >> 29);
}

uint64_t table_hash(const struct table *table, uint64_t number, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;
	uint64_t hash = mix(table->seed ^ mix(number + 1));

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ULL;
	return mix(hash);
}

static void grow(struct table *table)
{
	size_t buckets = (table->mask + 1) * 2;
	struct table_node **wider = calloc(buckets, sizeof(*wider));

	if (!wider)
		return;
	for (size_t i = 0; i <= table->mask; i++) {
		struct table_node *node = table->buckets[i];

		while (node) {
			struct table_node *next = node->next;
			struct table_node **slot = &wider[node->hash & (buckets - 1)];

			node->next = *slot;
			*slot = node;
			node = next;
		}
	}
	free(table->buckets);
	table->buckets = wider;
	table->mask = buckets - 1;
}

void table_add(struct table *table, struct table_node *node, uint64_t hash)
{
	struct table_node **slot;

	if (table->count > table->mask)
		grow(table);
	slot = &table->buckets[hash & table->mask];
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	table->count++;
}

void table_del(struct table *table, struct table_node *node)
{
	struct table_node **slot = &table->buckets[node->hash & table->mask];

	while (*slot != node)
		slot = &(*slot)->next;
	*slot = node->next;
	table->count--;
}

static struct table_node *match(struct table_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
	return match(table->buckets[hash & table->mask], hash);
}

struct table_node *table_next(const struct table_node *node)
{
	return match(node->next, node->hash);
}

void table_empty(struct table *table, void (*drop)(struct table_node *node, void *data),
		 void *data)
{
	for (size_t i = 0; i <= table->mask; i++) {
		while (table->buckets[i]) {
			struct table_node *node = table->buckets[i];

			table->buckets[i] = node->next;
			drop(node, data);
		}
	}
	table->count = 0;
}
