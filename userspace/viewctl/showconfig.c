// SPDX-License-Identifier: GPL-2.0
/* viewctl: a view as a file that describes it */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "live.h"
#include "showconfig.h"
#include "told.h"

/* Stands before what is not known, if it is told: a file of net:[INODE] cannot be opened. */
#define UNKNOWN_NETNS	"netns:net:["

static const struct where nowhere;

/* Of the names those that were told, and those that are not what they are here. */
static int names_take(struct live *live)
{
	struct utsname here;
	const char *ours[VIEWOS_UTS_FIELDS] = {
		[VIEWOS_UTS_SYSNAME] = here.sysname,
		[VIEWOS_UTS_NODENAME] = here.nodename,
		[VIEWOS_UTS_RELEASE] = here.release,
		[VIEWOS_UTS_VERSION] = here.version,
		[VIEWOS_UTS_MACHINE] = here.machine,
		[VIEWOS_UTS_DOMAINNAME] = here.domainname,
	};
	int field, status = EXIT_DONE;

	if (uname(&here) < 0)
		return fail("uname: %s", strerror(errno));
	for (field = 0; !status && field < VIEWOS_UTS_FIELDS; field++)
		if (live->names[field] &&
		    (live->told.uts.names[field] || strcmp(live->names[field], ours[field])))
			status = uts_name_set(&live->told.uts, &nowhere, field,
					      live->names[field]);
	return status;
}

/* What the clock says is told as it was, unless it has been changed. */
static int clock_take(struct live *live)
{
	uint64_t size = live->offset < 0 ? -(uint64_t)live->offset : (uint64_t)live->offset;
	struct clock *clock = &live->told.clock;
	char text[48];
	int status = EXIT_DONE;

	if (live_clock_is(live, clock))
		return EXIT_DONE;
	if (live->offset || clock->flags) {
		snprintf(text, sizeof(text), "%c%" PRIu64 ".%09" PRIu64,
			 live->offset < 0 ? '-' : '+', size / 1000000000, size % 1000000000);
		status = clock_key_set(clock, &nowhere, CLOCK_REALTIME_KEY, text);
	}
	if (!status && (live->rate != 1 || clock->told[CLOCK_RATE_KEY])) {
		snprintf(text, sizeof(text), "%.6f", live->rate);
		status = clock_key_set(clock, &nowhere, CLOCK_RATE_KEY, text);
	}
	return status;
}

/* In the words in which it was told, once for all the rules that these stand for; or in others. */
static int rule_take(struct rulings *rulings, const struct live_rules *live, size_t number)
{
	const struct live_rule *rule = &live->list[number];
	size_t i;

	if (rule->ids || strstr(rule->text, UNKNOWN_NETNS))
		return EXIT_DONE;
	for (i = 0; rule->ruling && i < number; i++)
		if (live->list[i].ruling == rule->ruling)
			return EXIT_DONE;
	if (rule->calls)
		return rulings_calls(rulings, &nowhere,
				     rule->ruling ? rule->ruling->text : rule->text);
	if (rule->binfmt)
		return rulings_binfmt(rulings, &nowhere,
				      rule->ruling ? rule->ruling->text : rule->text);
	return rulings_parse(rulings, &nowhere, rule->ruling ? rule->ruling->text : rule->text);
}

/* Only those that the view has now. */
static int rules_take(struct live *live)
{
	struct rulings rulings = { 0 };
	int status = EXIT_DONE;
	size_t i;

	if (live_rules_find(&live->rules, live->nl, &live->told.rulings) < 0)
		return fail("'%s': rules: %s", live->name, strerror(ENOMEM));
	for (i = 0; !status && i < live->rules.count; i++)
		status = rule_take(&rulings, &live->rules, i);
	for (i = 0; i < live->rules.count; i++)
		live->rules.list[i].ruling = NULL;
	rulings_free(&live->told.rulings);
	/* The end of an empty list is within it. */
	live->told.rulings.first = rulings.first;
	live->told.rulings.last = NULL;
	return status;
}

static void comments_print(const struct live *live)
{
	size_t i;

	printf("# View %" PRIu64 ", as it is now\n", (uint64_t)live->info.id);
	if (live->record < 0)
		printf("# What was told when it was made is not known: its files, namespaces, user "
		       "and command.\n");
	for (i = 0; i < live->rules.count; i++)
		if (strstr(live->rules.list[i].text, UNKNOWN_NETNS))
			printf("# A rule to a network namespace that has no name: %s=%s\n",
			       live_rule_key(&live->rules.list[i]), live->rules.list[i].text);
}

static int config_print(struct live *live)
{
	struct told told = { 0 };
	int status;

	live->told.name = *live->info.name ? live->info.name : NULL;
	live->told.inherit = live->info.inherit;
	comments_print(live);
	status = names_take(live);
	if (!status)
		status = clock_take(live);
	if (!status)
		status = rules_take(live);
	if (!status && told_of_world(&told, &live->told) < 0)
		status = EXIT_FAILED;
	if (!status)
		told_print(stdout, &told);
	told_free(&told);
	return status;
}

int show_config(const char *view)
{
	struct live live;
	int fd = view_open_by_name(view), status;

	if (fd < 0 || live_get(&live, view, fd, false) < 0)
		return EXIT_FAILED;
	status = config_print(&live);
	live_put(&live);
	return status;
}
