// SPDX-License-Identifier: GPL-2.0
/* viewctl set: change a view */
#include <unistd.h>

#include "viewctl.h"

static int set_view(const char *view, enum viewos_inherit inherit)
{
	int ctl, fd, ret;

	ctl = ctl_open();
	if (ctl < 0)
		return EXIT_FAILED;
	fd = view_open(ctl, view);
	close(ctl);
	if (fd < 0)
		return EXIT_FAILED;
	ret = viewos_view_set(fd, inherit);
	close(fd);
	return ret < 0 ? fail("'%s': %s", view, view_error(ret)) : EXIT_DONE;
}

static int set(int argc, char **argv)
{
	static const struct option options[] = {
		{ "inherit", required_argument, NULL, 'i' },
		OPTION_HELP
	};
	int opt, inherit = -1;

	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt != 'i')
			return option_rest(&verb_set, opt, argv);
		inherit = inherit_parse(optarg);
		if (inherit < 0)
			return usage(&verb_set, "--inherit: '%s': expected share, nest or leave",
				     optarg);
	}
	if (optind == argc)
		return usage(&verb_set, "the view is missing");
	if (argc - optind > 1)
		return usage(&verb_set, "'%s': unexpected argument", argv[optind + 1]);
	if (inherit < 0)
		return usage(&verb_set, "nothing to set");
	return set_view(argv[optind], inherit);
}

const struct verb verb_set = {
	.name = "set",
	.args = "VIEW --inherit HOW",
	.summary = "Change a view",
	.help = "      --inherit HOW        what new processes get from now on: share (the view),\n"
		"                           nest (a view each), leave (the view's parent)\n",
	.run = set,
};
