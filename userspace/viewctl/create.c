// SPDX-License-Identifier: GPL-2.0
/* viewctl create: a view that exists until it is destroyed */
#include "hold.h"

static int create_world(struct world *world)
{
	struct told told = { 0 };
	int status = EXIT_FAILED;

	if (told_of_world(&told, world) >= 0)
		status = hold_world(world, &told, false);
	told_free(&told);
	return status;
}

static int create(int argc, char **argv)
{
	struct world world = { .view = -1 };
	int status;

	if (settings_options(&world, &verb_create, argc, argv, &status)) {
		if (optind == argc)
			status = usage(&verb_create, "the view's name is missing");
		else if (argc - optind > 1)
			status = usage(&verb_create, "'%s': unexpected argument", argv[optind + 1]);
	}
	if (!status && optind < argc) {
		world.name = argv[optind];
		status = create_world(&world);
	}
	world_free(&world);
	return status;
}

const struct verb verb_create = {
	.name = "create",
	.args = "[OPTIONS] NAME",
	.summary = "Create a view that stays until it is destroyed, and print its id",
	.help = WORLD_HELP,
	.run = create,
};
