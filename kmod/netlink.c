// SPDX-License-Identifier: GPL-2.0
/* Generic netlink family: registration, dumps, events. Documentation/netlink has its spec. */

#include <linux/cred.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "clock.h"
#include "compat.h"
#include "binfmt.h"
#include "control.h"
#include "netlink.h"
#include "rule.h"
#include "server.h"
#include "session.h"
#include "socket/sock.h"
#include "socket/stack.h"
#include "syscall/calls.h"
#include "syscall/serve.h"
#include "task.h"
#include "uts.h"
#include "view.h"

static struct genl_family viewos_family;

enum { VIEWOS_MCGRP_EVENTS };

static const struct genl_multicast_group viewos_groups[] = {
	[VIEWOS_MCGRP_EVENTS] = {
		.name = VIEWOS_GENL_MCGRP_EVENTS,
		.flags = VIEWOS_MCGRP_FLAGS,
	},
};

static const struct nla_policy view_get_policy[VIEWOS_A_MAX + 1] = {
	[VIEWOS_A_VIEW_ID] = { .type = NLA_U64 },
};

static const struct nla_policy none_policy[VIEWOS_A_MAX + 1] = { };

static const struct nla_policy server_add_policy[VIEWOS_A_MAX + 1] = {
	[VIEWOS_A_SERVER_NAME] = { .type = NLA_NUL_STRING, .len = VIEWOS_NAME_LEN - 1 },
	[VIEWOS_A_SERVER_FD] = { .type = NLA_S32 },
	[VIEWOS_A_SERVER_PUBLIC] = { .type = NLA_FLAG },
};

static const struct nla_policy server_del_policy[VIEWOS_A_MAX + 1] = {
	[VIEWOS_A_SERVER_NAME] = { .type = NLA_NUL_STRING, .len = VIEWOS_NAME_LEN - 1 },
};

/* May current see what belongs to @owner? */
static bool visible(kuid_t owner)
{
	return uid_eq(owner, current_euid()) || capable(CAP_SYS_ADMIN);
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VIEWOS_A_PAD);
}

static int fill_view(struct sk_buff *skb, struct viewos_view *view, struct user_namespace *ns)
{
	u64 tasks, total, children;
	char name[VIEWOS_NAME_LEN];
	u32 inherit;

	spin_lock(&viewos_tree_lock);
	tasks = view->nr_tasks;
	total = view->tasks_total;
	children = view->nr_children;
	inherit = view->inherit;
	memcpy(name, view->name, sizeof(name));
	spin_unlock(&viewos_tree_lock);

	if (put_u64(skb, VIEWOS_A_VIEW_ID, view->id) ||
	    (name[0] && nla_put_string(skb, VIEWOS_A_VIEW_NAME, name)) ||
	    put_u64(skb, VIEWOS_A_VIEW_PARENT, view->parent ? view->parent->id : view->id) ||
	    nla_put_u32(skb, VIEWOS_A_VIEW_DEPTH, view->depth) ||
	    nla_put_u32(skb, VIEWOS_A_VIEW_INHERIT, inherit) ||
	    nla_put_u32(skb, VIEWOS_A_OWNER, from_kuid_munged(ns, view->owner)) ||
	    put_u64(skb, VIEWOS_A_VIEW_TASKS, tasks) ||
	    put_u64(skb, VIEWOS_A_VIEW_TASKS_TOTAL, total) ||
	    put_u64(skb, VIEWOS_A_VIEW_CHILDREN, children) ||
	    put_u64(skb, VIEWOS_A_VIEW_REQUESTS, atomic64_read(&view->requests)))
		return -EMSGSIZE;
	return viewos_uts_fill(skb, view) ?: viewos_clock_fill(skb, view);
}

static int fill_task(struct sk_buff *skb, struct viewos_view *view, struct task_struct *task,
		     struct pid_namespace *ns)
{
	char comm[TASK_COMM_LEN];

	get_task_comm(comm, task);
	if (put_u64(skb, VIEWOS_A_VIEW_ID, view->id) ||
	    nla_put_u32(skb, VIEWOS_A_TASK_TID, task_pid_nr_ns(task, ns)) ||
	    nla_put_u32(skb, VIEWOS_A_TASK_PID, task_tgid_nr_ns(task, ns)) ||
	    nla_put_string(skb, VIEWOS_A_TASK_COMM, comm))
		return -EMSGSIZE;
	return 0;
}

static int fill_server(struct sk_buff *skb, struct viewos_server *server, const char *name,
		       struct user_namespace *ns, struct pid_namespace *pid_ns)
{
	if (nla_put_string(skb, VIEWOS_A_SERVER_NAME, name) ||
	    nla_put_u32(skb, VIEWOS_A_OWNER, from_kuid_munged(ns, server->owner)) ||
	    put_u64(skb, VIEWOS_A_SERVER_CLASSES, server->classes) ||
	    (server->public && nla_put_flag(skb, VIEWOS_A_SERVER_PUBLIC)) ||
	    nla_put_u32(skb, VIEWOS_A_SERVER_PID, pid_nr_ns(server->pid, pid_ns)) ||
	    put_u64(skb, VIEWOS_A_SERVER_SESSIONS, atomic_read(&server->sessions)))
		return -EMSGSIZE;
	return 0;
}

static int fill_session(struct sk_buff *skb, struct viewos_session *session,
			struct user_namespace *ns, struct pid_namespace *pid_ns)
{
	dev_t dev = READ_ONCE(session->dev);
	u64 pending, total;
	u32 state, pid;

	spin_lock(&session->lock);
	state = session->state;
	pending = session->nr_requests;
	total = session->total;
	pid = session->server_pid ? pid_nr_ns(session->server_pid, pid_ns) : 0;
	spin_unlock(&session->lock);

	if (put_u64(skb, VIEWOS_A_SESSION_ID, session->id) ||
	    nla_put_string(skb, VIEWOS_A_SERVER_NAME, session->server_name) ||
	    nla_put_u32(skb, VIEWOS_A_SERVER_PID, pid) ||
	    nla_put_u32(skb, VIEWOS_A_OWNER, from_kuid_munged(ns, session->owner)) ||
	    put_u64(skb, VIEWOS_A_VIEW_ID, session->view_id) ||
	    nla_put_u32(skb, VIEWOS_A_CLASS, session->class) ||
	    nla_put_u32(skb, VIEWOS_A_SESSION_STATE, state) ||
	    put_u64(skb, VIEWOS_A_SESSION_PENDING, pending) ||
	    put_u64(skb, VIEWOS_A_SESSION_REQUESTS, total) ||
	    nla_put_string(skb, VIEWOS_A_SOURCE, session->source) ||
	    (session->options[0] &&
	     nla_put_string(skb, VIEWOS_A_OPTIONS, session->options)) ||
	    (dev && put_u64(skb, VIEWOS_A_MOUNT_DEV, (u64)MAJOR(dev) << 32 | MINOR(dev))))
		return -EMSGSIZE;
	return 0;
}

static int fill_rule_calls(struct sk_buff *skb, const struct viewos_rule *rule)
{
	if (nla_put(skb, VIEWOS_A_RULE_CALLS, sizeof(rule->calls->set), rule->calls->set) ||
	    (rule->verdict == VIEWOS_VERDICT_VALUE &&
	     nla_put_s64(skb, VIEWOS_A_RULE_VALUE, rule->value, VIEWOS_A_PAD)))
		return -EMSGSIZE;
	return 0;
}

static int fill_rule_match(struct sk_buff *skb, const struct viewos_match *match)
{
	if ((match->stack[0] && nla_put_string(skb, VIEWOS_A_RULE_STACK, match->stack)) ||
	    nla_put_s32(skb, VIEWOS_A_FAMILY, match->family) ||
	    nla_put_s32(skb, VIEWOS_A_TYPE, match->type) ||
	    nla_put_s32(skb, VIEWOS_A_PROTOCOL, match->protocol))
		return -EMSGSIZE;
	return 0;
}

static int fill_rule_format(struct sk_buff *skb, const struct viewos_format *format)
{
	return nla_put(skb, VIEWOS_A_RULE_BINFMT, sizeof(format->match), &format->match) ?
	       -EMSGSIZE : 0;
}

static int fill_rule_what(struct sk_buff *skb, const struct viewos_rule *rule)
{
	if (rule->calls)
		return fill_rule_calls(skb, rule);
	if (rule->format)
		return fill_rule_format(skb, rule->format);
	return fill_rule_match(skb, &rule->match);
}

/* That of the server at work, or the interpreter, or NULL. */
static const char *rule_source(const struct viewos_rule *rule)
{
	if (rule->stack)
		return rule->stack->session->source;
	if (rule->format)
		return rule->format->interpreter[0] ? rule->format->interpreter : NULL;
	return rule->server ? rule->server->session->source : NULL;
}

/* The rule is referenced, or viewos_rule_mutex is held; the view is its own. */
static int fill_rule(struct sk_buff *skb, struct viewos_view *view, struct viewos_rule *rule)
{
	const char *source = rule_source(rule);

	if (put_u64(skb, VIEWOS_A_RULE_ID, rule->id) ||
	    put_u64(skb, VIEWOS_A_VIEW_ID, view->id) ||
	    nla_put_u32(skb, VIEWOS_A_CLASS, rule->class) ||
	    fill_rule_what(skb, rule) ||
	    nla_put_u32(skb, VIEWOS_A_RULE_VERDICT, rule->verdict) ||
	    (rule->error && nla_put_u32(skb, VIEWOS_A_RULE_ERROR, -rule->error)) ||
	    (rule->target[0] && nla_put_string(skb, VIEWOS_A_RULE_TARGET, rule->target)) ||
	    (rule->net && nla_put_u32(skb, VIEWOS_A_RULE_NETNS, rule->net->ns.inum)) ||
	    (source && nla_put_string(skb, VIEWOS_A_SOURCE, source)) ||
	    put_u64(skb, VIEWOS_A_RULE_HITS, atomic64_read(&rule->hits)))
		return -EMSGSIZE;
	return 0;
}

static int put_address(struct sk_buff *skb, int attr, const struct viewos_address *address)
{
	return address->len ? nla_put(skb, attr, address->len, &address->data) : 0;
}

/* What the backing knows of a name, if it can tell without asking anybody; else what we do. */
static void socket_address(struct viewos_sock *vs, bool peer, struct viewos_address *address)
{
	struct socket *backing = viewos_sock_backing(vs);
	int len = 0;

	if (backing && !viewos_sock_asks(vs, VIEWOS_SOCK_GETNAME) &&
	    backing->ops != &viewos_sock_ops)
		len = backing->ops->getname(backing, (struct sockaddr *)&address->data, peer);
	if (len > 0) {
		address->len = len;
		return;
	}
	spin_lock(&vs->lock);
	*address = peer ? vs->peer : vs->local;
	spin_unlock(&vs->lock);
}

/* viewos_socks_mutex is held, or the socket is open. */
static int fill_socket(struct sk_buff *skb, struct viewos_sock *vs)
{
	const struct sock *sk = viewos_sk(vs);
	struct viewos_address local = { }, peer = { };

	socket_address(vs, false, &local);
	socket_address(vs, true, &peer);
	if (put_u64(skb, VIEWOS_A_SOCKET_INO, sock_i_ino(viewos_sk(vs))) ||
	    put_u64(skb, VIEWOS_A_VIEW_ID, vs->stack->view_id) ||
	    put_u64(skb, VIEWOS_A_SESSION_ID, vs->stack->session->id) ||
	    nla_put_string(skb, VIEWOS_A_SERVER_NAME, vs->stack->session->server_name) ||
	    (vs->stack->name[0] &&
	     nla_put_string(skb, VIEWOS_A_RULE_STACK, vs->stack->name)) ||
	    nla_put_s32(skb, VIEWOS_A_FAMILY, sk->sk_family) ||
	    nla_put_s32(skb, VIEWOS_A_TYPE, sk->sk_type) ||
	    nla_put_s32(skb, VIEWOS_A_PROTOCOL, sk->sk_protocol) ||
	    nla_put_u32(skb, VIEWOS_A_SOCKET_STATE, READ_ONCE(vs->state)) ||
	    put_address(skb, VIEWOS_A_SOCKET_LOCAL, &local) ||
	    put_address(skb, VIEWOS_A_SOCKET_PEER, &peer) ||
	    (viewos_sock_backing(vs) && nla_put_flag(skb, VIEWOS_A_SOCKET_BACKED)))
		return -EMSGSIZE;
	return 0;
}

static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &viewos_family,
			   NLM_F_MULTI, cmd);
}

/* Closes a dumped message, or takes it back; returns whether there is room for more. */
static bool dump_end(struct sk_buff *skb, void *header, int err)
{
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return !err;
}

static int view_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct viewos_view *view;
	bool room = true;
	void *header;

	while (room && (view = viewos_view_next(cb->args[0]))) {
		if (visible(view->owner) && !viewos_view_is_root(view)) {
			header = dump_begin(skb, cb, VIEWOS_CMD_VIEW_GET);
			room = header && dump_end(skb, header,
						  fill_view(skb, view, current_user_ns()));
		}
		if (room)
			cb->args[0] = view->id + 1;
		viewos_view_put(view);
	}
	return skb->len;
}

static int view_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct viewos_view *view;
	struct sk_buff *reply;
	void *header;
	int err = -EMSGSIZE;

	if (GENL_REQ_ATTR_CHECK(info, VIEWOS_A_VIEW_ID))
		return -EINVAL;
	view = viewos_view_find(nla_get_u64(info->attrs[VIEWOS_A_VIEW_ID]));
	if (!view)
		return -ENOENT;
	if (!visible(view->owner)) {
		viewos_view_put(view);
		return -EPERM;
	}
	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		viewos_view_put(view);
		return -ENOMEM;
	}
	header = genlmsg_put_reply(reply, info, &viewos_family, 0, VIEWOS_CMD_VIEW_GET);
	if (header)
		err = fill_view(reply, view, current_user_ns());
	viewos_view_put(view);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/* Dumps a view's tasks from number cb->args[1] on; true when it came to the end. */
static bool task_dump_view(struct sk_buff *skb, struct netlink_callback *cb,
			   struct viewos_view *view)
{
	struct viewos_task *entry;
	bool room = true;
	long nr = 0;
	void *header;

	spin_lock(&viewos_tree_lock);
	list_for_each_entry(entry, &view->tasks, link) {
		if (nr++ < cb->args[1])
			continue;
		header = dump_begin(skb, cb, VIEWOS_CMD_TASK_GET);
		room = header && dump_end(skb, header,
					  fill_task(skb, view, entry->task,
						    task_active_pid_ns(current)));
		if (!room)
			break;
		cb->args[1] = nr;
	}
	spin_unlock(&viewos_tree_lock);
	return room;
}

/* Dumps a view's rules from number cb->args[1] on; true when it came to the end. */
static bool rule_dump_view(struct sk_buff *skb, struct netlink_callback *cb,
			   struct viewos_view *view)
{
	struct viewos_rule *rule;
	bool room = true;
	long nr = 0;
	void *header;

	mutex_lock(&viewos_rule_mutex);
	list_for_each_entry(rule, &view->rules, node) {
		if (nr++ < cb->args[1])
			continue;
		header = dump_begin(skb, cb, VIEWOS_CMD_RULE_GET);
		room = header && dump_end(skb, header, fill_rule(skb, view, rule));
		if (!room)
			break;
		cb->args[1] = nr;
	}
	mutex_unlock(&viewos_rule_mutex);
	return room;
}

/* Calls @dump for each view that the caller may see, or for the one that was asked for. */
static int dump_by_view(struct sk_buff *skb, struct netlink_callback *cb,
			bool (*dump)(struct sk_buff *skb, struct netlink_callback *cb,
				     struct viewos_view *view))
{
	struct nlattr *id = genl_info_dump(cb)->attrs[VIEWOS_A_VIEW_ID];
	struct viewos_view *view;
	bool room = true;

	if (id && !cb->args[0])
		cb->args[0] = nla_get_u64(id);
	while (room && (view = viewos_view_next(max(cb->args[0], 1L)))) {
		if (id && view->id != nla_get_u64(id)) {
			viewos_view_put(view);
			break;
		}
		if (visible(view->owner))
			room = dump(skb, cb, view);
		if (room) {
			cb->args[0] = view->id + 1;
			cb->args[1] = 0;
		}
		viewos_view_put(view);
	}
	return skb->len;
}

static int task_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_by_view(skb, cb, task_dump_view);
}

static int rule_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_by_view(skb, cb, rule_dump_view);
}

static int socket_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr *id = genl_info_dump(cb)->attrs[VIEWOS_A_VIEW_ID];
	struct viewos_sock *vs;
	void *header;
	long nr = 0;

	mutex_lock(&viewos_socks_mutex);
	list_for_each_entry(vs, &viewos_socks, link) {
		if (nr++ < cb->args[0])
			continue;
		if (visible(vs->stack->session->owner) &&
		    (!id || nla_get_u64(id) == vs->stack->view_id)) {
			header = dump_begin(skb, cb, VIEWOS_CMD_SOCKET_GET);
			if (!header || !dump_end(skb, header, fill_socket(skb, vs)))
				break;
		}
		cb->args[0] = nr;
	}
	mutex_unlock(&viewos_socks_mutex);
	return skb->len;
}

static int server_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct viewos_server *server;
	void *header;
	long nr = 0;

	spin_lock(&viewos_server_lock);
	list_for_each_entry(server, &viewos_servers, link) {
		if (nr++ < cb->args[0])
			continue;
		if (server->public || visible(server->owner)) {
			header = dump_begin(skb, cb, VIEWOS_CMD_SERVER_GET);
			if (!header || !dump_end(skb, header,
						 fill_server(skb, server, server->name,
							     current_user_ns(),
							     task_active_pid_ns(current))))
				break;
		}
		cb->args[0] = nr;
	}
	spin_unlock(&viewos_server_lock);
	return skb->len;
}

/* One that has ended is shown for as long as it is mounted. */
static bool session_listed(struct viewos_session *session, u8 cmd)
{
	if (!visible(session->owner))
		return false;
	return READ_ONCE(session->dev) ||
	       (cmd == VIEWOS_CMD_SESSION_GET && !viewos_session_dead(session));
}

static int dump_sessions(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	struct viewos_session *session;
	void *header;
	long nr = 0;

	spin_lock(&viewos_session_lock);
	list_for_each_entry(session, &viewos_sessions, link) {
		if (nr++ < cb->args[0])
			continue;
		if (session_listed(session, cmd)) {
			header = dump_begin(skb, cb, cmd);
			if (!header || !dump_end(skb, header,
						 fill_session(skb, session, current_user_ns(),
							      task_active_pid_ns(current))))
				break;
		}
		cb->args[0] = nr;
	}
	spin_unlock(&viewos_session_lock);
	return skb->len;
}

static int session_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_sessions(skb, cb, VIEWOS_CMD_SESSION_GET);
}

static int mount_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_sessions(skb, cb, VIEWOS_CMD_MOUNT_GET);
}

/* The name of a message, checked and padded. */
static int server_name(struct genl_info *info, char *name)
{
	if (GENL_REQ_ATTR_CHECK(info, VIEWOS_A_SERVER_NAME))
		return -EINVAL;
	strscpy_pad(name, nla_data(info->attrs[VIEWOS_A_SERVER_NAME]), VIEWOS_NAME_LEN);
	if (!viewos_name_valid(name, false)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VIEWOS_A_SERVER_NAME],
				    "not a name: letters, digits and -_.:@, no digit first");
		return -EINVAL;
	}
	return 0;
}

static int server_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	char name[VIEWOS_NAME_LEN];
	int err;

	err = server_name(info, name);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, VIEWOS_A_SERVER_FD))
		return -EINVAL;
	err = viewos_server_add(nla_get_s32(info->attrs[VIEWOS_A_SERVER_FD]), name,
				nla_get_flag(info->attrs[VIEWOS_A_SERVER_PUBLIC]));
	if (err == -EINVAL)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VIEWOS_A_SERVER_FD],
				    "not a server fd");
	return err;
}

static int server_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	char name[VIEWOS_NAME_LEN];
	int err;

	err = server_name(info, name);
	return err ?: viewos_server_del(name);
}

static const struct genl_ops viewos_ops[] = {
	{
		.cmd = VIEWOS_CMD_VIEW_GET,
		.doit = view_doit,
		.dumpit = view_dump,
		.policy = view_get_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_TASK_GET,
		.dumpit = task_dump,
		.policy = view_get_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_MOUNT_GET,
		.dumpit = mount_dump,
		.policy = none_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_SERVER_GET,
		.dumpit = server_dump,
		.policy = none_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_SESSION_GET,
		.dumpit = session_dump,
		.policy = none_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_RULE_GET,
		.dumpit = rule_dump,
		.policy = view_get_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_SOCKET_GET,
		.dumpit = socket_dump,
		.policy = view_get_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_SERVER_ADD,
		.doit = server_add_doit,
		.policy = server_add_policy,
		.maxattr = VIEWOS_A_MAX,
	}, {
		.cmd = VIEWOS_CMD_SERVER_DEL,
		.doit = server_del_doit,
		.policy = server_del_policy,
		.maxattr = VIEWOS_A_MAX,
	},
};

static struct genl_family viewos_family __ro_after_init = {
	.name = VIEWOS_GENL_NAME,
	.version = VIEWOS_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = viewos_ops,
	.n_ops = ARRAY_SIZE(viewos_ops),
	.resv_start_op = VIEWOS_CMD_VIEW_GET,
	.mcgrps = viewos_groups,
	.n_mcgrps = ARRAY_SIZE(viewos_groups),
};

static struct sk_buff *event_begin(u8 cmd, void **header)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*header = genlmsg_put(skb, 0, 0, &viewos_family, 0, cmd);
	return skb;
}

/* Returns 1 for a listener that is not to hear of @data's owner. */
static int event_filter(struct sock *sk, struct sk_buff *skb, void *data)
{
	kuid_t uid = sk_uid(sk);

	return !uid_eq(uid, *(kuid_t *)data) && !uid_eq(uid, GLOBAL_ROOT_UID);
}

/* Listeners may be in any network namespace. */
static void event_send(struct sk_buff *skb, void *header, int err, kuid_t owner)
{
	struct sk_buff *copy;
	struct net *net;

	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	rcu_read_lock();
	for_each_net_rcu(net) {
		if (!genl_has_listeners(&viewos_family, net, VIEWOS_MCGRP_EVENTS))
			continue;
		copy = skb_clone(skb, GFP_ATOMIC);
		if (copy)
			netlink_broadcast_filtered(net->genl_sock, copy, 0,
						   viewos_family.mcgrp_offset +
						   VIEWOS_MCGRP_EVENTS,
						   GFP_ATOMIC, event_filter, &owner);
	}
	rcu_read_unlock();
	nlmsg_free(skb);
}

/* The common case: nobody listens, and an event costs nothing. */
static bool event_wanted(void)
{
	struct net *net;
	bool wanted = false;

	rcu_read_lock();
	for_each_net_rcu(net)
		wanted |= genl_has_listeners(&viewos_family, net, VIEWOS_MCGRP_EVENTS);
	rcu_read_unlock();
	return wanted;
}

void viewos_netlink_view_event(enum viewos_cmd cmd, struct viewos_view *view)
{
	struct sk_buff *skb;
	void *header;

	if (!event_wanted())
		return;
	skb = event_begin(cmd, &header);
	if (skb)
		event_send(skb, header, fill_view(skb, view, &init_user_ns), view->owner);
}

void viewos_netlink_task_event(enum viewos_cmd cmd, struct viewos_view *view,
			       struct task_struct *task)
{
	struct sk_buff *skb;
	void *header;

	if (!event_wanted())
		return;
	skb = event_begin(cmd, &header);
	if (skb)
		event_send(skb, header, fill_task(skb, view, task, &init_pid_ns), view->owner);
}

void viewos_netlink_server_event(enum viewos_cmd cmd, struct viewos_server *server,
				 const char *name)
{
	struct sk_buff *skb;
	void *header;

	if (!event_wanted())
		return;
	skb = event_begin(cmd, &header);
	if (skb)
		event_send(skb, header,
			   fill_server(skb, server, name, &init_user_ns, &init_pid_ns),
			   server->owner);
}

void viewos_netlink_session_event(enum viewos_cmd cmd, struct viewos_session *session)
{
	struct sk_buff *skb;
	void *header;

	if (!event_wanted())
		return;
	skb = event_begin(cmd, &header);
	if (skb)
		event_send(skb, header, fill_session(skb, session, &init_user_ns, &init_pid_ns),
			   session->owner);
}

void viewos_netlink_rule_event(enum viewos_cmd cmd, struct viewos_view *view,
			       struct viewos_rule *rule)
{
	struct sk_buff *skb;
	void *header;

	if (!event_wanted())
		return;
	skb = event_begin(cmd, &header);
	if (skb)
		event_send(skb, header, fill_rule(skb, view, rule), view->owner);
}

void viewos_netlink_socket_event(enum viewos_cmd cmd, struct viewos_sock *vs)
{
	struct sk_buff *skb;
	void *header;

	if (!event_wanted())
		return;
	skb = event_begin(cmd, &header);
	if (skb)
		event_send(skb, header, fill_socket(skb, vs), vs->stack->session->owner);
}

int viewos_netlink_init(void)
{
	return genl_register_family(&viewos_family);
}

void viewos_netlink_exit(void)
{
	genl_unregister_family(&viewos_family);
}
