/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what its verbs share */
#ifndef _VIEWCTL_H
#define _VIEWCTL_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewos.h"

/* Exit statuses; a command that was run has its own. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_VIEWCTL = 125,	/* run, enter: the command was not reached */
	EXIT_CANNOT_EXEC = 126,
	EXIT_NOT_FOUND = 127,
};

/**
 * struct verb - one of viewctl's commands
 * @name: what the user types
 * @args: what follows it, for help
 * @summary: one line
 * @help: the rest of its help: options, each line ended by a newline
 * @run: does it; argv[0] is the verb; returns an exit status
 * @verbs: in place of @run: verbs of its own, which have its name in theirs, ended by NULL
 */
struct verb {
	const char *name;
	const char *args;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
	const struct verb *const *verbs;
};

extern const struct verb verb_apply, verb_attach, verb_create, verb_destroy, verb_enter, verb_kill,
	verb_ls, verb_monitor, verb_mount, verb_mounts, verb_ps, verb_rule, verb_rule_add,
	verb_rule_del, verb_rule_ls, verb_run, verb_servers, verb_sessions, verb_set, verb_show,
	verb_sockets, verb_top, verb_trace, verb_tree, verb_umount;

/* viewctl.c */
void verb_help(const struct verb *verb);

/* report.c: errors go to stderr as "viewctl: what: why" */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int usage(const struct verb *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * struct where - where something was told, for complaints about it
 * @verb: whose option it is, or NULL
 * @file: that it is in, or NULL
 * @line: of the file, or 0: all of it
 * @name: of the option or the key, or "" (which NULL is, too)
 */
struct where {
	const struct verb *verb;
	const char *file;
	unsigned int line;
	const char *name;
};

/* As usage() and fail(), and they begin with where it was told. */
int wrong(const struct where *where, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int fail_at(const struct where *where, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** fail_within() - what fail() tells from now on is about a line of a file; NULL: no more */
void fail_within(const struct where *where);

/**
 * option_rest() - what every verb does with the options it does not handle itself
 *
 * Its options end with OPTION_HELP, its short ones begin with "+:h". Return: an
 * exit status, after help or a complaint.
 */
int option_rest(const struct verb *verb, int opt, char **argv);
#define OPTION_HELP	{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }

/* open.c: these complain, and return a negative number when they fail */
int ctl_open(void);
int view_open(int ctl, const char *view);
int view_open_by_name(const char *view);
int view_id(const char *view, uint64_t *id);
int netlink_open(struct viewos_nl **nl);
const char *view_error(int error);
int inherit_parse(const char *name);
const char *inherit_name(unsigned int inherit);

/* exec.c */
int exec_command(char **argv);

#endif /* _VIEWCTL_H */
