/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: as whom a user appears in a user namespace of the view's own */
#ifndef _VIEWCTL_IDENTITY_H
#define _VIEWCTL_IDENTITY_H

#include <sys/types.h>

#include "viewctl.h"

/**
 * struct identity - as whom
 * @given: it is not as oneself
 * @whole: the other ids are to be there too, as far as subuid(5) and subgid(5) have them
 * @uid: user id inside
 * @gid: group id inside
 * @told: what followed --user, or NULL; kept by whoever gave it
 * @where: it was told
 */
struct identity {
	bool given;
	bool whole;
	uid_t uid;
	gid_t gid;
	const char *told;
	struct where where;
};

#define IDENTITY_HELP								\
	"  -r, --map-root           appear as root in it\n"			\
	"      --map-user           appear as oneself in it (the default), but able to\n" \
	"                           mount and unmount\n"			\
	"      --user WHO           appear as root, UID:GID, or the user of that name, with\n" \
	"                           what other ids subuid and subgid allow; if none, as\n" \
	"                           with --ids\n"

/** identity_parse() - read what follows --user. Return: an exit status, after a complaint */
int identity_parse(struct identity *identity, const struct where *where, const char *text);

/** identity_differs() - is it another one than that of the caller? */
bool identity_differs(const struct identity *identity);

/** identity_alone() - are others wanted, and the caller has no ranges of which these could be? */
bool identity_alone(const struct identity *identity);

/** struct idmap - maps of a user namespace to be made */
struct idmap;

/**
 * idmap_prepare() - before unshare(2): what helps to make the maps stays outside
 *
 * Return: NULL after a complaint.
 */
struct idmap *idmap_prepare(const struct identity *identity);

/** idmap_make() - after it: make them. Return: 0, or negative after a complaint */
int idmap_make(struct idmap *map);

/** idmap_free() - end the help, too; NULL is allowed */
void idmap_free(struct idmap *map);

#endif /* _VIEWCTL_IDENTITY_H */
