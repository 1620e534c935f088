// SPDX-License-Identifier: GPL-2.0
/* viewctl: complaints */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "viewctl.h"

/* The line of a file that is being done, see fail_within(). */
static struct where within;

void fail_within(const struct where *where)
{
	within = where && where->file ? *where : (struct where){ 0 };
}

static void place_print(const struct where *where)
{
	fputs("viewctl: ", stderr);
	if (where->file && where->line)
		fprintf(stderr, "%s:%u: ", where->file, where->line);
	else if (where->file)
		fprintf(stderr, "%s: ", where->file);
}

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	place_print(&within);
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

static void complain(const struct where *where, const char *format, va_list args)
{
	place_print(where);
	if (where->name && *where->name)
		fprintf(stderr, "%s: ", where->name);
	vfprintf(stderr, format, args);
}

int wrong(const struct where *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(where, format, args);
	va_end(args);
	if (where->verb && !where->file)
		fprintf(stderr, ", try viewctl help %s", where->verb->name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

int fail_at(const struct where *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(where, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
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
