/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stack: a socket server at work for one rule.
 *
 * References: the rule has one, every virtual socket has one. The last one ends the
 * session.
 */
#ifndef _VIEWOS_SOCKET_STACK_H
#define _VIEWOS_SOCKET_STACK_H

#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include <linux/viewos.h>

struct net;
struct viewos_request;
struct viewos_session;

/**
 * struct viewos_stack - a socket server at work
 * @ref: references
 * @session: the session, referenced
 * @view_id: view of the rule
 * @name: which stack the rule is for, "" for the default one
 * @net: network namespace that the server gave, referenced, or NULL
 * @last_id: of the sockets
 * @socks: struct viewos_sock by id, from before CREATE until RELEASE; whoever looks one up
 *	gets a reference under its lock
 */
struct viewos_stack {
	refcount_t ref;
	struct viewos_session *session;
	u64 view_id;
	char name[VIEWOS_NAME_LEN];
	struct net *net;
	atomic64_t last_id;
	struct xarray socks;
};

/**
 * viewos_stack_connect() - connect to a server, and agree on the protocol
 * @server: its name
 * @source: what it is to serve
 * @options: how
 * @view_id: for which view
 * @name: for which of its stacks
 *
 * Waits, killably, for the server to accept and answer.
 *
 * Return: a stack with one reference, or ERR_PTR: that of viewos_session_connect(),
 * -EPROTO, -ETIMEDOUT, -EINTR, or what the server says.
 */
struct viewos_stack *viewos_stack_connect(const char *server, const char *source,
					  const char *options, u64 view_id, const char *name);

void viewos_stack_get(struct viewos_stack *stack);
/** viewos_stack_put() - drop a reference; may sleep */
void viewos_stack_put(struct viewos_stack *stack);

/** viewos_stack_net() - the network namespace that the server gave, with a reference, or NULL */
struct net *viewos_stack_net(const struct viewos_stack *stack);

#endif /* _VIEWOS_SOCKET_STACK_H */
