/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Servers of system calls at work: the verdict serve of the class syscall.
 *
 * A struct viewos_call_server is made with a rule, is the rule's, and ends its session when
 * the rule goes. A call that is being decided holds the rule.
 *
 * A call that one server lets go on is then the business of the next view above that has a rule for
 * it: nobody gets out of an outer view's rules by a server of their own.
 *
 * A call that goes on as it was made leaves nothing of ours on the stack. One that goes on
 * with other arguments, or whose end is wanted, is made from here, and returns here: so
 * neither can be had of calls that do not return.
 */
#ifndef _VIEWOS_SYSCALL_SERVE_H
#define _VIEWOS_SYSCALL_SERVE_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "calls.h"

struct viewos_session;

/**
 * struct viewos_call_server - a server of system calls at work
 * @rcu: who only wants to know whether it is to be asked has no reference
 * @id: of @session
 * @session: the session, referenced
 * @fetch: for each call what is sent along with it, see fetch_pack(); whole words, without lock
 */
struct viewos_call_server {
	struct rcu_head rcu;
	u64 id;
	struct viewos_session *session;
	u32 fetch[VIEWOS_ALL_CALLS];
};

/**
 * viewos_call_server_connect() - connect to a server, and agree on the protocol
 * @server: its name
 * @source: what it is to serve
 * @options: how
 * @view_id: for which view
 *
 * Waits, killably, for the server to accept and answer.
 *
 * Return: it, to be freed by viewos_call_server_free(); or ERR_PTR: that of
 * viewos_session_connect(), -EPROTO, -ETIMEDOUT, -EINTR, or what the server says.
 */
struct viewos_call_server *viewos_call_server_connect(const char *server, const char *source,
						      const char *options, u64 view_id);

/** viewos_call_server_free() - end the session; NULL is allowed; may sleep */
void viewos_call_server_free(struct viewos_call_server *server);

/** viewos_call_passes() - does the server not want to be asked by current? In RCU read side */
bool viewos_call_passes(const struct viewos_call_server *server, unsigned int call);

/** viewos_call_exits() - is it one that does not return? */
bool viewos_call_exits(unsigned int call);

/** viewos_call_leaves() - is it one that may end its task instead of returning? */
bool viewos_call_leaves(unsigned int call);

/**
 * viewos_call_serve() - ask servers what is to become of current's call, and do it
 * @rule: with the verdict serve; its reference is taken over
 * @call: the call
 * @regs: its registers
 *
 * Sleeps. If the call is to go on unchanged it is not decided.
 */
struct viewos_decision viewos_call_serve(struct viewos_rule *rule, unsigned int call,
					 const struct pt_regs *regs);

/* VIEWOS_IOC_SESSION_MEMORY on a session fd. */
long viewos_call_ioctl_memory(struct viewos_session *session, void __user *arg,
			      unsigned int size);

#endif /* _VIEWOS_SYSCALL_SERVE_H */
