/* SPDX-License-Identifier: GPL-2.0 */
/* Node ids that say which file they are of: what servers of files that do not change go by. */
#ifndef SERVERS_STAMP_H
#define SERVERS_STAMP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * With recover= another process may go on with a session, and opens the file anew. If that is
 * another one by then, or was changed, no id of before may be taken for one of now. So the
 * upper half of an id is a stamp of the file, and the lower half the node's number. The root is 1.
 */

/* The stamp of a file that was opened, and of len bytes of it. */
uint32_t stamp_of(const struct stat *st, const void *bytes, size_t len);

static inline uint64_t stamp_id(uint32_t stamp, uint64_t number)
{
	return number == 1 ? 1 : (uint64_t)stamp << 32 | number;
}

/* The number, or 0, which none has, for an id of another file. */
static inline uint64_t stamp_number(uint32_t stamp, uint64_t id)
{
	return id == 1 ? 1 : id >> 32 == stamp ? id & UINT32_MAX : 0;
}

#endif
