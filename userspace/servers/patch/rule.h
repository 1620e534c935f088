/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-patch, private: what is to be changed, as a tree of names */
#ifndef _PATCH_RULE_H
#define _PATCH_RULE_H

#include <stdbool.h>
#include <sys/stat.h>

#define PROGRAM "viewos-patch"

/* The options of a mount, for --help; the manual page tells more. */
#define RULE_HELP								\
	"  hide=PATH             the name is not there\n"			\
	"  bind=PATH=SOURCE      the name is the directory or file SOURCE, there already or not\n" \
	"  ro=PATH               the name, and what is beneath, can only be read; all with '.'\n" \
	"  walk=PATH             it is gone through here, with what is mounted beneath\n"	\
	"  mode=PATH=MODE        it is shown with this mode, octal\n"		\
	"  uid=PATH=NUMBER       it is shown as this user's\n"			\
	"  gid=PATH=NUMBER       it is shown as this group's\n"

/**
 * struct rule - a name of the tree
 * @next: sibling
 * @children: first of the names in it; then it is a directory
 * @name: the name, allocated; NULL of the root
 * @source: path of what it is instead, allocated, or NULL
 * @hidden: it is not there
 * @readonly: it and all beneath
 * @walked: it is no redirect
 * @shown: whether one of the next three is set; they are protected by the patch's lock
 * @mode: permissions that it is shown with, -1 for its own
 * @uid: owner, likewise
 * @gid: group, likewise
 */
struct rule {
	struct rule *next;
	struct rule *children;
	char *name;
	char *source;
	bool hidden;
	bool readonly;
	bool walked;
	bool shown;
	int mode;
	long long uid;
	long long gid;
};

/** rule_init() - a rule that changes nothing */
void rule_init(struct rule *rule);

/** rule_find() - the rule for a name in a directory, or NULL */
struct rule *rule_find(const struct rule *dir, const char *name);

/** rules_parse() - add what options say. Return: 0, or a negative errno after a complaint */
int rules_parse(struct rule *root, const char *options);

/**
 * rules_check() - is what the names of the tree are about of the right kind?
 * @dir: a directory of the tree
 * @fd: the directory, -1 if it is not there
 *
 * Return: 0, or a negative errno after a complaint.
 */
int rules_check(struct rule *dir, int fd);

/**
 * rule_open() - open what a name is now
 * @rule: the name's
 * @above: directory that it is in, or -1
 *
 * Return: an O_PATH fd, or a negative errno.
 */
int rule_open(const struct rule *rule, int above);

/** rule_node() - is the name not redirected, but a node of ours? */
static inline bool rule_node(const struct rule *rule)
{
	return rule->children || rule->shown || rule->walked;
}

/** rules_free() - free all that is beneath, and what @rule holds itself */
void rules_free(struct rule *rule);

#endif /* _PATCH_RULE_H */
