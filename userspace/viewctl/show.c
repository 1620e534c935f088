// SPDX-License-Identifier: GPL-2.0
/* viewctl show: all about one view */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"

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

/* A task or mount; the dump of mounts has those of other views too. */
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
	/* The view itself, named by the first two columns, is known. */
	for (column = shown->columns + 2; column->name; column++) {
		text = column->hidden ? NULL : column_text(column, entry, &shown->lookup);
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

static int part_list(struct viewos_nl *nl, struct shown *shown, const char *title)
{
	bool tasks = !strcmp(title, "task");
	int ret;

	shown->title = title;
	shown->columns = tasks ? task_columns : mount_columns;
	shown->count = 0;
	if (shown->json)
		printf(",\"%ss\":[", title);
	ret = viewos_list(nl, tasks ? VIEWOS_CMD_TASK_GET : VIEWOS_CMD_MOUNT_GET,
			  tasks ? shown->id : VIEWOS_VIEW_ANY, part_print, shown);
	if (shown->json)
		printf("]");
	return ret;
}

static int show_view(const char *view, struct shown *shown)
{
	struct viewos_view_info info;
	struct viewos_nl *nl;
	int ctl, fd, ret;

	ctl = ctl_open();
	if (ctl < 0)
		return EXIT_FAILED;
	fd = view_open(ctl, view);
	close(ctl);
	if (fd < 0)
		return EXIT_FAILED;
	ret = viewos_view_info(fd, &info);
	close(fd);
	if (ret < 0)
		return fail("'%s': %s", view, view_error(ret));
	shown->id = info.id;

	if (netlink_open(&nl) < 0)
		return EXIT_FAILED;
	ret = viewos_list(nl, VIEWOS_CMD_VIEW_GET, shown->id, view_print, shown);
	if (!ret)
		ret = lookup_views(&shown->lookup, nl);
	if (!ret)
		ret = part_list(nl, shown, "task");
	if (!ret)
		ret = lookup_mounts(&shown->lookup, nl);
	if (!ret)
		ret = part_list(nl, shown, "mount");
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
		{ "json", no_argument, NULL, 'J' },
		OPTION_HELP
	};
	struct shown shown = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, ":hJ", options, NULL)) != -1) {
		if (opt != 'J')
			return option_rest(&verb_show, opt, argv);
		shown.json = true;
	}
	if (optind == argc)
		return usage(&verb_show, "the view is missing");
	if (argc - optind > 1)
		return usage(&verb_show, "'%s': unexpected argument", argv[optind + 1]);
	return show_view(argv[optind], &shown);
}

const struct verb verb_show = {
	.name = "show",
	.args = "[OPTIONS] VIEW",
	.summary = "Show all about a view: itself, its tasks, its mounts",
	.help = "  -J, --json               as JSON\n",
	.run = show,
};
