/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of a client share: files.c, views.c, socks.c, calls.c, and client.c. */
#ifndef _FUZZ_STATE_H
#define _FUZZ_STATE_H

#include "fuzz.h"

#include <setjmp.h>

#define SLOTS	8
#define BUFFER	(96 << 10)

/**
 * struct state - what a client has
 * @client: who
 * @stream: what it is to do
 * @fds: control nodes, views, servers, sessions; or -1
 * @next: slot that is taken next
 * @files: open files; or -1
 * @next_file: likewise
 * @map: last mapping, or MAP_FAILED
 * @map_len: its length
 * @depth: of forks
 */
struct state {
	struct client *client;
	struct stream *stream;
	int fds[SLOTS];
	unsigned int next;
	int files[SLOTS];
	unsigned int next_file;
	char *map;
	size_t map_len;
	int depth;
};

typedef void (*call_fn)(struct state *state);

/* Ends with NULL. What is to be done often is in it more than once. */
extern const call_fn view_calls[];
extern const call_fn file_calls[];
extern const call_fn sock_calls[];
extern const call_fn call_calls[];

/* For data that do not matter, and what comes back. */
extern char buffer[BUFFER];

/* Where a fault in a mapping leads. */
extern sigjmp_buf fault;

/* Puts an fd into a slot, and closes what was there. */
void keep(struct state *state, int fd);
void keep_file(struct state *state, int fd);

/* Something from the slots, or of the names that there are, or that cannot be. */
int some_fd(struct state *state);
int some_file(struct state *state);
const char *some_path(struct state *state);
const char *some_name(struct state *state);

#endif /* _FUZZ_STATE_H */
