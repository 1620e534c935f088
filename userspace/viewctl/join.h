/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: entering a view that exists, with its namespaces */
#ifndef _VIEWCTL_JOIN_H
#define _VIEWCTL_JOIN_H

#include <stdbool.h>

/**
 * struct join - a view to be entered
 * @name: as the user called it
 * @view: view fd
 * @task: pidfd of a task in it, or -1: it has none, and no namespaces then
 * @proc: fd of that task's directory in /proc, or -1
 * @root: fd of that task's root directory, or -1
 * @pid_ns: fd of the pid namespace of its children, or -1: it is that of ours
 * @namespaces: CLONE_NEW* of which its are not ours
 */
struct join {
	const char *name;
	int view;
	int task;
	int proc;
	int root;
	int pid_ns;
	int namespaces;
};

/** join_open() - find a view and a task of it. Return: 0, or negative after a complaint */
int join_open(struct join *join, const char *view);

/**
 * join_enter() - move this process into it, but only its children into a pid namespace
 *
 * Return: 0, or negative after a complaint
 */
int join_enter(struct join *join);

/** join_close() - close its fds */
void join_close(struct join *join);

#endif /* _VIEWCTL_JOIN_H */
