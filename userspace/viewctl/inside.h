/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: doing something inside a view and coming back */
#ifndef _VIEWCTL_INSIDE_H
#define _VIEWCTL_INSIDE_H

/**
 * inside() - call @fn in a process that has entered @view
 * @view: name or id, or NULL: call it here
 *
 * Return: what @fn returned, which is to be an exit status.
 */
int inside(const char *view, int (*fn)(void *arg), void *arg);

#endif /* _VIEWCTL_INSIDE_H */
