// SPDX-License-Identifier: GPL-2.0
/* viewctl umount: end mounts */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "inside.h"
#include "viewctl.h"

/* Targets, ended by NULL, and MNT_* flags. */
struct request {
	char **targets;
	int flags;
};

static int do_umount(void *arg)
{
	const struct request *request = arg;
	int status = EXIT_DONE;
	char **target;

	for (target = request->targets; *target; target++)
		if (umount2(*target, request->flags) < 0)
			status = fail("'%s': %s", *target, strerror(errno));
	return status;
}

static int unmount(int argc, char **argv)
{
	static const struct option options[] = {
		{ "lazy", no_argument, NULL, 'l' },
		{ "force", no_argument, NULL, 'f' },
		{ "view", required_argument, NULL, 'v' },
		OPTION_HELP
	};
	const char *view = NULL;
	struct request request = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, ":hlf", options, NULL)) != -1) {
		if (opt == 'l')
			request.flags |= MNT_DETACH;
		else if (opt == 'f')
			request.flags |= MNT_FORCE;
		else if (opt == 'v')
			view = optarg;
		else
			return option_rest(&verb_umount, opt, argv);
	}
	if (optind == argc)
		return usage(&verb_umount, "the target is missing");
	request.targets = argv + optind;
	return inside(view, do_umount, &request);
}

const struct verb verb_umount = {
	.name = "umount",
	.args = "[OPTIONS] TARGET...",
	.summary = "Unmount, in the current view or another",
	.help = "  -l, --lazy               detach now, end when nobody uses it\n"
		"  -f, --force              end its session, whatever waits for it fails\n"
		"      --view VIEW          inside this view\n",
	.run = unmount,
};
