// SPDX-License-Identifier: GPL-2.0
/* viewctl: views of the system, from the command line */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "viewctl.h"

static const struct verb *const verbs[] = {
	&verb_run,
	&verb_trace,
	&verb_create,
	&verb_apply,
	&verb_enter,
	&verb_attach,
	&verb_set,
	&verb_destroy,
	&verb_kill,
	&verb_mount,
	&verb_umount,
	&verb_rule,
	&verb_tree,
	&verb_ls,
	&verb_show,
	&verb_ps,
	&verb_top,
	&verb_mounts,
	&verb_servers,
	&verb_sessions,
	&verb_sockets,
	&verb_monitor,
	NULL,
};

/* The verb of a verb has a name of two words, of which the user types the second here. */
static const struct verb *verb_find(const struct verb *const *list, const char *name)
{
	const char *word;

	for (; *list; list++) {
		word = strrchr((*list)->name, ' ');
		if (!strcmp(word ? word + 1 : (*list)->name, name))
			return *list;
	}
	return NULL;
}

static void verbs_print(const struct verb *const *list)
{
	for (; *list; list++)
		printf("  %-10s %s\n", (*list)->name, (*list)->summary);
}

void verb_help(const struct verb *verb)
{
	printf("Usage: viewctl %s%s%s\n%s.\n", verb->name, *verb->args ? " " : "", verb->args,
	       verb->summary);
	putchar('\n');
	if (verb->verbs) {
		verbs_print(verb->verbs);
		putchar('\n');
	}
	printf("%s  -h, --help               show this help\n", verb->help);
}

static void help(void)
{
	printf("Usage: viewctl VERB [OPTIONS] [ARGUMENTS]\n"
	       "Makes, changes and shows views. Without a verb: the tree of views.\n"
	       "\n");
	verbs_print(verbs);
	printf("\n"
	       "VIEW is a view's name or id. 'viewctl help VERB' tells more of one.\n"
	       "Exit status: 0 done, 1 failed, 2 bad usage; of run, trace and enter that of\n"
	       "the command, 125 if viewctl failed, 126 if the command cannot be run, 127 if it\n"
	       "is not found.\n");
}

static int verb_unknown(const char *name)
{
	fprintf(stderr, "viewctl: '%s': unknown verb, try viewctl help\n", name);
	return EXIT_USAGE;
}

static int help_run(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		help();
		return EXIT_DONE;
	}
	verb = verb_find(verbs, argv[1]);
	if (verb && verb->verbs && argc > 2)
		verb = verb_find(verb->verbs, argv[2]);
	if (!verb)
		return verb_unknown(argv[argc > 2 ? 2 : 1]);
	verb_help(verb);
	return EXIT_DONE;
}

static int verb_run_words(const struct verb *verb, int argc, char **argv)
{
	const struct verb *inner;

	if (!verb->verbs)
		return verb->run(argc, argv);
	if (argc < 2)
		return usage(verb, "'%s': the verb behind it is missing", verb->name);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		verb_help(verb);
		return EXIT_DONE;
	}
	inner = verb_find(verb->verbs, argv[1]);
	if (!inner)
		return usage(verb, "'%s': unknown verb", argv[1]);
	return inner->run(argc - 1, argv + 1);
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
	verb = verb_find(verbs, argv[1]);
	return verb ? verb_run_words(verb, argc - 1, argv + 1) : verb_unknown(argv[1]);
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
