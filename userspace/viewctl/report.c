// SPDX-License-Identifier: GPL-2.0
/* viewctl: complaints */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "viewctl.h"

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("viewctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return EXIT_FAILED;
}

int usage(const struct verb *verb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("viewctl: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, ", try viewctl help %s\n", verb->name);
	va_end(args);
	return EXIT_USAGE;
}

int option_rest(const struct verb *verb, int opt, char **argv)
{
	const char *token = argv[optind - 1];
	char letter[3] = { '-', optopt, '\0' };

	if (opt == 'h') {
		verb_help(verb);
		return EXIT_DONE;
	}
	if (strncmp(token, "--", 2) && optopt > 0 && optopt < 256)
		token = letter;
	if (opt == ':')
		return usage(verb, "'%s': its argument is missing", token);
	if (optopt)
		return usage(verb, "'%s': %s", token,
			     strchr(token, '=') ? "takes no argument" : "unknown option");
	return usage(verb, "'%s': unknown option", token);
}
