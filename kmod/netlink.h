/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink family: registration, dumps, events. */
#ifndef _VIEWOS_NETLINK_H
#define _VIEWOS_NETLINK_H

#include <linux/viewos_netlink.h>

struct task_struct;
struct viewos_rule;
struct viewos_server;
struct viewos_session;
struct viewos_sock;
struct viewos_view;

/*
 * Events. Each is sent to those listeners in any network namespace that belong to
 * the owner of the object or to root. They may sleep and are lost without memory.
 */
void viewos_netlink_view_event(enum viewos_cmd cmd, struct viewos_view *view);
void viewos_netlink_task_event(enum viewos_cmd cmd, struct viewos_view *view,
			       struct task_struct *task);
void viewos_netlink_server_event(enum viewos_cmd cmd, struct viewos_server *server,
				 const char *name);
void viewos_netlink_rule_event(enum viewos_cmd cmd, struct viewos_view *view,
			       struct viewos_rule *rule);
void viewos_netlink_socket_event(enum viewos_cmd cmd, struct viewos_sock *vs);
void viewos_netlink_session_event(enum viewos_cmd cmd, struct viewos_session *session);

int viewos_netlink_init(void);
void viewos_netlink_exit(void);

#endif /* _VIEWOS_NETLINK_H */
