/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: rules for system calls as text */
#ifndef _VIEWCTL_CALLS_H
#define _VIEWCTL_CALLS_H

#include "viewctl.h"

/** CALLS_PREFIX - what such a rule begins with where rules of sockets may be, too */
#define CALLS_PREFIX	"syscall:"

#define CALLS_HELP								\
	"  RULE may also be syscall:CALL[,CALL...]=VERDICT, where CALL is the name of a\n" \
	"  system call, a group as @mount, or any; with /x86-64 or /i386 behind it one\n" \
	"  way to make it alone; and VERDICT is one of\n"			\
	"    native                 as it is outside the view\n"			\
	"    deny[:ERRNO]           fail, with EPERM if no other is given\n"	\
	"    value:NUMBER           return this, and do nothing\n"		\
	"    serve:NAME[,OPTIONS][:SOURCE]\n"					\
	"                           what the server says; exit, exit_group go on anyway\n" \
	"  Groups: " CALLS_GROUPS "\n\n"

/* Those of callgroups.c, for people. */
#define CALLS_GROUPS								\
	"@aio @chown @clock @debug @ids @io-uring @ipc @keyring @module\n"	\
	"  @mount @network-io @process @raw-io @reboot @resources @setuid @signal @swap @sync @timer"

/** struct call_group - system calls by subject; @names is ended by NULL, and so are groups */
struct call_group {
	const char *name;
	const char *const *names;
};

extern const struct call_group call_groups[];

/** call_number() - of a name, in the table of an architecture; negative if it has none */
int call_number(unsigned int arch, const char *name);

/** call_set() - add a call to a rule */
static inline void call_set(struct viewos_call_rule *rule, unsigned int arch, unsigned int nr)
{
	rule->calls[arch][nr / 64] |= 1ULL << nr % 64;
}

static inline bool call_is_set(const struct viewos_call_rule *rule, unsigned int arch,
			       unsigned int nr)
{
	return rule->calls[arch][nr / 64] >> nr % 64 & 1;
}

/** call_unruled() - is it one that the kernel does not let a rule be for? @serve: to be served */
bool call_unruled(const char *name, bool serve);

/**
 * calls_parse() - read CALL[,CALL...]=VERDICT
 * @error: a complaint that quotes what is wrong is put here
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int calls_parse(const char *text, struct viewos_call_rule *rule, char *error, size_t size);

/* Each returns text to be freed, or NULL without memory: the part before "=", and all of it. */
char *calls_match_text(const struct viewos_call_rule *rule);
char *calls_text(const struct viewos_call_rule *rule);

#endif /* _VIEWCTL_CALLS_H */
