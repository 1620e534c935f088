/* SPDX-License-Identifier: GPL-2.0 */
/* An intrusive hash table that grows: what the servers find names and numbers with. */
#ifndef SERVERS_TABLE_H
#define SERVERS_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A table owns its buckets and nothing else: the nodes live in the caller's objects. It has no lock
 * of its own. Hashes are seeded at random per table, so that nobody can prepare names that collide.
 */
struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t mask;
	size_t count;
	uint64_t seed;
};

/* Makes an empty table. Returns 0 or -ENOMEM. */
int table_init(struct table *table);

/* Frees the buckets; the nodes are the caller's to free. */
void table_exit(struct table *table);

/* The hash of len bytes and a number (say a name and the directory it is in). */
uint64_t table_hash(const struct table *table, uint64_t number, const void *bytes, size_t len);

/* Adds a node under a hash; cannot fail, a table that cannot grow gets slower. */
void table_add(struct table *table, struct table_node *node, uint64_t hash);

void table_del(struct table *table, struct table_node *node);

/* The first node under a hash and the next one after a node; NULL when there is none. */
struct table_node *table_first(const struct table *table, uint64_t hash);
struct table_node *table_next(const struct table_node *node);

/* Takes every node out and passes it to the function, which may free it. */
void table_empty(struct table *table, void (*drop)(struct table_node *node, void *data),
		 void *data);

#endif
