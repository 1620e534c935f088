/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewctl, private: the first process of a pid namespace, and who waits for it
 *
 * The kernel gives the first process every orphan of its namespace and takes no signal to it
 * that it does not wait for. A command expects neither: so viewctl stays as the first
 * process, reaps, and passes signals on; as it does outside, where it waits.
 */
#ifndef _VIEWCTL_INIT_H
#define _VIEWCTL_INIT_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * init_child() - fork; in both, the signals that init_attend() takes are blocked from here on
 *
 * Return: as fork(2), or negative after a complaint.
 */
pid_t init_child(void);

/**
 * init_fork() - fork into the namespace that unshare(2) has made, and see /proc there
 * @bound: whether it ends with the process that calls this
 *
 * Return: as init_child(). The child has ended with a complaint if it cannot have its /proc.
 */
pid_t init_fork(bool bound);

/**
 * init_attend() - pass signals on, and wait for the end of a child
 * @child: whom; or 0 to reap all until SIGTERM comes
 *
 * A signal of the terminal is not passed on: the child has it already.
 *
 * Return: its exit status, 128 more than the signal that killed it.
 */
int init_attend(pid_t child);

/** init_release() - in a child of the above: take the signals again */
void init_release(void);

/** init_exec() - in a child of the above: become a command. Return: as exec_command() */
int init_exec(char **argv);

#endif /* _VIEWCTL_INIT_H */
