// SPDX-License-Identifier: GPL-2.0
/* viewctl mounts: the viewfs file systems in a table */
#include "listing.h"

static int mounts(int argc, char **argv)
{
	return listing_simple(&verb_mounts, "mounts", mount_columns, VIEWOS_CMD_MOUNT_GET,
			      argc, argv);
}

const struct verb verb_mounts = {
	.name = "mounts",
	.args = "[OPTIONS]",
	.summary = "List file systems that servers provide",
	.help = LISTING_HELP,
	.run = mounts,
};
