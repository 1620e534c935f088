// SPDX-License-Identifier: GPL-2.0
/* The fd of a session: requests are read from it, replies are written, or both at once. */

#include <linux/fuse.h>
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "control.h"
#include "limits.h"
#include "recover.h"
#include "request.h"
#include "session.h"
#include "syscall/serve.h"
#include "trace.h"

/* Marks the unique of an interrupt's message; that of the request it is about has it clear. */
#define SESSION_INTERRUPT_BIT	1ULL

/* Every so many messages, forgets and lazy requests go before others, so that none starves. */
#define SESSION_LAZY_TURN	16

static struct list_head *sent_bucket(struct viewos_session *session, u64 unique)
{
	return &session->sent[hash_64(unique, VIEWOS_SESSION_HASH_BITS)];
}

static struct viewos_request *sent_find_locked(struct viewos_session *session, u64 unique)
{
	struct viewos_request *req;

	lockdep_assert_held(&session->lock);

	list_for_each_entry(req, sent_bucket(session, unique), node)
		if (req->in->unique == unique)
			return req;
	return NULL;
}

/* Work that somebody waits for. */
static bool session_has_urgent(struct viewos_session *session)
{
	if (READ_ONCE(session->recovering))
		return !list_empty(&session->init) || viewos_session_dead(session);
	return !list_empty(&session->queue) || !list_empty(&session->interrupts) ||
	       viewos_session_dead(session);
}

static bool session_has_work(struct viewos_session *session)
{
	return session_has_urgent(session) ||
	       (!READ_ONCE(session->recovering) &&
		(!list_empty(&session->lazy) || !list_empty(&session->forgets)));
}

/* It is dead, and nothing is left to be read. */
static bool session_over(struct viewos_session *session)
{
	return viewos_session_dead(session) && list_empty(&session->queue) &&
	       list_empty(&session->lazy);
}

/*
 * The thread to wake: the last to go to sleep of those that ran on this CPU, where the request
 * has been written; else the last of all, which has most in the caches. NULL if none of those
 * that are looked at is a thread in session_take().
 */
static struct wait_queue_entry *reader_choose_locked(struct viewos_session *session)
{
	struct wait_queue_entry *entry, *last = NULL;
	unsigned int looks = VIEWOS_MAX_READER_LOOKS;

	lockdep_assert_held(&session->readers.lock);

	list_for_each_entry_reverse(entry, &session->readers.head, entry) {
		if (!looks--)
			break;
		/* Others are who polls. */
		if (entry->func != autoremove_wake_function)
			continue;
		if (task_cpu(entry->private) == raw_smp_processor_id())
			return entry;
		if (!last)
			last = entry;
	}
	return last;
}

/* Who polls may leave the request to others, and so is woken besides, and first. */
static bool readers_poll_locked(struct viewos_session *session)
{
	struct wait_queue_entry *first;

	lockdep_assert_held(&session->readers.lock);

	first = list_first_entry_or_null(&session->readers.head, struct wait_queue_entry, entry);
	return first && !(first->flags & WQ_FLAG_EXCLUSIVE);
}

void viewos_session_wake_reader(struct viewos_session *session, bool caller_sleeps)
{
	struct wait_queue_entry *reader = NULL;
	unsigned long flags;
	int how;

	spin_lock_irqsave(&session->readers.lock, flags);
	if (!readers_poll_locked(session))
		reader = reader_choose_locked(session);
	how = caller_sleeps ? viewos_wake_flags() : 0;
	/* If a signal was faster, or there is nobody, it is as with any wait queue. */
	if (!reader || !reader->func(reader, TASK_NORMAL, how, NULL))
		wake_up_locked(&session->readers);
	spin_unlock_irqrestore(&session->readers.lock, flags);
}

static int copy_message(struct iov_iter *to, const void *data, size_t len)
{
	return copy_to_iter(data, len, to) == len ? 0 : -EFAULT;
}

/*
 * Really copies: copy_page_to_iter() would put the page itself into a pipe, and the server
 * that reads it from there would wait for a page that is locked until it answers.
 */
static int copy_pages_in(struct viewos_request *req, struct iov_iter *to)
{
	size_t left = req->page_len, off = req->page_off;
	unsigned int i;

	for (i = 0; left && i < req->nr_pages; i++) {
		size_t len = min(left, PAGE_SIZE - off);
		void *from = kmap_local_page(req->pages[i]);
		int err = copy_message(to, from + off, len);

		kunmap_local(from);
		if (err)
			return err;
		left -= len;
		off = 0;
	}
	return 0;
}

/* Fills pages from a reply of @len bytes; the rest of them stays as it is. */
static int copy_pages_out(struct viewos_request *req, size_t len, struct iov_iter *from)
{
	size_t left = len, off = req->page_off;
	unsigned int i;

	for (i = 0; left && i < req->nr_pages; i++) {
		size_t part = min(left, PAGE_SIZE - off);

		if (copy_page_from_iter(req->pages[i], off, part, from) != part)
			return -EFAULT;
		left -= part;
		off = 0;
	}
	return left ? -EINVAL : 0;
}

/* Called with the lock held, drops it. */
static ssize_t read_interrupt(struct viewos_session *session, struct iov_iter *to)
	__releases(&session->lock)
{
	struct {
		struct fuse_in_header header;
		struct fuse_interrupt_in body;
	} message = { };
	struct viewos_request *req;

	req = list_first_entry(&session->interrupts, struct viewos_request, interrupt_node);
	list_del_init(&req->interrupt_node);
	message.header.len = sizeof(message);
	message.header.opcode = FUSE_INTERRUPT;
	message.header.unique = req->in->unique | SESSION_INTERRUPT_BIT;
	message.body.unique = req->in->unique;
	spin_unlock(&session->lock);

	return copy_message(to, &message, sizeof(message)) ?: (ssize_t)sizeof(message);
}

static struct viewos_forget *forget_next_locked(struct viewos_session *session)
{
	struct viewos_forget *forget;

	lockdep_assert_held(&session->lock);

	forget = list_first_entry(&session->forgets, struct viewos_forget, node);
	list_del(&forget->node);
	session->nr_forgets--;
	return forget;
}

/* Called with the lock held, drops it. Sends as many forgets as fit, in one message. */
static ssize_t read_forgets(struct viewos_session *session, struct iov_iter *to)
	__releases(&session->lock)
{
	struct {
		struct fuse_in_header header;
		struct fuse_batch_forget_in body;
	} message = { };
	size_t room = (iov_iter_count(to) - sizeof(message)) / sizeof(struct fuse_forget_one);
	struct viewos_forget *forget, *next;
	LIST_HEAD(batch);
	int err;

	while (!list_empty(&session->forgets) && message.body.count < room) {
		forget = forget_next_locked(session);
		list_add_tail(&forget->node, &batch);
		message.body.count++;
	}
	spin_unlock(&session->lock);

	message.header.len = sizeof(message) + message.body.count * sizeof(forget->one);
	message.header.opcode = FUSE_BATCH_FORGET;
	err = copy_message(to, &message, sizeof(message));
	list_for_each_entry_safe(forget, next, &batch, node) {
		if (!err)
			err = copy_message(to, &forget->one, sizeof(forget->one));
		kfree(forget);
	}
	return err ?: (ssize_t)message.header.len;
}

/* Ends a sent request whose message could not be delivered, unless somebody else did. */
static void read_failed(struct viewos_request *req, int err)
{
	struct viewos_session *session = req->session;
	bool taken = false;

	spin_lock(&session->lock);
	if (req->state == VIEWOS_REQUEST_SENT) {
		list_del_init(&req->node);
		viewos_request_take_locked(req);
		taken = true;
	}
	spin_unlock(&session->lock);
	if (taken) {
		req->error = err;
		viewos_request_finish(req);
	}
}

/* Called with the lock held, drops it. Returns 0 if the request did not fit. */
static ssize_t read_request(struct viewos_session *session, struct list_head *queue,
			    struct iov_iter *to)
	__releases(&session->lock)
{
	struct viewos_request *req;
	u32 len;
	int err;

	req = list_first_entry(queue, struct viewos_request, node);
	viewos_request_get(req);
	len = req->in->len;
	list_move_tail(&req->node, sent_bucket(session, req->in->unique));
	req->state = VIEWOS_REQUEST_SENT;
	req->sent_at = jiffies;
	if (req->flags & VIEWOS_REQUEST_INTERRUPTED && !session->no_interrupt)
		list_add_tail(&req->interrupt_node, &session->interrupts);
	spin_unlock(&session->lock);

	trace_viewos_request_read(session->id, req->in->unique, req->in->opcode);
	if (len > iov_iter_count(to)) {
		/* As with kernel FUSE; only an xattr may be as long as the caller likes. */
		read_failed(req, req->in->opcode == FUSE_SETXATTR ? -E2BIG : -EIO);
		viewos_request_put(req);
		return 0;
	}
	err = copy_message(to, req->in, req->in_len);
	if (!err && req->flags & VIEWOS_REQUEST_PAGES_IN)
		err = copy_pages_in(req, to);
	if (err)
		read_failed(req, -EIO);
	else if (req->flags & VIEWOS_REQUEST_NO_REPLY)
		read_failed(req, 0);
	viewos_request_put(req);
	return err ?: (ssize_t)len;
}

/* Is it the turn of forgets and lazy requests? */
static bool lazy_turn_locked(struct viewos_session *session)
{
	lockdep_assert_held(&session->lock);

	return list_empty(&session->queue) || session->turn % SESSION_LAZY_TURN == 0;
}

/*
 * Called with the lock held, drops it. Reads what is next; returns 0 if that did not fit, or
 * -EAGAIN if there is nothing.
 */
static ssize_t take_next(struct viewos_session *session, struct iov_iter *to)
	__releases(&session->lock)
{
	/* A server that takes the session over has INIT to answer, and only then the rest. */
	if (session->recovering) {
		if (!list_empty(&session->init))
			return read_request(session, &session->init, to);
	} else if (!list_empty(&session->interrupts)) {
		return read_interrupt(session, to);
	} else if (!list_empty(&session->lazy) && lazy_turn_locked(session)) {
		return read_request(session, &session->lazy, to);
	} else if (!list_empty(&session->forgets) && lazy_turn_locked(session)) {
		return read_forgets(session, to);
	} else if (!list_empty(&session->queue)) {
		return read_request(session, &session->queue, to);
	}
	spin_unlock(&session->lock);
	return -EAGAIN;
}

/* Takes the next message for the server; waits for one, unless @nonblock. */
static ssize_t session_take(struct viewos_session *session, struct iov_iter *to, bool nonblock)
{
	ssize_t ret;

	do {
		if (!nonblock || session_has_work(session)) {
			ret = wait_event_interruptible_exclusive(session->readers,
								 session_has_work(session));
			if (ret)
				return ret;
		}
		spin_lock(&session->lock);
		if (session_over(session)) {
			spin_unlock(&session->lock);
			return -ENODEV;
		}
		session->turn++;
		ret = take_next(session, to);
	} while (!ret || (ret == -EAGAIN && !nonblock));
	return ret;
}

static ssize_t session_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct viewos_session *session = iocb->ki_filp->private_data;
	bool nonblock = iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT;

	if (iov_iter_count(to) < VIEWOS_MIN_READ_BUFFER)
		return -EINVAL;
	return session_take(session, to, nonblock);
}

static int reply_interrupt(struct viewos_session *session, const struct fuse_out_header *header)
{
	struct viewos_request *req;
	int err = 0;

	spin_lock(&session->lock);
	req = sent_find_locked(session, header->unique & ~SESSION_INTERRUPT_BIT);
	if (!req)
		err = -ENOENT;
	else if (header->len != sizeof(*header))
		err = -EINVAL;
	else if (header->error == -ENOSYS)
		session->no_interrupt = true;
	else if (header->error == -EAGAIN && list_empty(&req->interrupt_node))
		list_add_tail(&req->interrupt_node, &session->interrupts);
	spin_unlock(&session->lock);
	return err;
}

/* Copies the body of a reply; returns the server's error. */
static int reply_copy(struct viewos_request *req, struct iov_iter *from)
{
	size_t len = iov_iter_count(from);

	if (req->flags & VIEWOS_REQUEST_PAGES_OUT) {
		if (len > req->page_len)
			return -EINVAL;
		req->page_len = len;
		return copy_pages_out(req, len, from);
	}
	if (len > req->out_max || (len < req->out_max && !(req->flags & VIEWOS_REQUEST_OUT_VAR)))
		return -EINVAL;
	req->out_len = len;
	return copy_from_iter(req->out, len, from) == len ? 0 : -EFAULT;
}

struct viewos_request *viewos_session_access_begin(struct viewos_session *session, u64 unique,
						   struct task_struct **caller)
{
	struct viewos_request *req;

	spin_lock(&session->lock);
	req = sent_find_locked(session, unique);
	if (!req || req->flags & VIEWOS_REQUEST_ABANDONED) {
		req = ERR_PTR(-ENOENT);
	} else if (!req->caller) {
		req = ERR_PTR(-EINVAL);
	} else {
		viewos_request_get(req);
		req->accesses++;
		*caller = get_task_struct(req->caller);
	}
	spin_unlock(&session->lock);
	return req;
}

void viewos_session_access_end(struct viewos_request *req, struct task_struct *caller)
{
	struct viewos_session *session = req->session;

	spin_lock(&session->lock);
	req->accesses--;
	spin_unlock(&session->lock);
	put_task_struct(caller);
	viewos_request_put(req);
}

/* *@waiter is who is woken, referenced, if that is wanted; nobody if an error is returned. */
static int reply_request(struct viewos_session *session, const struct fuse_out_header *header,
			 struct iov_iter *from, struct task_struct **waiter)
{
	struct viewos_request *req;
	int err = 0;

	spin_lock(&session->lock);
	req = sent_find_locked(session, header->unique);
	if (!req) {
		err = -ENOENT;
	} else if (req->accesses) {
		err = -EBUSY;
	} else {
		list_del_init(&req->node);
		viewos_request_take_locked(req);
		if (waiter && !session_has_urgent(session))
			req->flags |= VIEWOS_REQUEST_WAKE_HERE;
	}
	spin_unlock(&session->lock);
	if (err)
		return err;

	if (header->error) {
		req->error = iov_iter_count(from) ? -EIO : header->error;
	} else {
		err = reply_copy(req, from);
		if (!err && req->check)
			err = req->check(req);
		/* It is the server's fault, which is told so, and none of who waits. */
		req->error = err ? -EIO : 0;
	}
	if (waiter && !err)
		*waiter = viewos_request_waiter(req);
	viewos_request_finish(req);
	return err;
}

static int reply_notice(struct viewos_session *session, int code, struct iov_iter *from)
{
	size_t len = iov_iter_count(from);
	int err = -ENODEV;
	void *data;

	if (len > VIEWOS_MAX_NOTICE)
		return -EINVAL;
	data = kvmalloc(len + 1, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	if (copy_from_iter(data, len, from) != len) {
		kvfree(data);
		return -EFAULT;
	}
	((char *)data)[len] = 0;
	down_read(&session->ops_lock);
	if (session->ops && session->ops->notify)
		err = session->ops->notify(session, code, data, len);
	up_read(&session->ops_lock);
	kvfree(data);
	return err;
}

/* Hands on a message of the server: a reply, or a notice. */
static int session_give(struct viewos_session *session, struct iov_iter *from,
			struct task_struct **waiter)
{
	size_t total = iov_iter_count(from);
	struct fuse_out_header header;

	if (total < sizeof(header))
		return -EINVAL;
	if (copy_from_iter(&header, sizeof(header), from) != sizeof(header))
		return -EFAULT;
	if (header.len != total)
		return -EINVAL;
	if (!header.unique)
		return reply_notice(session, header.error, from);
	/* Errors from 512 on are the kernel's own, and not for user space. */
	if (header.error > 0 || header.error <= -512)
		return -EINVAL;
	if (header.unique & SESSION_INTERRUPT_BIT)
		return reply_interrupt(session, &header);
	return reply_request(session, &header, from, waiter);
}

static ssize_t session_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	size_t total = iov_iter_count(from);

	return session_give(iocb->ki_filp->private_data, from, NULL) ?: total;
}

static __poll_t session_poll(struct file *file, poll_table *wait)
{
	struct viewos_session *session = file->private_data;
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &session->readers, wait);
	/* Pairs with viewos_session_wake(): either it sees us, or we see what came. */
	smp_mb();
	if (session_over(session))
		mask |= EPOLLERR;
	else if (session_has_work(session))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static long session_ioctl_refuse(struct viewos_session *session, void __user *arg,
				 unsigned int size)
{
	struct viewos_session_refuse refuse;
	bool ready, again;
	int err;

	err = viewos_ioctl_copy(&refuse, sizeof(refuse), arg, size);
	if (err)
		return err;
	if (!refuse.error || refuse.error > MAX_ERRNO)
		return -EINVAL;
	spin_lock(&session->lock);
	ready = session->state != VIEWOS_SESSION_ACCEPTED;
	again = session->recovering;
	spin_unlock(&session->lock);
	if (ready)
		return -EINVAL;
	/* The mount has long been made; its users are told that the server is gone. */
	viewos_session_end(session, again ? -ENOTCONN : -(int)refuse.error, 0);
	return 0;
}

/*
 * Who waited for the reply may have another request soon. If it waits for this very CPU,
 * let it have it before we sleep: who does not sleep need not be woken.
 */
static void session_yield(struct viewos_session *session, struct task_struct *waiter)
{
	cond_resched();
	if (!session_has_urgent(session) && task_cpu(waiter) == raw_smp_processor_id() &&
	    task_is_running(waiter))
		viewos_yield_to(waiter);
	put_task_struct(waiter);
}

static long session_ioctl_next(struct file *file, void __user *arg, unsigned int size)
{
	struct viewos_session *session = file->private_data;
	struct task_struct *waiter = NULL;
	struct viewos_session_next next;
	struct iov_iter iter;
	bool nonblock;
	ssize_t ret;

	ret = viewos_ioctl_copy(&next, sizeof(next), arg, size);
	if (ret)
		return ret;
	if (next.flags & ~VIEWOS_NEXT_ALL || next.buffer_len < VIEWOS_MIN_READ_BUFFER ||
	    !next.reply != !next.reply_len)
		return -EINVAL;
	nonblock = file->f_flags & O_NONBLOCK || next.flags & VIEWOS_NEXT_NONBLOCK;
	if (next.reply_len) {
		ret = import_ubuf(ITER_SOURCE, u64_to_user_ptr(next.reply), next.reply_len,
				  &iter) ?:
		      session_give(session, &iter, nonblock ? NULL : &waiter);
		if (ret)
			return ret;
	}
	if (waiter)
		session_yield(session, waiter);
	ret = import_ubuf(ITER_DEST, u64_to_user_ptr(next.buffer), next.buffer_len, &iter) ?:
	      session_take(session, &iter, nonblock);
	/* Not to be restarted: the reply has been sent. */
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

static long session_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (viewos_ioctl_key(cmd)) {
	case VIEWOS_IOC_CASE(VIEWOS_IOC_SESSION_REFUSE):
		return session_ioctl_refuse(file->private_data, (void __user *)arg,
					    _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_SESSION_NEXT):
		return session_ioctl_next(file, (void __user *)arg, _IOC_SIZE(cmd));
	case VIEWOS_IOC_CASE(VIEWOS_IOC_SESSION_MEMORY):
		return viewos_call_ioctl_memory(file->private_data, (void __user *)arg,
						_IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

static int session_release(struct inode *inode, struct file *file)
{
	struct viewos_session *session = file->private_data;

	if (!viewos_recover_orphan(session))
		viewos_session_abort(session);
	viewos_session_put(session);
	return 0;
}

const struct file_operations viewos_session_fops = {
	.owner = THIS_MODULE,
	.release = session_release,
	.read_iter = session_read_iter,
	.write_iter = session_write_iter,
	.splice_read = copy_splice_read,
	/* All that is in the pipe is one message, as libfuse sends it. */
	.splice_write = iter_file_splice_write,
	.poll = session_poll,
	.unlocked_ioctl = session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
