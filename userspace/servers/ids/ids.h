/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-ids, private: whom files belong to in a view, what they are there, and who one is */
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

/** enum side - users, or groups */
enum side { USERS, GROUPS, SIDES };

/* Ids of a thread: that of FS is whom the files belong to that it makes. */
enum { REAL, EFFECTIVE, SAVED, FS, WHICH };

/**
 * struct who - who a thread is
 * @node: in the table
 * @tag: the threads' that are so
 * @ids: of them
 * @keeps: it was root when it said that it keeps its capabilities, and so has root's rights
 * @count: of @groups
 * @groups: the further ones, sorted
 */
struct who {
	struct table_node node;
	uint32_t tag;
	uint32_t ids[SIDES][WHICH];
	uint32_t keeps;
	uint32_t count;
	uint32_t groups[];
};

/**
 * struct people - all those that threads of a view are or have been
 * @table: by what they are
 * @by_tag: by their tags; 0 is who has changed nothing
 * @count: of @by_tag
 * @room: for so many
 * @bytes: that they take
 *
 * Which thread has which tag the kernel knows, so nothing of threads is kept here.
 */
struct people {
	struct table table;
	struct who **by_tag;
	size_t count;
	size_t room;
	size_t bytes;
};

/** who_new() - one with @count groups, all of them zero; NULL without memory */
struct who *who_new(uint32_t count);

/** who_copy() - likewise, the same one */
struct who *who_copy(const struct who *who);

/** people_init() - with one, of tag 0. Return: 0 or a negative errno */
int people_init(struct people *people, uint32_t uid, uint32_t gid);
void people_free(struct people *people);

/** people_find() - who has that tag */
const struct who *people_find(const struct people *people, uint32_t tag);

/**
 * people_tag() - which tag one has
 * @who: is taken over
 *
 * Return: 0; -EAGAIN there are too many; -ENOMEM.
 */
int people_tag(struct people *people, struct who *who, uint32_t *tag);

/**
 * struct store - all that is kept of a view
 * @table: by @dev and @ino
 * @uid: whom files belong to that are the user's own outside
 * @gid: likewise
 * @own_uid: the user, outside
 * @own_gid: likewise
 * @people: who its processes are
 */
struct store {
	struct table table;
	uint32_t uid;
	uint32_t gid;
	uint32_t own_uid;
	uint32_t own_gid;
	struct people people;
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

/** number_put() - the lower @size bytes, to the memory of who makes the call: did it work? */
bool number_put(struct viewos_call_req *req, uint64_t address, uint64_t number, size_t size);

/** id_out() - an id in @size bytes */
uint32_t id_out(uint32_t id, size_t size);

/** users_find() - as calls_find() */
void users_find(void);

/** users_init() - as calls_init(); @everybody: also of those be asked who have changed nothing */
int users_init(struct viewos_call_session *session, bool everybody);

/** users_call() - answer the call, if it tells or changes who one is. Return: is it so? */
bool users_call(struct people *people, struct viewos_call_req *req);

/** calls_find() - find the numbers of the calls, once, before there is a session */
void calls_find(void);

/** calls_init() - say what is to come along with which calls. Return: 0 or a negative errno */
int calls_init(struct viewos_call_session *session);

/** calls_made() - answer a call that is about to be made */
void calls_made(struct store *store, struct viewos_call_req *req);

/** calls_ended() - answer one that has been */
void calls_ended(struct store *store, struct viewos_call_req *req);

#endif /* SERVERS_IDS_H */
