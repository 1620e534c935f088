/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: --uts, the names that uname(2) says in a view */
#ifndef _VIEWCTL_UTS_H
#define _VIEWCTL_UTS_H

#include "viewctl.h"

/**
 * struct uts - names for a UTS namespace of a view's own
 * @wanted: there is to be one
 * @names: those to be changed, by enum viewos_uts_field, else NULL
 * @where: the last of them was told
 */
struct uts {
	bool wanted;
	char *names[VIEWOS_UTS_FIELDS];
	struct where where;
};

#define UTS_HELP								\
	"      --uts KEY=VALUE[,...]\n"						\
	"                           what uname says inside: nodename, domainname, sysname,\n" \
	"                           release, version, machine; repeatable\n"

/** uts_parse() - read KEY=VALUE[,KEY=VALUE...]. Return: an exit status, after a complaint */
int uts_parse(struct uts *uts, const struct where *where, const char *text);

/** uts_name_set() - likewise, the value of one key */
int uts_name_set(struct uts *uts, const struct where *where, enum viewos_uts_field field,
		 const char *value);

/** uts_set() - give the namespace that this process just made its names. Return: 0, negative */
int uts_set(const struct uts *uts, int view);

void uts_free(struct uts *uts);

#endif /* _VIEWCTL_UTS_H */
