// SPDX-License-Identifier: GPL-2.0
/* viewctl rule ls: the rules of views in a table */
#include "listing.h"

static int rule_ls(int argc, char **argv)
{
	return listing_of_view(&verb_rule_ls, "rules", rule_columns, VIEWOS_CMD_RULE_GET, argc,
			       argv);
}

const struct verb verb_rule_ls = {
	.name = "rule ls",
	.args = "[OPTIONS] [VIEW]",
	.summary = "List the rules of views, or of one view",
	.help = LISTING_HELP,
	.run = rule_ls,
};
