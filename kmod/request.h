/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One upcall: a request to a module server and its reply.
 *
 * A request owns all memory that the server's side touches: the message is
 * copied into it, the reply is copied into it, and pages are referenced by it.
 * So a caller that is killed just walks away, and nothing waits for a server.
 *
 * References: the submitter has one (from alloc), the session has one while the
 * request is queued or with the server.
 *
 * States, guarded by session->lock:
 *
 *   NEW -> QUEUED -> SENT -> COPYING -> DONE
 *
 * COPYING says that a server's thread is copying the reply; whoever moves a
 * request out of QUEUED or SENT finishes it, so it is finished exactly once.
 * A request goes from SENT back to QUEUED when its server has died and another one is waited
 * for (recover.h). ABANDONED is a mark beside the state: the caller has gone, and @late undoes
 * what a reply that still comes has done.
 */
#ifndef _VIEWOS_REQUEST_H
#define _VIEWOS_REQUEST_H

#include <linux/fuse.h>
#include <linux/list.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct file;
struct net;
struct page;
struct task_struct;
struct viewos_session;

enum viewos_request_state {
	VIEWOS_REQUEST_NEW,
	VIEWOS_REQUEST_QUEUED,
	VIEWOS_REQUEST_SENT,
	VIEWOS_REQUEST_COPYING,
	VIEWOS_REQUEST_DONE,
};

/* request->flags; set before submit, or under session->lock */
#define VIEWOS_REQUEST_OUT_VAR		BIT(0)	/* a reply shorter than out_max is fine */
#define VIEWOS_REQUEST_ASYNC		BIT(1)	/* nobody waits: ->end() is called */
#define VIEWOS_REQUEST_ABANDONED	BIT(2)	/* the waiter was killed */
#define VIEWOS_REQUEST_INTERRUPTED	BIT(3)	/* the waiter got a signal */
#define VIEWOS_REQUEST_NO_REPLY		BIT(4)	/* done as soon as the server read it */
#define VIEWOS_REQUEST_PAGES_IN		BIT(5)	/* pages follow the message (WRITE) */
#define VIEWOS_REQUEST_PAGES_OUT	BIT(6)	/* pages follow the reply (READ) */
#define VIEWOS_REQUEST_KERNEL		BIT(7)	/* not on behalf of current (write-back) */
#define VIEWOS_REQUEST_FORCE		BIT(8)	/* exempt from the EDEADLK and cap tests */
#define VIEWOS_REQUEST_LAZY		BIT(9)	/* with ASYNC: a server that sleeps may sleep on */
#define VIEWOS_REQUEST_IN_TURN		BIT(10)	/* with LAZY: but read in its turn */
#define VIEWOS_REQUEST_RESTART		BIT(11)	/* a signal takes it back while it is not read */
#define VIEWOS_REQUEST_PATIENT		BIT(12)	/* it may take as long as it likes */
#define VIEWOS_REQUEST_LATE_ALWAYS	BIT(13)	/* ->late() is called upon an error, too */
#define VIEWOS_REQUEST_WAKE_HERE	BIT(14)	/* who has answered it is about to sleep */

/**
 * struct viewos_request - one upcall
 * @ref: references
 * @flags: VIEWOS_REQUEST_*
 * @state: enum viewos_request_state
 * @session: where it was submitted; NULL before
 * @node: in the session's queue, or its table of requests with the server
 * @interrupt_node: in the session's queue of interrupts
 * @wait: where the submitter of a synchronous request sleeps
 * @deadline: jiffies after which it ends with ETIMEDOUT, 0 for never
 * @sent_at: jiffies when the server read it
 * @error: once DONE: 0 or a negative errno
 * @in: the message: fuse_in_header, then the operation's own part
 * @in_len: its bytes, without pages
 * @out: the reply behind fuse_out_header
 * @out_max: room at @out
 * @out_len: once DONE: bytes that came, pages not counted
 * @pages: pages that follow the message or the reply, referenced
 * @nr_pages: how many
 * @page_off: where the data begin in the first page
 * @page_len: bytes in the pages; once DONE for PAGES_OUT: bytes that came
 * @repeats: servers that died while they had it
 * @caller: whose memory the server may access while it is SENT and not ABANDONED, or NULL;
 *	it waits then, and so cannot go
 * @accesses: such accesses under way; no reply is taken meanwhile
 * @check: called when a good reply was copied, in the context of the server's write, with no
 *	lock held; a negative errno is the write's, and makes the request -EIO. May be NULL
 * @file: what @check got with the reply, dropped with the request
 * @net: likewise
 * @end: for ASYNC: called once, with no lock held, in any context that may
 *	sleep; it must not drop the submitter's reference (the core does)
 * @late: called when a reply without error comes to an abandoned request, or with
 *	LATE_ALWAYS when that ends in any way, with no lock held; may be NULL
 * @private: for @end and @late
 */
struct viewos_request {
	refcount_t ref;
	unsigned int flags;
	enum viewos_request_state state;
	struct viewos_session *session;
	struct list_head node;
	struct list_head interrupt_node;
	struct rcuwait wait;
	unsigned long deadline;
	unsigned long sent_at;
	int error;

	struct fuse_in_header *in;
	u32 in_len;
	void *out;
	u32 out_max;
	u32 out_len;

	struct page **pages;
	unsigned int nr_pages;
	unsigned int page_off;
	size_t page_len;

	unsigned int repeats;
	struct task_struct *caller;
	unsigned int accesses;

	int (*check)(struct viewos_request *req);
	struct file *file;
	struct net *net;

	void (*end)(struct viewos_request *req);
	void (*late)(struct viewos_request *req);
	void *private;
};

/**
 * viewos_request_alloc() - make a request
 * @opcode: enum fuse_opcode
 * @nodeid: the node it is about
 * @in_size: bytes of the operation's own part of the message
 * @out_max: room for the reply's body
 *
 * The message's own part is zeroed, at viewos_request_body(). The header is
 * filled at submit. May sleep; memory is charged to the caller.
 *
 * Return: a request with one reference, or ERR_PTR(-ENOMEM).
 */
struct viewos_request *viewos_request_alloc(u32 opcode, u64 nodeid,
					    u32 in_size, u32 out_max);

/**
 * viewos_request_pages() - give a request room for page pointers
 * @req: a NEW request
 * @nr: how many, at most VIEWOS_MAX_PAGES
 *
 * req->pages[] is then filled by the caller, each with a reference that the
 * request drops when it is freed; set nr_pages, page_off and page_len too.
 *
 * Return: 0 or -ENOMEM.
 */
int viewos_request_pages(struct viewos_request *req, unsigned int nr);

void viewos_request_get(struct viewos_request *req);
void viewos_request_put(struct viewos_request *req);

/** viewos_request_body() - the operation's own part of the message */
static inline void *viewos_request_body(struct viewos_request *req)
{
	return req->in + 1;
}

/**
 * viewos_request_call() - submit and wait for the reply
 * @session: where to
 * @req: a NEW request, not ASYNC; the caller keeps its reference
 *
 * A signal sends an interrupt to the server; a fatal one ends the wait. With RESTART, a
 * request that the server has not read is taken back by any: -ERESTARTSYS.
 *
 * Return: 0 and a reply at req->out, or a negative errno: the server's, or
 * -ENOTCONN (the session ended), -EDEADLK (the caller is the session's own
 * server), -EINTR (killed), -ETIMEDOUT, -EBUSY (too many requests), -EIO (the
 * reply was malformed).
 */
int viewos_request_call(struct viewos_session *session, struct viewos_request *req);

/**
 * viewos_request_submit() - submit without waiting
 * @session: where to
 * @req: a NEW request with ->end set (may be NULL when nothing is to be done).
 *	Takes over the caller's reference
 *
 * ->end() is called exactly once, perhaps before this returns, with
 * req->error set. Without FORCE it may wait, killably, while too many such
 * requests are under way.
 */
void viewos_request_submit(struct viewos_session *session, struct viewos_request *req);

/** viewos_request_abandoned() - after the call: did it return before the request was done? */
static inline bool viewos_request_abandoned(const struct viewos_request *req)
{
	return READ_ONCE(req->flags) & VIEWOS_REQUEST_ABANDONED;
}

/* Called by session.c, channel.c and recover.c. */
void viewos_request_finish(struct viewos_request *req);
/**
 * viewos_request_take_locked() - take a request that is queued or sent out of others' hands
 * @req: the request; session->lock is held
 *
 * The caller takes it off its list, and must finish it.
 */
void viewos_request_take_locked(struct viewos_request *req);
/** viewos_request_finish_all() - finish a list of requests that were taken, with an error */
void viewos_request_finish_all(struct list_head *requests, int err);
/**
 * viewos_request_first_locked() - queue the INIT that a server gets who takes a session over
 * @session: where; session->lock is held
 * @req: a NEW request with VIEWOS_REQUEST_ASYNC, KERNEL and PATIENT. Takes over the caller's
 *	reference
 */
void viewos_request_first_locked(struct viewos_session *session, struct viewos_request *req);
/** viewos_request_waiter() - who waits for it, referenced; NULL if nobody does */
struct task_struct *viewos_request_waiter(struct viewos_request *req);

#endif /* _VIEWOS_REQUEST_H */
