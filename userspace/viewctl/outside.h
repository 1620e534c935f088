/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: having something done outside, from inside a view */
#ifndef _VIEWCTL_OUTSIDE_H
#define _VIEWCTL_OUTSIDE_H

/**
 * outside_start() - fork a process that stays where the current one is now, and waits
 * @fn: what it will do; returns 0, or negative after a complaint
 * @arg: for it
 *
 * It ends when it has done it, when @fd is closed, or with the current process.
 *
 * Return: a fd for outside_ask(), or negative after a complaint.
 */
int outside_start(int (*fn)(void *arg), void *arg);

/**
 * outside_ask() - have it done, now
 * @fd: closed
 *
 * Return: what the function has returned, or negative after a complaint.
 */
int outside_ask(int fd);

#endif /* _VIEWCTL_OUTSIDE_H */
