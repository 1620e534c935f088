/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: --clock, what time it is in a view */
#ifndef _VIEWCTL_CLOCK_H
#define _VIEWCTL_CLOCK_H

#include "viewctl.h"

/** enum clock_key - what --clock can say */
enum clock_key { CLOCK_REALTIME_KEY, CLOCK_RATE_KEY, CLOCK_BOOTTIME_KEY, CLOCK_MONOTONIC_KEY,
	CLOCK_KEYS };

/**
 * struct clock - a view's clock, and offsets of a time namespace
 * @flags: VIEWOS_CLOCK_*; 0 without a clock of the view's own
 * @realtime: of it, nanoseconds
 * @rate: of it, or 0
 * @boottime: nanoseconds, with @has_boottime
 * @monotonic: likewise
 * @has_boottime: the time namespace is to have that offset
 * @has_monotonic: likewise
 * @told: what was told for each key, to be freed, or NULL
 * @where: the last of that was told
 */
struct clock {
	uint32_t flags;
	int64_t realtime;
	uint64_t rate;
	int64_t boottime, monotonic;
	bool has_boottime, has_monotonic;
	char *told[CLOCK_KEYS];
	struct where where;
};

#define CLOCK_HELP								\
	"      --clock KEY=VALUE[,...]\n"					\
	"                           what time it is inside: realtime=+OFFSET, -OFFSET or\n" \
	"                           DATE, rate=FACTOR, boottime=OFFSET, monotonic=OFFSET;\n" \
	"                           OFFSET as +1d12h or +90.5, DATE as 2031-05-06T07:08:09Z\n" \
	"                           or @SECONDS; repeatable\n"

/** clock_parse() - read KEY=VALUE[,KEY=VALUE...]. Return: an exit status, after a complaint */
int clock_parse(struct clock *clock, const struct where *where, const char *text);

/** clock_key_set() - likewise, the value of one key */
int clock_key_set(struct clock *clock, const struct where *where, enum clock_key key,
		  const char *value);

/** clock_set() - give a view that nobody is in its clock. Return: 0, negative after a complaint */
int clock_set(const struct clock *clock, int view);

/** clock_wants_namespace() - is a time namespace to be made? */
bool clock_wants_namespace(const struct clock *clock);

/** clock_enter() - become a member of the time namespace just made. Return: as clock_set() */
int clock_enter(const struct clock *clock);

void clock_free(struct clock *clock);

#endif /* _VIEWCTL_CLOCK_H */
