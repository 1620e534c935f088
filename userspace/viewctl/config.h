/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: files that describe a view, see viewctl.conf(5) */
#ifndef _VIEWCTL_CONFIG_H
#define _VIEWCTL_CONFIG_H

#include <stdio.h>

#include "world.h"

/* Bytes of a file, and of one entry of it with all its lines; both far more than a view takes. */
#define CONFIG_MAX		(1024 * 1024)
#define CONFIG_ENTRY_MAX	(64 * 1024)

/** config_name() - of a file, for complaints about it */
const char *config_name(const char *file);

/** config_read() - take all that a file says, "-" for standard input. Return: an exit status */
int config_read(struct world *world, const char *file);

/** config_parse() - likewise, of a text with @size bytes and a NUL behind it, which is cut up */
int config_parse(struct world *world, const char *file, char *text, size_t size);

/** config_load() - a whole file, with a NUL behind it, to be freed; NULL after a complaint */
char *config_load(int fd, const char *file, size_t *size);

/** config_value_print() - a value as it has to be written, so that it is read as it is */
void config_value_print(FILE *out, const char *value);

#endif /* _VIEWCTL_CONFIG_H */
