// SPDX-License-Identifier: GPL-2.0
/* viewctl enter: a command in a view that exists */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "init.h"
#include "join.h"
#include "viewctl.h"

/* Only a child is in it. */
static int enter_pid_namespace(char **argv)
{
	pid_t pid = init_child();

	if (pid < 0)
		return EXIT_VIEWCTL;
	if (!pid)
		_exit(init_exec(argv));
	return init_attend(pid);
}

static int enter(int argc, char **argv)
{
	static const struct option options[] = {
		{ "chdir", required_argument, NULL, 'C' },
		OPTION_HELP
	};
	const char *directory = NULL;
	struct join join;
	char **command;
	int opt;

	while ((opt = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		if (opt != 'C')
			return option_rest(&verb_enter, opt, argv);
		directory = optarg;
	}
	if (optind == argc)
		return usage(&verb_enter, "the view is missing");
	command = argv + optind + 1;
	if (*command && !strcmp(*command, "--"))
		command++;
	if (join_open(&join, argv[optind]) < 0 || join_enter(&join) < 0)
		return EXIT_VIEWCTL;
	if (directory && chdir(directory) < 0) {
		fail("--chdir: '%s': %s", directory, strerror(errno));
		return EXIT_VIEWCTL;
	}
	if (join.pid_ns >= 0)
		return enter_pid_namespace(command);
	return exec_command(command);
}

const struct verb verb_enter = {
	.name = "enter",
	.args = "[OPTIONS] VIEW [--] [COMMAND [ARGUMENT]...]",
	.summary = "Run a command (or a shell) in a view, with the namespaces of its tasks",
	.help = "      --chdir DIR          start the command there\n",
	.run = enter,
};
