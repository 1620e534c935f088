/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what was told of a view, as the entries of a file */
#ifndef _VIEWCTL_TOLD_H
#define _VIEWCTL_TOLD_H

#include <stdio.h>

#include "settings.h"

/**
 * struct entry - of a file
 * @setting: its key
 * @value: to be freed
 * @where: it was told
 */
struct entry {
	const struct setting *setting;
	char *value;
	struct where where;
};

/**
 * struct told - entries, those of a section side by side
 * @list: an array
 * @count: of them
 * @failed: there was no memory for one of them
 */
struct told {
	struct entry *list;
	size_t count;
	bool failed;
};

/** told_add() - append an entry, with a copy of the value; @where may be NULL */
void told_add(struct told *told, const char *section, const char *key, const struct where *where,
	      const char *value);

/**
 * told_of_world() - all that was told of a view that has not been made yet
 *
 * What is as it would be anyway is left out, but for the name. Return: 0, or negative after a
 * complaint.
 */
int told_of_world(struct told *told, const struct world *world);

/** told_print() - as a file */
void told_print(FILE *out, const struct told *told);

/** told_text() - likewise, as text to be freed; NULL without memory */
char *told_text(const struct told *told);

/** told_free() - free what it holds */
void told_free(struct told *told);

/** step_key(), ruling_key() - in which keys of [Files] and [Rules] they are told */
const char *step_key(const struct step *step);
const char *ruling_key(const struct ruling *ruling);

/** uts_key(), clock_key() - likewise, of [Names] and [Clock]; NULL behind the last one */
const char *uts_key(int field);
const char *clock_key(int key);

#endif /* _VIEWCTL_TOLD_H */
