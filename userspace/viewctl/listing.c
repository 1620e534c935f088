// SPDX-License-Identifier: GPL-2.0
/* viewctl: tables */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "listing.h"

bool listing_option(struct listing *listing, int opt)
{
	switch (opt) {
	case 'J':
		listing->json = true;
		return true;
	case 'n':
		listing->noheadings = true;
		return true;
	case 'o':
		listing->output = optarg;
		return true;
	case 'r':
		listing->raw = true;
		return true;
	default:
		return false;
	}
}

static const struct column *column_find(const struct column *columns, const char *name)
{
	for (; columns->name; columns++)
		if (!strcasecmp(columns->name, name))
			return columns;
	return NULL;
}

static int column_unknown(const struct listing *listing, const char *name)
{
	const struct column *column;

	fprintf(stderr, "viewctl: --output: '%s': unknown column, known are", name);
	for (column = listing->columns; column->name; column++)
		fprintf(stderr, " %s", column->name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* Fills in what is shown, from the usual columns and --output. */
static int columns_choose(struct listing *listing)
{
	const char *output = listing->output;
	const struct column *column;
	char *list, *rest, *name;
	int status = EXIT_DONE;

	if (!output || *output == '+')
		for (column = listing->columns; column->name; column++)
			if (!column->hidden)
				listing->shown[listing->count++] = column;
	if (!output)
		return EXIT_DONE;

	rest = list = strdup(*output == '+' ? output + 1 : output);
	if (!list)
		return fail("%s", strerror(ENOMEM));
	while (!status && (name = strsep(&rest, ","))) {
		column = column_find(listing->columns, name);
		if (!column)
			status = column_unknown(listing, name);
		else if (listing->count == COLUMNS_MAX)
			status = usage(listing->verb, "--output: '%s': too many columns", output);
		else
			listing->shown[listing->count++] = column;
	}
	free(list);
	return status;
}

static bool column_is_number(const struct column *column)
{
	return column->kind == COLUMN_U32 || column->kind == COLUMN_U64 ||
	       column->kind == COLUMN_PER_SECOND;
}

static int column_add(struct listing *listing, const struct column *column)
{
	int flags = (column_is_number(column) ? SCOLS_FL_RIGHT : 0) |
		    (column->tree ? SCOLS_FL_TREE : 0);
	struct libscols_column *added;

	added = scols_table_new_column(listing->table, column->name, 0, flags);
	if (!added)
		return -ENOMEM;
	if (column_is_number(column))
		scols_column_set_json_type(added, SCOLS_JSON_NUMBER);
	else if (column->kind == COLUMN_BOOL)
		scols_column_set_json_type(added, SCOLS_JSON_BOOLEAN);
	return 0;
}

int listing_begin(struct listing *listing)
{
	int status = columns_choose(listing);
	size_t i;

	if (status)
		return status;
	listing->table = scols_new_table();
	if (!listing->table)
		return fail("%s", strerror(ENOMEM));
	scols_table_set_name(listing->table, listing->title);
	scols_table_enable_json(listing->table, listing->json);
	scols_table_enable_noheadings(listing->table, listing->noheadings);
	scols_table_enable_raw(listing->table, listing->raw);
	scols_table_enable_colors(listing->table, isatty(STDOUT_FILENO));
	for (i = 0; i < listing->count; i++)
		if (column_add(listing, listing->shown[i]) < 0)
			return fail("%s", strerror(ENOMEM));
	return EXIT_DONE;
}

struct libscols_line *listing_add(struct listing *listing, const struct viewos_entry *entry,
				  struct libscols_line *parent)
{
	struct libscols_line *line = scols_table_new_line(listing->table, parent);
	char *text;
	size_t i;

	if (!line)
		return NULL;
	if (viewos_entry_has(entry, VIEWOS_A_SESSION_STATE) &&
	    entry->session_state == VIEWOS_SESSION_DEAD)
		scols_line_set_color(line, "red");
	for (i = 0; i < listing->count; i++) {
		text = column_text(listing->shown[i], entry, &listing->lookup);
		if (!text && !listing->json)
			text = strdup("-");
		if (text)
			scols_line_refer_data(line, i, text);
	}
	return line;
}

int listing_end(struct listing *listing, int ret)
{
	if (ret >= 0 && scols_print_table(listing->table) < 0)
		ret = -ENOMEM;
	scols_unref_table(listing->table);
	lookup_free(&listing->lookup);
	return ret < 0 ? fail("%s: %s", listing->verb->name, strerror(-ret)) : EXIT_DONE;
}

static int simple_add(const struct viewos_entry *entry, void *arg)
{
	return listing_add(arg, entry, NULL) ? 0 : -ENOMEM;
}

static bool shows(const struct listing *listing, enum column_kind kind)
{
	size_t i;

	for (i = 0; i < listing->count; i++)
		if (listing->shown[i]->kind == kind)
			return true;
	return false;
}

/* Fills the table in. */
static int gather(struct listing *listing, enum viewos_cmd cmd, uint64_t view)
{
	struct viewos_nl *nl;
	int ret;

	ret = netlink_open(&nl);
	if (ret < 0)
		return ret;
	ret = lookup_views(&listing->lookup, nl);
	if (ret >= 0 && shows(listing, COLUMN_TARGET))
		ret = lookup_mounts(&listing->lookup, nl);
	if (ret >= 0 && shows(listing, COLUMN_PIDS))
		ret = lookup_sockets(&listing->lookup);
	if (ret >= 0)
		ret = viewos_list(nl, cmd, view, simple_add, listing);
	viewos_nl_close(nl);
	return ret;
}

static int list(struct listing *listing, enum viewos_cmd cmd, unsigned int views, int argc,
		char **argv)
{
	static const struct option options[] = { LISTING_OPTIONS };
	uint64_t view = VIEWOS_VIEW_ANY;
	int opt, status;

	while ((opt = getopt_long(argc, argv, LISTING_SHORT, options, NULL)) != -1)
		if (!listing_option(listing, opt))
			return option_rest(listing->verb, opt, argv);
	if (argc - optind > (int)views)
		return usage(listing->verb, "'%s': unexpected argument", argv[optind + views]);
	status = listing_begin(listing);
	if (status)
		return status;
	if (optind < argc && view_id(argv[optind], &view) < 0)
		return EXIT_FAILED;
	return listing_end(listing, gather(listing, cmd, view));
}

int listing_simple(const struct verb *verb, const char *title, const struct column *columns,
		   enum viewos_cmd cmd, int argc, char **argv)
{
	struct listing listing = { .verb = verb, .title = title, .columns = columns };

	return list(&listing, cmd, 0, argc, argv);
}

int listing_of_view(const struct verb *verb, const char *title, const struct column *columns,
		    enum viewos_cmd cmd, int argc, char **argv)
{
	struct listing listing = { .verb = verb, .title = title, .columns = columns };

	return list(&listing, cmd, 1, argc, argv);
}
