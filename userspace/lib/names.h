/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: reading names of address families, socket types and protocols */
#ifndef _VIEWOS_LIB_NAMES_H
#define _VIEWOS_LIB_NAMES_H

#include <stdbool.h>

/* Each takes a name, a number, "any" or "*", and is false for anything else. */
bool viewos_family_parse(const char *text, int *family);
bool viewos_type_parse(const char *text, int *type);
bool viewos_protocol_parse(int family, const char *text, int *protocol);

/** viewos_protocol_has_names() - does viewos_protocol_parse() know any of this family? */
bool viewos_protocol_has_names(int family);

#endif /* _VIEWOS_LIB_NAMES_H */
