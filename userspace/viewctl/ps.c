// SPDX-License-Identifier: GPL-2.0
/* viewctl ps: what runs in views */
#include <errno.h>

#include "listing.h"

static const struct column thread_columns[] = {
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("VIEW-ID", VIEW_ID, U64, view_id, .hidden = true),
	COLUMN_FIELD("PID", TASK_PID, U32, task_pid),
	COLUMN_FIELD("TID", TASK_TID, U32, task_tid),
	COLUMN_FIELD("COMM", TASK_COMM, STRING, task_comm),
	{ 0 },
};

/* In a listing of processes, its first thread stands for each. */
static int process_add(const struct viewos_entry *entry, void *arg)
{
	if (entry->task_tid != entry->task_pid)
		return 0;
	return listing_add(arg, entry, NULL) ? 0 : -ENOMEM;
}

static int thread_add(const struct viewos_entry *entry, void *arg)
{
	return listing_add(arg, entry, NULL) ? 0 : -ENOMEM;
}

static int ps(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threads", no_argument, NULL, 'T' },
		LISTING_OPTIONS
	};
	struct listing listing = { .verb = &verb_ps, .title = "tasks", .columns = task_columns };
	uint64_t view = VIEWOS_VIEW_ANY;
	struct viewos_nl *nl;
	int opt, status, ret;

	while ((opt = getopt_long(argc, argv, LISTING_SHORT "T", options, NULL)) != -1) {
		if (opt == 'T')
			listing.columns = thread_columns;
		else if (!listing_option(&listing, opt))
			return option_rest(&verb_ps, opt, argv);
	}
	if (argc - optind > 1)
		return usage(&verb_ps, "'%s': unexpected argument", argv[optind + 1]);
	status = listing_begin(&listing);
	if (status)
		return status;
	if (optind < argc && view_id(argv[optind], &view) < 0)
		return EXIT_FAILED;
	if (netlink_open(&nl) < 0)
		return EXIT_FAILED;
	ret = lookup_views(&listing.lookup, nl);
	if (ret >= 0)
		ret = viewos_list(nl, VIEWOS_CMD_TASK_GET, view,
				  listing.columns == thread_columns ? thread_add : process_add,
				  &listing);
	viewos_nl_close(nl);
	return listing_end(&listing, ret);
}

const struct verb verb_ps = {
	.name = "ps",
	.args = "[OPTIONS] [VIEW]",
	.summary = "List processes in views",
	.help = "  -T, --threads            every thread, not every process\n" LISTING_HELP,
	.run = ps,
};
