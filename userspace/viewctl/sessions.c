// SPDX-License-Identifier: GPL-2.0
/* viewctl sessions: servers at work in a table */
#include "listing.h"

static const struct column session_columns[] = {
	COLUMN_FIELD("ID", SESSION_ID, U64, session_id),
	COLUMN_FIELD("SERVER", SERVER_NAME, STRING, server_name),
	COLUMN_FIELD("PID", SERVER_PID, U32, server_pid),
	COLUMN_FIELD("CLASS", CLASS, CLASS, class_),
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("VIEW-ID", VIEW_ID, U64, view_id, .hidden = true),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	COLUMN_FIELD("UID", OWNER, U32, owner, .hidden = true),
	COLUMN_FIELD("STATE", SESSION_STATE, STATE, session_state),
	COLUMN_FIELD("PENDING", SESSION_PENDING, U64, session_pending),
	COLUMN_FIELD("REQUESTS", SESSION_REQUESTS, U64, session_requests),
	COLUMN_FIELD("SOURCE", SOURCE, STRING, source),
	COLUMN_FIELD("OPTIONS", OPTIONS, STRING, options, .hidden = true),
	COLUMN_FIELD("DEV", MOUNT_DEV, DEV, mount_dev, .hidden = true),
	{ 0 },
};

static int sessions(int argc, char **argv)
{
	return listing_simple(&verb_sessions, "sessions", session_columns, VIEWOS_CMD_SESSION_GET,
			      argc, argv);
}

const struct verb verb_sessions = {
	.name = "sessions",
	.args = "[OPTIONS]",
	.summary = "List servers at work, one line per mount or rule",
	.help = LISTING_HELP,
	.run = sessions,
};
