// SPDX-License-Identifier: GPL-2.0
/* viewctl tree: the views beneath their parents */
#include <errno.h>
#include <stdlib.h>

#include "listing.h"

static const struct column tree_columns[] = {
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id, .tree = true),
	COLUMN_FIELD("ID", VIEW_ID, U64, view_id),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	COLUMN_FIELD("INHERIT", VIEW_INHERIT, INHERIT, view_inherit, .hidden = true),
	COLUMN_FIELD("TASKS", VIEW_TASKS, U64, view_tasks),
	COLUMN_FIELD("TASKS-TOTAL", VIEW_TASKS_TOTAL, U64, view_tasks_total, .hidden = true),
	COLUMN_FIELD("REQUESTS", VIEW_REQUESTS, U64, view_requests),
	{ 0 },
};

/* A view and its line. */
struct node {
	uint64_t id;
	struct libscols_line *line;
};

/**
 * struct forest - the tree while it is drawn
 * @listing: where
 * @count: of views so far
 * @nodes: they, with ids that grow: a parent is older than its children
 */
struct forest {
	struct listing *listing;
	size_t count;
	struct node *nodes;
};

static int node_compare(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int node_add(const struct viewos_entry *entry, void *arg)
{
	struct forest *forest = arg;
	struct node key = { .id = entry->view_parent };
	struct node *nodes, *parent;
	struct libscols_line *line;

	parent = bsearch(&key, forest->nodes, forest->count, sizeof(key), node_compare);
	line = listing_add(forest->listing, entry, parent ? parent->line : NULL);
	nodes = reallocarray(forest->nodes, forest->count + 1, sizeof(*nodes));
	if (nodes)
		forest->nodes = nodes;
	if (!line || !nodes)
		return -ENOMEM;
	nodes[forest->count++] = (struct node){ .id = entry->view_id, .line = line };
	return 0;
}

static int tree(int argc, char **argv)
{
	static const struct option options[] = { LISTING_OPTIONS };
	const struct viewos_entry root = { .present = 1ULL << VIEWOS_A_VIEW_ID };
	struct listing listing = { .verb = &verb_tree, .title = "views", .columns = tree_columns };
	struct forest forest = { .listing = &listing };
	struct viewos_nl *nl;
	int opt, status, ret;

	while ((opt = getopt_long(argc, argv, LISTING_SHORT, options, NULL)) != -1)
		if (!listing_option(&listing, opt))
			return option_rest(&verb_tree, opt, argv);
	if (optind < argc)
		return usage(&verb_tree, "'%s': unexpected argument", argv[optind]);
	status = listing_begin(&listing);
	if (status)
		return status;
	if (netlink_open(&nl) < 0)
		return EXIT_FAILED;
	/* The root view is not listed by the kernel: it is always there. */
	ret = node_add(&root, &forest);
	if (!ret)
		ret = viewos_list(nl, VIEWOS_CMD_VIEW_GET, VIEWOS_VIEW_ANY, node_add, &forest);
	viewos_nl_close(nl);
	free(forest.nodes);
	return listing_end(&listing, ret);
}

const struct verb verb_tree = {
	.name = "tree",
	.args = "[OPTIONS]",
	.summary = "Show views as a tree",
	.help = LISTING_HELP,
	.run = tree,
};
