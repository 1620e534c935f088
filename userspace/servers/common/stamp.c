// SPDX-License-Identifier: GPL-2.0
/* Node ids that say which file they are of. */
#include "stamp.h"

/* FNV-1a. */
static uint64_t add(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;

	while (len--)
		hash = (hash ^ *byte++) * UINT64_C(0x100000001b3);
	return hash;
}

uint32_t stamp_of(const struct stat *st, const void *bytes, size_t len)
{
	const uint64_t what[] = {
		st->st_dev, st->st_ino, st->st_rdev, (uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
	};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = add(hash, what, sizeof(what));
	hash = add(hash, bytes, len);
	return (uint32_t)(hash ^ hash >> 32);
}
