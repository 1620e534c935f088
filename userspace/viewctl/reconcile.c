// SPDX-License-Identifier: GPL-2.0
/* viewctl: making of a view that exists what a file says */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "reconcile.h"
#include "record.h"

/* Can it be changed while the view exists? The name is what it is found by. */
static bool is_fixed(const struct entry *entry)
{
	const char *section = entry->setting->section, *key = entry->setting->key;

	if (!strcmp(section, "View"))
		return strcmp(key, "Name") && strcmp(key, "Inherit");
	if (!strcmp(section, "Clock"))
		return !strcmp(key, "Boottime") || !strcmp(key, "Monotonic");
	return !strcmp(section, "Files");
}

/* The @number-th one of those that are fixed, or NULL. */
static const struct entry *fixed_at(const struct told *told, size_t number)
{
	size_t i;

	for (i = 0; i < told->count; i++)
		if (is_fixed(&told->list[i]) && !number--)
			return &told->list[i];
	return NULL;
}

static bool same_entry(const struct entry *one, const struct entry *other)
{
	return one->setting == other->setting && !strcmp(one->value, other->value);
}

/* One that is the same, or for @any_value just has the key. */
static bool has_entry(const struct told *told, const struct entry *entry, bool any_value)
{
	size_t i;

	for (i = 0; i < told->count; i++)
		if (any_value ? told->list[i].setting == entry->setting :
				same_entry(&told->list[i], entry))
			return true;
	return false;
}

/* Keys of [Files] can be there many times; of the others the last one counts, and is told. */
static bool is_repeatable(const struct entry *entry)
{
	return !strcmp(entry->setting->section, "Files");
}

/* How many there are that are not so, after complaints about them. */
static int fixed_check(const struct live *live, const char *file, const struct told *was,
		       const struct told *told)
{
	const char *known = live->record < 0 ? " (how it was made is not known)" : "";
	const struct where all = { .file = file };
	const struct entry *entry, *other;
	int errors = 0;
	size_t i;

	for (i = 0; (entry = fixed_at(told, i)); i++) {
		if (has_entry(was, entry, false))
			continue;
		errors++;
		fail_at(&entry->where, "'%s': view '%s' exists, and cannot be changed to that%s",
			entry->value, live->name, known);
	}
	for (i = 0; (entry = fixed_at(was, i)); i++) {
		if (has_entry(told, entry, false) ||
		    (!is_repeatable(entry) && has_entry(told, entry, true)))
			continue;
		errors++;
		fail_at(&all, "view '%s' exists, with %s=%s, and cannot be changed to be without",
			live->name, entry->setting->key, entry->value);
	}
	for (i = 0; !errors && (entry = fixed_at(told, i)); i++) {
		other = fixed_at(was, i);
		if (other && same_entry(entry, other))
			continue;
		errors++;
		fail_at(&entry->where, "'%s': view '%s' exists, and has that in another order",
			entry->value, live->name);
	}
	return errors;
}

/* What the view says now counts, whoever has changed it. */
static int names_check(const struct live *live, const char *file, const struct world *world)
{
	const struct where all = { .file = file };
	const char *name, *has;
	int field, errors = 0;

	for (field = 0; field < VIEWOS_UTS_FIELDS; field++) {
		name = world->uts.names[field];
		has = live->names[field];
		if (name && (!has || strcmp(name, has))) {
			errors++;
			fail_at(&world->told_at[setting_of_key("Names", uts_key(field)) - settings],
				"'%s': view '%s' exists, with %s%s%s, and cannot be changed to that",
				name, live->name, has ? "'" : "", has ? has : "none of its own",
				has ? "'" : "");
		} else if (!name && live->told.uts.names[field]) {
			errors++;
			fail_at(&all, "view '%s' exists, with %s=%s, and cannot be changed to be "
				"without", live->name, uts_key(field), has ? has : "");
		}
	}
	return errors;
}

static int clock_check(const struct live *live, const char *file, const struct clock *clock)
{
	const struct where all = { .file = file };

	if (clock->flags && !live->has_clock)
		return fail_at(&clock->where, "view '%s' exists, and has no clock to be set",
			       live->name);
	if (!clock->flags && (live->told.clock.flags || live->offset || live->rate != 1))
		return fail_at(&all, "view '%s' exists, with a clock, and cannot be changed to be "
			       "without", live->name);
	return 0;
}

/**
 * struct change - what is to be done
 * @inherit: it is to be changed
 * @clock: likewise
 * @rules: some are to be added, or deleted
 */
struct change {
	bool inherit;
	bool clock;
	bool rules;
};

static int change_find(struct live *live, struct world *world, struct change *change)
{
	const struct ruling *ruling;
	size_t i;
	int ret;

	*change = (struct change){
		.inherit = world->inherit != live->info.inherit,
		.clock = world->clock.flags && !live_clock_is(live, &world->clock),
	};
	ret = live_rules_keep(&live->rules, live->nl, &world->rulings);
	for (ruling = world->rulings.first; ruling; ruling = ruling->next)
		change->rules |= !ruling->kept;
	for (i = 0; i < live->rules.count; i++)
		change->rules |= !live->rules.list[i].ruling && !live->rules.list[i].ids;
	return ret;
}

static void entry_print(const char *sign, const char *key, const char *value)
{
	printf("%s%s=", sign, key);
	config_value_print(stdout, value);
	putchar('\n');
}

static void change_print(const struct live *live, const struct world *world,
			 const struct change *change)
{
	const struct live_rule *rule = live->rules.list;
	const struct ruling *ruling;
	int key;

	if (change->inherit) {
		entry_print("-", "Inherit", inherit_name(live->info.inherit));
		entry_print("+", "Inherit", inherit_name(world->inherit));
	}
	for (key = CLOCK_REALTIME_KEY; change->clock && key <= CLOCK_RATE_KEY; key++) {
		if (live->told.clock.told[key])
			entry_print("-", clock_key(key), live->told.clock.told[key]);
		if (world->clock.told[key])
			entry_print("+", clock_key(key), world->clock.told[key]);
	}
	for (; rule < live->rules.list + live->rules.count; rule++)
		if (!rule->ruling && !rule->ids)
			entry_print("-", live_rule_key(rule), rule->text);
	for (ruling = world->rulings.first; ruling; ruling = ruling->next)
		if (!ruling->kept)
			entry_print("+", ruling_key(ruling), ruling->text);
}

static int inherit_change(const struct live *live, const struct world *world)
{
	int ret = viewos_view_set(live->view, world->inherit);

	if (ret < 0)
		fail_at(&world->told_at[setting_of_key("View", "Inherit") - settings], "'%s': %s",
			inherit_name(world->inherit), view_error(ret));
	return ret;
}

/* What is not told is as it would be in a new view. */
static int clock_change(const struct live *live, const struct world *world)
{
	struct clock clock = world->clock;
	int ret;

	if (!(clock.flags & VIEWOS_CLOCK_DATE))
		clock.flags |= VIEWOS_CLOCK_OFFSET;
	if (!(clock.flags & VIEWOS_CLOCK_RATE))
		clock.rate = VIEWOS_CLOCK_RATE_ONE;
	clock.flags |= VIEWOS_CLOCK_RATE;
	ret = viewos_view_clock(live->view, clock.flags, clock.realtime, clock.rate);
	if (ret == -EBUSY)
		fail_at(&clock.where, "view '%s' exists, and has no clock of its own to be set",
			live->name);
	else if (ret < 0)
		fail_at(&clock.where, "%s", ret == -EINVAL ? "the time would be before 1970 or "
			"after 2231, or the rate, with those of the views above, not from 0.001 to "
			"1000" : strerror(-ret));
	return ret;
}

/* Those that are gone are deleted last, so that there is always a rule for what has one. */
static int rules_delete(const struct live *live)
{
	const struct live_rule *rule = live->rules.list;
	int ret, status = 0;

	for (; rule < live->rules.list + live->rules.count; rule++) {
		if (rule->ruling || rule->ids)
			continue;
		ret = viewos_rule_del(live->view, rule->id);
		if (ret < 0 && ret != -ENOENT) {
			fail("'%s': %s", rule->text, rule_error(ret, NULL));
			status = ret;
		}
	}
	return status;
}

/* Either all is changed or, as far as it can be undone, nothing. */
static int change_make(struct live *live, struct world *world, const struct change *change)
{
	int ret;

	ret = rulings_add(&world->rulings, live->view);
	if (ret < 0)
		return ret;
	if (change->inherit)
		ret = inherit_change(live, world);
	if (ret < 0)
		goto take_back;
	if (change->clock)
		ret = clock_change(live, world);
	if (ret < 0)
		goto restore;
	return rules_delete(live);

restore:
	if (change->inherit)
		viewos_view_set(live->view, live->info.inherit);
take_back:
	rulings_take_back(&world->rulings, live->view);
	return ret;
}

int reconcile(struct live *live, const char *file, struct world *world, const struct told *told,
	      bool dry)
{
	struct told was = { 0 };
	struct change change;
	int errors, ret;

	ret = told_of_world(&was, &live->told);
	if (ret < 0)
		return EXIT_FAILED;
	errors = fixed_check(live, file, &was, told);
	errors += names_check(live, file, world);
	errors += clock_check(live, file, &world->clock);
	told_free(&was);
	if (errors)
		return EXIT_FAILED;
	ret = change_find(live, world, &change);
	if (ret < 0)
		return fail("'%s': rules: %s", live->name, strerror(-ret));
	if (!dry && (change.inherit || change.clock || change.rules))
		ret = change_make(live, world, &change);
	if (ret < 0)
		return EXIT_FAILED;
	change_print(live, world, &change);
	if (!dry && live->record >= 0 && record_write(live->record, told) < 0)
		return EXIT_FAILED;
	return EXIT_DONE;
}
