/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: the sockets of one session by number */
#ifndef _VIEWOS_LIB_SOCKTABLE_H
#define _VIEWOS_LIB_SOCKTABLE_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct socket_entry - a socket
 * @next: in its bucket
 * @id: its number
 * @refs: the table's, one for each request, and one while an operation is called
 * @seq: number of the last events
 * @user: the server's pointer
 */
struct socket_entry {
	struct socket_entry *next;
	uint64_t id;
	unsigned int refs;
	uint32_t seq;
	void *user;
};

/** struct socket_table - has no lock of its own */
struct socket_table {
	struct socket_entry **buckets;
	size_t size;
	size_t count;
};

/** socket_table_init() - make an empty one. Return: 0 or -ENOMEM */
int socket_table_init(struct socket_table *table);
void socket_table_exit(struct socket_table *table);

struct socket_entry *socket_table_find(const struct socket_table *table, uint64_t id);

/** socket_table_add() - cannot fail; a table that cannot grow gets slower */
void socket_table_add(struct socket_table *table, struct socket_entry *entry);

/** socket_table_take() - take out the entry of this number, or with NULL any. Return: it or NULL */
struct socket_entry *socket_table_take(struct socket_table *table, const uint64_t *id);

#endif /* _VIEWOS_LIB_SOCKTABLE_H */
