/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: a command written in one line */
#ifndef _VIEWCTL_WORDS_H
#define _VIEWCTL_WORDS_H

#include <stdio.h>

#include "viewctl.h"

/**
 * words_parse() - take a line apart into words
 * @words: an array that NULL ends, to be freed by words_free()
 *
 * White space separates them. "" and '' keep it, and in "" and outside of both a backslash keeps
 * what is behind it. Nothing else is special: there is no shell.
 *
 * Return: an exit status, after a complaint; a line without a word is EXIT_USAGE.
 */
int words_parse(const struct where *where, const char *line, char ***words);

/** words_print() - as a line that words_parse() takes apart into the same */
void words_print(FILE *out, char *const *words);

/** words_free() - free what it made; NULL is allowed */
void words_free(char **words);

#endif /* _VIEWCTL_WORDS_H */
