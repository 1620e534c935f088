/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One instance of a server at work, for one mount: queues of requests, and the
 * fd through which the server reads them and writes replies.
 *
 * References: the session fd (or its place in the server's backlog) has one, the
 * user of the session (the viewfs super block) has one. It ends (state DEAD) with
 * the first of: the fd's last close, refusal, viewos_session_abort(),
 * viewos_session_close(). A dead session refuses requests with -ENOTCONN.
 *
 * A session of a mount with recover= does not end with its fd: recover.h.
 */
#ifndef _VIEWOS_SESSION_H
#define _VIEWOS_SESSION_H

#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/viewos.h>
#include <linux/viewos_netlink.h>

#include "limits.h"

struct cred;
struct viewos_request;
struct viewos_server;
struct viewos_view;
struct viewos_user;
struct task_struct;
struct user_namespace;

#define VIEWOS_SESSION_HASH_BITS	6

/** struct viewos_forget - a node's lookups to be given back, one per inode, made with it */
struct viewos_forget {
	struct list_head node;
	struct fuse_forget_one one;
};

/**
 * struct viewos_session - a server at work for one mount
 * @ref: references
 * @id: its number, never used again
 * @link: in the list of all sessions (viewos_session_lock)
 * @backlog_node: at a server while it waits, or among those that wait for one
 *	(viewos_server_lock)
 * @unclaimed: it is among those that wait for a server (viewos_server_lock)
 * @server_name: name of the server when it was connected
 * @owner: who made it
 * @gid: their group
 * @creator: their process
 * @user: whose limit it counts against
 * @class: enum viewos_class
 * @view: of a mount, the view that it was made in, referenced; else NULL
 * @view_id: its id, or that of the view whose rule it is for
 * @server: where it was connected, referenced; ids and pids on the wire are of its
 *	creator's namespaces
 * @home: the one that it was accepted from last, referenced, in whose count it is
 * @source: the mount's source, never NULL
 * @options: the options meant for the server, never NULL
 * @dev: st_dev of the mount, set by viewfs, for listings
 * @timeout: seconds that a request may take, 0 for no limit; set before READY
 * @ops_lock: protects the next two fields; held for reading while a notice is handled
 * @ops: the class's, or NULL
 * @ops_data: for @ops
 * @lock: protects all fields below, and the state of the requests in them
 * @state: enum viewos_session_state
 * @error: with DEAD before READY: why (negative errno)
 * @recover: seconds that it waits for another server, 0 for not at all
 * @recovering: in place of READY: a server has taken it over and is to answer INIT again
 * @recover_until: jiffies when that must be done
 * @server_cred: credentials of who accepted it; set before its first read
 * @server_pid: process that accepted it, or is about to take it over: its own use of the
 *	mount is EDEADLK
 * @next_unique: of the next request, in steps of 2; bit 0 marks interrupts
 * @nr_requests: requests queued or with the server
 * @nr_background: of these, the ones that nobody waits for
 * @total: requests ever submitted
 * @stuck: a STUCK event was sent, and nothing was answered since
 * @no_interrupt: the server does not know FUSE_INTERRUPT
 * @turn: messages read so far
 * @init: the INIT of a recovery, which goes before all else
 * @queue: requests to be read, oldest first
 * @lazy: of these, the ones that can wait until @queue is empty, or for @lazy_timer
 * @interrupts: requests of which the server is to be told that they are interrupted
 * @forgets: nodes to be forgotten
 * @nr_forgets: how many
 * @forgotten: all are, and no more of them is told
 * @sent: requests with the server, by unique
 * @readers: where the server's threads wait
 * @lazy_timer: wakes one of them for @lazy and @forgets
 * @background_wait: where submitters wait while too much is under way
 * @watch: looks for requests that are too old
 * @recover_work: ends it when nobody has taken it over; has a reference while it is queued
 */
struct viewos_session {
	refcount_t ref;
	u64 id;
	struct list_head link;
	struct list_head backlog_node;
	bool unclaimed;
	char server_name[VIEWOS_NAME_LEN];
	kuid_t owner;
	kgid_t gid;
	struct pid *creator;
	struct viewos_user *user;
	unsigned int class;
	struct viewos_view *view;
	u64 view_id;
	struct viewos_server *server;
	struct viewos_server *home;
	char *source;
	char *options;
	dev_t dev;
	unsigned int timeout;

	struct rw_semaphore ops_lock;
	const struct viewos_session_ops *ops;
	void *ops_data;

	spinlock_t lock; /* the fields below */
	enum viewos_session_state state;
	int error;
	unsigned int recover;
	bool recovering;
	unsigned long recover_until;
	const struct cred *server_cred;
	struct pid *server_pid;
	u64 next_unique;
	unsigned int nr_requests;
	unsigned int nr_background;
	u64 total;
	bool stuck;
	bool no_interrupt;
	unsigned int turn;
	struct list_head init;
	struct list_head queue;
	struct list_head lazy;
	struct list_head interrupts;
	struct list_head forgets;
	unsigned int nr_forgets;
	bool forgotten;
	struct list_head sent[1 << VIEWOS_SESSION_HASH_BITS];
	wait_queue_head_t readers;
	struct timer_list lazy_timer;
	wait_queue_head_t background_wait;
	struct delayed_work watch;
	struct delayed_work recover_work;
};

/**
 * struct viewos_session_ops - what a class wants to hear of its session
 * @notify: the server sent a notice (unique 0): @code is enum fuse_notify_code,
 *	@data its body of @len bytes (at most VIEWOS_MAX_NOTICE). In the server's context, may
 *	sleep. Return 0 or a negative errno for the server's write.
 * @end: the session has ended, and all its requests; may sleep; may be NULL
 * @init: make the INIT for a server that takes the session over: an ASYNC request, or
 *	ERR_PTR. When it was answered well its ->end() calls viewos_recover_done(), else it
 *	ends the session, unless the request is ABANDONED. NULL: there is no recovery
 */
struct viewos_session_ops {
	int (*notify)(struct viewos_session *session, int code, const void *data, u32 len);
	void (*end)(struct viewos_session *session);
	struct viewos_request *(*init)(struct viewos_session *session);
};

/**
 * struct viewos_connect - what a session is to be
 * @class: enum viewos_class
 * @server: the server's name
 * @source: the mount's source, or what a stack is of
 * @options: options for the server
 * @view_id: of another class than path: the view that it is for
 */
struct viewos_connect {
	unsigned int class;
	const char *server;
	const char *source;
	const char *options;
	u64 view_id;
};

/**
 * viewos_session_connect() - connect to a registered server
 * @connect: what it is to be
 *
 * Queues the session at the server; it will be accepted, or not. The first
 * request is to be an INIT.
 *
 * Return: a session with one reference for the caller, or ERR_PTR: -ENOENT no
 * such server, -EPROTOTYPE not of this class, -EUSERS, -EAGAIN (full backlog),
 * -ENOMEM.
 */
struct viewos_session *viewos_session_connect(const struct viewos_connect *connect);

/**
 * viewos_session_set_ops() - what the class wants to hear
 * @session: the session
 * @ops: set before the first request, NULL before @data goes
 * @data: for @ops
 *
 * Waits for notices under way.
 */
void viewos_session_set_ops(struct viewos_session *session,
			    const struct viewos_session_ops *ops, void *data);

/** viewos_session_ready() - INIT was answered well: the session is at work */
void viewos_session_ready(struct viewos_session *session);

/** viewos_session_abort() - end it: requests end with -ENOTCONN, the server reads ENODEV */
void viewos_session_abort(struct viewos_session *session);

/**
 * viewos_session_close() - the same, but what the server is only to be told can still be read
 * @session: the session
 *
 * Requests with NO_REPLY stay until they are read, or the session's fd is closed.
 */
void viewos_session_close(struct viewos_session *session);

/**
 * viewos_session_end() - what both of these do
 * @session: the session
 * @error: what requests end with, and a mount that is just being made
 * @left: VIEWOS_REQUEST_*: requests with one of these can still be read; a second time takes
 *	those, too
 */
void viewos_session_end(struct viewos_session *session, int error, unsigned int left);

void viewos_session_get(struct viewos_session *session);
void viewos_session_put(struct viewos_session *session);

/**
 * viewos_session_forget() - give back lookups of a node
 * @session: the session
 * @forget: filled in; freed with kfree() by the session when it was sent or the
 *	session is dead
 */
void viewos_session_forget(struct viewos_session *session, struct viewos_forget *forget);

/**
 * viewos_session_forget_all() - from now on the server is told of no node that it may forget
 * @session: a session of which the last request is about to be submitted, which says it of all
 */
void viewos_session_forget_all(struct viewos_session *session);

/** viewos_session_permitted() - is current in the session's view or beneath? RCU walk too */
bool viewos_session_permitted(const struct viewos_session *session);

/** viewos_session_dead() - has it ended? */
bool viewos_session_dead(struct viewos_session *session);

/** viewos_session_exists() - is there still one with this number? Does not sleep */
bool viewos_session_exists(u64 id);

/**
 * viewos_session_trusts_writer() - is current the server, not a program that was given its fd?
 * @session: the session
 *
 * Before anything is taken from current's fds: a program with more rights than the
 * server may have been made to write there.
 */
bool viewos_session_trusts_writer(const struct viewos_session *session);

/**
 * viewos_session_access_begin() - the server wants to access a caller's memory
 * @session: the session
 * @unique: of the request
 * @caller: set to who waits, referenced
 *
 * Until viewos_session_access_end() no reply to the request is taken.
 *
 * Return: the request, referenced, or ERR_PTR: -ENOENT none waits for this reply, -EINVAL
 * it is not for such accesses.
 */
struct viewos_request *viewos_session_access_begin(struct viewos_session *session, u64 unique,
						   struct task_struct **caller);
void viewos_session_access_end(struct viewos_request *req, struct task_struct *caller);

/**
 * viewos_session_wake_reader() - wake one thread of the server, if one sleeps
 * @session: the session
 * @caller_sleeps: current will soon sleep until it is answered: let the thread run here
 */
void viewos_session_wake_reader(struct viewos_session *session, bool caller_sleeps);

/** viewos_session_wake() - one of its queues has got something: wake a thread of the server */
static inline void viewos_session_wake(struct viewos_session *session)
{
	/* A thread that has not gone to sleep yet sees what was put there. */
	if (wq_has_sleeper(&session->readers))
		viewos_session_wake_reader(session, false);
}

/** viewos_session_wake_here() - the same, and current will sleep until that is answered */
static inline void viewos_session_wake_here(struct viewos_session *session)
{
	if (wq_has_sleeper(&session->readers))
		viewos_session_wake_reader(session, true);
}

/** viewos_session_wake_lazy() - the same, but @nr things that can wait have been there before */
static inline void viewos_session_wake_lazy(struct viewos_session *session, unsigned int nr)
{
	if (nr >= VIEWOS_MAX_LAZY)
		viewos_session_wake(session);
	else if (!timer_pending(&session->lazy_timer))
		mod_timer(&session->lazy_timer, jiffies + VIEWOS_LAZY_JIFFIES);
}

/** viewos_session_cred_get() - credentials of its server, referenced */
const struct cred *viewos_session_cred_get(struct viewos_session *session);

/**
 * viewos_session_file() - the file of a session that current accepts
 * @session: the session; its reference is taken over
 * @server: from whose backlog it is
 */
struct file *viewos_session_file(struct viewos_session *session, struct viewos_server *server);

/** viewos_session_fops - of a session's file, whose private_data it is: channel.c */
extern const struct file_operations viewos_session_fops;

extern spinlock_t viewos_session_lock;
/** viewos_sessions - all sessions (viewos_session_lock) */
extern struct list_head viewos_sessions;

#endif /* _VIEWOS_SESSION_H */
