// SPDX-License-Identifier: GPL-2.0
/* viewctl monitor: events as they happen */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "listing.h"

static const char *const event_names[VIEWOS_CMD_MAX + 1] = {
	[VIEWOS_CMD_VIEW_NEW_NTF] = "view-new",
	[VIEWOS_CMD_VIEW_GONE_NTF] = "view-gone",
	[VIEWOS_CMD_TASK_ENTER_NTF] = "task-enter",
	[VIEWOS_CMD_SERVER_NEW_NTF] = "server-new",
	[VIEWOS_CMD_SERVER_GONE_NTF] = "server-gone",
	[VIEWOS_CMD_SERVER_STUCK_NTF] = "server-stuck",
	[VIEWOS_CMD_SESSION_ORPHANED_NTF] = "session-orphaned",
	[VIEWOS_CMD_SESSION_RECOVERED_NTF] = "session-recovered",
	[VIEWOS_CMD_RULE_NEW_NTF] = "rule-new",
	[VIEWOS_CMD_RULE_GONE_NTF] = "rule-gone",
	[VIEWOS_CMD_SOCKET_NEW_NTF] = "socket-new",
	[VIEWOS_CMD_SOCKET_GONE_NTF] = "socket-gone",
};

static const struct column event_columns[] = {
	COLUMN_FIELD("VIEW", VIEW_ID, U64, view_id),
	COLUMN_FIELD("NAME", VIEW_NAME, STRING, view_name),
	COLUMN_FIELD("PARENT", VIEW_PARENT, U64, view_parent),
	COLUMN_FIELD("TID", TASK_TID, U32, task_tid),
	COLUMN_FIELD("PID", TASK_PID, U32, task_pid),
	COLUMN_FIELD("COMM", TASK_COMM, STRING, task_comm),
	COLUMN_FIELD("RULE-ID", RULE_ID, U64, rule_id),
	COLUMN_FIELD("RULE", RULE_VERDICT, RULE, rule_verdict),
	COLUMN_FIELD("INO", SOCKET_INO, U64, socket_ino),
	COLUMN_FIELD("SOCKET", SOCKET_INO, MATCH, family),
	COLUMN_FIELD("STATE", SOCKET_STATE, SOCKET_STATE, socket_state),
	COLUMN_FIELD("LOCAL", SOCKET_LOCAL, ADDRESS, socket_local),
	COLUMN_FIELD("PEER", SOCKET_PEER, ADDRESS, socket_peer),
	COLUMN_FIELD("SERVER", SERVER_NAME, STRING, server_name),
	COLUMN_FIELD("SERVER-PID", SERVER_PID, U32, server_pid),
	COLUMN_FIELD("SESSION", SESSION_ID, U64, session_id),
	COLUMN_FIELD("PENDING", SESSION_PENDING, U64, session_pending),
	COLUMN_FIELD("SOURCE", SOURCE, STRING, source),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	{ 0 },
};

/**
 * struct monitor - what to do with events
 * @json: one object per line
 * @timestamp: begin with the time
 * @left: events to be shown, 0 without end
 */
struct monitor {
	bool json;
	bool timestamp;
	unsigned long left;
};

static void time_print(const struct monitor *monitor)
{
	struct timeval now;
	struct tm local;
	char text[32];

	if (!monitor->timestamp)
		return;
	gettimeofday(&now, NULL);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", localtime_r(&now.tv_sec, &local));
	if (monitor->json)
		printf("\"time\":\"%s.%06ld\",", text, (long)now.tv_usec);
	else
		printf("[%s.%06ld] ", text, (long)now.tv_usec);
}

static void fields_print(const struct viewos_entry *entry)
{
	const struct column *column;
	const char *letter;
	char *text;

	for (column = event_columns; column->name; column++) {
		text = column_text(column, entry, NULL);
		if (!text)
			continue;
		putchar(' ');
		for (letter = column->name; *letter; letter++)
			putchar(tolower(*letter));
		putchar(' ');
		text_print(stdout, text);
		free(text);
	}
}

static int event_print(const struct viewos_entry *entry, void *arg)
{
	struct monitor *monitor = arg;
	const char *name;

	name = entry->cmd <= VIEWOS_CMD_MAX ? event_names[entry->cmd] : NULL;
	if (!name)
		return 0;
	if (monitor->json)
		putchar('{');
	time_print(monitor);
	if (monitor->json) {
		printf("\"event\":\"%s\",", name);
		json_object(stdout, event_columns, entry, NULL);
		putchar('}');
	} else {
		fputs(name, stdout);
		fields_print(entry);
	}
	putchar('\n');
	if (fflush(stdout) < 0)
		return 1;
	return monitor->left && !--monitor->left;
}

static int watch(struct monitor *monitor)
{
	struct viewos_nl *nl;
	int ret;

	if (netlink_open(&nl) < 0)
		return EXIT_FAILED;
	while ((ret = viewos_monitor(nl, event_print, monitor)) == -ENOBUFS)
		fail("events were lost");
	viewos_nl_close(nl);
	return ret < 0 ? fail("events: %s", strerror(-ret)) : EXIT_DONE;
}

static int monitor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "timestamp", no_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' },
		OPTION_HELP
	};
	struct monitor request = { 0 };
	char *end;
	int opt;

	while ((opt = getopt_long(argc, argv, ":hJtc:", options, NULL)) != -1) {
		if (opt == 'J') {
			request.json = true;
		} else if (opt == 't') {
			request.timestamp = true;
		} else if (opt == 'c') {
			request.left = strtoul(optarg, &end, 10);
			if (!isdigit((unsigned char)*optarg) || *end || !request.left)
				return usage(&verb_monitor, "--count: '%s': expected a number",
					     optarg);
		} else {
			return option_rest(&verb_monitor, opt, argv);
		}
	}
	if (optind < argc)
		return usage(&verb_monitor, "'%s': unexpected argument", argv[optind]);
	return watch(&request);
}

const struct verb verb_monitor = {
	.name = "monitor",
	.args = "[OPTIONS]",
	.summary = "Show events as they happen, a line each, until interrupted",
	.help = "  -c, --count N            end after N events\n"
		"  -J, --json               as JSON, an object per line\n"
		"  -t, --timestamp          with the time\n",
	.run = monitor,
};
