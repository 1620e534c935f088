/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: a new view with namespaces, files and rules, for run and create */
#ifndef _VIEWCTL_WORLD_H
#define _VIEWCTL_WORLD_H

#include "clock.h"
#include "files.h"
#include "identity.h"
#include "ids.h"
#include "ruling.h"
#include "uts.h"
#include "viewctl.h"

enum propagation { PROPAGATION_PRIVATE, PROPAGATION_FOLLOW };
enum user_ns { USER_NS_AUTO, USER_NS_YES, USER_NS_NO };

/* At least as many as settings.c has. */
#define WORLD_SETTINGS	40

/**
 * struct world - a new view with namespaces, files and rules
 * @name: of the view, or NULL
 * @directory: to be in, or NULL: the one that has the name of the current one
 * @command: to be run, ended by NULL, or NULL
 * @inherit: enum viewos_inherit
 * @propagation: of mounts from outside
 * @user_ns: whether to make a user namespace
 * @identity: as whom the user appears in it
 * @namespaces: CLONE_NEW* of others that are wanted for themselves
 * @files: what shapes its files
 * @rulings: the view's rules
 * @uts: names of its UTS namespace
 * @clock: its time
 * @ids: owners of files
 * @told_at: by setting, where it was told last
 * @kept: texts that the above point to, to be freed
 * @kept_count: of them
 * @view: view fd, when it was created
 * @id: of the view
 */
struct world {
	const char *name;
	const char *directory;
	char **command;
	enum viewos_inherit inherit;
	enum propagation propagation;
	enum user_ns user_ns;
	struct identity identity;
	int namespaces;
	struct files files;
	struct rulings rulings;
	struct uts uts;
	struct clock clock;
	struct ids ids;
	struct where told_at[WORLD_SETTINGS];
	char **kept;
	size_t kept_count;
	int view;
	uint64_t id;
};

#define WORLD_HELP								\
	"      --config FILE        what FILE says, see viewctl.conf(5); options are more;\n" \
	"                           repeatable\n"					\
	"      --inherit HOW        what new processes get: share (the view), nest (a view\n" \
	"                           each), leave (the view's parent)\n"		\
	FILES_HELP								\
	"      --propagation HOW    of later mounts outside: private (not seen inside)\n" \
	"                           or follow (seen)\n"				\
	"  -s, --socket RULE        a rule for sockets, see viewctl help rule add; repeatable\n" \
	"      --syscall RULE       a rule for system calls, likewise; repeatable\n"	\
	"      --binfmt RULE        a rule for programs, likewise; repeatable\n"		\
	"      --stack NAME         the stack that sockets are of: --socket any=stack:NAME\n" \
	UTS_HELP								\
	CLOCK_HELP								\
	"      --pid                processes, and /proc, of its own\n"		\
	"      --ipc                System V IPC and message queues of its own\n"	\
	"      --cgroup             its control group is the root of those seen inside\n" \
	"      --user-ns WHEN       user namespace: auto (if not privileged), yes, no\n" \
	IDENTITY_HELP								\
	IDS_HELP

/** world_keep() - a copy of a text that world_free() frees. Return: NULL without memory */
const char *world_keep(struct world *world, const char *text);

/** world_check() - what can be seen before anything is made. Return: as world_create() */
int world_check(struct world *world);

/** world_create() - view, clock, servers for it. Return: 0, or negative after a complaint */
int world_create(struct world *world);

/** world_enter() - namespaces, view, files for this process, then the rules. Return: as above */
int world_enter(struct world *world);

/** world_cancel() - what was started for it ends */
void world_cancel(struct world *world);

/** world_free() - free what it holds, close its view */
void world_free(struct world *world);

#endif /* _VIEWCTL_WORLD_H */
