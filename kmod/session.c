// SPDX-License-Identifier: GPL-2.0
/* Sessions: who connects and who accepts, how they end, and what is to be given up meanwhile. */

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "compat.h"
#include "limits.h"
#include "netlink.h"
#include "recover.h"
#include "request.h"
#include "server.h"
#include "session.h"
#include "task.h"
#include "trace.h"
#include "user.h"
#include "view.h"

DEFINE_SPINLOCK(viewos_session_lock);
LIST_HEAD(viewos_sessions);

static atomic64_t session_last_id;

static void session_watch(struct work_struct *work);

static void session_lazy_over(struct timer_list *timer)
{
	viewos_session_wake(container_of(timer, struct viewos_session, lazy_timer));
}

void viewos_session_get(struct viewos_session *session)
{
	refcount_inc(&session->ref);
}

static void session_free(struct viewos_session *session)
{
	spin_lock(&viewos_session_lock);
	list_del(&session->link);
	spin_unlock(&viewos_session_lock);

	cancel_delayed_work_sync(&session->watch);
	timer_delete_sync(&session->lazy_timer);
	trace_viewos_session_gone(session->id);
	atomic_dec(&session->home->sessions);
	viewos_server_put(session->home);
	viewos_server_put(session->server);
	put_pid(session->server_pid);
	put_pid(session->creator);
	put_cred(session->server_cred);
	viewos_view_put(session->view);
	viewos_user_uncharge(session->user, VIEWOS_COUNT_SESSIONS);
	kfree(session->source);
	kfree(session->options);
	kfree(session);
}

void viewos_session_put(struct viewos_session *session)
{
	if (refcount_dec_and_test(&session->ref))
		session_free(session);
}

static struct viewos_session *session_alloc(const char *source, const char *options)
{
	struct viewos_session *session;
	size_t i;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;
	session->source = kstrdup(source, GFP_KERNEL_ACCOUNT);
	session->options = kstrdup(options, GFP_KERNEL_ACCOUNT);
	if (!session->source || !session->options) {
		kfree(session->source);
		kfree(session->options);
		kfree(session);
		return NULL;
	}
	refcount_set(&session->ref, 1);
	INIT_LIST_HEAD(&session->link);
	INIT_LIST_HEAD(&session->backlog_node);
	init_rwsem(&session->ops_lock);
	spin_lock_init(&session->lock);
	INIT_LIST_HEAD(&session->init);
	INIT_LIST_HEAD(&session->queue);
	INIT_LIST_HEAD(&session->lazy);
	INIT_LIST_HEAD(&session->interrupts);
	INIT_LIST_HEAD(&session->forgets);
	for (i = 0; i < ARRAY_SIZE(session->sent); i++)
		INIT_LIST_HEAD(&session->sent[i]);
	init_waitqueue_head(&session->readers);
	timer_setup(&session->lazy_timer, session_lazy_over, 0);
	init_waitqueue_head(&session->background_wait);
	INIT_DELAYED_WORK(&session->watch, session_watch);
	viewos_recover_setup(session);
	return session;
}

/* Fills in who connects, and lets it be listed. */
static void session_born(struct viewos_session *session, const struct viewos_connect *connect)
{
	strscpy(session->server_name, connect->server, sizeof(session->server_name));
	session->id = atomic64_inc_return(&session_last_id);
	session->class = connect->class;
	session->owner = current_euid();
	session->gid = current_egid();
	session->creator = get_pid(task_tgid(current));
	session->view_id = connect->view_id;
	if (session->class == VIEWOS_CLASS_PATH) {
		session->view = viewos_task_view_get();
		session->view_id = session->view->id;
	}
	session->timeout = VIEWOS_CONNECT_TIMEOUT;
	spin_lock(&viewos_session_lock);
	list_add_tail(&session->link, &viewos_sessions);
	spin_unlock(&viewos_session_lock);
	trace_viewos_session_create(session->id, session->view_id);
}

struct viewos_session *viewos_session_connect(const struct viewos_connect *connect)
{
	struct viewos_session *session;
	struct viewos_server *server;
	struct viewos_user *user;
	int err;

	if (strlen(connect->source) >= VIEWOS_SOURCE_LEN ||
	    strlen(connect->options) >= VIEWOS_SOURCE_LEN)
		return ERR_PTR(-ENAMETOOLONG);
	server = viewos_server_find(connect->server, connect->class);
	if (IS_ERR(server))
		return ERR_CAST(server);
	user = viewos_user_charge(current_euid(), VIEWOS_COUNT_SESSIONS);
	if (IS_ERR(user)) {
		err = PTR_ERR(user);
		goto put_server;
	}
	session = session_alloc(connect->source, connect->options);
	if (!session) {
		viewos_user_uncharge(user, VIEWOS_COUNT_SESSIONS);
		err = -ENOMEM;
		goto put_server;
	}
	session->server = server;
	viewos_server_get(server);
	session->home = server;
	atomic_inc(&server->sessions);
	session->user = user;
	session_born(session, connect);

	err = viewos_server_queue(server, session);
	if (err) {
		viewos_session_put(session);
		return ERR_PTR(err);
	}
	return session;

put_server:
	viewos_server_put(server);
	return ERR_PTR(err);
}

void viewos_session_set_ops(struct viewos_session *session,
			    const struct viewos_session_ops *ops, void *data)
{
	down_write(&session->ops_lock);
	session->ops = ops;
	session->ops_data = data;
	up_write(&session->ops_lock);
}

void viewos_session_ready(struct viewos_session *session)
{
	spin_lock(&session->lock);
	if (session->state == VIEWOS_SESSION_ACCEPTED)
		session->state = VIEWOS_SESSION_READY;
	spin_unlock(&session->lock);
}

bool viewos_session_dead(struct viewos_session *session)
{
	return READ_ONCE(session->state) == VIEWOS_SESSION_DEAD;
}

bool viewos_session_exists(u64 id)
{
	struct viewos_session *session;
	bool exists = false;

	spin_lock(&viewos_session_lock);
	list_for_each_entry(session, &viewos_sessions, link)
		if (session->id == id)
			exists = !viewos_session_dead(session);
	spin_unlock(&viewos_session_lock);
	return exists;
}

bool viewos_session_trusts_writer(const struct viewos_session *session)
{
	const struct cred *server = session->server_cred;
	const struct cred *writer = current_cred();

	return uid_eq(server->uid, writer->uid) && uid_eq(server->euid, writer->euid) &&
	       cap_issubset(writer->cap_permitted, server->cap_permitted);
}

bool viewos_session_permitted(const struct viewos_session *session)
{
	return viewos_task_within(session->view);
}

static void forgets_free(struct list_head *forgets)
{
	struct viewos_forget *forget, *next;

	list_for_each_entry_safe(forget, next, forgets, node)
		kfree(forget);
}

/* Takes all of a list, but those that have one of the flags @left. */
static void end_collect_locked(struct viewos_session *session, struct list_head *queue,
			       unsigned int left, struct list_head *requests)
{
	struct viewos_request *req, *next;

	lockdep_assert_held(&session->lock);

	list_for_each_entry_safe(req, next, queue, node) {
		if (req->flags & left)
			continue;
		viewos_request_take_locked(req);
		list_move_tail(&req->node, requests);
	}
}

void viewos_session_end(struct viewos_session *session, int error, unsigned int left)
{
	LIST_HEAD(requests);
	LIST_HEAD(forgets);
	bool again;
	size_t i;

	spin_lock(&session->lock);
	again = session->state == VIEWOS_SESSION_DEAD;
	if (!again) {
		session->state = VIEWOS_SESSION_DEAD;
		session->error = error;
	}
	end_collect_locked(session, &session->init, 0, &requests);
	end_collect_locked(session, &session->queue, left, &requests);
	end_collect_locked(session, &session->lazy, left, &requests);
	for (i = 0; i < ARRAY_SIZE(session->sent); i++)
		end_collect_locked(session, &session->sent[i], 0, &requests);
	list_splice_init(&session->forgets, &forgets);
	session->nr_forgets = 0;
	spin_unlock(&session->lock);

	viewos_request_finish_all(&requests, error);
	forgets_free(&forgets);
	if (again)
		return;
	viewos_recover_end(session);
	trace_viewos_session_end(session->id, error);
	wake_up_all(&session->readers);
	wake_up_all(&session->background_wait);
	down_read(&session->ops_lock);
	if (session->ops && session->ops->end)
		session->ops->end(session);
	up_read(&session->ops_lock);
}

void viewos_session_abort(struct viewos_session *session)
{
	viewos_session_end(session, -ENOTCONN, 0);
}

void viewos_session_close(struct viewos_session *session)
{
	viewos_session_end(session, -ENOTCONN, VIEWOS_REQUEST_NO_REPLY);
}

void viewos_session_forget(struct viewos_session *session, struct viewos_forget *forget)
{
	unsigned int nr;
	bool over;

	spin_lock(&session->lock);
	over = session->forgotten || session->state == VIEWOS_SESSION_DEAD;
	if (!over) {
		list_add_tail(&forget->node, &session->forgets);
		session->nr_forgets++;
	}
	nr = session->nr_forgets;
	spin_unlock(&session->lock);
	if (over)
		kfree(forget);
	else
		viewos_session_wake_lazy(session, nr);
}

void viewos_session_forget_all(struct viewos_session *session)
{
	LIST_HEAD(forgets);

	spin_lock(&session->lock);
	session->forgotten = true;
	list_splice_init(&session->forgets, &forgets);
	session->nr_forgets = 0;
	spin_unlock(&session->lock);
	forgets_free(&forgets);
}

/* Requests that nobody waits for and that took too long. */
static void watch_collect_locked(struct viewos_session *session, struct list_head *queue,
				 struct list_head *expired)
{
	struct viewos_request *req, *next;

	lockdep_assert_held(&session->lock);

	list_for_each_entry_safe(req, next, queue, node) {
		if (!(req->flags & VIEWOS_REQUEST_ASYNC) || !req->deadline ||
		    time_before(jiffies, req->deadline))
			continue;
		viewos_request_take_locked(req);
		list_move_tail(&req->node, expired);
	}
}

static bool watch_old_locked(struct viewos_session *session)
{
	struct viewos_request *req;
	size_t i;

	lockdep_assert_held(&session->lock);

	for (i = 0; i < ARRAY_SIZE(session->sent); i++)
		list_for_each_entry(req, &session->sent[i], node)
			if (!(req->flags & VIEWOS_REQUEST_PATIENT) &&
			    time_after(jiffies, req->sent_at + VIEWOS_STUCK_SECONDS * HZ))
				return true;
	return false;
}

static void session_watch(struct work_struct *work)
{
	struct viewos_session *session = container_of(work, struct viewos_session, watch.work);
	LIST_HEAD(expired);
	bool again, stuck = false;
	size_t i;

	spin_lock(&session->lock);
	watch_collect_locked(session, &session->queue, &expired);
	watch_collect_locked(session, &session->lazy, &expired);
	for (i = 0; i < ARRAY_SIZE(session->sent); i++)
		watch_collect_locked(session, &session->sent[i], &expired);
	if (!session->stuck && watch_old_locked(session)) {
		session->stuck = true;
		stuck = true;
	}
	again = session->nr_requests && session->state != VIEWOS_SESSION_DEAD;
	spin_unlock(&session->lock);

	viewos_request_finish_all(&expired, -ETIMEDOUT);
	if (stuck)
		viewos_netlink_session_event(VIEWOS_CMD_SERVER_STUCK_NTF, session);
	if (again)
		schedule_delayed_work(&session->watch, HZ);
}

const struct cred *viewos_session_cred_get(struct viewos_session *session)
{
	const struct cred *cred;

	spin_lock(&session->lock);
	cred = get_cred(session->server_cred);
	spin_unlock(&session->lock);
	return cred;
}

/* Who accepts it is its server from now on. */
static void session_accepted(struct viewos_session *session, struct viewos_server *server,
			     struct viewos_request *init)
{
	const struct cred *cred = get_current_cred();
	struct pid *pid = get_pid(task_tgid(current));
	bool begun = false;

	spin_lock(&session->lock);
	swap(session->server_cred, cred);
	swap(session->server_pid, pid);
	if (session->state == VIEWOS_SESSION_WAITING) {
		session->state = VIEWOS_SESSION_ACCEPTED;
	} else if (session->state == VIEWOS_SESSION_ORPHANED) {
		viewos_recover_begin_locked(session, init);
		begun = true;
	}
	spin_unlock(&session->lock);
	if (init && !begun)
		viewos_recover_drop(init);
	put_cred(cred);
	put_pid(pid);
	/* Only who has the session's file, or its place in a backlog, comes here. */
	if (session->home != server) {
		atomic_dec(&session->home->sessions);
		viewos_server_put(session->home);
		viewos_server_get(server);
		session->home = server;
		atomic_inc(&server->sessions);
	}
}

struct file *viewos_session_file(struct viewos_session *session, struct viewos_server *server)
{
	struct viewos_request *init;
	struct file *file;

	init = viewos_recover_init(session);
	if (IS_ERR(init))
		return ERR_CAST(init);
	file = anon_inode_getfile("[viewos:session]", &viewos_session_fops, session,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		if (init)
			viewos_recover_drop(init);
		return file;
	}
	session_accepted(session, server, init);
	return file;
}
