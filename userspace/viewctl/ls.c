// SPDX-License-Identifier: GPL-2.0
/* viewctl ls: the views in a table */
#include "listing.h"

static int ls(int argc, char **argv)
{
	return listing_simple(&verb_ls, "views", view_columns, VIEWOS_CMD_VIEW_GET,
			      argc, argv);
}

const struct verb verb_ls = {
	.name = "ls",
	.args = "[OPTIONS]",
	.summary = "List views",
	.help = LISTING_HELP,
	.run = ls,
};
