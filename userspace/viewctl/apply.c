// SPDX-License-Identifier: GPL-2.0
/* viewctl apply: have a view be what a file says */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "hold.h"
#include "reconcile.h"

/**
 * struct apply - what is to be applied, and how
 * @file: its name
 * @name: of the view, if it is not to be the file's
 * @dry: only say what would be done
 * @stdio: the command keeps our standard output and error
 * @world: that the file describes
 * @told: by it
 */
struct apply {
	const char *file;
	const char *name;
	bool dry;
	bool stdio;
	struct world world;
	struct told told;
};

/* The file's own name, without what is before and behind. */
static const char *name_of_file(struct apply *apply)
{
	static const char suffix[] = ".conf";
	const char *name = strrchr(apply->file, '/');
	char *copy;
	size_t len;

	if (!strcmp(apply->file, "-"))
		return NULL;
	copy = (char *)world_keep(&apply->world, name ? name + 1 : apply->file);
	len = copy ? strlen(copy) : 0;
	if (len > strlen(suffix) && !strcmp(copy + len - strlen(suffix), suffix))
		copy[len - strlen(suffix)] = '\0';
	return copy;
}

static int apply_to_live(struct apply *apply, int view)
{
	struct live live;
	int status;

	if (live_get(&live, apply->world.name, view, !apply->dry) < 0)
		return EXIT_FAILED;
	status = reconcile(&live, config_name(apply->file), &apply->world, &apply->told,
			   apply->dry);
	live_put(&live);
	return status;
}

static int apply_new(struct apply *apply)
{
	if (!apply->dry)
		return hold_world(&apply->world, &apply->told, apply->stdio);
	if (world_check(&apply->world) < 0)
		return EXIT_FAILED;
	told_print(stdout, &apply->told);
	return EXIT_DONE;
}

static int apply_world(struct apply *apply)
{
	const char *name = apply->name ? apply->name : apply->world.name;
	int ctl, view;

	if (!name)
		name = name_of_file(apply);
	if (!name)
		return usage(&verb_apply, "the view has no name: expected Name= of [View], or "
			     "--name");
	apply->world.name = name;
	if (told_of_world(&apply->told, &apply->world) < 0)
		return EXIT_FAILED;
	ctl = ctl_open();
	if (ctl < 0)
		return EXIT_FAILED;
	view = viewos_view_open(ctl, name);
	close(ctl);
	if (view == -ENOENT)
		return apply_new(apply);
	if (view < 0)
		return fail("'%s': %s", name, view_error(view));
	return apply_to_live(apply, view);
}

static int apply(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "name", required_argument, NULL, 'N' },
		{ "stdio", no_argument, NULL, 's' },
		OPTION_HELP
	};
	struct apply apply = { .world = { .view = -1 } };
	int opt, status;

	while ((opt = getopt_long(argc, argv, ":hn", options, NULL)) != -1) {
		if (opt == 'n')
			apply.dry = true;
		else if (opt == 'N')
			apply.name = optarg;
		else if (opt == 's')
			apply.stdio = true;
		else
			return option_rest(&verb_apply, opt, argv);
	}
	if (optind == argc)
		return usage(&verb_apply, "the file is missing");
	if (argc - optind > 1)
		return usage(&verb_apply, "'%s': unexpected argument", argv[optind + 1]);
	apply.file = argv[optind];
	status = config_read(&apply.world, apply.file);
	if (!status)
		status = apply_world(&apply);
	told_free(&apply.told);
	world_free(&apply.world);
	return status;
}

const struct verb verb_apply = {
	.name = "apply",
	.args = "[OPTIONS] FILE",
	.summary = "Create the view that a file describes, or have it be as the file says",
	.help = "      --name NAME          of the view, in place of that in the file\n"
		"  -n, --dry-run            check the file, and print what would be changed\n"
		"      --stdio              the view's command keeps standard output and error\n"
		"  FILE is as viewctl.conf(5) tells, - is standard input.\n\n",
	.run = apply,
};
