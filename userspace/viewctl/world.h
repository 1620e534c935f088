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

/**
 * struct world - a new view with namespaces, files and rules
 * @name: of the view, or NULL
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
 * @view: view fd, when it was created
 * @id: of the view
 */
struct world {
	const char *name;
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
	int view;
	uint64_t id;
};

#define WORLD_SHORT	"m:rs:"
#define WORLD_OPTIONS						\
	{ "bind", required_argument, NULL, 'b' },		\
	{ "cgroup", no_argument, NULL, 'G' },			\
	{ "clock", required_argument, NULL, 't' },		\
	{ "cow", required_argument, NULL, 'w' },		\
	{ "hide", required_argument, NULL, 'H' },		\
	{ "ids", optional_argument, NULL, 'D' },		\
	{ "inherit", required_argument, NULL, 'i' },		\
	{ "ipc", no_argument, NULL, 'I' },			\
	{ "mount", required_argument, NULL, 'm' },		\
	{ "patch", required_argument, NULL, 'a' },		\
	{ "pid", no_argument, NULL, 'P' },			\
	{ "propagation", required_argument, NULL, 'p' },	\
	{ "socket", required_argument, NULL, 's' },		\
	{ "stack", required_argument, NULL, 'k' },		\
	{ "syscall", required_argument, NULL, 'c' },		\
	{ "binfmt", required_argument, NULL, 'B' },		\
	{ "user", required_argument, NULL, 'W' },		\
	{ "user-ns", required_argument, NULL, 'u' },		\
	{ "uts", required_argument, NULL, 'T' },		\
	{ "map-root", no_argument, NULL, 'r' },			\
	{ "map-user", no_argument, NULL, 'U' }
#define WORLD_HELP								\
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

/** world_option() - handle one of WORLD_OPTIONS. Return: EXIT_DONE, EXIT_USAGE, -1 not one */
int world_option(struct world *world, const struct verb *verb, int opt);

/** world_create() - the view, its rules, its servers. Return: 0, or negative after a complaint */
int world_create(struct world *world);

/**
 * world_enter() - namespaces, view, files, for this process
 * @directory: to be in then, NULL: the one that has the name of the current one
 *
 * Return: as world_create().
 */
int world_enter(struct world *world, const char *directory);

/** world_cancel() - what was started for it ends */
void world_cancel(struct world *world);

/** world_free() - free what it holds, close its view */
void world_free(struct world *world);

#endif /* _VIEWCTL_WORLD_H */
