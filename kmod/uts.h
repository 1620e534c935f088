/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The class uts: what uname(2) says in a view.
 *
 * It is the kernel's own UTS namespace, into which the names are written that the kernel
 * lets nobody change; so a call costs what it always does. They are written while the
 * caller is the namespace's only user, before anybody else can have read other ones.
 *
 * References: a view holds the namespace that it was told is its own, for listings alone.
 */
#ifndef _VIEWOS_UTS_H
#define _VIEWOS_UTS_H

struct sk_buff;
struct viewos_view;

/** viewos_uts_fill() - put the names of a view's UTS namespace into a message; 0, -EMSGSIZE */
int viewos_uts_fill(struct sk_buff *skb, struct viewos_view *view);

/** viewos_uts_view_exit() - the view has gone: let go of its UTS namespace */
void viewos_uts_view_exit(struct viewos_view *view);

/* VIEWOS_IOC_VIEW_UTS on a view fd. */
long viewos_uts_ioctl(struct viewos_view *view, void __user *arg, unsigned int size);

#endif /* _VIEWOS_UTS_H */
