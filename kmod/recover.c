// SPDX-License-Identifier: GPL-2.0
/* Sessions whose server has gone, and servers that take them over. */

#include <linux/fuse.h>
#include <linux/jiffies.h>
#include <linux/list_sort.h>
#include <linux/pid.h>
#include <linux/workqueue.h>

#include <linux/viewos_path.h>

#include "limits.h"
#include "netlink.h"
#include "recover.h"
#include "request.h"
#include "server.h"
#include "session.h"
#include "trace.h"

/* Sessions for which there is no server; protected by viewos_server_lock. */
static LIST_HEAD(unclaimed);

/* Its own, so that the module can wait for what is in it. */
static struct workqueue_struct *recover_wq;

static bool session_waits_locked(const struct viewos_session *session)
{
	lockdep_assert_held(&session->lock);

	return session->state == VIEWOS_SESSION_ORPHANED ||
	       (session->state == VIEWOS_SESSION_ACCEPTED && session->recovering);
}

static void recover_work(struct work_struct *work)
{
	struct viewos_session *session = container_of(to_delayed_work(work),
						      struct viewos_session, recover_work);
	bool over;

	spin_lock(&session->lock);
	/* It may have been recovered meanwhile, and orphaned anew. */
	over = session_waits_locked(session) && !time_before(jiffies, session->recover_until);
	spin_unlock(&session->lock);
	if (over)
		viewos_session_abort(session);
	viewos_session_put(session);
}

void viewos_recover_setup(struct viewos_session *session)
{
	INIT_DELAYED_WORK(&session->recover_work, recover_work);
}

void viewos_recover_allow(struct viewos_session *session, unsigned int seconds)
{
	bool waits;

	spin_lock(&session->lock);
	session->recover = seconds;
	waits = session_waits_locked(session);
	spin_unlock(&session->lock);
	if (waits && !seconds)
		viewos_session_abort(session);
}

/* The bit of additions in some uniques is above the number. */
static u64 request_age(const struct list_head *node)
{
	const struct viewos_request *req = list_entry(node, struct viewos_request, node);

	return req->in->unique & ~VIEWOS_UNIQUE_LOOKUP_OPEN;
}

static int request_compare(void *unused, const struct list_head *a, const struct list_head *b)
{
	return request_age(a) > request_age(b);
}

/* The flags are the header's last 16 bits, by which name ever it goes. */
static void request_mark_repeated(struct viewos_request *req)
{
	u16 *flags = (u16 *)(req->in + 1) - 1;

	*flags |= VIEWOS_HEADER_REPEATED;
}

/* Is it to be asked again? */
static bool request_lasts(struct viewos_request *req)
{
	if (req->flags & VIEWOS_REQUEST_ABANDONED)
		return false;
	/* The next server is sent one of its own. */
	if (req->in->opcode == FUSE_INIT) {
		req->flags |= VIEWOS_REQUEST_ABANDONED;
		return false;
	}
	return ++req->repeats < VIEWOS_RECOVER_REPEATS;
}

/* Sorts out what the server had: @lost is to be finished. */
static void orphan_requeue_locked(struct viewos_session *session, struct list_head *lost)
{
	struct viewos_request *req, *next;
	LIST_HEAD(again);
	size_t i;

	lockdep_assert_held(&session->lock);

	for (i = 0; i < ARRAY_SIZE(session->sent); i++) {
		list_for_each_entry_safe(req, next, &session->sent[i], node) {
			if (!request_lasts(req)) {
				viewos_request_take_locked(req);
				list_move_tail(&req->node, lost);
				continue;
			}
			if (!list_empty(&req->interrupt_node))
				list_del_init(&req->interrupt_node);
			request_mark_repeated(req);
			req->state = VIEWOS_REQUEST_QUEUED;
			list_move_tail(&req->node, &again);
		}
	}
	list_sort(NULL, &again, request_compare);
	list_splice(&again, &session->queue);
}

/* An INIT that was not read, and what the server has asked for by notices. */
static void orphan_drop_locked(struct viewos_session *session, struct list_head *queue,
			       struct list_head *lost)
{
	struct viewos_request *req, *next;

	lockdep_assert_held(&session->lock);

	list_for_each_entry_safe(req, next, queue, node) {
		if (req->in->opcode == FUSE_INIT)
			req->flags |= VIEWOS_REQUEST_ABANDONED;
		else if (req->in->opcode != FUSE_NOTIFY_REPLY)
			continue;
		viewos_request_take_locked(req);
		list_move_tail(&req->node, lost);
	}
}

/* The time runs; who ends the session or recovers it stops that afterwards. */
static void recover_begin_locked(struct viewos_session *session)
{
	unsigned long delay = session->recover * HZ;

	lockdep_assert_held(&session->lock);

	session->recover_until = jiffies + delay;
	viewos_session_get(session);
	if (!queue_delayed_work(recover_wq, &session->recover_work, delay))
		refcount_dec(&session->ref);
}

bool viewos_recover_orphan(struct viewos_session *session)
{
	struct pid *pid = NULL;
	LIST_HEAD(lost);
	bool again;

	spin_lock(&session->lock);
	again = session_waits_locked(session);
	if (!session->recover || (session->state != VIEWOS_SESSION_READY && !again)) {
		spin_unlock(&session->lock);
		return false;
	}
	session->state = VIEWOS_SESSION_ORPHANED;
	session->recovering = false;
	session->no_interrupt = false;
	if (!again)
		recover_begin_locked(session);
	swap(session->server_pid, pid);
	orphan_requeue_locked(session, &lost);
	orphan_drop_locked(session, &session->init, &lost);
	orphan_drop_locked(session, &session->queue, &lost);
	orphan_drop_locked(session, &session->lazy, &lost);
	spin_unlock(&session->lock);

	trace_viewos_session_orphan(session->id);
	put_pid(pid);
	viewos_request_finish_all(&lost, -ENOTCONN);
	if (!again)
		viewos_netlink_session_event(VIEWOS_CMD_SESSION_ORPHANED_NTF, session);
	viewos_recover_offer(session);
	return true;
}

static bool server_may_have(const struct viewos_server *server,
			    const struct viewos_session *session)
{
	const struct viewos_server *before = session->server;

	return !strcmp(server->name, session->server_name) &&
	       uid_eq(server->owner, before->owner) && server->user_ns == before->user_ns &&
	       server->pid_ns == before->pid_ns && server->classes & BIT_ULL(session->class);
}

/* Before all that want to connect; it has been waiting for longer. */
static void backlog_add_locked(struct viewos_server *server, struct viewos_session *session)
{
	struct pid *pid = get_pid(server->pid);

	lockdep_assert_held(&viewos_server_lock);

	session->unclaimed = false;
	list_move(&session->backlog_node, &server->backlog);
	server->nr_backlog++;
	spin_lock(&session->lock);
	swap(session->server_pid, pid);
	spin_unlock(&session->lock);
	put_pid(pid);
}

bool viewos_recover_offer(struct viewos_session *session)
{
	struct viewos_server *server, *found = NULL;
	bool orphaned;

	spin_lock(&viewos_server_lock);
	/* Whoever ends it takes it from here afterwards, or we see that it has ended. */
	orphaned = READ_ONCE(session->state) == VIEWOS_SESSION_ORPHANED;
	if (orphaned) {
		list_for_each_entry(server, &viewos_servers, link) {
			if (server_may_have(server, session)) {
				found = server;
				break;
			}
		}
		viewos_session_get(session);
		if (found) {
			backlog_add_locked(found, session);
			wake_up(&found->wait);
		} else {
			session->unclaimed = true;
			list_add_tail(&session->backlog_node, &unclaimed);
		}
	}
	spin_unlock(&viewos_server_lock);
	return orphaned;
}

void viewos_recover_claim_locked(struct viewos_server *server)
{
	struct viewos_session *session, *next;

	lockdep_assert_held(&viewos_server_lock);

	/* Each goes to the head: the oldest one last. */
	list_for_each_entry_safe_reverse(session, next, &unclaimed, backlog_node)
		if (server_may_have(server, session))
			backlog_add_locked(server, session);
}

struct viewos_request *viewos_recover_init(struct viewos_session *session)
{
	struct viewos_request *req = NULL;

	if (READ_ONCE(session->state) != VIEWOS_SESSION_ORPHANED)
		return NULL;
	down_read(&session->ops_lock);
	if (session->ops && session->ops->init)
		req = session->ops->init(session);
	up_read(&session->ops_lock);
	return req;
}

void viewos_recover_drop(struct viewos_request *init)
{
	init->flags |= VIEWOS_REQUEST_ABANDONED;
	init->error = -ENOTCONN;
	init->end(init);
	viewos_request_put(init);
}

void viewos_recover_begin_locked(struct viewos_session *session, struct viewos_request *init)
{
	lockdep_assert_held(&session->lock);

	session->state = VIEWOS_SESSION_ACCEPTED;
	session->recovering = true;
	viewos_request_first_locked(session, init);
}

void viewos_recover_done(struct viewos_session *session)
{
	bool done;

	spin_lock(&session->lock);
	done = session->state == VIEWOS_SESSION_ACCEPTED && session->recovering;
	if (done) {
		session->state = VIEWOS_SESSION_READY;
		session->recovering = false;
	}
	spin_unlock(&session->lock);
	if (!done)
		return;
	trace_viewos_session_recover(session->id);
	if (cancel_delayed_work(&session->recover_work))
		viewos_session_put(session);
	/* All its threads: there may be work for each. */
	wake_up_all(&session->readers);
	viewos_netlink_session_event(VIEWOS_CMD_SESSION_RECOVERED_NTF, session);
}

void viewos_recover_end(struct viewos_session *session)
{
	bool listed;

	spin_lock(&viewos_server_lock);
	listed = session->unclaimed;
	if (listed) {
		session->unclaimed = false;
		list_del_init(&session->backlog_node);
	}
	spin_unlock(&viewos_server_lock);
	if (listed)
		viewos_session_put(session);
	if (cancel_delayed_work(&session->recover_work))
		viewos_session_put(session);
}

/**
 * viewos_recover_module_init() - before the first session
 *
 * Return: 0 or -ENOMEM.
 */
int viewos_recover_module_init(void)
{
	recover_wq = alloc_workqueue("viewos_recover", WQ_UNBOUND, 0);
	return recover_wq ? 0 : -ENOMEM;
}

/** viewos_recover_module_exit() - behind the last session */
void viewos_recover_module_exit(void)
{
	destroy_workqueue(recover_wq);
}
