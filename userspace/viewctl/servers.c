// SPDX-License-Identifier: GPL-2.0
/* viewctl servers: the registered servers in a table */
#include "listing.h"

static const struct column server_columns[] = {
	COLUMN_FIELD("NAME", SERVER_NAME, STRING, server_name),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	COLUMN_FIELD("UID", OWNER, U32, owner, .hidden = true),
	COLUMN_FIELD("PID", SERVER_PID, U32, server_pid),
	COLUMN_FIELD("CLASSES", SERVER_CLASSES, CLASSES, server_classes),
	COLUMN_FIELD("PUBLIC", SERVER_PUBLIC, BOOL, server_public),
	COLUMN_FIELD("SESSIONS", SERVER_SESSIONS, U64, server_sessions),
	{ 0 },
};

static int servers(int argc, char **argv)
{
	return listing_simple(&verb_servers, "servers", server_columns, VIEWOS_CMD_SERVER_GET,
			      argc, argv);
}

const struct verb verb_servers = {
	.name = "servers",
	.args = "[OPTIONS]",
	.summary = "List registered servers",
	.help = LISTING_HELP,
	.run = servers,
};
