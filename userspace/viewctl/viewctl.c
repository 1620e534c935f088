// SPDX-License-Identifier: GPL-2.0
/* viewctl: views of the system, from the command line */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "viewctl.h"

static const struct verb *const verbs[] = {
	&verb_run,
	&verb_create,
	&verb_enter,
	&verb_set,
	&verb_destroy,
	&verb_mount,
	&verb_umount,
	&verb_tree,
	&verb_ls,
	&verb_show,
	&verb_ps,
	&verb_mounts,
	&verb_servers,
	&verb_sessions,
	&verb_monitor,
};

#define VERB_COUNT	(sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < VERB_COUNT; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	fprintf(stderr, "viewctl: '%s': unknown verb, try viewctl help\n", name);
	return NULL;
}

void verb_help(const struct verb *verb)
{
	printf("Usage: viewctl %s%s%s\n%s.\n", verb->name, *verb->args ? " " : "", verb->args,
	       verb->summary);
	printf("\n%s  -h, --help               show this help\n", verb->help);
}

static void help(void)
{
	size_t i;

	printf("Usage: viewctl VERB [OPTIONS] [ARGUMENTS]\n"
	       "Makes, changes and shows views. Without a verb: the tree of views.\n"
	       "\n");
	for (i = 0; i < VERB_COUNT; i++)
		printf("  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\n"
	       "VIEW is a view's name or id. 'viewctl help VERB' tells more of one.\n"
	       "Exit status: 0 done, 1 failed, 2 bad usage; of run and enter that of the\n"
	       "command, 125 if viewctl failed, 126 if the command cannot be run, 127 if it\n"
	       "is not found.\n");
}

static int help_run(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		help();
		return EXIT_DONE;
	}
	verb = verb_find(argv[1]);
	if (!verb)
		return EXIT_USAGE;
	verb_help(verb);
	return EXIT_DONE;
}

static int dispatch(int argc, char **argv)
{
	char *tree[] = { "tree", NULL };
	const struct verb *verb;

	if (argc < 2)
		return verb_tree.run(1, tree);
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help_run(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("viewctl %s (ABI %d)\n", VIEWOS_RELEASE, VIEWOS_ABI);
		return EXIT_DONE;
	}
	if (argv[1][0] == '-') {
		fprintf(stderr, "viewctl: '%s': unknown option, try viewctl help\n", argv[1]);
		return EXIT_USAGE;
	}
	verb = verb_find(argv[1]);
	return verb ? verb->run(argc - 1, argv + 1) : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int status;

	opterr = 0;
	status = dispatch(argc, argv);
	if (fflush(stdout) < 0 || ferror(stdout)) {
		fail("standard output: %s", strerror(errno));
		return status ? status : EXIT_FAILED;
	}
	return status;
}
