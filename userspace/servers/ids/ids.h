/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-ids, private: whom files belong to in a view, and what they are there */
#ifndef SERVERS_IDS_H
#define SERVERS_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../common/table.h"
#include "viewos.h"

/**
 * struct kept - what a file is in the view, where that is not what it is outside
 * @node: in the table
 * @dev: where it is, as makedev(3) has it
 * @ino: its inode
 * @uid: owner
 * @gid: group
 * @mode: type and permissions
 * @rdev: of a device, which
 * @nlink: links, as last seen
 * @real: the mode that it has outside, as last seen
 * @seen: @real, @born and @generation are known: the file has been met
 * @dated: @born is known
 * @born: when the file was made: another one may get its inode
 * @generation: likewise, or 0
 */
struct kept {
	struct table_node node;
	uint64_t dev;
	uint64_t ino;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t nlink;
	uint64_t rdev;
	uint32_t real;
	bool seen;
	bool dated;
	struct viewos_call_time born;
	uint32_t generation;
};

/**
 * struct store - all that is kept of a view
 * @table: by @dev and @ino
 * @uid: whom files belong to that are the user's own outside
 * @gid: likewise
 * @own_uid: the user, outside
 * @own_gid: likewise
 */
struct store {
	struct table table;
	uint32_t uid;
	uint32_t gid;
	uint32_t own_uid;
	uint32_t own_gid;
};

/** struct shown - a file as the view sees it */
struct shown {
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t rdev;
};

/** store_find() - what is kept of a file, or NULL. What was of another one is dropped */
struct kept *store_find(struct store *store, const struct viewos_call_file *file);

/** store_get() - likewise, made if there is none; NULL without memory */
struct kept *store_get(struct store *store, const struct viewos_call_file *file);

/** store_settle() - drop it, if the file is to be seen as it would be without it */
void store_settle(struct store *store, struct kept *kept, const struct viewos_call_file *file);

/** store_show() - how a file is to be seen */
void store_show(struct store *store, const struct viewos_call_file *file, struct shown *shown);

/** store_free() - drop all, and the table */
void store_free(struct store *store);

/**
 * store_load() - read what was kept
 * @name: of the file, for complaints, which go to stderr
 *
 * Return: 0, or a negative errno after a complaint: EBADMSG it is malformed.
 */
int store_load(struct store *store, FILE *in, const char *name);

/** store_save() - write it. Return: 0 or a negative errno */
int store_save(const struct store *store, FILE *out);

/**
 * struct keeping - the file that it is kept in
 * @path: its name
 * @fd: it, locked
 */
struct keeping {
	char *path;
	int fd;
};

/** keeping_open() - lock and read it; made if it is not there. Return: 0 or a negative errno */
int keeping_open(struct keeping *keeping, const char *path, struct store *store);

/** keeping_close() - write it anew, and let go of it; complaints go to @complaints */
void keeping_close(struct keeping *keeping, const struct store *store, FILE *complaints);

/** calls_find() - find the numbers of the calls, once, before there is a session */
void calls_find(void);

/** calls_init() - say what is to come along with which calls. Return: 0 or a negative errno */
int calls_init(struct viewos_call_session *session);

/** calls_made() - answer a call that is about to be made */
void calls_made(struct store *store, struct viewos_call_req *req);

/** calls_ended() - answer one that has been */
void calls_ended(struct store *store, struct viewos_call_req *req);

#endif /* SERVERS_IDS_H */
