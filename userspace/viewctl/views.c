// SPDX-License-Identifier: GPL-2.0
/* viewctl: what is shown of views, tasks, mounts and rules, by several verbs */
#include "listing.h"

const struct column view_columns[] = {
	COLUMN_FIELD("ID", VIEW_ID, U64, view_id),
	COLUMN_FIELD("NAME", VIEW_NAME, STRING, view_name),
	COLUMN_FIELD("PARENT", VIEW_PARENT, U64, view_parent),
	COLUMN_FIELD("DEPTH", VIEW_DEPTH, U32, view_depth),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	COLUMN_FIELD("UID", OWNER, U32, owner, .hidden = true),
	COLUMN_FIELD("INHERIT", VIEW_INHERIT, INHERIT, view_inherit),
	COLUMN_FIELD("TASKS", VIEW_TASKS, U64, view_tasks),
	COLUMN_FIELD("TASKS-TOTAL", VIEW_TASKS_TOTAL, U64, view_tasks_total, .hidden = true),
	COLUMN_FIELD("CHILDREN", VIEW_CHILDREN, U64, view_children),
	COLUMN_FIELD("REQUESTS", VIEW_REQUESTS, U64, view_requests),
	COLUMN_FIELD("NODENAME", UTS_NODENAME, STRING, uts_names[VIEWOS_UTS_NODENAME],
		     .hidden = true),
	COLUMN_FIELD("DOMAINNAME", UTS_DOMAINNAME, STRING, uts_names[VIEWOS_UTS_DOMAINNAME],
		     .hidden = true),
	COLUMN_FIELD("SYSNAME", UTS_SYSNAME, STRING, uts_names[VIEWOS_UTS_SYSNAME], .hidden = true),
	COLUMN_FIELD("RELEASE", UTS_RELEASE, STRING, uts_names[VIEWOS_UTS_RELEASE], .hidden = true),
	COLUMN_FIELD("VERSION", UTS_VERSION, STRING, uts_names[VIEWOS_UTS_VERSION], .hidden = true),
	COLUMN_FIELD("MACHINE", UTS_MACHINE, STRING, uts_names[VIEWOS_UTS_MACHINE], .hidden = true),
	COLUMN_FIELD("CLOCK-OFFSET", CLOCK_OFFSET, SECONDS, clock_offset, .hidden = true),
	COLUMN_FIELD("CLOCK-RATE", CLOCK_RATE, RATE, clock_rate, .hidden = true),
	{ 0 },
};

const struct column task_columns[] = {
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("VIEW-ID", VIEW_ID, U64, view_id, .hidden = true),
	COLUMN_FIELD("PID", TASK_PID, U32, task_pid),
	COLUMN_FIELD("TID", TASK_TID, U32, task_tid, .hidden = true),
	COLUMN_FIELD("COMM", TASK_COMM, STRING, task_comm),
	{ 0 },
};

const struct column mount_columns[] = {
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("VIEW-ID", VIEW_ID, U64, view_id, .hidden = true),
	COLUMN_FIELD("TARGET", MOUNT_DEV, TARGET, mount_dev),
	COLUMN_FIELD("DEV", MOUNT_DEV, DEV, mount_dev, .hidden = true),
	COLUMN_FIELD("SERVER", SERVER_NAME, STRING, server_name),
	COLUMN_FIELD("SOURCE", SOURCE, STRING, source),
	COLUMN_FIELD("OPTIONS", OPTIONS, STRING, options),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	COLUMN_FIELD("UID", OWNER, U32, owner, .hidden = true),
	COLUMN_FIELD("STATE", SESSION_STATE, STATE, session_state),
	COLUMN_FIELD("SESSION", SESSION_ID, U64, session_id, .hidden = true),
	COLUMN_FIELD("REQUESTS", SESSION_REQUESTS, U64, session_requests),
	COLUMN_FIELD("PENDING", SESSION_PENDING, U64, session_pending, .hidden = true),
	{ 0 },
};

const struct column rule_columns[] = {
	COLUMN_FIELD("ID", RULE_ID, U64, rule_id),
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("VIEW-ID", VIEW_ID, U64, view_id, .hidden = true),
	COLUMN_FIELD("CLASS", CLASS, CLASS, class_, .hidden = true),
	COLUMN_FIELD("MATCH", RULE_ID, MATCH, family),
	COLUMN_FIELD("FAMILY", FAMILY, FAMILY, family, .hidden = true),
	COLUMN_FIELD("TYPE", TYPE, TYPE, type, .hidden = true),
	COLUMN_FIELD("PROTO", PROTOCOL, PROTOCOL, protocol, .hidden = true),
	COLUMN_FIELD("STACK", RULE_STACK, STRING, rule_stack),
	COLUMN_FIELD("VERDICT", RULE_VERDICT, VERDICT, rule_verdict),
	COLUMN_FIELD("TARGET", RULE_VERDICT, RULE_TARGET, rule_verdict),
	COLUMN_FIELD("SOURCE", SOURCE, STRING, source),
	COLUMN_FIELD("HITS", RULE_HITS, U64, rule_hits),
	COLUMN_FIELD("RULE", RULE_ID, RULE, rule_id, .hidden = true),
	{ 0 },
};
