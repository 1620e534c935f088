/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * viewos control and session interface.
 *
 * /dev/viewos is the control node. Everything else is an anonymous file
 * descriptor, close-on-exec, got from it by ioctl:
 *
 *   view fd     names a view; an open fd keeps the view alive
 *   server fd   a module server's listening end; its last close ends the server
 *   session fd  one instance of a server at work: requests are read from it and
 *               replies written to it, or both by one VIEWOS_IOC_SESSION_NEXT; its
 *               last close ends the session, and pending requests end with ENOTCONN
 *
 * Rules common to every ioctl here:
 *
 *  - The argument is a struct that begins with its own size in bytes. A struct
 *    larger than the kernel knows is taken if the unknown rest is zero (E2BIG
 *    otherwise), a smaller one is completed with zeros (EINVAL if it is smaller
 *    than its first version).
 *  - Unknown flags and non-zero padding are EINVAL, an unknown ioctl is ENOTTY,
 *    a bad pointer is EFAULT.
 *  - An fd of the wrong kind is EINVAL, a closed one EBADF.
 *
 * Security: a view can show its tasks whatever its servers like. Do not take
 * what a program inside somebody else's view reports for a fact about the
 * system. A task that enters a view without CAP_SYS_ADMIN in the user namespace
 * of the view's owner gets no_new_privs.
 *
 * Changes: ABI 1, first release. ABI 2, rules, the class socket, VIEWOS_IOC_SESSION_NEXT.
 * ABI 3, <linux/viewos_path.h>, VIEWOS_IOC_VIEW_UTS, VIEWOS_IOC_VIEW_CLOCK; the class
 * syscall, for which struct viewos_rule_add has grown, <linux/viewos_syscall.h>,
 * VIEWOS_IOC_SESSION_MEMORY, VIEWOS_IOC_VIEW_KILL, VIEWOS_IOC_VIEW_ATTACH; the class
 * binfmt.
 */
#ifndef _UAPI_LINUX_VIEWOS_H
#define _UAPI_LINUX_VIEWOS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** VIEWOS_ABI - number of this interface, grows when something is added */
#define VIEWOS_ABI		3

/** VIEWOS_NAME_LEN - room for a view's or server's name, with its final NUL */
#define VIEWOS_NAME_LEN		64

/** VIEWOS_VIEW_ROOT - id of the root view: the unmodified system */
#define VIEWOS_VIEW_ROOT	0

/** VIEWOS_DEPTH_MAX - deepest nesting; the root view has depth 0 */
#define VIEWOS_DEPTH_MAX	64

/**
 * enum viewos_inherit - what view a new process of a view's task gets
 * @VIEWOS_INHERIT_SHARE: the same view (the default)
 * @VIEWOS_INHERIT_NEST: a new child view of its own, unnamed, nesting too
 * @VIEWOS_INHERIT_LEAVE: the view's parent; asking for it needs CAP_SYS_ADMIN in
 *	the user namespace of the parent's owner
 *
 * Threads and io_uring workers always share. execve(2) keeps the view.
 */
enum viewos_inherit {
	VIEWOS_INHERIT_SHARE	= 0,
	VIEWOS_INHERIT_NEST	= 1,
	VIEWOS_INHERIT_LEAVE	= 2,
};

/**
 * enum viewos_class - what kind of name a server answers for
 * @VIEWOS_CLASS_PATH: files, through a viewfs mount; sessions speak the FUSE
 *	wire protocol of <linux/fuse.h>
 * @VIEWOS_CLASS_SOCKET: sockets, through rules; sessions speak the protocol of
 *	<linux/viewos_socket.h>
 * @VIEWOS_CLASS_SYSCALL: other system calls, through rules; sessions speak the protocol of
 *	<linux/viewos_syscall.h>
 * @VIEWOS_CLASS_BINFMT: programs that another one interprets, through rules; there are no
 *	servers for it
 */
enum viewos_class {
	VIEWOS_CLASS_PATH	= 1,
	VIEWOS_CLASS_SOCKET	= 2,
	VIEWOS_CLASS_SYSCALL	= 3,
	VIEWOS_CLASS_BINFMT	= 4,
};

/**
 * struct viewos_version - argument of VIEWOS_IOC_VERSION
 * @size: in: sizeof(struct viewos_version)
 * @abi: out: VIEWOS_ABI of the loaded module
 * @classes: out: mask of 1 << enum viewos_class that this module serves
 */
struct viewos_version {
	__u32 size;
	__u32 abi;
	__aligned_u64 classes;
};

/**
 * struct viewos_view_create - argument of VIEWOS_IOC_VIEW_CREATE
 * @size: in: sizeof(struct viewos_view_create)
 * @flags: in: must be zero
 * @parent_fd: in: view fd of the parent, or -1 for the caller's own view. The
 *	parent must be the caller's view or a descendant of it, unless the caller
 *	has CAP_SYS_ADMIN in the user namespace of the parent's owner (EPERM)
 * @inherit: in: enum viewos_inherit
 * @name: in: NUL-terminated and padded with NULs, may be empty. Letters, digits
 *	and "-_.:@" (EINVAL), not beginning with a digit; unique among the views
 *	of one user (EEXIST)
 * @id: in: must be zero; out: the new view's id, never used again while the module is loaded
 *
 * Returns a view fd. Errors also: ENOSPC the depth limit, EUSERS the user's
 * limit of views, ENOENT the parent is being destroyed, EMFILE, ENOMEM.
 */
struct viewos_view_create {
	__u32 size;
	__u32 flags;
	__s32 parent_fd;
	__u32 inherit;
	char name[VIEWOS_NAME_LEN];
	__aligned_u64 id;
};

/**
 * VIEWOS_VIEW_OPEN_SELF - open the caller's own view; id and name must be zero
 */
#define VIEWOS_VIEW_OPEN_SELF	0x00000001
#define VIEWOS_VIEW_OPEN_ALL	VIEWOS_VIEW_OPEN_SELF

/**
 * struct viewos_view_open - argument of VIEWOS_IOC_VIEW_OPEN
 * @size: in: sizeof(struct viewos_view_open)
 * @flags: in: VIEWOS_VIEW_OPEN_*
 * @id: in: the view's id, when @name is empty
 * @name: in: the view's name; the caller's own views first, then (with
 *	CAP_SYS_ADMIN) those of others
 *
 * Returns a view fd. ENOENT: no such view. EPERM: the view belongs to another
 * user, and the caller has no CAP_SYS_ADMIN in its owner's user namespace.
 */
struct viewos_view_open {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	char name[VIEWOS_NAME_LEN];
};

/**
 * struct viewos_view_enter - argument of VIEWOS_IOC_VIEW_ENTER on a view fd
 * @size: in: sizeof(struct viewos_view_enter)
 * @flags: in: must be zero
 *
 * Moves the calling task into the view. Namespaces are the caller's business
 * (setns(2), unshare(2)). EINVAL: the caller has other threads. EPERM: the view
 * is neither the caller's own nor a descendant of it, and the caller has no
 * CAP_SYS_ADMIN in its owner's user namespace. ENOENT: the view is being
 * destroyed. Without that capability no_new_privs is set.
 */
struct viewos_view_enter {
	__u32 size;
	__u32 flags;
};

/**
 * struct viewos_view_attach - argument of VIEWOS_IOC_VIEW_ATTACH on a view fd
 * @size: in: sizeof(struct viewos_view_attach)
 * @flags: in: must be zero
 * @pid: in: process id, as the caller sees it
 * @pad: in: must be zero
 *
 * Moves another process into the view, with all of its threads, or none. The caller traces each
 * of them by ptrace(2), and has stopped it: so it may do with them what it likes, and none of them
 * is under way in a call that the view decides. What they call from then on is decided by the view,
 * as if each had entered it; a thread that is ending is left alone. Namespaces are not changed.
 * ESRCH: there is no such process, or a thread of it is not stopped, or not traced by the calling
 * thread, as a worker of io_uring cannot be. EPERM: neither is the view at or below the caller's,
 * nor has the caller CAP_SYS_ADMIN in the user namespace of the view's owner; or the same of the
 * view in which the process is. ENOENT: the view is being destroyed. As by
 * VIEWOS_IOC_VIEW_ENTER, the threads get no_new_privs if the caller lacks that capability.
 */
struct viewos_view_attach {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 pad;
};

/**
 * struct viewos_view_info - argument of VIEWOS_IOC_VIEW_INFO on a view fd
 * @size: in: sizeof(struct viewos_view_info)
 * @flags: in: must be zero
 * @id: out: the view's id
 * @parent_id: out: its parent's id; the root view is its own parent
 * @depth: out: 0 for the root view, else the parent's depth + 1
 * @inherit: out: enum viewos_inherit
 * @owner: out: the owner's uid in the caller's user namespace
 * @pad: out: zero
 * @tasks: out: tasks (threads) in the view now; 0 is reported for the root view
 * @tasks_total: out: tasks that ever were in it
 * @children: out: child views now
 * @requests: out: requests that its tasks caused
 * @name: out: its name, padded with NULs
 */
struct viewos_view_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__aligned_u64 parent_id;
	__u32 depth;
	__u32 inherit;
	__u32 owner;
	__u32 pad;
	__aligned_u64 tasks;
	__aligned_u64 tasks_total;
	__aligned_u64 children;
	__aligned_u64 requests;
	char name[VIEWOS_NAME_LEN];
};

/**
 * struct viewos_view_set - argument of VIEWOS_IOC_VIEW_SET on a view fd
 * @size: in: sizeof(struct viewos_view_set)
 * @flags: in: must be zero
 * @inherit: in: enum viewos_inherit for processes created from now on
 * @pad: in: must be zero
 *
 * For the owner, or CAP_SYS_ADMIN in the owner's user namespace (EPERM). EPERM
 * also for the root view and for VIEWOS_INHERIT_LEAVE without privilege over
 * the parent.
 */
struct viewos_view_set {
	__u32 size;
	__u32 flags;
	__u32 inherit;
	__u32 pad;
};

/**
 * enum viewos_uts_field - the names of uname(2), in the order of struct utsname
 * @VIEWOS_UTS_SYSNAME: of the system, as "Linux"
 * @VIEWOS_UTS_NODENAME: of the host; programs may change it by sethostname(2)
 * @VIEWOS_UTS_RELEASE: of the kernel, as "6.1.0-56-amd64"
 * @VIEWOS_UTS_VERSION: of its build
 * @VIEWOS_UTS_MACHINE: of the hardware, as "x86_64"; 32-bit personalities see "i686"
 * @VIEWOS_UTS_DOMAINNAME: of the NIS domain; programs may change it by setdomainname(2)
 */
enum viewos_uts_field {
	VIEWOS_UTS_SYSNAME	= 0,
	VIEWOS_UTS_NODENAME	= 1,
	VIEWOS_UTS_RELEASE	= 2,
	VIEWOS_UTS_VERSION	= 3,
	VIEWOS_UTS_MACHINE	= 4,
	VIEWOS_UTS_DOMAINNAME	= 5,
};

/** VIEWOS_UTS_FIELDS - how many there are */
#define VIEWOS_UTS_FIELDS	6

/** VIEWOS_UTS_LEN - room for one of them, with its final NUL */
#define VIEWOS_UTS_LEN		65

/**
 * struct viewos_view_uts - argument of VIEWOS_IOC_VIEW_UTS on a view fd
 * @size: in: sizeof(struct viewos_view_uts)
 * @flags: in: must be zero
 * @fields: in: mask of 1 << enum viewos_uts_field: the names that are to be changed
 * @pad: in: must be zero
 * @names: in: the names, padded with NULs; those that are not in @fields all zero. No
 *	control characters; only NODENAME and DOMAINNAME may be empty (EINVAL)
 * @pad2: in: must be zero
 *
 * Writes the names into the UTS namespace of the caller, which is shown as the view's own
 * from now on. The caller must be the only user of that namespace, as it is after
 * unshare(CLONE_NEWUTS) and before it makes a child (EBUSY): nobody finds a name
 * changed who did not come into the namespace afterwards.
 *
 * EPERM: the caller is not the view's owner, and has no CAP_SYS_ADMIN in the owner's user
 * namespace; it is the root view; or the UTS namespace is the initial one, or belongs to
 * a user namespace in which the caller has no CAP_SYS_ADMIN.
 */
struct viewos_view_uts {
	__u32 size;
	__u32 flags;
	__u32 fields;
	__u32 pad;
	char names[VIEWOS_UTS_FIELDS][VIEWOS_UTS_LEN];
	__u8 pad2[2];
};

/**
 * VIEWOS_CLOCK_OFFSET - @realtime is added to what the parent's clock says now
 * VIEWOS_CLOCK_DATE - @realtime is what the clock says now; not both
 * VIEWOS_CLOCK_RATE - @rate is how fast it goes, by the parent's clock
 */
#define VIEWOS_CLOCK_OFFSET	0x00000001
#define VIEWOS_CLOCK_DATE	0x00000002
#define VIEWOS_CLOCK_RATE	0x00000004
#define VIEWOS_CLOCK_ALL	(VIEWOS_CLOCK_OFFSET | VIEWOS_CLOCK_DATE | VIEWOS_CLOCK_RATE)

/** VIEWOS_CLOCK_RATE_ONE - as fast as the parent's; rates are parts of it */
#define VIEWOS_CLOCK_RATE_ONE	0x100000000ULL
/* The slowest and the fastest clock; for what a clock and those above it make together, too. */
#define VIEWOS_CLOCK_RATE_MIN	(VIEWOS_CLOCK_RATE_ONE / 1000)
#define VIEWOS_CLOCK_RATE_MAX	(VIEWOS_CLOCK_RATE_ONE * 1000)

/**
 * struct viewos_view_clock - argument of VIEWOS_IOC_VIEW_CLOCK on a view fd
 * @size: in: sizeof(struct viewos_view_clock)
 * @flags: in: VIEWOS_CLOCK_*, at least one
 * @realtime: in: nanoseconds, since 1970 or of an offset; zero if neither is asked for
 * @rate: in: VIEWOS_CLOCK_RATE_MIN to _MAX; zero without VIEWOS_CLOCK_RATE
 *
 * Gives the view a CLOCK_REALTIME of its own, relative to its parent's, which the views
 * beneath it have too; or sets the one that it has. The first is possible only while the
 * view has neither tasks nor children (EBUSY). Programs executed in it have no vDSO; one
 * that enters it and executes nothing keeps its vDSO, which tells the time outside.
 *
 * EINVAL also: the time would be before 1970 or after 2231, or the clock too fast or slow.
 * EPERM: the caller is not the view's owner, and has no CAP_SYS_ADMIN in the owner's user
 * namespace, or it is the root view. ENOSYS, EBUSY: the kernel's functions cannot be
 * redirected.
 */
struct viewos_view_clock {
	__u32 size;
	__u32 flags;
	__s64 realtime;
	__aligned_u64 rate;
};

/** VIEWOS_VIEW_DESTROY_KILL - SIGKILL every task of the view and its descendants */
#define VIEWOS_VIEW_DESTROY_KILL	0x00000001
#define VIEWOS_VIEW_DESTROY_ALL		VIEWOS_VIEW_DESTROY_KILL

/**
 * struct viewos_view_destroy - argument of VIEWOS_IOC_VIEW_DESTROY on a view fd
 * @size: in: sizeof(struct viewos_view_destroy)
 * @flags: in: VIEWOS_VIEW_DESTROY_*
 *
 * From now on nobody can enter the view or create a child in it, its name is
 * free, and it vanishes with its last reference. EBUSY: it has tasks or
 * children, and VIEWOS_VIEW_DESTROY_KILL was not given. EPERM as for
 * struct viewos_view_set.
 */
struct viewos_view_destroy {
	__u32 size;
	__u32 flags;
};

/**
 * struct viewos_view_kill - argument of VIEWOS_IOC_VIEW_KILL on a view fd
 * @size: in: sizeof(struct viewos_view_kill)
 * @flags: in: must be zero
 * @signal: in: signal number, or 0 to send none and only see whom it would reach
 * @except: in: a process that is left out, by its pid as the caller sees it, or 0
 * @processes: out: processes that got it
 * @refused: out: those to which kill(2) does not let the caller send it
 *
 * Sends a signal to each process of the view and of those beneath it, as kill(2) does with -1:
 * not to the caller, nor, unless it is SIGKILL, to the first process of a PID namespace. Each
 * gets it once; one that is made meanwhile gets it too, unless its parent has already handled
 * it. EPERM: the caller is not the view's owner, and has no CAP_SYS_ADMIN in
 * the owner's user namespace, or it is the root view; or all refused. ESRCH: there is no
 * process. EINVAL also: no such signal.
 */
struct viewos_view_kill {
	__u32 size;
	__u32 flags;
	__s32 signal;
	__s32 except;
	__u32 processes;
	__u32 refused;
};

/**
 * struct viewos_server_create - argument of VIEWOS_IOC_SERVER_CREATE
 * @size: in: sizeof(struct viewos_server_create)
 * @flags: in: must be zero
 * @classes: in: mask of 1 << enum viewos_class, not empty
 *
 * Returns a server fd, to be registered under a name by generic netlink
 * (VIEWOS_CMD_SERVER_ADD in <linux/viewos_netlink.h>). The fd can be polled:
 * POLLIN says that a session waits to be accepted. EUSERS: the user's limit.
 */
struct viewos_server_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 classes;
};

/** VIEWOS_ACCEPT_NONBLOCK - EAGAIN if no session waits; O_NONBLOCK has the same effect */
#define VIEWOS_ACCEPT_NONBLOCK	0x00000001
#define VIEWOS_ACCEPT_ALL	VIEWOS_ACCEPT_NONBLOCK

/** VIEWOS_SOURCE_LEN - room for a mount's source and for its options, with NUL */
#define VIEWOS_SOURCE_LEN	4096

/**
 * struct viewos_server_accept - argument of VIEWOS_IOC_SERVER_ACCEPT on a server fd
 * @size: in: sizeof(struct viewos_server_accept)
 * @flags: in: VIEWOS_ACCEPT_*
 * @session_id: out: the session's id
 * @view_id: out: the view that it was made in
 * @class: out: enum viewos_class
 * @uid: out: who made it (for a path session: who mounted), in the caller's user
 *	namespace
 * @gid: out: their group
 * @pid: out: their process, in the caller's pid namespace, or 0
 * @source: in: pointer to a buffer of VIEWOS_SOURCE_LEN bytes, or 0; the mount's
 *	source as a string is put there
 * @options: in: likewise, for the options meant for the server
 *
 * Waits for a session and returns its fd. EINTR: a signal came.
 */
struct viewos_server_accept {
	__u32 size;
	__u32 flags;
	__aligned_u64 session_id;
	__aligned_u64 view_id;
	__u32 class;
	__u32 uid;
	__u32 gid;
	__u32 pid;
	__aligned_u64 source;
	__aligned_u64 options;
};

/**
 * struct viewos_session_refuse - argument of VIEWOS_IOC_SESSION_REFUSE on a session fd
 * @size: in: sizeof(struct viewos_session_refuse)
 * @error: in: a positive errno, below 4096
 *
 * Ends a session that has not answered its first request: the mount(2) that
 * waits for it fails with this errno. EINVAL: the session is at work already.
 */
struct viewos_session_refuse {
	__u32 size;
	__u32 error;
};

/**
 * enum viewos_verdict - what a rule says
 * @VIEWOS_VERDICT_NATIVE: as in the parent view; in a child of the root view, as the
 *	kernel does it
 * @VIEWOS_VERDICT_DENY: fail with an errno
 * @VIEWOS_VERDICT_REDIRECT: take another network namespace, or a stack of the view; of a program,
 *	execute its interpreter
 * @VIEWOS_VERDICT_SERVE: a module server answers
 * @VIEWOS_VERDICT_VALUE: succeed with a value, and do nothing
 */
enum viewos_verdict {
	VIEWOS_VERDICT_NATIVE	= 0,
	VIEWOS_VERDICT_DENY	= 1,
	VIEWOS_VERDICT_REDIRECT	= 2,
	VIEWOS_VERDICT_SERVE	= 3,
	VIEWOS_VERDICT_VALUE	= 4,
};

/**
 * enum viewos_arch - by which of the kernel's tables a system call is made
 * @VIEWOS_ARCH_X86_64: that of the syscall instruction in 64-bit code
 * @VIEWOS_ARCH_I386: that of int 0x80, in whatever code, and of 32-bit programs
 */
enum viewos_arch {
	VIEWOS_ARCH_X86_64	= 0,
	VIEWOS_ARCH_I386	= 1,
};

/** VIEWOS_ARCHES - how many there are */
#define VIEWOS_ARCHES		2

/** VIEWOS_CALLS - numbers of system calls are less than this */
#define VIEWOS_CALLS		512

/** VIEWOS_RULE_ANY - matches every family, type or protocol */
#define VIEWOS_RULE_ANY		(-1)

/** VIEWOS_RULES_MAX - most rules of one view */
#define VIEWOS_RULES_MAX	256

/**
 * VIEWOS_RULE_ADD_KNOWN - of @calls, leave out those that the kernel does not have, or that
 *	must not be ruled
 */
#define VIEWOS_RULE_ADD_KNOWN	0x00000001
#define VIEWOS_RULE_ADD_ALL	VIEWOS_RULE_ADD_KNOWN

/** VIEWOS_BINFMT_LEN - room for a magic, a mask or an extension, and a NUL */
#define VIEWOS_BINFMT_LEN	128

/** VIEWOS_BINFMT_WINDOW - how much of a program's beginning is looked at, in bytes */
#define VIEWOS_BINFMT_WINDOW	256

/** VIEWOS_BINFMT_EXTENSION - the name ends so, behind a dot; else the content begins so */
#define VIEWOS_BINFMT_EXTENSION		0x00000001
/** VIEWOS_BINFMT_ARGV0 - the interpreter gets the program's argv[0], too, behind its path */
#define VIEWOS_BINFMT_ARGV0		0x00000002
/** VIEWOS_BINFMT_OPEN - it gets the program open, as AT_EXECFD: it need not be able to read it */
#define VIEWOS_BINFMT_OPEN		0x00000004
/**
 * VIEWOS_BINFMT_CREDENTIALS - a set-user-id program's rights are those of the process, in place of
 *	the interpreter's. With VIEWOS_BINFMT_OPEN, and for who has CAP_SYS_ADMIN in the initial
 *	user namespace (EPERM)
 */
#define VIEWOS_BINFMT_CREDENTIALS	0x00000008
#define VIEWOS_BINFMT_ALL		0x0000000f

/**
 * struct viewos_binfmt - which programs a rule is for
 * @size: in: sizeof(struct viewos_binfmt)
 * @flags: in: VIEWOS_BINFMT_*; for another verdict than REDIRECT, VIEWOS_BINFMT_EXTENSION alone
 * @offset: in: where in the program @magic is; zero for an extension
 * @len: in: bytes of @magic, from 1 to VIEWOS_BINFMT_LEN - 1; the sum of both is at most
 *	VIEWOS_BINFMT_WINDOW
 * @magic: in: what is there, or the extension, without its dot, a dot or a slash; the rest zero
 * @mask: in: which bits of it count; not all zero; for an extension zero; the rest zero
 *
 * As binfmt_misc has it (Documentation/admin-guide/binfmt-misc.rst in the kernel's source).
 */
struct viewos_binfmt {
	__u32 size;
	__u32 flags;
	__u32 offset;
	__u32 len;
	__u8 magic[VIEWOS_BINFMT_LEN];
	__u8 mask[VIEWOS_BINFMT_LEN];
};

/**
 * struct viewos_rule_add - argument of VIEWOS_IOC_RULE_ADD on a view fd
 * @size: in: sizeof(struct viewos_rule_add)
 * @flags: in: VIEWOS_RULE_ADD_*, for the class syscall; else zero
 * @class: in: VIEWOS_CLASS_SOCKET, VIEWOS_CLASS_SYSCALL or VIEWOS_CLASS_BINFMT
 * @verdict: in: enum viewos_verdict
 * @family: in: AF_* that the rule is for, or VIEWOS_RULE_ANY
 * @type: in: SOCK_* without flags, or VIEWOS_RULE_ANY
 * @protocol: in: protocol as given to socket(2), or VIEWOS_RULE_ANY
 * @error: in: for DENY: positive errno below 512, else zero
 * @netns_fd: in: for REDIRECT: fd of a network namespace, or -1; else -1
 * @pad: in: must be zero
 * @stack: in: name of the stack that the rule is for, empty for the default; padded
 *	with NULs
 * @target: in: for SERVE: name of the server; for REDIRECT without @netns_fd: name of a
 *	stack; else empty; padded with NULs
 * @source: in: for SERVE: pointer to a string of at most VIEWOS_SOURCE_LEN bytes that
 *	tells the server what to serve, or 0; for REDIRECT of the class binfmt, to the absolute
 *	path of the interpreter
 * @options: in: likewise, options for the server
 * @id: in: must be zero; out: the rule's id, never used again while the module is loaded
 * @calls: in: for the class syscall: the calls that the rule is for, by enum viewos_arch a
 *	set of numbers, where number N is bit N % 64 of element N / 64; else zero. Since ABI 3
 * @value: in: for VALUE: what the call returns, which is no error, as int neither; else
 *	zero. Since ABI 3
 * @binfmt: in: for the class binfmt: pointer to a struct viewos_binfmt; else zero. Since ABI 3
 *
 * A call is decided by the rules of the nearest view, from the caller's upwards,
 * that has one which matches: there by the most specific, where the family counts
 * most, then the type, then the protocol; and of several by the youngest. A view can
 * take away or replace what its parent has, not give back: where the parent's
 * answer is DENY, NATIVE and REDIRECT of a child are that too.
 *
 * For the class syscall, @family, @type, @protocol and @netns_fd are -1, @stack is
 * empty, and the verdict is NATIVE, DENY, VALUE or SERVE. The more specific rule is the one for
 * fewer calls. The arguments of a call are not looked at, except by a server. NATIVE of a
 * child is what the parent view says, be it DENY, VALUE or SERVE.
 *
 * For the class binfmt likewise, @calls are none, and the verdict is NATIVE, DENY or REDIRECT; an
 * errno of ENOEXEC is EINVAL, since other formats would be tried. When a task of the view executes
 * a file, the youngest rule that matches is asked, of the nearest view that has one, before all
 * formats of the kernel. NATIVE of a child is what the parent view says. The interpreter is looked
 * up by who executes, with its root and its rights, each time; it is executed with its own path,
 * the program's path, and the program's arguments behind the first. It may be such a program
 * itself; ELOOP, as for scripts, when it goes on for too long.
 *
 * A stack is what VIEWOS_IOC_SOCKET names; its rules are looked at for it alone. One
 * that no rule is for is ENOENT. In a rule for a stack, NATIVE is what the parent view
 * has as its default.
 *
 * The rule holds from now on for the view and all beneath it; sockets that exist
 * stay what they are. For the view's owner, or CAP_SYS_ADMIN in the owner's user
 * namespace, and only from a view above it, or with CAP_SYS_ADMIN in the user namespace
 * of the parent's owner (EPERM): who is in a view does not loosen it. Not for the root
 * view (EPERM). With @netns_fd CAP_SYS_ADMIN is needed in the user namespace that owns the
 * network namespace (EPERM). With SERVE the call waits, killably, for the server to accept:
 * ENOENT no such server, EPROTOTYPE not of this class, EAGAIN too many wait for it,
 * ETIMEDOUT, EPROTO it speaks another protocol, or the errno with which it refused.
 * ENOSPC: VIEWOS_RULES_MAX, or too many different matches to compile. ELOOP: stacks that
 * lead to each other. With the class syscall: EOPNOTSUPP one of the calls must not be ruled,
 * since no program could go on without it: rt_sigreturn, sigreturn, restart_syscall,
 * uretprobe, uprobe; and but with SERVE, exit and exit_group. ENOSYS: the number is beyond the
 * kernel's table, or the call cannot be redirected; a number in the table that is not in use can
 * be, at a small cost to all calls of all programs in views. EBUSY: somebody else redirects it.
 */
struct viewos_rule_add {
	__u32 size;
	__u32 flags;
	__u32 class;
	__u32 verdict;
	__s32 family;
	__s32 type;
	__s32 protocol;
	__u32 error;
	__s32 netns_fd;
	__u32 pad;
	char stack[VIEWOS_NAME_LEN];
	char target[VIEWOS_NAME_LEN];
	__aligned_u64 source;
	__aligned_u64 options;
	__aligned_u64 id;
	__aligned_u64 calls[VIEWOS_ARCHES][VIEWOS_CALLS / 64];
	__s64 value;
	__aligned_u64 binfmt;
};

/** VIEWOS_RULE_ADD_SIZE_2 - size of struct viewos_rule_add in ABI 2 */
#define VIEWOS_RULE_ADD_SIZE_2	192

/**
 * struct viewos_rule_del - argument of VIEWOS_IOC_RULE_DEL on a view fd
 * @size: in: sizeof(struct viewos_rule_del)
 * @flags: in: must be zero
 * @id: in: the rule's id
 *
 * Sockets made under the rule stay at work. ENOENT: the view has no such rule of its
 * own. EPERM as for struct viewos_rule_add.
 */
struct viewos_rule_del {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
};

/**
 * struct viewos_socket - argument of VIEWOS_IOC_SOCKET on /dev/viewos
 * @size: in: sizeof(struct viewos_socket)
 * @flags: in: must be zero
 * @family: in: as for socket(2), likewise the next two
 * @type: in: SOCK_*, with SOCK_CLOEXEC and SOCK_NONBLOCK if wanted
 * @protocol: in
 * @pad: in: must be zero
 * @stack: in: name of a stack of the caller's view, or empty for the default; padded
 *	with NULs
 *
 * Returns a socket. ENOENT: no rule of the caller's view or above it is for this stack.
 * Else the errors of socket(2), or of the verdict.
 */
struct viewos_socket {
	__u32 size;
	__u32 flags;
	__s32 family;
	__s32 type;
	__s32 protocol;
	__u32 pad;
	char stack[VIEWOS_NAME_LEN];
};

/** VIEWOS_NEXT_NONBLOCK - EAGAIN if no request waits; O_NONBLOCK has the same effect */
#define VIEWOS_NEXT_NONBLOCK	0x00000001
#define VIEWOS_NEXT_ALL		VIEWOS_NEXT_NONBLOCK

/**
 * struct viewos_session_next - argument of VIEWOS_IOC_SESSION_NEXT on a session fd
 * @size: in: sizeof(struct viewos_session_next)
 * @flags: in: VIEWOS_NEXT_*
 * @reply: in: pointer to a reply or a notice, as write(2) takes it, or 0
 * @buffer: in: pointer to room for a request, as read(2) fills it
 * @reply_len: in: bytes at @reply, 0 if there is none
 * @buffer_len: in: bytes at @buffer
 *
 * Sends the reply, if any, then waits for a request and returns its length: what
 * write(2) and then read(2) do, in one call.
 *
 * Where the reply is refused, the call fails with the errno of write(2), and no request
 * is taken: ENOENT nothing waits for it, EINVAL it is malformed, EFAULT. If the errno is
 * one of these the reply was taken: EINTR a signal came, EAGAIN nothing is there to be
 * read, ENODEV the session has ended. So the reply is never to be sent again.
 * EINVAL also: @buffer_len is too small for read(2), or a pointer without a length; the
 * reply is not looked at then.
 */
struct viewos_session_next {
	__u32 size;
	__u32 flags;
	__aligned_u64 reply;
	__aligned_u64 buffer;
	__u32 reply_len;
	__u32 buffer_len;
};

/** VIEWOS_MEMORY_WRITE - write the caller's memory; without it, read it */
#define VIEWOS_MEMORY_WRITE	0x00000001
#define VIEWOS_MEMORY_ALL	VIEWOS_MEMORY_WRITE

/**
 * struct viewos_session_memory - argument of VIEWOS_IOC_SESSION_MEMORY on a session fd
 * @size: in: sizeof(struct viewos_session_memory)
 * @flags: in: VIEWOS_MEMORY_*
 * @unique: in: of a VIEWOS_CALL_MADE that has not been replied to
 * @address: in: in the memory of who makes the call
 * @buffer: in: pointer to the caller's own memory
 * @len: in: how many bytes, at most VIEWOS_CALL_MAX_MEMORY and not 0
 * @pad: in: must be zero
 *
 * Copies between the memory of a program that waits for the reply to its system call and
 * the server's, and returns the number of bytes, fewer where some of them cannot be
 * accessed; EFAULT if none can. What the program may not write is not written either.
 *
 * ENOENT: no such call waits, or its caller was killed. EINVAL: it is no system call of a
 * program. EPERM: not with the credentials with which the session was accepted.
 * An access under way when the caller is killed may end after it.
 */
struct viewos_session_memory {
	__u32 size;
	__u32 flags;
	__aligned_u64 unique;
	__aligned_u64 address;
	__aligned_u64 buffer;
	__u32 len;
	__u32 pad;
};

#define VIEWOS_IOC_MAGIC		0xB7

#define VIEWOS_IOC_VERSION		_IOWR(VIEWOS_IOC_MAGIC, 0x00, struct viewos_version)
#define VIEWOS_IOC_VIEW_CREATE		_IOWR(VIEWOS_IOC_MAGIC, 0x01, struct viewos_view_create)
#define VIEWOS_IOC_VIEW_OPEN		_IOW(VIEWOS_IOC_MAGIC, 0x02, struct viewos_view_open)
#define VIEWOS_IOC_SERVER_CREATE	_IOW(VIEWOS_IOC_MAGIC, 0x03, struct viewos_server_create)
#define VIEWOS_IOC_SOCKET		_IOW(VIEWOS_IOC_MAGIC, 0x04, struct viewos_socket)

#define VIEWOS_IOC_VIEW_ENTER		_IOW(VIEWOS_IOC_MAGIC, 0x10, struct viewos_view_enter)
#define VIEWOS_IOC_VIEW_INFO		_IOWR(VIEWOS_IOC_MAGIC, 0x11, struct viewos_view_info)
#define VIEWOS_IOC_VIEW_SET		_IOW(VIEWOS_IOC_MAGIC, 0x12, struct viewos_view_set)
#define VIEWOS_IOC_VIEW_DESTROY		_IOW(VIEWOS_IOC_MAGIC, 0x13, struct viewos_view_destroy)
#define VIEWOS_IOC_RULE_ADD		_IOWR(VIEWOS_IOC_MAGIC, 0x14, struct viewos_rule_add)
#define VIEWOS_IOC_RULE_DEL		_IOW(VIEWOS_IOC_MAGIC, 0x15, struct viewos_rule_del)
#define VIEWOS_IOC_VIEW_UTS		_IOW(VIEWOS_IOC_MAGIC, 0x16, struct viewos_view_uts)
#define VIEWOS_IOC_VIEW_CLOCK		_IOW(VIEWOS_IOC_MAGIC, 0x17, struct viewos_view_clock)
#define VIEWOS_IOC_VIEW_KILL		_IOWR(VIEWOS_IOC_MAGIC, 0x18, struct viewos_view_kill)
#define VIEWOS_IOC_VIEW_ATTACH		_IOW(VIEWOS_IOC_MAGIC, 0x19, struct viewos_view_attach)

#define VIEWOS_IOC_SERVER_ACCEPT	_IOWR(VIEWOS_IOC_MAGIC, 0x20, struct viewos_server_accept)

#define VIEWOS_IOC_SESSION_REFUSE	_IOW(VIEWOS_IOC_MAGIC, 0x30, struct viewos_session_refuse)
#define VIEWOS_IOC_SESSION_NEXT		_IOW(VIEWOS_IOC_MAGIC, 0x31, struct viewos_session_next)
#define VIEWOS_IOC_SESSION_MEMORY	_IOW(VIEWOS_IOC_MAGIC, 0x32, struct viewos_session_memory)

#endif /* _UAPI_LINUX_VIEWOS_H */
