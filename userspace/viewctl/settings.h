/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewctl, private: what can be said of a new view, by options and by keys of files
 *
 * One table has them all: getopt_long(3), the reader of files and what shows a view as a file
 * take them from there. Several may say the same in two ways; one that has no key, or no
 * option, is said by others in the other way.
 */
#ifndef _VIEWCTL_SETTINGS_H
#define _VIEWCTL_SETTINGS_H

#include "world.h"

/**
 * struct given - what is told for a setting
 * @where: it is told
 * @value: of the option or the key, NULL without one
 * @parameter: of the setting
 */
struct given {
	const struct where *where;
	const char *value;
	int parameter;
};

/**
 * struct setting - an option, a key, or both
 * @option: with its dashes, or NULL
 * @letter: its short form, or 0
 * @argument: as struct option has it in has_arg
 * @run_only: verb run has the option, create has not
 * @words: its value has quotes of its own
 * @section: of a file, or NULL
 * @key: in that section
 * @set: takes it; returns an exit status, after a complaint
 * @parameter: for @set
 */
struct setting {
	const char *option;
	int letter;
	int argument;
	bool run_only;
	bool words;
	const char *section;
	const char *key;
	int (*set)(struct world *world, const struct given *given);
	int parameter;
};

/* Ended by one without a @set. */
extern const struct setting settings[];

/** setting_of_key() - the one of that key; NULL if there is none */
const struct setting *setting_of_key(const char *section, const char *key);

/** setting_apply() - have the value taken, and remember where it was told */
int setting_apply(struct world *world, const struct setting *setting, const struct where *where,
		  const char *value);

/**
 * settings_options() - take the options of verb run or create, files that they name first
 * @status: an exit status, if it is not to go on
 *
 * Return: whether to go on, with optind after them.
 */
bool settings_options(struct world *world, const struct verb *verb, int argc, char **argv,
		      int *status);

#endif /* _VIEWCTL_SETTINGS_H */
