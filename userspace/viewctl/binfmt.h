/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: rules for programs as text */
#ifndef _VIEWCTL_BINFMT_H
#define _VIEWCTL_BINFMT_H

#include "viewctl.h"

/** BINFMT_PREFIX - what such a rule begins with where rules of sockets may be, too */
#define BINFMT_PREFIX	"binfmt:"

#define BINFMT_HELP								\
	"  RULE may also be binfmt:PROGRAM=VERDICT, where PROGRAM is .EXTENSION, or\n"	\
	"  MAGIC[&MASK][@OFFSET], bytes that it has there, %HH for any of them;\n"	\
	"  and VERDICT is one of\n"						\
	"    native                 as it is outside the view\n"			\
	"    deny[:ERRNO]           fail, with EACCES if no other is given\n"	\
	"    INTERPRETER[,argv0][,open][,credentials]\n"				\
	"                           execute this program, with the program's path; with its\n" \
	"                           argv[0], open, with the rights of a set-user-id program\n" \
	"  or binfmt: and a line as in binfmt.d(5): \":NAME:M|E:OFFSET:MAGIC:MASK:INTERPRETER:\n" \
	"  FLAGS\"\n\n"

/**
 * binfmt_parse() - read a rule for programs
 * @error: a complaint that quotes what is wrong is put here
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int binfmt_parse(const char *text, struct viewos_binfmt_rule *rule, char *error, size_t size);

/* Each returns text to be freed, or NULL without memory: the part before "=", and all of it. */
char *binfmt_match_text(const struct viewos_binfmt_rule *rule);
char *binfmt_text(const struct viewos_binfmt_rule *rule);

#endif /* _VIEWCTL_BINFMT_H */
