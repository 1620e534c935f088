// SPDX-License-Identifier: GPL-2.0
/* One upcall: submitting, waiting, finishing exactly once. */

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fuse.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include <linux/viewos_path.h>

#include "compat.h"
#include "limits.h"
#include "request.h"
#include "server.h"
#include "session.h"
#include "task.h"
#include "trace.h"

struct viewos_request *viewos_request_alloc(u32 opcode, u64 nodeid, u32 in_size, u32 out_max)
{
	struct viewos_request *req;
	size_t in_len = sizeof(struct fuse_in_header) + in_size;
	size_t out_at = ALIGN(sizeof(*req) + in_len, sizeof(u64));

	/* One piece of memory: the request, its message, its reply. */
	req = kvzalloc(out_at + out_max, GFP_KERNEL_ACCOUNT);
	if (!req)
		return ERR_PTR(-ENOMEM);
	refcount_set(&req->ref, 1);
	INIT_LIST_HEAD(&req->node);
	INIT_LIST_HEAD(&req->interrupt_node);
	rcuwait_init(&req->wait);
	req->in = (struct fuse_in_header *)(req + 1);
	req->in_len = in_len;
	req->out = (void *)req + out_at;
	req->out_max = out_max;
	req->in->opcode = opcode;
	req->in->nodeid = nodeid;
	return req;
}

int viewos_request_pages(struct viewos_request *req, unsigned int nr)
{
	if (WARN_ON_ONCE(nr > VIEWOS_MAX_PAGES || req->pages))
		return -EINVAL;
	req->pages = kcalloc(nr, sizeof(*req->pages), GFP_KERNEL_ACCOUNT);
	return req->pages ? 0 : -ENOMEM;
}

void viewos_request_get(struct viewos_request *req)
{
	refcount_inc(&req->ref);
}

void viewos_request_put(struct viewos_request *req)
{
	unsigned int i;

	if (!refcount_dec_and_test(&req->ref))
		return;
	for (i = 0; i < req->nr_pages; i++)
		put_page(req->pages[i]);
	if (req->file)
		fput(req->file);
	if (req->net)
		put_net(req->net);
	kfree(req->pages);
	kvfree(req);
}

/* Most are in the initial namespace, where a number is the number. */
static u32 uid_out(struct user_namespace *ns, kuid_t uid)
{
	return ns == &init_user_ns ? __kuid_val(uid) : from_kuid_munged(ns, uid);
}

static u32 gid_out(struct user_namespace *ns, kgid_t gid)
{
	return ns == &init_user_ns ? __kgid_val(gid) : from_kgid_munged(ns, gid);
}

/* Who asks, as the server is to see it. */
static void request_fill(struct viewos_session *session, struct viewos_request *req)
{
	struct user_namespace *ns = session->server->user_ns;
	struct fuse_in_header *in = req->in;

	in->len = req->in_len;
	if (req->flags & VIEWOS_REQUEST_PAGES_IN)
		in->len += req->page_len;
	if (req->flags & VIEWOS_REQUEST_KERNEL) {
		in->uid = from_kuid_munged(ns, GLOBAL_ROOT_UID);
		in->gid = from_kgid_munged(ns, GLOBAL_ROOT_GID);
		return;
	}
	in->uid = uid_out(ns, current_fsuid());
	in->gid = gid_out(ns, current_fsgid());
	in->pid = pid_nr_ns(task_pid(current), session->server->pid_ns);
}

static int request_refused_locked(struct viewos_session *session, struct viewos_request *req)
{
	lockdep_assert_held(&session->lock);

	if (session->state == VIEWOS_SESSION_DEAD)
		return session->error ?: -ENOTCONN;
	if (req->flags & VIEWOS_REQUEST_FORCE)
		return 0;
	if (session->nr_requests >= VIEWOS_MAX_SESSION_REQUESTS)
		return -EBUSY;
	/* A server that walks into its own mount would wait for itself. */
	if (!(req->flags & VIEWOS_REQUEST_KERNEL) && session->server_pid == task_tgid(current))
		return -EDEADLK;
	return 0;
}

static void request_number_locked(struct viewos_session *session, struct viewos_request *req)
{
	lockdep_assert_held(&session->lock);

	/* It answers a notice of the server's, by the number that this had. */
	if (req->in->opcode == FUSE_NOTIFY_REPLY)
		return;
	session->next_unique += 2;
	req->in->unique = session->next_unique;
	if (req->in->opcode == VIEWOS_FUSE_LOOKUP_OPEN)
		req->in->unique |= VIEWOS_UNIQUE_LOOKUP_OPEN;
}

/* Queues a request; on success the session has a reference of its own. */
static int request_queue(struct viewos_session *session, struct viewos_request *req)
{
	bool lazy = req->flags & VIEWOS_REQUEST_LAZY;
	unsigned int background;
	int err;

	request_fill(session, req);
	req->session = session;
	if (session->timeout && !(req->flags & VIEWOS_REQUEST_PATIENT))
		req->deadline = (jiffies + session->timeout * HZ) ?: 1;

	spin_lock(&session->lock);
	err = request_refused_locked(session, req);
	if (err) {
		spin_unlock(&session->lock);
		return err;
	}
	viewos_request_get(req);
	request_number_locked(session, req);
	req->state = VIEWOS_REQUEST_QUEUED;
	list_add_tail(&req->node, lazy && !(req->flags & VIEWOS_REQUEST_IN_TURN) ?
		      &session->lazy : &session->queue);
	session->nr_requests++;
	if (req->flags & VIEWOS_REQUEST_ASYNC)
		session->nr_background++;
	background = session->nr_background;
	session->total++;
	spin_unlock(&session->lock);

	trace_viewos_request_queue(session->id, req->in->unique, req->in->opcode);
	if (lazy)
		viewos_session_wake_lazy(session, background);
	else if (req->flags & VIEWOS_REQUEST_ASYNC)
		viewos_session_wake(session);
	else
		viewos_session_wake_here(session);
	/* A dead session stops its watch for good; queueing it again would be harmless. */
	schedule_delayed_work(&session->watch, HZ);
	return 0;
}

void viewos_request_first_locked(struct viewos_session *session, struct viewos_request *req)
{
	lockdep_assert_held(&session->lock);

	request_fill(session, req);
	req->session = session;
	request_number_locked(session, req);
	req->state = VIEWOS_REQUEST_QUEUED;
	list_add_tail(&req->node, &session->init);
	session->nr_requests++;
	session->nr_background++;
	session->total++;
	trace_viewos_request_queue(session->id, req->in->unique, req->in->opcode);
}

static bool request_done(struct viewos_request *req)
{
	/* Pairs with viewos_request_finish(): who sees DONE sees the reply. */
	return smp_load_acquire(&req->state) == VIEWOS_REQUEST_DONE;
}

/*
 * The waiter leaves. A request that the server has not seen is taken back; of
 * one that it has, the reply is awaited in absence. Returns false if the request
 * was finished just now.
 */
static bool request_abandon(struct viewos_request *req, int err)
{
	struct viewos_session *session = req->session;
	bool unqueued = false;
	bool left = true;

	spin_lock(&session->lock);
	switch (req->state) {
	case VIEWOS_REQUEST_QUEUED:
		list_del_init(&req->node);
		req->state = VIEWOS_REQUEST_COPYING;
		unqueued = true;
		break;
	case VIEWOS_REQUEST_DONE:
		left = false;
		break;
	default:
		req->flags |= VIEWOS_REQUEST_ABANDONED;
		break;
	}
	spin_unlock(&session->lock);
	trace_viewos_request_abandon(session->id, req->in->unique, err);
	if (unqueued) {
		req->error = err;
		viewos_request_finish(req);
	}
	return left;
}

/* The waiter leaves, if the server has not seen the request. */
static bool request_take_back(struct viewos_request *req, int err)
{
	struct viewos_session *session = req->session;
	bool queued;

	spin_lock(&session->lock);
	queued = req->state == VIEWOS_REQUEST_QUEUED;
	if (queued) {
		list_del_init(&req->node);
		req->state = VIEWOS_REQUEST_COPYING;
	}
	spin_unlock(&session->lock);
	if (queued) {
		trace_viewos_request_abandon(session->id, req->in->unique, err);
		req->error = err;
		viewos_request_finish(req);
	}
	return queued;
}

static void request_interrupt(struct viewos_request *req)
{
	struct viewos_session *session = req->session;
	bool wake = false;

	spin_lock(&session->lock);
	req->flags |= VIEWOS_REQUEST_INTERRUPTED;
	if (req->state == VIEWOS_REQUEST_SENT && !session->no_interrupt &&
	    list_empty(&req->interrupt_node)) {
		list_add_tail(&req->interrupt_node, &session->interrupts);
		wake = true;
	}
	spin_unlock(&session->lock);
	if (wake)
		viewos_session_wake_here(session);
}

static long request_time_left(struct viewos_request *req)
{
	long left;

	if (!req->deadline)
		return MAX_SCHEDULE_TIMEOUT;
	left = req->deadline - jiffies;
	return max(left, 1L);
}

/* Sleeps until the request is done: >0; 0 the deadline is over, or -EINTR for a signal. */
static long request_sleep(struct viewos_request *req, unsigned int state)
{
	long left = request_time_left(req);

	prepare_to_rcuwait(&req->wait);
	for (;;) {
		set_current_state(state);
		if (request_done(req)) {
			left = 1;
			break;
		}
		if (!left)
			break;
		if (signal_pending_state(state, current)) {
			left = -EINTR;
			break;
		}
		left = schedule_timeout(left);
	}
	finish_rcuwait(&req->wait);
	return left;
}

/* Waits in two steps: until any signal, then until a fatal one. */
static int request_wait(struct viewos_request *req)
{
	long ret;

	if (request_done(req))
		return req->error;
	ret = request_sleep(req, TASK_INTERRUPTIBLE);
	if (ret < 0) {
		if (req->flags & VIEWOS_REQUEST_RESTART && request_take_back(req, -ERESTARTSYS))
			return -ERESTARTSYS;
		request_interrupt(req);
		ret = request_sleep(req, TASK_KILLABLE);
	}
	if (ret > 0)
		return req->error;
	ret = ret ?: -ETIMEDOUT;
	return request_abandon(req, ret) ? ret : req->error;
}

int viewos_request_call(struct viewos_session *session, struct viewos_request *req)
{
	int err;

	viewos_task_count_request();
	err = request_queue(session, req);
	if (err)
		return err;
	/* The server may answer while we only lost the CPU to it: then nobody need wake us. */
	cond_resched();
	return request_wait(req);
}

static bool background_room(struct viewos_session *session)
{
	return READ_ONCE(session->nr_background) < VIEWOS_MAX_BACKGROUND ||
	       READ_ONCE(session->state) == VIEWOS_SESSION_DEAD;
}

void viewos_request_submit(struct viewos_session *session, struct viewos_request *req)
{
	int err = 0;

	req->flags |= VIEWOS_REQUEST_ASYNC;
	if (!(req->flags & VIEWOS_REQUEST_KERNEL))
		viewos_task_count_request();
	if (!(req->flags & VIEWOS_REQUEST_FORCE))
		err = wait_event_killable(session->background_wait, background_room(session));
	if (!err)
		err = request_queue(session, req);
	else
		err = -EINTR;
	if (err) {
		req->error = err;
		req->state = VIEWOS_REQUEST_DONE;
		if (req->end)
			req->end(req);
	}
	viewos_request_put(req);
}

struct task_struct *viewos_request_waiter(struct viewos_request *req)
{
	struct task_struct *task;

	rcu_read_lock();
	task = rcu_dereference(req->wait.task);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/* As rcuwait_wake_up(), but its submitter goes on here. */
static void request_wake_here(struct viewos_request *req)
{
	struct wait_queue_entry entry = { };

	/* Pairs with request_sleep(): either it sees DONE, or we see who sleeps. */
	smp_mb();
	rcu_read_lock();
	entry.private = rcu_dereference(req->wait.task);
	if (entry.private)
		default_wake_function(&entry, TASK_NORMAL, viewos_wake_flags(), NULL);
	rcu_read_unlock();
}

/*
 * Ends a request that the caller has taken out of the queue, or of the table of
 * those with the server, and marked COPYING. Drops the session's reference.
 */
void viewos_request_finish(struct viewos_request *req)
{
	struct viewos_session *session = req->session;
	bool late, room = false;

	spin_lock(&session->lock);
	late = req->flags & VIEWOS_REQUEST_ABANDONED && req->late &&
	       (!req->error || req->flags & VIEWOS_REQUEST_LATE_ALWAYS);
	if (!list_empty(&req->interrupt_node))
		list_del_init(&req->interrupt_node);
	session->nr_requests--;
	session->stuck = false;
	if (req->flags & VIEWOS_REQUEST_ASYNC) {
		session->nr_background--;
		room = true;
	}
	/* Pairs with request_done(), which looks without the lock. */
	smp_store_release(&req->state, VIEWOS_REQUEST_DONE);
	spin_unlock(&session->lock);

	trace_viewos_request_finish(session->id, req->in->unique, req->error);
	if (req->flags & VIEWOS_REQUEST_ASYNC) {
		if (req->end)
			req->end(req);
		if (room)
			wake_up(&session->background_wait);
	} else if (late) {
		req->late(req);
	} else if (req->flags & VIEWOS_REQUEST_WAKE_HERE) {
		request_wake_here(req);
	} else {
		rcuwait_wake_up(&req->wait);
	}
	viewos_request_put(req);
}

void viewos_request_take_locked(struct viewos_request *req)
{
	lockdep_assert_held(&req->session->lock);

	if (!list_empty(&req->interrupt_node))
		list_del_init(&req->interrupt_node);
	req->state = VIEWOS_REQUEST_COPYING;
}

void viewos_request_finish_all(struct list_head *requests, int err)
{
	struct viewos_request *req, *next;

	list_for_each_entry_safe(req, next, requests, node) {
		list_del_init(&req->node);
		req->error = err;
		viewos_request_finish(req);
	}
}
