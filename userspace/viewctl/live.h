/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: a view that exists, by what the kernel says and what was told of it */
#ifndef _VIEWCTL_LIVE_H
#define _VIEWCTL_LIVE_H

#include "liverules.h"
#include "world.h"

/**
 * struct live - a view that exists
 * @name: as the user called it
 * @view: view fd
 * @nl: netlink socket
 * @info: by the kernel
 * @names: of its UTS namespace, each to be freed; NULL without a namespace of its own
 * @has_clock: it has a clock, or a view above it has
 * @offset: nanoseconds by which it is ahead of the view above; without a meaning if a @rate is
 * @rate: how fast it goes by the clock of the view above
 * @paced: the date in it, or above, does not go as the system's
 * @rules: that it has, those of --ids marked
 * @record: see record.h, or -1
 * @told: by the record; all empty without one
 */
struct live {
	const char *name;
	int view;
	struct viewos_nl *nl;
	struct viewos_view_info info;
	char *names[VIEWOS_UTS_FIELDS];
	bool has_clock;
	int64_t offset;
	double rate;
	bool paced;
	struct live_rules rules;
	int record;
	struct world told;
};

/**
 * live_get() - all about a view
 * @view: view fd, which live_put() closes
 * @write: the record is to be written, too
 *
 * Return: 0, or negative after a complaint.
 */
int live_get(struct live *live, const char *name, int view, bool write);

/** live_put() - free what it holds */
void live_put(struct live *live);

/** live_clock_is() - does it have this clock, as far as that can be seen? */
bool live_clock_is(const struct live *live, const struct clock *clock);

#endif /* _VIEWCTL_LIVE_H */
