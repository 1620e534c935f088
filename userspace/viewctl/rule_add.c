// SPDX-License-Identifier: GPL-2.0
/* viewctl rule add: more rules for a view */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "binfmt.h"
#include "calls.h"
#include "ruling.h"

static int add(struct rulings *rulings, const char *view)
{
	struct ruling *ruling;
	int fd, ret;
	size_t i;

	fd = view_open_by_name(view);
	if (fd < 0)
		return EXIT_FAILED;
	ret = rulings_add(rulings, fd);
	close(fd);
	if (ret < 0)
		return EXIT_FAILED;
	for (ruling = rulings->first; ruling; ruling = ruling->next)
		for (i = 0; i < ruling->added; i++)
			printf("%" PRIu64 "\n", ruling->ids[i]);
	return EXIT_DONE;
}

static int rule_parse(struct rulings *rulings, const char *text)
{
	static const struct where where = { .verb = &verb_rule_add };

	if (!strncmp(text, CALLS_PREFIX, strlen(CALLS_PREFIX)))
		return rulings_calls(rulings, &where, text + strlen(CALLS_PREFIX));
	if (!strncmp(text, BINFMT_PREFIX, strlen(BINFMT_PREFIX)))
		return rulings_binfmt(rulings, &where, text + strlen(BINFMT_PREFIX));
	return rulings_parse(rulings, &where, text);
}

static int rule_add(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP };
	struct rulings rulings = { 0 };
	int i, opt, status = EXIT_DONE;

	opt = getopt_long(argc, argv, ":h", options, NULL);
	if (opt != -1)
		return option_rest(&verb_rule_add, opt, argv);
	if (argc - optind < 2)
		return usage(&verb_rule_add, "%s is missing",
			     optind == argc ? "the view" : "the rule");
	for (i = optind + 1; !status && i < argc; i++)
		status = rule_parse(&rulings, argv[i]);
	if (!status)
		status = add(&rulings, argv[optind]);
	rulings_free(&rulings);
	return status;
}

const struct verb verb_rule_add = {
	.name = "rule add",
	.args = "VIEW RULE...",
	.summary = "Add rules to a view, all or none, and print their ids",
	.help = RULE_HELP CALLS_HELP BINFMT_HELP,
	.run = rule_add,
};
