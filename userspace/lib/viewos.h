/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libviewos: views, module servers and listings of the viewos kernel module.
 *
 * Common to all functions:
 *
 *  - A function returns a value of its own (a file descriptor, 0) or a negative
 *    errno; errno itself is not touched on purpose. Nothing is printed, except
 *    by viewos_fuse_main(), viewos_sock_main() and viewos_call_main(), which are whole
 *    programs.
 *  - File descriptors returned are close-on-exec and the caller's to close.
 *  - Errors of bad arguments (EBADF, EINVAL, EFAULT) and of exhaustion (ENOMEM,
 *    EMFILE, ENFILE) are possible everywhere and not repeated below.
 *  - A function may be called by several threads at once, except on one and the
 *    same struct viewos_nl.
 *
 * The words (view, server, session) are those of viewos(7); the
 * kernel side of each call is described in <linux/viewos.h>.
 */
#ifndef _VIEWOS_H
#define _VIEWOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/viewos.h>
#include <linux/viewos_netlink.h>
#include <linux/viewos_socket.h>
#include <linux/viewos_syscall.h>

#ifdef __cplusplus
extern "C" {
#endif

/** VIEWOS_DEVICE - the control node */
#define VIEWOS_DEVICE		"/dev/viewos"

/** VIEWOS_SERVER_FD_ENV - environment variable that hands a server fd to a program */
#define VIEWOS_SERVER_FD_ENV	"VIEWOS_SERVER_FD"

/**
 * VIEWOS_SERVER_AGAIN_ENV - environment variable with which it does so for the second time
 *
 * The program is to go on with a session that waits already; if none does, to end.
 */
#define VIEWOS_SERVER_AGAIN_ENV	"VIEWOS_SERVER_AGAIN"

/* ---- the control node ---- */

/**
 * viewos_open() - open the control node
 *
 * Return: a control fd. ENOENT, ENODEV: the module is not loaded. What ABI it speaks
 * viewos_version() tells: rules need ABI 2.
 */
int viewos_open(void);

/**
 * viewos_version() - ask what the module can do
 * @ctl: a control fd
 * @version: filled in: abi and classes
 *
 * Return: the module's ABI number, at least 1.
 */
int viewos_version(int ctl, struct viewos_version *version);

/* ---- views ---- */

/**
 * viewos_view_create() - create a view
 * @ctl: a control fd
 * @parent: a view fd, or -1 for the caller's own view
 * @name: its name, NULL or "" for none: letters, digits and "-_.:@", not
 *	beginning with a digit, shorter than VIEWOS_NAME_LEN (EINVAL)
 * @inherit: what new processes of its tasks get
 * @id: its id is put here, unless NULL
 *
 * The view exists until its last fd, task, mount and child are gone.
 *
 * Return: a view fd. EEXIST: the user has a view of that name. ENOSPC: too deep.
 * EUSERS: the user has too many. ENOENT: the parent is being destroyed. EPERM:
 * the parent is not the caller's view or a descendant, or @inherit is LEAVE and
 * the caller has no privilege over the parent.
 */
int viewos_view_create(int ctl, int parent, const char *name, enum viewos_inherit inherit,
		       uint64_t *id);

/**
 * viewos_view_open() - open a view by name or id
 * @ctl: a control fd
 * @view: a name, or an id in decimal (a name cannot begin with a digit)
 *
 * Return: a view fd. ENOENT: no such view. EPERM: someone else's.
 */
int viewos_view_open(int ctl, const char *view);

/** viewos_view_open_id() - as viewos_view_open(), by id */
int viewos_view_open_id(int ctl, uint64_t id);

/** viewos_view_open_self() - as viewos_view_open(), the caller's own view */
int viewos_view_open_self(int ctl);

/**
 * viewos_view_enter() - move the calling process into a view
 * @view: a view fd
 *
 * Namespaces are the caller's business. Without CAP_SYS_ADMIN in the user
 * namespace of the view's owner, no_new_privs gets set.
 *
 * Return: 0. EINVAL: the caller has several threads. EPERM: the view is neither
 * the caller's nor a descendant, and the caller has no privilege over it.
 * ENOENT: it is being destroyed.
 */
int viewos_view_enter(int view);

/** viewos_view_info() - fill @info in with what @view is now. Return: 0 */
int viewos_view_info(int view, struct viewos_view_info *info);

/**
 * viewos_view_set() - change what new processes of a view's tasks get
 *
 * Return: 0. EPERM: not the owner's, the root view, or LEAVE without privilege.
 */
int viewos_view_set(int view, enum viewos_inherit inherit);

/**
 * viewos_view_attach() - move another process into a view, with all of its threads
 * @view: a view fd
 * @pid: the process, of which the calling thread traces each thread and has stopped it
 *
 * Return: 0. ESRCH: there is no such process, or one of its threads is not stopped, or not traced.
 * EPERM: as for viewos_view_enter(), and if the process is not in the caller's view or beneath
 * it. ENOENT: the view is being destroyed. ENOTTY: the module does not know it.
 */
int viewos_view_attach(int view, pid_t pid);

/**
 * viewos_view_destroy() - take a view out of use
 * @view: a view fd
 * @flags: 0 or VIEWOS_VIEW_DESTROY_KILL
 *
 * Return: 0. EBUSY: it has tasks or children, and KILL was not given. EPERM.
 */
int viewos_view_destroy(int view, unsigned int flags);

/**
 * viewos_view_kill() - send a signal to all processes of a view and of those beneath it
 * @view: a view fd
 * @signal: which, or 0 to see whom it would reach
 * @except: the pid of a process that is left out, or 0
 * @done: how many got it and to how many it was refused, also with EPERM and ESRCH; or NULL
 *
 * Each gets it once, though they fork. Left out are the caller and, unless it is SIGKILL, the
 * first process of a pid namespace; see struct viewos_view_kill.
 *
 * Return: 0 if one got it. ESRCH: there is none. EPERM: not the view's owner, the root view,
 * or kill(2) does not allow it for any. EINVAL: no such signal. ENOTTY: the module has ABI 2.
 */
int viewos_view_kill(int view, int signal, pid_t except, struct viewos_view_kill *done);

/**
 * viewos_view_uts() - give the caller's UTS namespace other names, as the view's own
 * @view: a view fd
 * @names: by enum viewos_uts_field, each at most 64 bytes; NULL for those that stay
 *
 * To be called after unshare(CLONE_NEWUTS) and before there is a child; see struct
 * viewos_view_uts.
 *
 * Return: 0. EBUSY: others have the UTS namespace. EINVAL: a name is too long, has control
 * characters, or is empty and may not be. EPERM: it is the initial namespace, or another
 * user's, or the view is. ENOTTY: the module has ABI 2.
 */
int viewos_view_uts(int view, const char *const names[VIEWOS_UTS_FIELDS]);

/**
 * viewos_view_clock() - give a view a clock of its own, or set the one that it has
 * @view: a view fd; without a clock of its own it must have neither tasks nor children
 * @flags: VIEWOS_CLOCK_OFFSET or VIEWOS_CLOCK_DATE, and or alone VIEWOS_CLOCK_RATE
 * @realtime: nanoseconds: by which it is ahead of its parent's, or since 1970; 0 without either
 * @rate: how fast it goes, in parts of VIEWOS_CLOCK_RATE_ONE; 0 without VIEWOS_CLOCK_RATE
 *
 * Programs that are executed in the view see it. One that enters the view and executes nothing
 * still has the time outside where it reads it without a system call.
 *
 * Return: 0. EBUSY: somebody is in the view, or beneath it. EINVAL: no such time, rate or flag.
 * EPERM: the view is another user's, or the root view. ENOTTY: the module has no clocks.
 */
int viewos_view_clock(int view, uint32_t flags, int64_t realtime, uint64_t rate);

/* ---- module servers ---- */

/** VIEWOS_SERVER_PUBLIC - other users may connect; needs CAP_SYS_ADMIN */
#define VIEWOS_SERVER_PUBLIC	(1U << 0)

/**
 * viewos_server_create() - make a server's listening end
 * @ctl: a control fd
 * @classes: mask of 1 << enum viewos_class
 *
 * Return: a server fd, which poll(2) says is readable when a session waits.
 * EUSERS: the user has too many. EINVAL: a class the module does not have.
 */
int viewos_server_create(int ctl, uint64_t classes);

/**
 * viewos_server_register() - give a server its name
 * @server: a server fd that this process made
 * @name: characters as for a view's name
 * @flags: 0 or VIEWOS_SERVER_PUBLIC
 *
 * The name is taken back by viewos_server_unregister() or the fd's last close.
 *
 * Return: 0. EEXIST: the user has a server of that name. EBUSY: the fd has a
 * name already. EPERM: not made by the caller, or public without privilege.
 * ENODEV: the module is not loaded.
 */
int viewos_server_register(int server, const char *name, unsigned int flags);

/** viewos_server_unregister() - take a name back; sessions go on. Return: 0. ENOENT */
int viewos_server_unregister(const char *name);

/**
 * viewos_server_open() - a server fd, inherited or new
 * @name: name under which a new one is registered
 * @flags: as for viewos_server_register()
 * @inherited: set to whether it was inherited, unless NULL
 *
 * If the environment has VIEWOS_SERVER_FD, then that fd is taken: it has a name
 * already, @name and @flags are not looked at, and the variable is removed.
 *
 * Return: a server fd. EINVAL: the variable names no server fd. Else the errors
 * of viewos_open(), viewos_server_create() and viewos_server_register().
 */
int viewos_server_open(const char *name, unsigned int flags, bool *inherited);

/**
 * viewos_server_open_class() - as viewos_server_open(), for any class
 * @name: as there, likewise @flags and @inherited
 * @classes: mask of 1 << enum viewos_class, for a new one
 *
 * viewos_server_open() itself is for VIEWOS_CLASS_PATH.
 */
int viewos_server_open_class(const char *name, uint64_t classes, unsigned int flags,
			     bool *inherited);

/**
 * struct viewos_accepted - a session that was accepted
 * @session_id: its number
 * @view_id: the view it was made in
 * @class_: enum viewos_class
 * @uid: who made it
 * @gid: their group
 * @pid: their process, 0 if it is not visible here
 * @source: the mount's source
 * @options: the mount's options for the server
 */
struct viewos_accepted {
	uint64_t session_id;
	uint64_t view_id;
	uint32_t class_;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char source[VIEWOS_SOURCE_LEN];
	char options[VIEWOS_SOURCE_LEN];
};

/**
 * viewos_server_accept() - take the next session
 * @server: a server fd
 * @flags: 0 or VIEWOS_ACCEPT_NONBLOCK
 * @accepted: filled in
 *
 * Return: a session fd; closing it ends the session. EAGAIN: none waits. EINTR:
 * a signal came.
 */
int viewos_server_accept(int server, unsigned int flags, struct viewos_accepted *accepted);

/**
 * viewos_session_refuse() - end a session before it began
 * @session: a session fd that has not answered its first request
 * @error: positive errno with which the mount(2) fails
 *
 * Return: 0. EINVAL: it is at work already.
 */
int viewos_session_refuse(int session, int error);

/**
 * viewos_accepted_open() - open a file with the rights of who made a session
 * @accepted: the session
 * @path: the file, as the server's process sees it
 * @flags: as for open(2), without O_CREAT and O_TMPFILE; O_CLOEXEC is added
 *
 * A public server must open by this what a session's source names. For another
 * user than the server's own the file is opened with their user and group id, see
 * setfsuid(2), and without supplementary groups. It concerns the calling thread only.
 *
 * Return: an fd. EPERM: the server may not take other ids. Else the errors of
 * open(2).
 */
int viewos_accepted_open(const struct viewos_accepted *accepted, const char *path, int flags);

/* ---- path servers, by libfuse3's low-level interface ---- */

struct fuse_lowlevel_ops;

/**
 * struct viewos_fuse_server - a program that serves the path class
 * @name: its name, under which it registers by default
 * @usage: lines about source and options for --help, each ended by a newline
 * @ops: libfuse3's operations, called by several threads at once
 * @ops_size: sizeof(*ops)
 * @open: called for every session, by a thread of its own, before the first
 *	request, with source, options and user of the mount, which are valid during
 *	the call. Returns 0 with *@data set, which operations get by
 *	fuse_req_userdata(); or a negative errno, with which the mount fails. May be
 *	NULL
 * @close: called with that data after the session's last operation. May be NULL
 */
struct viewos_fuse_server {
	const char *name;
	const char *usage;
	const struct fuse_lowlevel_ops *ops;
	size_t ops_size;
	int (*open)(const struct viewos_accepted *accepted, void **data);
	void (*close)(void *data);
};

/**
 * viewos_fuse_serve() - serve one path session until it ends
 * @session: a session fd; taken over and closed, whatever is returned
 * @ops: libfuse3's operations
 * @ops_size: sizeof(*ops)
 * @data: what fuse_req_userdata() returns
 * @threads: most threads at work, 0 for a sensible number; 1 means that
 *	operations are never called at once
 *
 * Return: 0 when the session has ended (its mount is gone), or what failed.
 */
int viewos_fuse_serve(int session, const struct fuse_lowlevel_ops *ops, size_t ops_size,
		      void *data, unsigned int threads);

/**
 * viewos_fuse_main() - a whole server: options, registration, sessions
 * @argc: as given to main()
 * @argv: likewise
 * @server: what to serve
 *
 * Options: --name NAME, --once (end after the last session), --public,
 * -f/--foreground, -d/--debug, -h/--help, --version. With an inherited server
 * fd it stays in the foreground, else it goes to the background once it is
 * registered. An inherited server without -f and -d lets go of stderr after its
 * first session has begun: whoever started it has heard what there was to say.
 * SIGTERM and SIGINT end it.
 *
 * Return: an exit status for main(): 0 done, 1 failed, 2 bad usage.
 */
int viewos_fuse_main(int argc, char **argv, const struct viewos_fuse_server *server);

struct fuse_req;
struct fuse_file_info;
struct fuse_entry_param;

/**
 * viewos_fuse_want_redirect() - answers of this session may hand over files
 *
 * To be called by the init operation, in its own thread. Without it viewos_fuse_reply_redirect()
 * and the two functions behind it fail. It has a price, so only a server that uses them should
 * call it: no other file system can be stacked upon the mount as deeply, and a look-up and
 * an open are never one request.
 *
 * Return: 0. EOPNOTSUPP: the kernel cannot, or this is no init operation.
 */
int viewos_fuse_want_redirect(void);

/** VIEWOS_MODE_SERVED - bit of st_mode: the device is the server's, not the kernel's */
#define VIEWOS_MODE_SERVED		0x80000000

/**
 * viewos_fuse_want_devices() - devices of this session may be served
 *
 * To be called by the init operation. Where st_mode of S_IFCHR or S_IFBLK has VIEWOS_MODE_SERVED,
 * in every answer that has attributes, the node is a device of the server's: it is opened, read,
 * written, polled, asked by ioctl and seeked to its end by the operations of that name, also
 * on a mount where devices cannot be opened (nodev). st_rdev is what programs see, and
 * stands for no driver of the kernel's. <linux/viewos_path.h> tells more.
 *
 * Return: 0. EOPNOTSUPP: the kernel cannot, or this is no init operation; the bit is
 * ignored then, and devices are names for the kernel's.
 */
int viewos_fuse_want_devices(void);

/**
 * viewos_fuse_want_recover() - another process of this server can go on with the session
 *
 * To be called by the init operation of a server whose node ids, generations, file handles
 * (fh) and directory offsets mean the same to each of its processes, whatever that has seen
 * before: that are the numbers of inodes, for example. The mount may then have
 * recover=SECONDS; without this call such a mount fails. When the server has died, the next one
 * that is registered under its name gets the session from viewos_server_accept(), and an init
 * operation like the first. It must take forget operations with counts of which it knows nothing.
 *
 * Return: 0; 1 if the session was at work with another process before. EOPNOTSUPP: the mount
 * has no recover=, the kernel cannot, or this is no init operation.
 */
int viewos_fuse_want_recover(void);

/**
 * viewos_fuse_repeated() - the request was sent to another process before, which has died
 *
 * To be called by an operation, in the thread that it was called in. The request may have been
 * done then, or in part, or not at all: create, mkdir, mknod, symlink and link that find the
 * name, and unlink, rmdir and rename that do not, should succeed if that can be their own doing.
 */
bool viewos_fuse_repeated(void);

/**
 * viewos_fuse_want_tmpfile() - files without a name can be made in this session
 *
 * To be called from the init operation of a server whose libfuse knows no tmpfile. An
 * open(2) with O_TMPFILE is then a create operation with the name "/", which no file has,
 * and the directory as the parent. It is answered as any other create, with an entry that
 * has no link yet; a link operation may give it a name.
 *
 * Return: 0, or -EINVAL: not called from init.
 */
int viewos_fuse_want_tmpfile(void);

/** VIEWOS_SYNCFS_FH - fh of the fsyncdir operation that stands for syncfs(2) */
#define VIEWOS_SYNCFS_FH		0xffffffffffffffffULL

/**
 * viewos_fuse_want_syncfs() - the mount can be synced as a whole
 *
 * To be called from the init operation of a server whose libfuse knows no syncfs. A syncfs(2) on
 * the mount is then an fsyncdir operation on the root with VIEWOS_SYNCFS_FH for its fh. All that
 * the kernel had to write has been answered before. So is sync(2), but that waits neither for the
 * data to be answered nor for this.
 *
 * Return: 0, or -EINVAL: not called from init.
 */
int viewos_fuse_want_syncfs(void);

/**
 * viewos_fuse_want_statx() - times of birth can be asked for
 *
 * To be called from the init operation of a server whose libfuse knows no statx. A getattr
 * operation for which viewos_fuse_statx_asked() is true, in the thread that it was called in, is
 * to be answered with viewos_fuse_reply_statx(), or with an error. No device that is
 * served (viewos_fuse_want_devices()) is asked about in this way.
 *
 * Return: 0, or -EINVAL: not called from init.
 */
int viewos_fuse_want_statx(void);

/** viewos_fuse_statx_asked() - is the getattr operation that was just called one of statx? */
bool viewos_fuse_statx_asked(void);

struct statx;

/**
 * viewos_fuse_reply_statx() - answer getattr, where viewos_fuse_statx_asked()
 * @req: the request, done with afterwards
 * @stx: as statx(2) has it; stx_mask must have STATX_BASIC_STATS, or nothing but the
 *	time of birth is taken, and the rest is asked for anew
 * @timeout: seconds for which that holds
 *
 * Return: 0, or a negative errno.
 */
int viewos_fuse_reply_statx(struct fuse_req *req, const struct statx *stx, double timeout);

/** VIEWOS_REDIRECT_READONLY - nothing is written there, whatever the caller may do */
#define VIEWOS_REDIRECT_READONLY	0x00000001

/**
 * viewos_fuse_reply_redirect() - answer LOOKUP: the name is this very directory or file
 * @req: the request, done with afterwards
 * @fd: the object, open for reading, of the server's own mount namespace; a file that is
 *	open for reading only can only be read there. Remains the caller's, to close
 * @timeout: seconds for which the name holds
 * @flags: VIEWOS_REDIRECT_*
 *
 * The kernel crosses into the object's own file system and asks no more about what is
 * beneath. There is no node, so nothing will be forgotten. While a directory's name is
 * crossed it cannot be removed or renamed (EBUSY). <linux/viewos_path.h> tells more.
 *
 * Return: 0, or what the kernel says to it, where whoever asked gets EIO: EBADF, EINVAL not
 * an object that can be mounted, ELOOP it is of this very mount, EOPNOTSUPP, EPERM, ENOENT
 * nobody waits any more.
 */
int viewos_fuse_reply_redirect(struct fuse_req *req, int fd, double timeout, unsigned int flags);

/**
 * viewos_fuse_reply_open() - answer OPEN: the data are in this file
 * @req: the request, done with afterwards
 * @file: as for fuse_reply_open()
 * @fd: a regular file, open for what the request asks for. Remains the caller's, to close;
 *	-1 is fuse_reply_open()
 *
 * The kernel reads, writes and maps through the file; the server sees no READ and
 * WRITE, and RELEASE at the end. Attributes remain the server's business.
 *
 * Return: as viewos_fuse_reply_redirect(); ELOOP also, if the file is of a stacked file system, as
 * overlayfs is.
 */
int viewos_fuse_reply_open(struct fuse_req *req, const struct fuse_file_info *file, int fd);

/** viewos_fuse_reply_create() - likewise CREATE, with an entry as for fuse_reply_create() */
int viewos_fuse_reply_create(struct fuse_req *req, const struct fuse_entry_param *entry,
			     const struct fuse_file_info *file, int fd);

/* ---- rules ---- */

/**
 * struct viewos_rule - a rule, see viewos(7)
 * @class_: enum viewos_class
 * @family: AF_*, or VIEWOS_RULE_ANY
 * @type: SOCK_*, without flags, or VIEWOS_RULE_ANY
 * @protocol: as programs give it to socket(2), or VIEWOS_RULE_ANY
 * @stack: the stack that it is for, "" for the default
 * @verdict: what it says
 * @error: of DENY the errno, else 0
 * @netns: of REDIRECT a network namespace's fd; otherwise -1. It stays the caller's
 * @target: of SERVE the server's name; of REDIRECT without @netns that of a stack
 * @source: of SERVE what the server shall serve, or "". Of REDIRECT the file of the
 *	network namespace, as text alone: viewos_rule_add() does not look at it
 * @options: of SERVE the options for the server, or ""
 */
struct viewos_rule {
	enum viewos_class class_;
	int family;
	int type;
	int protocol;
	char stack[VIEWOS_NAME_LEN];
	enum viewos_verdict verdict;
	int error;
	int netns;
	char target[VIEWOS_NAME_LEN];
	char source[VIEWOS_SOURCE_LEN];
	char options[VIEWOS_SOURCE_LEN];
};

/** VIEWOS_RULE_INIT - the rule that all sockets are native */
#define VIEWOS_RULE_INIT	((struct viewos_rule){		\
	.class_ = VIEWOS_CLASS_SOCKET,				\
	.family = VIEWOS_RULE_ANY,				\
	.type = VIEWOS_RULE_ANY,				\
	.protocol = VIEWOS_RULE_ANY,				\
	.netns = -1,						\
})

/**
 * viewos_rule_add() - add a rule to a view
 * @view: a view fd
 * @rule: the rule
 * @id: its id is put here, unless NULL
 *
 * It holds from now on for the view and all beneath it.
 *
 * Return: 0. EPERM: the view is not the caller's or not beneath the caller's, or is the
 * root view, or the network namespace is not the caller's. ENOSPC: too many rules. ELOOP:
 * stacks that lead to each other. Of SERVE: ENOENT: no such server. EPROTOTYPE: it does
 * not serve this class. EAGAIN: too many wait for it. ETIMEDOUT: it does not answer.
 * EPROTO: it speaks another protocol. Else the errno with which it refused. ENOTTY: the
 * module has ABI 1.
 */
int viewos_rule_add(int view, const struct viewos_rule *rule, uint64_t *id);

/**
 * struct viewos_call_rule - a rule for system calls
 * @calls: which: by enum viewos_arch, number N is bit N % 64 of element N / 64
 * @flags: VIEWOS_RULE_ADD_KNOWN, or 0
 * @verdict: NATIVE, DENY, VALUE or SERVE
 * @error: of DENY the errno, else 0
 * @value: of VALUE what the calls return, which is no error; else 0
 * @target: of SERVE the server's name
 * @source: of SERVE what the server shall serve, or ""
 * @options: of SERVE the options for the server, or ""
 */
struct viewos_call_rule {
	uint64_t calls[VIEWOS_ARCHES][VIEWOS_CALLS / 64];
	unsigned int flags;
	enum viewos_verdict verdict;
	int error;
	int64_t value;
	char target[VIEWOS_NAME_LEN];
	char source[VIEWOS_SOURCE_LEN];
	char options[VIEWOS_SOURCE_LEN];
};

/**
 * viewos_call_rule_add() - add a rule for system calls to a view
 * @view: a view fd
 * @rule: the rule
 * @id: its id is put here, unless NULL
 *
 * Of several rules the one for the fewest calls decides, and of these the youngest.
 *
 * Return: 0. EOPNOTSUPP: one of the calls must not be ruled. ENOSYS: the kernel does not
 * have one of them. EBUSY: somebody else redirects one. EPERM, ENOSPC, and those of SERVE as
 * for viewos_rule_add(). EINVAL, ENOTTY, E2BIG: also where the module has an ABI before 3.
 */
int viewos_call_rule_add(int view, const struct viewos_call_rule *rule, uint64_t *id);

/**
 * struct viewos_binfmt_rule - a rule for programs that another one interprets
 * @match: which programs; its @size is the library's business
 * @verdict: NATIVE, DENY or REDIRECT
 * @error: of DENY the errno, else 0
 * @interpreter: of REDIRECT the absolute path of the interpreter, or ""
 */
struct viewos_binfmt_rule {
	struct viewos_binfmt match;
	enum viewos_verdict verdict;
	int error;
	char interpreter[VIEWOS_SOURCE_LEN];
};

/**
 * viewos_binfmt_rule_add() - add a rule for programs to a view
 * @view: a view fd
 * @rule: the rule
 * @id: its id is put here, unless NULL
 *
 * The youngest rule that matches decides.
 *
 * Return: 0. EINVAL: the match is not well-formed, see struct viewos_binfmt, or the path is not
 * absolute. EPERM: also, VIEWOS_BINFMT_CREDENTIALS and no privilege. ENOSPC, ENOTTY, E2BIG as for
 * viewos_call_rule_add().
 */
int viewos_binfmt_rule_add(int view, const struct viewos_binfmt_rule *rule, uint64_t *id);

/**
 * viewos_rule_del() - take a rule of a view back
 * @view: a view fd
 * @id: the rule's id
 *
 * Sockets that were made under it stay at work.
 *
 * Return: 0. ENOENT: the view has no such rule of its own. EPERM as for
 * viewos_rule_add().
 */
int viewos_rule_del(int view, uint64_t id);

/**
 * viewos_socket() - make a socket of a stack
 * @stack: name of a stack of the caller's view, NULL or "" for the default
 * @family: as for socket(2)
 * @type: likewise, with SOCK_CLOEXEC and SOCK_NONBLOCK if wanted
 * @protocol: likewise
 *
 * Return: a socket, which is close-on-exec only if @type says so. ENOENT: no rule of
 * the caller's view or above it is for @stack, or the module is not loaded. Else the errors of
 * socket(2), or what the rule says.
 */
int viewos_socket(const char *stack, int family, int type, int protocol);

/** VIEWOS_RULE_PARSED_MAX - most rules that one text stands for */
#define VIEWOS_RULE_PARSED_MAX	2

/**
 * viewos_rule_parse() - read a rule
 * @text: FAMILY[/TYPE[/PROTOCOL]][@STACK]=VERDICT, see below
 * @rules: filled in
 * @error: a complaint that quotes what is wrong and says what was expected is put here,
 *	unless NULL
 * @error_size: room there
 *
 * FAMILY, TYPE and PROTOCOL are names (inet, stream, tcp), numbers, or "any" or "*"; what
 * is left out is any. The family inet46 stands for inet and inet6 and makes two rules.
 * VERDICT is one of
 *
 *	native
 *	deny[:ERRNO]			a name or number, EACCES by default
 *	netns:PATH | NAME | PID		a file, a name in /run/netns, or a process. The path
 *					is put into @source; it is for the caller to be
 *					opened and put into @netns
 *	stack:NAME
 *	serve:NAME[,OPTIONS][:SOURCE]	NAME and OPTIONS have no colon in them
 *
 * Return: the number of rules. EINVAL: the text is not that of a rule.
 */
int viewos_rule_parse(const char *text, struct viewos_rule rules[VIEWOS_RULE_PARSED_MAX],
		      char *error, size_t error_size);

/**
 * viewos_rule_format() - write a rule as viewos_rule_parse() reads it
 * @rule: the rule
 * @text: where it is put, with a final NUL, cut if there is not room enough
 * @size: room there
 *
 * Return: the length of the whole text.
 */
int viewos_rule_format(const struct viewos_rule *rule, char *text, size_t size);

/** viewos_match_format() - likewise, FAMILY[/TYPE[/PROTOCOL]] alone */
int viewos_match_format(int family, int type, int protocol, char *text, size_t size);

/** viewos_family_name() - its name in rules, NULL if it has none, "any" for VIEWOS_RULE_ANY */
const char *viewos_family_name(int family);

/** viewos_type_name() - likewise, of SOCK_* */
const char *viewos_type_name(int type);

/** viewos_protocol_name() - likewise, of a protocol of that family */
const char *viewos_protocol_name(int family, int protocol);

/* ---- socket servers ---- */

struct sockaddr;

/** struct viewos_sock_session - one socket session at work; see struct viewos_sock_req */
struct viewos_sock_session;

/**
 * struct viewos_sock_req - a request, valid until it is replied to
 * @session: for viewos_sock_event(); valid until the session's last operation, and so until
 *	@close of struct viewos_sock_server
 * @data: as given to viewos_sock_serve(), or set by @open of struct viewos_sock_server
 * @op: enum viewos_sock_op
 * @id: the socket's number, chosen by the kernel, unique in its session
 * @user: the server's own pointer for the socket; set it before replying to CREATE
 * @new_user: likewise for ACCEPT, of the new socket
 * @uid: who asks
 * @gid: their group
 * @pid: their process, 0 if it is not visible here
 * @in: family, type, protocol of the socket, and the arguments
 * @name: an address of @in->name_len bytes, maybe too short for its family; NULL if there
 *	is none. It has room, filled with zeros, for a struct sockaddr_storage
 * @control: @in->control_len bytes of control messages, as cmsg(3) walks through them; NULL if
 *	there are none
 * @payload: @in->data_len bytes of data
 */
struct viewos_sock_req {
	struct viewos_sock_session *session;
	void *data;
	uint32_t op;
	uint64_t id;
	void *user;
	void *new_user;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	const struct viewos_sock_in *in;
	const struct sockaddr *name;
	const void *control;
	const void *payload;
};

/**
 * struct viewos_sock_ops - what a socket server does
 * @init: the session begins; @in has the kernel's version, which the library has checked.
 *	May be NULL. Valid replies: viewos_sock_reply(), where the library fills in the
 *	version; with VIEWOS_SOCK_OUT_NETNS @fd is a network namespace, and nothing more is
 *	asked; or an error, which whoever makes the rule gets
 * @create: socket(2). Valid replies: out with the operations to be @ask(ed), with or
 *	without a backing (VIEWOS_SOCK_OUT_FD), and events (VIEWOS_SOCK_OUT_EVENTS); or an
 *	error. Without this operation EAFNOSUPPORT
 * @bind: bind(2) to @name. Valid replies: success, VIEWOS_SOCK_OUT_CONTINUE with or without
 *	another address as name, or an error
 * @connect: connect(2) to @name, which may be of AF_UNSPEC. Valid replies: success, with or
 *	without VIEWOS_SOCK_OUT_FD, CONTINUE as with @bind, VIEWOS_SOCK_OUT_INPROGRESS if
 *	viewos_sock_event() will tell of the end; or an error
 * @listen: listen(2), backlog in @in->value. Valid replies: success, CONTINUE, or an error
 * @accept: accept(2); @in->new_id is the new socket's number. Valid replies: as to @create,
 *	for the new socket, with the peer's address as name; EAGAIN: none waits
 * @getname: getsockname(2), or with @in->value 1 getpeername(2). Valid replies: an address
 *	as name, CONTINUE, or an error
 * @shutdown: shutdown(2), @in->value says how. Valid replies: success, CONTINUE, or an error
 * @setsockopt: level in @in->value, option in @in->name, value in @payload. Valid replies:
 *	success, CONTINUE, or an error. Without this operation ENOPROTOOPT
 * @getsockopt: likewise. Valid replies: at most @in->room bytes of data, CONTINUE, or an error.
 *	Without this operation ENOPROTOOPT
 * @ioctl: command in @in->name, its struct in @payload. Valid replies: result in @value and
 *	the struct as data, CONTINUE, or an error. Without this operation ENOTTY
 * @sendmsg: name, control, payload. Valid replies: bytes taken in @value, or an error,
 *	EAGAIN: no room. On a socket with a backing only CONTINUE or an error
 * @recvmsg: @in->room and @in->msg_flags. Valid replies: name, control, data, @msg_flags and
 *	@value as <linux/viewos_socket.h> has it, or an error, EAGAIN: nothing is there
 * @release: the socket is gone, and each request for it was replied to. There is no reply. If
 *	the last request is replied to from another thread than that which got it, then it is
 *	called in that reply: hold no lock there that this operation takes
 *
 * Each is called by several threads at once, also for one socket, and must be replied to exactly
 * once, now or later, from any thread. None may wait: whether an operation can be done is
 * told by events, and the kernel makes the caller wait. Where nothing else is said, an
 * operation that is not there is EOPNOTSUPP.
 */
struct viewos_sock_ops {
	void (*init)(struct viewos_sock_req *req);
	void (*create)(struct viewos_sock_req *req);
	void (*bind)(struct viewos_sock_req *req);
	void (*connect)(struct viewos_sock_req *req);
	void (*listen)(struct viewos_sock_req *req);
	void (*accept)(struct viewos_sock_req *req);
	void (*getname)(struct viewos_sock_req *req);
	void (*shutdown)(struct viewos_sock_req *req);
	void (*setsockopt)(struct viewos_sock_req *req);
	void (*getsockopt)(struct viewos_sock_req *req);
	void (*ioctl)(struct viewos_sock_req *req);
	void (*sendmsg)(struct viewos_sock_req *req);
	void (*recvmsg)(struct viewos_sock_req *req);
	void (*release)(void *data, uint64_t id, void *user);
};

/**
 * viewos_sock_reply() - answer a request with success
 * @req: the request, which is gone afterwards, whatever is returned
 * @out: flags and values; the lengths in it are those of the next three arguments. @pad and,
 *	where its flag is not set, @fd, @events are set by the library, and @seq always:
 *	events count in the order of calls, so hold the lock of what they tell of. NULL is
 *	all zero
 * @name: address, or NULL
 * @control: control messages as cmsg(3) has them, none of SOL_SOCKET, or NULL
 * @data: data, or NULL
 *
 * With VIEWOS_SOCK_OUT_FD the fd stays the caller's, to keep or to close.
 *
 * Return: 0. EINVAL: the answer is not valid, and the program's call is EIO. EPERM: this
 * thread's credentials are not those with which the session was accepted. ENOENT: who
 * asked is gone. ENODEV: the session has ended. After an error the socket of a CREATE or
 * ACCEPT does not exist: its user pointer is the caller's, and not released.
 */
int viewos_sock_reply(struct viewos_sock_req *req, const struct viewos_sock_out *out,
		      const void *name, const void *control, const void *data);

/**
 * viewos_sock_reply_err() - answer a request with an error
 * @req: the request, which is gone afterwards
 * @error: positive errno below 512; 0 is success with nothing to tell
 */
int viewos_sock_reply_err(struct viewos_sock_req *req, int error);

/** viewos_sock_reply_continue() - answer VIEWOS_SOCK_OUT_CONTINUE: do it on the backing */
int viewos_sock_reply_continue(struct viewos_sock_req *req);

/**
 * viewos_sock_event() - tell that the events of a socket have changed
 * @session: its session
 * @id: its number
 * @events: mask of POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDHUP as they are now
 * @error: positive errno for SO_ERROR: how a connect in progress failed, or what became of
 *	the connection; or 0
 * @fd: backing socket for a connect that has ended well, or -1; stays the caller's
 *
 * Events count in the order of calls: hold the lock of what they tell of.
 *
 * Return: 0. ENOENT: the socket is gone, or not yet there. Else as viewos_sock_reply().
 */
int viewos_sock_event(struct viewos_sock_session *session, uint64_t id, uint32_t events,
		      int error, int fd);

/**
 * viewos_sock_serve() - serve one socket session until it ends
 * @session: a session fd; taken over and closed, whatever is returned
 * @ops: the operations
 * @ops_size: sizeof(*ops)
 * @data: for @data of struct viewos_sock_req
 * @threads: most threads at work, 0 for a sensible number; 1 means that
 *	operations are never called at once
 *
 * At the end all sockets are released.
 *
 * Return: 0 when the session has ended (its rule and sockets are gone), or what failed.
 */
int viewos_sock_serve(int session, const struct viewos_sock_ops *ops, size_t ops_size, void *data,
		      unsigned int threads);

/**
 * struct viewos_sock_server - a program that serves the socket class
 * @name: its name, under which it registers by default
 * @usage: lines about source and options for --help, each ended by a newline
 * @ops: the operations
 * @ops_size: sizeof(*ops)
 * @open: as in struct viewos_fuse_server; it is the rule that fails
 * @close: called with that data after the session's last operation; requests that are to be
 *	replied to later it must reply to. No reply and no event may follow it. May be NULL
 */
struct viewos_sock_server {
	const char *name;
	const char *usage;
	const struct viewos_sock_ops *ops;
	size_t ops_size;
	int (*open)(const struct viewos_accepted *accepted, void **data);
	void (*close)(void *data);
};

/** viewos_sock_main() - a whole server, as viewos_fuse_main() is. Return: an exit status */
int viewos_sock_main(int argc, char **argv, const struct viewos_sock_server *server);

/* ---- servers of system calls ---- */

/** struct viewos_call_session - one session of system calls at work */
struct viewos_call_session;

/**
 * struct viewos_call_req - a system call, valid until it is replied to
 * @session: its session
 * @data: as given to viewos_call_serve(), or set by @open of struct viewos_call_server
 * @id: its number, unique in its session; results and interrupts have it
 * @uid: who makes it
 * @gid: their group
 * @in: number, architecture, arguments, process and thread
 * @fetched: @in->fetched bytes that came along, and a zero behind them, which is not counted;
 *	NULL if nothing came
 * @made: of a call that has ended: its @id when it was made, or 0 if it was not told of then
 * @value: likewise, what it has returned, as in struct viewos_call_result; a negative errno
 *	if it has failed
 */
struct viewos_call_req {
	struct viewos_call_session *session;
	void *data;
	uint64_t id;
	uid_t uid;
	gid_t gid;
	const struct viewos_call_in *in;
	const void *fetched;
	uint64_t made;
	int64_t value;
};

/**
 * struct viewos_call_ops - what a server of system calls does
 * @init: the session begins: the place for viewos_call_fetch_string() and its like. Returns 0,
 *	or a negative errno, which whoever makes the rule gets. May be NULL
 * @call: a call is made. Valid replies: a value, an error, or that it goes on. Of
 *	exit(2) and exit_group(2) whatever is replied they go on. Without this
 *	operation all calls do
 * @result: how a call ended that went on with VIEWOS_CALL_OUT_RESULT. May be NULL
 * @interrupt: a signal has come to who makes the call with this number, which may have been
 *	replied to just now. It waits on; EINTR as the reply ends the call so that it
 *	may be begun again. May be NULL
 * @ended: a call has been made that went on with VIEWOS_CALL_OUT_ENDED, or one with
 *	VIEWOS_CALL_FETCH_AFTER, and its program waits. Valid replies: another value, an
 *	error, or viewos_call_reply_continue() without arguments and flags, which leaves the
 *	value as it is. Its memory can be read and written as in @call. May be NULL: values stay
 *
 * Each is called by several threads at once, unless there is but one. @call may wait, as only who
 * makes the call waits for it; but for as long it takes one of the threads. Each call must
 * be replied to exactly once, now or later, from any thread. With several threads @result
 * may come before @call has returned, and behind the next call of the same thread.
 */
struct viewos_call_ops {
	int (*init)(struct viewos_call_session *session, void *data);
	void (*call)(struct viewos_call_req *req);
	void (*result)(void *data, const struct viewos_call_result *result);
	void (*interrupt)(void *data, uint64_t id);
	void (*ended)(struct viewos_call_req *req);
};

/** viewos_call_returns() - not exit(2), exit_group(2), and reboot(2): these have no result */
static inline bool viewos_call_returns(const struct viewos_call_in *in)
{
	/* AUDIT_ARCH_I386 of <linux/audit.h> */
	if (in->arch == 0x40000003U)
		return in->nr != 1 && in->nr != 252 && in->nr != 88;
	return in->nr != 60 && in->nr != 231 && in->nr != 169;
}

/**
 * viewos_call_reply_value() - the call is not made, but returns this
 * @req: the call, which is gone afterwards, whatever is returned
 * @value: what it returns; from -4095 to -1 it would be an error, and is refused. Of a program of
 *	32 bits the lower half
 *
 * Return: 0. EINVAL: it is no valid answer, and the program's call is EIO. ENOENT: who made the
 * call is gone. ENODEV: the session has ended. EBUSY: another thread is using the caller's
 * memory.
 */
int viewos_call_reply_value(struct viewos_call_req *req, int64_t value);

/**
 * viewos_call_reply_tag() - likewise, and tag the thread that makes it
 * @req: the call, which is gone afterwards
 * @value: what it returns
 * @tag: comes along as @in->tag with each later call of this thread, and of the threads and
 *	processes that it makes from now on, whatever they execute; 0 takes it away
 *
 * The program's call is ENOSPC if the thread has tags of VIEWOS_CALL_MAX_TAGS other sessions.
 */
int viewos_call_reply_tag(struct viewos_call_req *req, int64_t value, uint32_t tag);

/**
 * viewos_call_reply_err() - the call is not made, but fails
 * @req: the call, which is gone afterwards
 * @error: positive errno below 512
 */
int viewos_call_reply_err(struct viewos_call_req *req, int error);

/**
 * viewos_call_reply_continue() - the call is made
 * @req: the call, which is gone afterwards
 * @args: with these arguments, all six; NULL for those that it has
 * @flags: VIEWOS_CALL_OUT_RESULT: tell the end to the operation @result;
 *	VIEWOS_CALL_OUT_ENDED: ask the operation @ended before the program goes on
 *
 * Neither is of effect where viewos_call_returns() is false.
 */
int viewos_call_reply_continue(struct viewos_call_req *req, const __u64 args[6],
			       unsigned int flags);

/**
 * viewos_call_read() - read the memory of who makes a call
 * @req: the call, not yet replied to
 * @address: there
 * @buffer: here
 * @len: how much
 *
 * Return: bytes read, fewer if there are not so many. EFAULT: none are there. ENOENT: who
 * made the call is gone; reply nevertheless. EPERM: this thread's credentials are not those with
 * which the session was accepted.
 */
ssize_t viewos_call_read(struct viewos_call_req *req, uint64_t address, void *buffer, size_t len);

/** viewos_call_write() - likewise, write it; only what the program itself could write */
ssize_t viewos_call_write(struct viewos_call_req *req, uint64_t address, const void *buffer,
			  size_t len);

/**
 * viewos_call_read_string() - likewise, read a string with its end
 *
 * Return: its length, without the zero. ENAMETOOLONG: @size bytes have no end.
 */
ssize_t viewos_call_read_string(struct viewos_call_req *req, uint64_t address, char *buffer,
				size_t size);

/**
 * viewos_call_fetch_string() - from now on send a string along with a call
 * @session: the session
 * @arch: AUDIT_ARCH_X86_64 or AUDIT_ARCH_I386 of <linux/audit.h>
 * @nr: the call's number there
 * @arg: which argument points to it, 0 to 5
 *
 * It spares viewos_call_read_string(). A call has one such argument; what was said last
 * holds. One longer than VIEWOS_CALL_MAX_FETCH is not sent.
 *
 * Return: 0. EINVAL: no such call or argument. ENODEV: the session has ended.
 */
int viewos_call_fetch_string(struct viewos_call_session *session, uint32_t arch, uint32_t nr,
			     unsigned int arg);

/** viewos_call_fetch_bytes() - likewise @len bytes, at most VIEWOS_CALL_MAX_FETCH */
int viewos_call_fetch_bytes(struct viewos_call_session *session, uint32_t arch, uint32_t nr,
			    unsigned int arg, size_t len);

/**
 * viewos_call_fetch_file() - likewise what the file is that a call is about
 * @session: the session
 * @arch: as above
 * @nr: likewise
 * @arg: which argument names it
 * @how: VIEWOS_CALL_FILE_* of <linux/viewos_syscall.h>: by what
 * @flags: 0; or VIEWOS_CALL_FETCH_AFTER: the operation @ended is asked and not @call, if the
 *	call has not failed; VIEWOS_CALL_FETCH_TAGGED: if the thread has a tag, see
 *	viewos_call_reply_tag(), and not otherwise
 *
 * The kernel looks it up as the call does: in the caller's namespaces, and with its rights.
 */
int viewos_call_fetch_file(struct viewos_call_session *session, uint32_t arch, uint32_t nr,
			   unsigned int arg, unsigned int how, unsigned int flags);

/** viewos_call_file() - the file that came along with a call, or NULL */
static inline const struct viewos_call_file *viewos_call_file(const struct viewos_call_req *req)
{
	return req->in->fetched == (int)sizeof(struct viewos_call_file) ?
	       (const struct viewos_call_file *)req->fetched : NULL;
}

/** viewos_call_fetch_nothing() - undo that */
int viewos_call_fetch_nothing(struct viewos_call_session *session, uint32_t arch, uint32_t nr);

/** viewos_call_fetch_tagged() - likewise, but only threads that have a tag are asked about */
int viewos_call_fetch_tagged(struct viewos_call_session *session, uint32_t arch, uint32_t nr);

/**
 * viewos_call_serve() - serve one session of system calls until it ends
 * @session: a session fd; taken over and closed, whatever is returned
 * @ops: the operations
 * @ops_size: sizeof(*ops)
 * @data: for @data of struct viewos_call_req
 * @threads: most threads at work, 0 for a sensible number; 1 means that operations are
 *	never called at once, and in the order of what happens
 *
 * Calls that were not replied to then fail with EIO; their requests are still to be replied to,
 * in vain, if they are to be freed.
 *
 * Return: 0 when the session has ended (its rule is gone), or what failed.
 */
int viewos_call_serve(int session, const struct viewos_call_ops *ops, size_t ops_size, void *data,
		      unsigned int threads);

/**
 * struct viewos_call_server - a program that serves the class syscall
 * @name: its name, under which it registers by default
 * @usage: lines about source and options for --help, each ended by a newline
 * @ops: the operations
 * @ops_size: sizeof(*ops)
 * @threads: as for viewos_call_serve()
 * @open: as in struct viewos_fuse_server; it is the rule that fails
 * @close: called with that data after the session's last operation. May be NULL
 */
struct viewos_call_server {
	const char *name;
	const char *usage;
	const struct viewos_call_ops *ops;
	size_t ops_size;
	unsigned int threads;
	int (*open)(const struct viewos_accepted *accepted, void **data);
	void (*close)(void *data);
};

/** viewos_call_main() - a whole server, as viewos_fuse_main() is. Return: an exit status */
int viewos_call_main(int argc, char **argv, const struct viewos_call_server *server);

/* ---- listings and events ---- */

/** struct viewos_nl - a netlink socket of the viewos family */
struct viewos_nl;

/** VIEWOS_VIEW_ANY - no particular view */
#define VIEWOS_VIEW_ANY		UINT64_MAX

/**
 * struct viewos_bytes - a binary attribute
 * @data: valid during the callback, aligned to 4 bytes
 * @len: of @data
 */
struct viewos_bytes {
	const void *data;
	size_t len;
};

/**
 * struct viewos_entry - one object of a listing, or one event
 * @cmd: enum viewos_cmd
 * @present: mask of 1ULL << enum viewos_attr: which fields below were sent; the
 *	others are 0 or NULL
 *
 * Each field holds the attribute of its name, see enum viewos_attr. Strings are
 * valid during the callback.
 */
struct viewos_entry {
	int cmd;
	uint64_t present;
	uint64_t view_id;
	const char *view_name;
	uint64_t view_parent;
	uint32_t view_depth;
	uint32_t view_inherit;
	uint32_t owner;
	uint64_t view_tasks;
	uint64_t view_tasks_total;
	uint64_t view_children;
	uint64_t view_requests;
	uint32_t task_tid;
	uint32_t task_pid;
	const char *task_comm;
	const char *server_name;
	uint64_t server_classes;
	bool server_public;
	uint32_t server_pid;
	uint64_t server_sessions;
	uint64_t session_id;
	uint32_t session_state;
	uint64_t session_pending;
	uint64_t session_requests;
	const char *source;
	const char *options;
	uint64_t mount_dev;
	uint32_t class_;
	uint64_t rule_id;
	uint32_t rule_verdict;
	const char *rule_stack;
	const char *rule_target;
	uint32_t rule_error;
	uint32_t rule_netns;
	uint64_t rule_hits;
	int32_t family;
	int32_t type;
	int32_t protocol;
	uint64_t socket_ino;
	uint32_t socket_state;
	struct viewos_bytes socket_local;
	struct viewos_bytes socket_peer;
	bool socket_backed;
	const char *uts_names[VIEWOS_UTS_FIELDS];
	struct viewos_bytes rule_calls;
	int64_t rule_value;
	int64_t clock_offset;
	uint64_t clock_rate;
	struct viewos_bytes rule_binfmt;
};

/** viewos_entry_has() - was attribute @attr (enum viewos_attr) sent? */
static inline bool viewos_entry_has(const struct viewos_entry *entry, int attr)
{
	return entry->present >> attr & 1;
}

/**
 * viewos_rule_of_entry() - the rule that an entry tells of
 * @entry: of VIEWOS_CMD_RULE_GET, RULE_NEW_NTF or RULE_GONE_NTF
 * @rule: filled in; @source of a redirect to a network namespace becomes "net:[INODE]"
 */
void viewos_rule_of_entry(const struct viewos_entry *entry, struct viewos_rule *rule);

/** viewos_call_rule_of_entry() - likewise, of an entry whose class is VIEWOS_CLASS_SYSCALL */
void viewos_call_rule_of_entry(const struct viewos_entry *entry, struct viewos_call_rule *rule);

/** viewos_binfmt_rule_of_entry() - likewise, of an entry whose class is VIEWOS_CLASS_BINFMT */
void viewos_binfmt_rule_of_entry(const struct viewos_entry *entry,
				 struct viewos_binfmt_rule *rule);

/** viewos_entry_fn - called for an entry; non-zero: enough, and return this */
typedef int (*viewos_entry_fn)(const struct viewos_entry *entry, void *arg);

/**
 * viewos_nl_open() - open a netlink socket of the family
 * @nl: set to the socket, to be closed by viewos_nl_close()
 *
 * Return: 0. ENODEV: the module is not loaded.
 */
int viewos_nl_open(struct viewos_nl **nl);

/** viewos_nl_close() - close it; NULL is allowed */
void viewos_nl_close(struct viewos_nl *nl);

/** viewos_nl_fd() - its fd, for poll(2) and O_NONBLOCK */
int viewos_nl_fd(const struct viewos_nl *nl);

/**
 * viewos_list() - list objects
 * @nl: a socket not used for viewos_monitor()
 * @cmd: VIEWOS_CMD_VIEW_GET, TASK_GET, MOUNT_GET, SERVER_GET, SESSION_GET, RULE_GET or
 *	SOCKET_GET
 * @view: limits VIEW_GET, TASK_GET, RULE_GET and SOCKET_GET to one view; else
 *	VIEWOS_VIEW_ANY
 * @fn: called for every object; must not use @nl
 * @arg: passed to @fn
 *
 * Objects that come or go during the call may or may not be seen.
 *
 * Return: 0, or what @fn returned. ENOENT: no such @view. EPERM: someone else's.
 * EOPNOTSUPP: the module is older than @cmd.
 */
int viewos_list(struct viewos_nl *nl, enum viewos_cmd cmd, uint64_t view, viewos_entry_fn fn,
		void *arg);

/**
 * viewos_monitor() - subscribe to events and report them
 * @nl: a socket, from now on for this only
 * @fn: called for every event (VIEWOS_CMD_*_NTF)
 * @arg: passed to @fn
 *
 * The first call subscribes; events between calls are queued.
 *
 * Return: what @fn returned, when that was not 0. EAGAIN: the socket's fd was set
 * O_NONBLOCK and nothing (more) is there; so a first call may be made just to
 * subscribe. ENOBUFS: events were lost; call again to go on.
 */
int viewos_monitor(struct viewos_nl *nl, viewos_entry_fn fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif /* _VIEWOS_H */
