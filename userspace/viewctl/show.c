// SPDX-License-Identifier: GPL-2.0
/* viewctl show: all about one view */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "listing.h"
#include "showconfig.h"

/**
 * struct shown - a view while it is shown
 * @json: as JSON
 * @id: of the view
 * @lookup: for the parts
 * @columns: of the part that is shown now
 * @title: of that part
 * @count: its entries so far
 */
struct shown {
	bool json;
	uint64_t id;
	struct lookup lookup;
	const struct column *columns;
	const char *title;
	unsigned int count;
};

static int view_print(const struct viewos_entry *entry, void *arg)
{
	const struct shown *shown = arg;
	const struct column *column;
	const char *letter;
	char *text;

	if (shown->json) {
		printf("{\"view\":{");
		json_object(stdout, view_columns, entry, NULL);
		printf("}");
		return 0;
	}
	for (column = view_columns; column->name; column++) {
		text = column_text(column, entry, NULL);
		if (!text)
			continue;
		for (letter = column->name; *letter; letter++)
			putchar(*letter == '-' ? ' ' : tolower(*letter));
		printf(": ");
		text_print(stdout, text);
		putchar('\n');
		free(text);
	}
	return 0;
}

/* A task, mount or rule; the dump of mounts has those of other views too. */
static int part_print(const struct viewos_entry *entry, void *arg)
{
	struct shown *shown = arg;
	const struct column *column;
	const char *separator = "";
	char *text;

	if (entry->view_id != shown->id)
		return 0;
	if (shown->json) {
		printf("%s{", shown->count++ ? "," : "");
		json_object(stdout, shown->columns, entry, &shown->lookup);
		printf("}");
		return 0;
	}
	shown->count++;
	printf("%s: ", shown->title);
	for (column = shown->columns; column->name; column++) {
		/* The view itself is known. */
		if (column->hidden || column->attr == VIEWOS_A_VIEW_ID)
			continue;
		text = column_text(column, entry, &shown->lookup);
		if (!text)
			continue;
		fputs(separator, stdout);
		text_print(stdout, text);
		separator = " ";
		free(text);
	}
	putchar('\n');
	return 0;
}

/* What a view has. The dump of mounts cannot be limited to one view. */
static const struct part {
	const char *title;
	const struct column *columns;
	enum viewos_cmd cmd;
	bool limited;
} parts[] = {
	{ "task", task_columns, VIEWOS_CMD_TASK_GET, true },
	{ "mount", mount_columns, VIEWOS_CMD_MOUNT_GET, false },
	{ "rule", rule_columns, VIEWOS_CMD_RULE_GET, true },
};

static int part_list(struct viewos_nl *nl, struct shown *shown, const struct part *part)
{
	int ret;

	shown->title = part->title;
	shown->columns = part->columns;
	shown->count = 0;
	if (shown->json)
		printf(",\"%ss\":[", part->title);
	ret = viewos_list(nl, part->cmd, part->limited ? shown->id : VIEWOS_VIEW_ANY, part_print,
			  shown);
	/* A module of ABI 1 has no rules to be listed. */
	if (ret == -EOPNOTSUPP)
		ret = 0;
	if (shown->json)
		printf("]");
	return ret;
}

static int parts_list(struct viewos_nl *nl, struct shown *shown)
{
	size_t i;
	int ret;

	ret = lookup_views(&shown->lookup, nl);
	if (!ret)
		ret = lookup_mounts(&shown->lookup, nl);
	for (i = 0; !ret && i < sizeof(parts) / sizeof(parts[0]); i++)
		ret = part_list(nl, shown, &parts[i]);
	return ret;
}

static int show_view(const char *view, struct shown *shown)
{
	struct viewos_nl *nl;
	int ret;

	if (view_id(view, &shown->id) < 0 || netlink_open(&nl) < 0)
		return EXIT_FAILED;
	ret = viewos_list(nl, VIEWOS_CMD_VIEW_GET, shown->id, view_print, shown);
	if (!ret)
		ret = parts_list(nl, shown);
	viewos_nl_close(nl);
	lookup_free(&shown->lookup);
	if (ret < 0)
		return fail("'%s': %s", view, view_error(ret));
	if (shown->json)
		printf("}\n");
	return EXIT_DONE;
}

static int show(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'J' },
		OPTION_HELP
	};
	struct shown shown = { 0 };
	bool config = false;
	int opt;

	while ((opt = getopt_long(argc, argv, ":hJ", options, NULL)) != -1) {
		if (opt == 'c')
			config = true;
		else if (opt == 'J')
			shown.json = true;
		else
			return option_rest(&verb_show, opt, argv);
	}
	if (config && shown.json)
		return usage(&verb_show, "--config and --json: only one of them");
	if (optind == argc)
		return usage(&verb_show, "the view is missing");
	if (argc - optind > 1)
		return usage(&verb_show, "'%s': unexpected argument", argv[optind + 1]);
	return config ? show_config(argv[optind]) : show_view(argv[optind], &shown);
}

const struct verb verb_show = {
	.name = "show",
	.args = "[OPTIONS] VIEW",
	.summary = "Show all about a view: itself, its tasks, mounts and rules",
	.help = "      --config             as a file for viewctl apply, see viewctl.conf(5)\n"
		"  -J, --json               as JSON\n",
	.run = show,
};
