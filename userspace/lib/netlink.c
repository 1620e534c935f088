// SPDX-License-Identifier: GPL-2.0
/* libviewos: registration, listings and events, by generic netlink */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "viewos.h"

/* Room for events that arrive faster than they are read. */
#define EVENTS_BUFFER	(1 << 20)

struct viewos_nl {
	struct nl_sock *sock;
	int family;
	bool subscribed;
};

/**
 * struct exchange - a request and its answers, or a run of events
 * @fn: whom to tell of entries, may be NULL
 * @arg: for @fn
 * @stopped: what @fn returned, when not 0; it is not called again
 * @error: negative errno that the kernel answered
 * @done: the last message came
 */
struct exchange {
	viewos_entry_fn fn;
	void *arg;
	int stopped;
	int error;
	bool done;
};

enum field_type { FIELD_U32, FIELD_U64, FIELD_STRING, FIELD_FLAG, FIELD_BYTES };

#define FIELD(attr, type, member) \
	[attr] = { FIELD_##type, offsetof(struct viewos_entry, member) }

static const struct {
	enum field_type type;
	size_t offset;
} fields[VIEWOS_A_MAX + 1] = {
	FIELD(VIEWOS_A_VIEW_ID, U64, view_id),
	FIELD(VIEWOS_A_VIEW_NAME, STRING, view_name),
	FIELD(VIEWOS_A_VIEW_PARENT, U64, view_parent),
	FIELD(VIEWOS_A_VIEW_DEPTH, U32, view_depth),
	FIELD(VIEWOS_A_VIEW_INHERIT, U32, view_inherit),
	FIELD(VIEWOS_A_OWNER, U32, owner),
	FIELD(VIEWOS_A_VIEW_TASKS, U64, view_tasks),
	FIELD(VIEWOS_A_VIEW_TASKS_TOTAL, U64, view_tasks_total),
	FIELD(VIEWOS_A_VIEW_CHILDREN, U64, view_children),
	FIELD(VIEWOS_A_VIEW_REQUESTS, U64, view_requests),
	FIELD(VIEWOS_A_TASK_TID, U32, task_tid),
	FIELD(VIEWOS_A_TASK_PID, U32, task_pid),
	FIELD(VIEWOS_A_TASK_COMM, STRING, task_comm),
	FIELD(VIEWOS_A_SERVER_NAME, STRING, server_name),
	FIELD(VIEWOS_A_SERVER_CLASSES, U64, server_classes),
	FIELD(VIEWOS_A_SERVER_PUBLIC, FLAG, server_public),
	FIELD(VIEWOS_A_SERVER_PID, U32, server_pid),
	FIELD(VIEWOS_A_SERVER_SESSIONS, U64, server_sessions),
	FIELD(VIEWOS_A_SESSION_ID, U64, session_id),
	FIELD(VIEWOS_A_SESSION_STATE, U32, session_state),
	FIELD(VIEWOS_A_SESSION_PENDING, U64, session_pending),
	FIELD(VIEWOS_A_SESSION_REQUESTS, U64, session_requests),
	FIELD(VIEWOS_A_SOURCE, STRING, source),
	FIELD(VIEWOS_A_OPTIONS, STRING, options),
	FIELD(VIEWOS_A_MOUNT_DEV, U64, mount_dev),
	FIELD(VIEWOS_A_CLASS, U32, class_),
	FIELD(VIEWOS_A_RULE_ID, U64, rule_id),
	FIELD(VIEWOS_A_RULE_VERDICT, U32, rule_verdict),
	FIELD(VIEWOS_A_RULE_STACK, STRING, rule_stack),
	FIELD(VIEWOS_A_RULE_TARGET, STRING, rule_target),
	FIELD(VIEWOS_A_RULE_ERROR, U32, rule_error),
	FIELD(VIEWOS_A_RULE_NETNS, U32, rule_netns),
	FIELD(VIEWOS_A_RULE_HITS, U64, rule_hits),
	FIELD(VIEWOS_A_FAMILY, U32, family),
	FIELD(VIEWOS_A_TYPE, U32, type),
	FIELD(VIEWOS_A_PROTOCOL, U32, protocol),
	FIELD(VIEWOS_A_SOCKET_INO, U64, socket_ino),
	FIELD(VIEWOS_A_SOCKET_STATE, U32, socket_state),
	FIELD(VIEWOS_A_SOCKET_LOCAL, BYTES, socket_local),
	FIELD(VIEWOS_A_SOCKET_PEER, BYTES, socket_peer),
	FIELD(VIEWOS_A_SOCKET_BACKED, FLAG, socket_backed),
	FIELD(VIEWOS_A_UTS_SYSNAME, STRING, uts_names[VIEWOS_UTS_SYSNAME]),
	FIELD(VIEWOS_A_UTS_NODENAME, STRING, uts_names[VIEWOS_UTS_NODENAME]),
	FIELD(VIEWOS_A_UTS_RELEASE, STRING, uts_names[VIEWOS_UTS_RELEASE]),
	FIELD(VIEWOS_A_UTS_VERSION, STRING, uts_names[VIEWOS_UTS_VERSION]),
	FIELD(VIEWOS_A_UTS_MACHINE, STRING, uts_names[VIEWOS_UTS_MACHINE]),
	FIELD(VIEWOS_A_UTS_DOMAINNAME, STRING, uts_names[VIEWOS_UTS_DOMAINNAME]),
	FIELD(VIEWOS_A_RULE_CALLS, BYTES, rule_calls),
	FIELD(VIEWOS_A_RULE_VALUE, U64, rule_value),
	FIELD(VIEWOS_A_CLOCK_OFFSET, U64, clock_offset),
	FIELD(VIEWOS_A_CLOCK_RATE, U64, clock_rate),
	FIELD(VIEWOS_A_RULE_BINFMT, BYTES, rule_binfmt),
};

static bool field_decode(void *field, enum field_type type, struct nlattr *attr)
{
	switch (type) {
	case FIELD_U32:
		if (nla_len(attr) != sizeof(uint32_t))
			return false;
		*(uint32_t *)field = nla_get_u32(attr);
		return true;
	case FIELD_U64:
		if (nla_len(attr) != sizeof(uint64_t))
			return false;
		*(uint64_t *)field = nla_get_u64(attr);
		return true;
	case FIELD_STRING:
		if (!memchr(nla_data(attr), '\0', nla_len(attr)))
			return false;
		*(const char **)field = nla_get_string(attr);
		return true;
	case FIELD_FLAG:
		*(bool *)field = true;
		return true;
	case FIELD_BYTES:
		*(struct viewos_bytes *)field = (struct viewos_bytes){
			.data = nla_data(attr),
			.len = nla_len(attr),
		};
		return true;
	}
	return false;
}

static void entry_decode(struct viewos_entry *entry, struct nlmsghdr *header)
{
	struct genlmsghdr *genl = genlmsg_hdr(header);
	struct nlattr *attr;
	int rest, type;

	*entry = (struct viewos_entry){ .cmd = genl->cmd };
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest) {
		type = nla_type(attr);
		if (type > VIEWOS_A_MAX || !fields[type].offset)
			continue;
		if (field_decode((char *)entry + fields[type].offset, fields[type].type, attr))
			entry->present |= 1ULL << type;
	}
}

static int on_entry(struct nl_msg *msg, void *data)
{
	struct exchange *exchange = data;
	struct viewos_entry entry;

	if (!exchange->fn || exchange->stopped || !genlmsg_valid_hdr(nlmsg_hdr(msg), 0))
		return NL_OK;
	entry_decode(&entry, nlmsg_hdr(msg));
	exchange->stopped = exchange->fn(&entry, exchange->arg);
	return NL_OK;
}

/* Each event is a datagram of its own, so stopping loses none. */
static int on_event(struct nl_msg *msg, void *data)
{
	struct exchange *exchange = data;

	on_entry(msg, data);
	return exchange->stopped ? NL_STOP : NL_OK;
}

static int on_done(struct nl_msg *msg, void *data)
{
	struct exchange *exchange = data;

	(void)msg;
	exchange->done = true;
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *data)
{
	struct exchange *exchange = data;

	(void)from;
	exchange->error = error->error;
	exchange->done = true;
	return NL_STOP;
}

static int any_sequence(struct nl_msg *msg, void *data)
{
	(void)msg;
	(void)data;
	return NL_OK;
}

static int error_of_libnl(int error)
{
	switch (-error) {
	case NLE_INTR:
		return -EINTR;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

int viewos_nl_open(struct viewos_nl **nl)
{
	struct viewos_nl *new;
	int ret;

	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->sock = nl_socket_alloc();
	if (!new->sock) {
		free(new);
		return -ENOMEM;
	}
	ret = genl_connect(new->sock);
	if (ret < 0)
		goto err;
	ret = genl_ctrl_resolve(new->sock, VIEWOS_GENL_NAME);
	if (ret < 0)
		goto err;
	new->family = ret;
	*nl = new;
	return 0;

err:
	viewos_nl_close(new);
	return error_of_libnl(ret);
}

void viewos_nl_close(struct viewos_nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

int viewos_nl_fd(const struct viewos_nl *nl)
{
	return nl_socket_get_fd(nl->sock);
}

/* Sends @msg, which is used up, and reads until the kernel has said all. */
static int request(struct viewos_nl *nl, struct nl_msg *msg, struct exchange *exchange)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	if (!cb) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_entry, exchange);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, exchange);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_done, exchange);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, exchange);

	ret = nl_send_auto(nl->sock, msg);
	nlmsg_free(msg);
	while (ret >= 0 && !exchange->done) {
		ret = nl_recvmsgs(nl->sock, cb);
		if (ret == -NLE_INTR || ret == -NLE_DUMP_INTR)
			ret = 0;
	}
	nl_cb_put(cb);
	if (exchange->error)
		return exchange->error;
	if (!exchange->done)
		return error_of_libnl(ret);
	return exchange->stopped;
}

static struct nl_msg *message(struct viewos_nl *nl, enum viewos_cmd cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, flags, cmd,
				VIEWOS_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int viewos_list(struct viewos_nl *nl, enum viewos_cmd cmd, uint64_t view, viewos_entry_fn fn,
		void *arg)
{
	struct exchange exchange = { .fn = fn, .arg = arg };
	bool one = cmd == VIEWOS_CMD_VIEW_GET && view != VIEWOS_VIEW_ANY;
	struct nl_msg *msg = message(nl, cmd, one ? 0 : NLM_F_DUMP);

	if (!msg)
		return -ENOMEM;
	if (view != VIEWOS_VIEW_ANY && nla_put_u64(msg, VIEWOS_A_VIEW_ID, view) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return request(nl, msg, &exchange);
}

static int subscribe(struct viewos_nl *nl)
{
	int group, ret;

	group = genl_ctrl_resolve_grp(nl->sock, VIEWOS_GENL_NAME, VIEWOS_GENL_MCGRP_EVENTS);
	if (group < 0)
		return error_of_libnl(group);
	nl_socket_set_buffer_size(nl->sock, EVENTS_BUFFER, 0);
	ret = nl_socket_add_membership(nl->sock, group);
	if (ret < 0)
		return error_of_libnl(ret);
	nl->subscribed = true;
	return 0;
}

int viewos_monitor(struct viewos_nl *nl, viewos_entry_fn fn, void *arg)
{
	struct exchange exchange = { .fn = fn, .arg = arg };
	struct nl_cb *cb;
	int ret = 0;

	if (!nl->subscribed)
		ret = subscribe(nl);
	if (ret < 0)
		return ret;
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_event, &exchange);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	while (ret >= 0 && !exchange.stopped)
		ret = nl_recvmsgs(nl->sock, cb);
	nl_cb_put(cb);
	if (exchange.stopped)
		return exchange.stopped;
	/* libnl has one error for ENOMEM and ENOBUFS, and recv(2) returns the latter. */
	return ret == -NLE_NOMEM ? -ENOBUFS : error_of_libnl(ret);
}

/* Registers (with an fd) or unregisters a name. */
static int server_name(enum viewos_cmd cmd, const char *name, int fd, unsigned int flags)
{
	struct exchange exchange = { 0 };
	struct viewos_nl *nl;
	struct nl_msg *msg;
	int ret;

	ret = viewos_nl_open(&nl);
	if (ret < 0)
		return ret;
	msg = message(nl, cmd, 0);
	if (!msg) {
		ret = -ENOMEM;
		goto out;
	}
	if (nla_put_string(msg, VIEWOS_A_SERVER_NAME, name) < 0 ||
	    (fd >= 0 && nla_put_s32(msg, VIEWOS_A_SERVER_FD, fd) < 0) ||
	    (flags & VIEWOS_SERVER_PUBLIC && nla_put_flag(msg, VIEWOS_A_SERVER_PUBLIC) < 0)) {
		nlmsg_free(msg);
		ret = -ENOMEM;
		goto out;
	}
	ret = request(nl, msg, &exchange);
out:
	viewos_nl_close(nl);
	return ret;
}

int viewos_server_register(int server, const char *name, unsigned int flags)
{
	if (server < 0)
		return -EBADF;
	if (flags & ~VIEWOS_SERVER_PUBLIC)
		return -EINVAL;
	return server_name(VIEWOS_CMD_SERVER_ADD, name, server, flags);
}

int viewos_server_unregister(const char *name)
{
	return server_name(VIEWOS_CMD_SERVER_DEL, name, -1, 0);
}
