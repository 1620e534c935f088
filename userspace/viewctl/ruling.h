/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: rules to be added to a view */
#ifndef _VIEWCTL_RULING_H
#define _VIEWCTL_RULING_H

#include "ondemand.h"
#include "viewctl.h"

/**
 * struct ruling - what the user wrote, and the rules that it stands for
 * @next: in a list
 * @where: it was told
 * @text: of the user, to be freed
 * @rules: that it stands for
 * @ids: of those that were added
 * @count: of @rules
 * @added: of @ids
 * @any_source: it is the same rule whatever its source, when it is looked for
 * @kept: the view has them already, and they are not to be added
 * @calls: in place of @rules: a rule for system calls; else NULL
 * @binfmt: likewise, a rule for programs
 * @server: who serves them, if the verdict is serve
 */
struct ruling {
	struct ruling *next;
	struct where where;
	char *text;
	struct viewos_rule rules[VIEWOS_RULE_PARSED_MAX];
	uint64_t ids[VIEWOS_RULE_PARSED_MAX];
	size_t count;
	size_t added;
	bool any_source;
	bool kept;
	struct ondemand server;
	struct viewos_call_rule *calls;
	struct viewos_binfmt_rule *binfmt;
};

/** struct rulings - a list of them, in the order of the command line */
struct rulings {
	struct ruling *first;
	struct ruling **last;
};

/**
 * rulings_parse() - read a rule, and append it to the list
 *
 * Return: an exit status, EXIT_USAGE after a complaint about @text.
 */
int rulings_parse(struct rulings *rulings, const struct where *where, const char *text);

/** rulings_calls() - likewise, a rule for system calls, without its prefix */
int rulings_calls(struct rulings *rulings, const struct where *where, const char *text);

/** rulings_binfmt() - likewise, a rule for programs */
int rulings_binfmt(struct rulings *rulings, const struct where *where, const char *text);

/** rulings_stack() - append the rule that @stack is the default stack. Return: likewise */
int rulings_stack(struct rulings *rulings, const struct where *where, const char *stack);

/**
 * rulings_add() - add all of them to a view, or none
 * @view: view fd
 *
 * Servers that are not registered are started, in the current view.
 *
 * Return: 0, or a negative number after a complaint.
 */
int rulings_add(struct rulings *rulings, int view);

/** rulings_take_back() - delete what rulings_add() has added, and end what it has started */
void rulings_take_back(struct rulings *rulings, int view);

/** rulings_cancel() - the view is not needed: end the servers that were started */
void rulings_cancel(struct rulings *rulings);

/** rulings_free() - free the list */
void rulings_free(struct rulings *rulings);

#define RULE_HELP								\
	"  RULE is FAMILY[/TYPE[/PROTOCOL]][@STACK]=VERDICT: names as inet, stream, tcp,\n" \
	"  numbers, or any; and as VERDICT one of\n"				\
	"    native                 as it is outside the view\n"			\
	"    deny[:ERRNO]           fail, with EACCES if no other is given\n"	\
	"    netns:WHERE            another network namespace: a file, a name of ip-netns(8),\n" \
	"                           or a process id\n"				\
	"    stack:NAME             a stack, which rules with @NAME make\n"	\
	"    serve:NAME[,OPTIONS][:SOURCE]\n"					\
	"                           the server registered as NAME, or else the program\n" \
	"                           viewos-NAME\n\n"

/** rule_error() - what the kernel meant; @rule may be NULL */
const char *rule_error(int error, const struct viewos_rule *rule);

/** calls_error() - likewise, of a rule for system calls; @serve: to be served */
const char *calls_error(int error, bool serve);

#endif /* _VIEWCTL_RULING_H */
