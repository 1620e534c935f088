/* SPDX-License-Identifier: GPL-2.0 */
/* The options string of a mount, read into a struct by a table. */
#ifndef SERVERS_OPTIONS_H
#define SERVERS_OPTIONS_H

#include <stddef.h>

enum option_type {
	OPTION_FLAG,	/* bool: present or not */
	OPTION_NUMBER,	/* uint64_t, decimal */
	OPTION_SIZE,	/* uint64_t, decimal with an optional k, M, G or T */
	OPTION_ID,	/* uint32_t, decimal: a user or a group */
	OPTION_MODE,	/* uint32_t, octal, at most 07777 */
	OPTION_SECONDS,	/* double, not negative */
	OPTION_STRING,	/* char *, allocated, the target's owner's to free; NULL before */
};

/* A table ends with an entry that has no name. offset is that of the field in the target struct. */
struct option_entry {
	const char *name;
	enum option_type type;
	size_t offset;
};

/*
 * Reads "name=value,name,..." into target. An option that is unknown or has a bad value is told on
 * stderr, after the name of the program, and makes the call return -EINVAL; -ENOMEM without memory.
 * NULL is an empty string. The target keeps its defaults for what is not named.
 */
int options_parse(const char *program, const char *string, const struct option_entry *table,
		  void *target);

#endif
