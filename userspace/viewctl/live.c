// SPDX-License-Identifier: GPL-2.0
/* viewctl: a view that exists, by what the kernel says and what was told of it */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "record.h"

/* What the kernel says of a view's clock, by that of the system. */
struct clock_state {
	bool present;
	int64_t offset;
	uint64_t rate;
};

static void clock_state_of(const struct viewos_entry *entry, struct clock_state *state)
{
	state->present = viewos_entry_has(entry, VIEWOS_A_CLOCK_OFFSET);
	state->offset = entry->clock_offset;
	state->rate = state->present ? entry->clock_rate : VIEWOS_CLOCK_RATE_ONE;
}

static int parent_look(const struct viewos_entry *entry, void *arg)
{
	clock_state_of(entry, arg);
	return 1;
}

/* For the view itself, whose names are in the entry alone. */
struct look {
	struct live *live;
	struct clock_state clock;
};

static int view_look(const struct viewos_entry *entry, void *arg)
{
	struct look *look = arg;
	int field;

	clock_state_of(entry, &look->clock);
	for (field = 0; field < VIEWOS_UTS_FIELDS; field++) {
		if (!entry->uts_names[field])
			continue;
		look->live->names[field] = strdup(entry->uts_names[field]);
		if (!look->live->names[field])
			return -ENOMEM;
	}
	return 1;
}

static int state_get(struct live *live)
{
	struct clock_state above = { .rate = VIEWOS_CLOCK_RATE_ONE };
	struct look look = { .live = live };
	int ret;

	ret = viewos_list(live->nl, VIEWOS_CMD_VIEW_GET, live->info.id, view_look, &look);
	/* A view above that is another user's tells nothing: as if it were the system. */
	if (ret >= 0 && viewos_list(live->nl, VIEWOS_CMD_VIEW_GET, live->info.parent_id,
				    parent_look, &above) < 0)
		above = (struct clock_state){ .rate = VIEWOS_CLOCK_RATE_ONE };
	live->has_clock = look.clock.present;
	live->offset = look.clock.offset - above.offset;
	live->rate = (double)look.clock.rate / (double)above.rate;
	live->paced = look.clock.rate != VIEWOS_CLOCK_RATE_ONE ||
		      above.rate != VIEWOS_CLOCK_RATE_ONE;
	return ret < 0 ? ret : 0;
}

static int record_get(struct live *live, bool write)
{
	live->record = record_open(live->nl, &live->info, write);
	if (live->record < 0)
		return 0;
	if (record_read(live->record, &live->told) == EXIT_DONE)
		return 0;
	fail("'%s': what was told of it cannot be read, as is said above", live->name);
	return -EBADMSG;
}

int live_get(struct live *live, const char *name, int view, bool write)
{
	struct identity identity;
	int ret;

	*live = (struct live){ .name = name, .view = view, .record = -1, .told = { .view = -1 } };
	ret = netlink_open(&live->nl);
	if (ret < 0) {
		close(view);
		return ret;
	}
	ret = viewos_view_info(view, &live->info);
	if (ret >= 0)
		ret = state_get(live);
	if (ret >= 0)
		ret = live_rules_get(&live->rules, live->nl, live->info.id);
	if (ret < 0) {
		fail("'%s': %s", name, view_error(ret));
	} else {
		ret = record_get(live, write);
		identity = live->told.identity;
		identity.given |= live->told.ids.wanted;
	}
	if (ret >= 0 && live->told.ids.wanted) {
		ret = live_rules_mark_ids(&live->rules, live->nl, &identity);
		if (ret < 0)
			fail("'%s': rules: %s", name, strerror(-ret));
	}
	if (ret < 0)
		live_put(live);
	return ret;
}

void live_put(struct live *live)
{
	int field;

	for (field = 0; field < VIEWOS_UTS_FIELDS; field++)
		free(live->names[field]);
	live_rules_free(&live->rules);
	world_free(&live->told);
	if (live->record >= 0)
		close(live->record);
	viewos_nl_close(live->nl);
	close(live->view);
}

static bool same_text(const char *one, const char *other)
{
	return one == other || (one && other && !strcmp(one, other));
}

bool live_clock_is(const struct live *live, const struct clock *clock)
{
	const struct clock *told = &live->told.clock;
	double rate = !(clock->flags & VIEWOS_CLOCK_RATE) ? 1 :
		      (double)clock->rate / (double)VIEWOS_CLOCK_RATE_ONE;

	if (!live->has_clock)
		return !clock->flags;
	/* Products of rates are rounded. */
	if (live->rate < rate * 0.999999 || live->rate > rate * 1.000001)
		return false;
	/* To the nanosecond: the kernel does not forget it, unless it is set inside. */
	if (!live->paced && !(clock->flags & VIEWOS_CLOCK_DATE))
		return live->offset == clock->realtime;
	return same_text(clock->told[CLOCK_REALTIME_KEY], told->told[CLOCK_REALTIME_KEY]) &&
	       same_text(clock->told[CLOCK_RATE_KEY], told->told[CLOCK_RATE_KEY]);
}
