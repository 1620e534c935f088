/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * viewos generic netlink family.
 *
 * The family registers servers, lists what there is, and tells of changes. Its
 * YNL spec is Documentation/netlink/specs/viewos.yaml. Unknown attributes are
 * refused (EINVAL, with extended ack).
 *
 * Who sees what: a dump has what belongs to the caller's effective user id, and
 * with CAP_SYS_ADMIN in the initial user namespace everything; public servers are
 * shown to all. An event goes to listeners whose socket was made by the owner's
 * user id or by root's. Before Linux 6.6, where netlink cannot tell listeners
 * apart, the group is for CAP_NET_ADMIN in the initial network namespace alone.
 *
 * Numbers of users and processes are those of the caller's namespaces in a dump,
 * and those of the initial namespaces in an event.
 */
#ifndef _UAPI_LINUX_VIEWOS_NETLINK_H
#define _UAPI_LINUX_VIEWOS_NETLINK_H

#define VIEWOS_GENL_NAME	"viewos"
#define VIEWOS_GENL_VERSION	1

/** VIEWOS_GENL_MCGRP_EVENTS - group in which the *_NTF messages are sent */
#define VIEWOS_GENL_MCGRP_EVENTS	"events"

/**
 * enum viewos_cmd - messages of the family
 * @VIEWOS_CMD_UNSPEC: unused
 * @VIEWOS_CMD_VIEW_GET: dump of all views but the root; as a do request, the one of
 *	VIEWOS_A_VIEW_ID. ENOENT: no such view; EPERM: someone else's
 * @VIEWOS_CMD_TASK_GET: dump of tasks in views; VIEWOS_A_VIEW_ID limits it to one
 * @VIEWOS_CMD_MOUNT_GET: dump of viewfs mounts (super blocks)
 * @VIEWOS_CMD_SERVER_GET: dump of registered servers
 * @VIEWOS_CMD_SESSION_GET: dump of sessions
 * @VIEWOS_CMD_SERVER_ADD: registers the server of VIEWOS_A_SERVER_FD under
 *	VIEWOS_A_SERVER_NAME. EEXIST: the user has a server of that name; EBUSY:
 *	the fd is registered already; EPERM: not the fd's creator, or
 *	VIEWOS_A_SERVER_PUBLIC without CAP_SYS_ADMIN
 * @VIEWOS_CMD_SERVER_DEL: takes the name VIEWOS_A_SERVER_NAME (of the caller's
 *	user) back; sessions at work go on. ENOENT: no such server
 * @VIEWOS_CMD_RULE_GET: dump of rules; VIEWOS_A_VIEW_ID limits it to those of one view
 * @VIEWOS_CMD_SOCKET_GET: dump of virtual sockets; VIEWOS_A_VIEW_ID likewise
 * @VIEWOS_CMD_VIEW_NEW_NTF: event: a view was created
 * @VIEWOS_CMD_VIEW_GONE_NTF: event: a view's last reference went
 * @VIEWOS_CMD_TASK_ENTER_NTF: event: a task entered a view by ioctl
 * @VIEWOS_CMD_SERVER_NEW_NTF: event: a server was registered
 * @VIEWOS_CMD_SERVER_GONE_NTF: event: a server was closed or unregistered
 * @VIEWOS_CMD_SERVER_STUCK_NTF: event: a session left a request unanswered for
 *	longer than VIEWOS_STUCK_SECONDS; once per session until it answers
 * @VIEWOS_CMD_RULE_NEW_NTF: event: a rule was added
 * @VIEWOS_CMD_RULE_GONE_NTF: event: a rule was deleted, or its view went
 * @VIEWOS_CMD_SOCKET_NEW_NTF: event: a virtual socket was made, or accepted
 * @VIEWOS_CMD_SOCKET_GONE_NTF: event: its last reference was closed
 * @VIEWOS_CMD_SESSION_ORPHANED_NTF: event: the server of a session has gone, and the session
 *	waits for another one, see VIEWOS_PATH_RECOVER
 * @VIEWOS_CMD_SESSION_RECOVERED_NTF: event: another one has taken it over, and is at work
 * @__VIEWOS_CMD_MAX: one more than the last
 */
enum viewos_cmd {
	VIEWOS_CMD_UNSPEC,
	VIEWOS_CMD_VIEW_GET,
	VIEWOS_CMD_TASK_GET,
	VIEWOS_CMD_MOUNT_GET,
	VIEWOS_CMD_SERVER_GET,
	VIEWOS_CMD_SESSION_GET,
	VIEWOS_CMD_SERVER_ADD,
	VIEWOS_CMD_SERVER_DEL,
	VIEWOS_CMD_VIEW_NEW_NTF,
	VIEWOS_CMD_VIEW_GONE_NTF,
	VIEWOS_CMD_TASK_ENTER_NTF,
	VIEWOS_CMD_SERVER_NEW_NTF,
	VIEWOS_CMD_SERVER_GONE_NTF,
	VIEWOS_CMD_SERVER_STUCK_NTF,
	VIEWOS_CMD_RULE_GET,
	VIEWOS_CMD_SOCKET_GET,
	VIEWOS_CMD_RULE_NEW_NTF,
	VIEWOS_CMD_RULE_GONE_NTF,
	VIEWOS_CMD_SOCKET_NEW_NTF,
	VIEWOS_CMD_SOCKET_GONE_NTF,
	VIEWOS_CMD_SESSION_ORPHANED_NTF,
	VIEWOS_CMD_SESSION_RECOVERED_NTF,
	__VIEWOS_CMD_MAX,
};

#define VIEWOS_CMD_MAX	(__VIEWOS_CMD_MAX - 1)

/** VIEWOS_STUCK_SECONDS - age of an unanswered request that makes an event */
#define VIEWOS_STUCK_SECONDS	10

/**
 * enum viewos_attr - attributes, one space for all messages
 * @VIEWOS_A_UNSPEC: unused
 * @VIEWOS_A_PAD: padding for 64-bit attributes
 * @VIEWOS_A_VIEW_ID: u64
 * @VIEWOS_A_VIEW_NAME: string, absent for an unnamed view
 * @VIEWOS_A_VIEW_PARENT: u64, id of the parent
 * @VIEWOS_A_VIEW_DEPTH: u32
 * @VIEWOS_A_VIEW_INHERIT: u32, enum viewos_inherit
 * @VIEWOS_A_OWNER: u32, uid, 65534 for one that has no number there
 * @VIEWOS_A_VIEW_TASKS: u64, tasks in the view now
 * @VIEWOS_A_VIEW_TASKS_TOTAL: u64, tasks that ever were in it
 * @VIEWOS_A_VIEW_CHILDREN: u64, child views now
 * @VIEWOS_A_VIEW_REQUESTS: u64, requests its tasks caused
 * @VIEWOS_A_TASK_TID: u32, thread id, 0 if it has none there
 * @VIEWOS_A_TASK_PID: u32, process id, likewise
 * @VIEWOS_A_TASK_COMM: string, as in /proc/PID/comm
 * @VIEWOS_A_SERVER_NAME: string
 * @VIEWOS_A_SERVER_FD: s32, a server fd of the sender
 * @VIEWOS_A_SERVER_CLASSES: u64, mask of 1 << enum viewos_class
 * @VIEWOS_A_SERVER_PUBLIC: flag: other users may connect to it
 * @VIEWOS_A_SERVER_PID: u32, of a server the process that created it, of a session
 *	the one that accepted it; 0 if it has none there
 * @VIEWOS_A_SERVER_SESSIONS: u64, sessions now
 * @VIEWOS_A_SESSION_ID: u64
 * @VIEWOS_A_SESSION_STATE: u32, enum viewos_session_state
 * @VIEWOS_A_SESSION_PENDING: u64, requests queued or with the server
 * @VIEWOS_A_SESSION_REQUESTS: u64, requests ever submitted
 * @VIEWOS_A_SOURCE: string, a mount's source
 * @VIEWOS_A_OPTIONS: string, a mount's options for the server
 * @VIEWOS_A_MOUNT_DEV: u64, st_dev of the file system, as (major << 32 | minor)
 * @VIEWOS_A_CLASS: u32, enum viewos_class, of a rule or a session
 * @VIEWOS_A_RULE_ID: u64
 * @VIEWOS_A_RULE_VERDICT: u32, enum viewos_verdict
 * @VIEWOS_A_RULE_STACK: string, the stack that it (or a socket's rule) is for, absent for the
 *	default one
 * @VIEWOS_A_RULE_TARGET: string, name of a server or of a stack
 * @VIEWOS_A_RULE_ERROR: u32, errno of DENY
 * @VIEWOS_A_RULE_NETNS: u32, inode number of a network namespace
 * @VIEWOS_A_RULE_HITS: u64, calls that it decided
 * @VIEWOS_A_FAMILY: s32, of a rule or socket: AF_*, VIEWOS_RULE_ANY
 * @VIEWOS_A_TYPE: s32, SOCK_*, VIEWOS_RULE_ANY
 * @VIEWOS_A_PROTOCOL: s32, VIEWOS_RULE_ANY
 * @VIEWOS_A_SOCKET_INO: u64, inode number, as in /proc/PID/fd
 * @VIEWOS_A_SOCKET_STATE: u32, enum viewos_socket_state
 * @VIEWOS_A_SOCKET_LOCAL: binary, struct sockaddr that it is bound to, if known
 * @VIEWOS_A_SOCKET_PEER: binary, struct sockaddr of its peer, if known
 * @VIEWOS_A_SOCKET_BACKED: flag: it has a backing socket
 * @VIEWOS_A_UTS_SYSNAME: string, of a view that has a UTS namespace of its own, as are the next
 * @VIEWOS_A_UTS_NODENAME: string
 * @VIEWOS_A_UTS_RELEASE: string
 * @VIEWOS_A_UTS_VERSION: string
 * @VIEWOS_A_UTS_MACHINE: string
 * @VIEWOS_A_UTS_DOMAINNAME: string
 * @VIEWOS_A_RULE_CALLS: binary, of a rule for system calls: the calls as in struct
 *	viewos_rule_add
 * @VIEWOS_A_RULE_VALUE: s64, of VALUE
 * @VIEWOS_A_CLOCK_OFFSET: u64, to be taken as signed: nanoseconds that the clock of the view
 *	is ahead of the host's; of a view that has a clock, its own or one above
 * @VIEWOS_A_CLOCK_RATE: u64, how fast it goes by the host's, in parts of
 *	VIEWOS_CLOCK_RATE_ONE
 * @VIEWOS_A_RULE_BINFMT: binary, of a rule for programs: struct viewos_binfmt; the interpreter is
 *	VIEWOS_A_SOURCE
 * @__VIEWOS_A_MAX: one more than the last
 */
enum viewos_attr {
	VIEWOS_A_UNSPEC,
	VIEWOS_A_PAD,
	VIEWOS_A_VIEW_ID,
	VIEWOS_A_VIEW_NAME,
	VIEWOS_A_VIEW_PARENT,
	VIEWOS_A_VIEW_DEPTH,
	VIEWOS_A_VIEW_INHERIT,
	VIEWOS_A_OWNER,
	VIEWOS_A_VIEW_TASKS,
	VIEWOS_A_VIEW_TASKS_TOTAL,
	VIEWOS_A_VIEW_CHILDREN,
	VIEWOS_A_VIEW_REQUESTS,
	VIEWOS_A_TASK_TID,
	VIEWOS_A_TASK_PID,
	VIEWOS_A_TASK_COMM,
	VIEWOS_A_SERVER_NAME,
	VIEWOS_A_SERVER_FD,
	VIEWOS_A_SERVER_CLASSES,
	VIEWOS_A_SERVER_PUBLIC,
	VIEWOS_A_SERVER_PID,
	VIEWOS_A_SERVER_SESSIONS,
	VIEWOS_A_SESSION_ID,
	VIEWOS_A_SESSION_STATE,
	VIEWOS_A_SESSION_PENDING,
	VIEWOS_A_SESSION_REQUESTS,
	VIEWOS_A_SOURCE,
	VIEWOS_A_OPTIONS,
	VIEWOS_A_MOUNT_DEV,
	VIEWOS_A_CLASS,
	VIEWOS_A_RULE_ID,
	VIEWOS_A_RULE_VERDICT,
	VIEWOS_A_RULE_STACK,
	VIEWOS_A_RULE_TARGET,
	VIEWOS_A_RULE_ERROR,
	VIEWOS_A_RULE_NETNS,
	VIEWOS_A_RULE_HITS,
	VIEWOS_A_FAMILY,
	VIEWOS_A_TYPE,
	VIEWOS_A_PROTOCOL,
	VIEWOS_A_SOCKET_INO,
	VIEWOS_A_SOCKET_STATE,
	VIEWOS_A_SOCKET_LOCAL,
	VIEWOS_A_SOCKET_PEER,
	VIEWOS_A_SOCKET_BACKED,
	VIEWOS_A_UTS_SYSNAME,
	VIEWOS_A_UTS_NODENAME,
	VIEWOS_A_UTS_RELEASE,
	VIEWOS_A_UTS_VERSION,
	VIEWOS_A_UTS_MACHINE,
	VIEWOS_A_UTS_DOMAINNAME,
	VIEWOS_A_RULE_CALLS,
	VIEWOS_A_RULE_VALUE,
	VIEWOS_A_CLOCK_OFFSET,
	VIEWOS_A_CLOCK_RATE,
	VIEWOS_A_RULE_BINFMT,
	__VIEWOS_A_MAX,
};

#define VIEWOS_A_MAX	(__VIEWOS_A_MAX - 1)

/**
 * enum viewos_session_state - where a session is in its life
 * @VIEWOS_SESSION_WAITING: queued at its server, not accepted
 * @VIEWOS_SESSION_ACCEPTED: accepted, INIT not answered
 * @VIEWOS_SESSION_READY: at work
 * @VIEWOS_SESSION_DEAD: ended; its mount answers ENOTCONN
 * @VIEWOS_SESSION_ORPHANED: its server has gone, and it waits for another one to take it
 *	over; then it is ACCEPTED again
 */
enum viewos_session_state {
	VIEWOS_SESSION_WAITING,
	VIEWOS_SESSION_ACCEPTED,
	VIEWOS_SESSION_READY,
	VIEWOS_SESSION_DEAD,
	VIEWOS_SESSION_ORPHANED,
};

/**
 * enum viewos_socket_state - where a virtual socket is in its life
 * @VIEWOS_SOCKET_NEW: neither of the following
 * @VIEWOS_SOCKET_LISTENING: listen(2) was called
 * @VIEWOS_SOCKET_CONNECTING: a connect is in progress
 * @VIEWOS_SOCKET_CONNECTED: it has a peer
 */
enum viewos_socket_state {
	VIEWOS_SOCKET_NEW,
	VIEWOS_SOCKET_LISTENING,
	VIEWOS_SOCKET_CONNECTING,
	VIEWOS_SOCKET_CONNECTED,
};

#endif /* _UAPI_LINUX_VIEWOS_NETLINK_H */
