// SPDX-License-Identifier: GPL-2.0
/* viewctl sockets: the sockets that servers provide, in a table */
#include "listing.h"

static const struct column socket_columns[] = {
	COLUMN_FIELD("INO", SOCKET_INO, U64, socket_ino),
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("VIEW-ID", VIEW_ID, U64, view_id, .hidden = true),
	COLUMN_FIELD("FAMILY", FAMILY, FAMILY, family),
	COLUMN_FIELD("TYPE", TYPE, TYPE, type),
	COLUMN_FIELD("PROTO", PROTOCOL, PROTOCOL, protocol),
	COLUMN_FIELD("STATE", SOCKET_STATE, SOCKET_STATE, socket_state),
	COLUMN_FIELD("LOCAL", SOCKET_LOCAL, ADDRESS, socket_local),
	COLUMN_FIELD("PEER", SOCKET_PEER, ADDRESS, socket_peer),
	COLUMN_FIELD("STACK", RULE_STACK, STRING, rule_stack),
	COLUMN_FIELD("SERVER", SERVER_NAME, STRING, server_name),
	COLUMN_FIELD("SESSION", SESSION_ID, U64, session_id, .hidden = true),
	COLUMN_FIELD("BACKED", SOCKET_BACKED, BOOL, socket_backed),
	COLUMN_FIELD("PIDS", SOCKET_INO, PIDS, socket_ino),
	{ 0 },
};

static int sockets(int argc, char **argv)
{
	return listing_of_view(&verb_sockets, "sockets", socket_columns, VIEWOS_CMD_SOCKET_GET,
			       argc, argv);
}

const struct verb verb_sockets = {
	.name = "sockets",
	.args = "[OPTIONS] [VIEW]",
	.summary = "List sockets that servers provide, in views or in one view",
	.help = LISTING_HELP,
	.run = sockets,
};
