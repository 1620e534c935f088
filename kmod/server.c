// SPDX-License-Identifier: GPL-2.0
/* Module servers: their fds, their names, accepting sessions. */

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "control.h"
#include "limits.h"
#include "netlink.h"
#include "recover.h"
#include "server.h"
#include "session.h"
#include "user.h"
#include "view.h"

DEFINE_SPINLOCK(viewos_server_lock);
LIST_HEAD(viewos_servers);

void viewos_server_get(struct viewos_server *server)
{
	refcount_inc(&server->ref);
}

void viewos_server_put(struct viewos_server *server)
{
	if (!refcount_dec_and_test(&server->ref))
		return;
	put_pid(server->pid);
	put_pid_ns(server->pid_ns);
	put_user_ns(server->user_ns);
	viewos_user_uncharge(server->user, VIEWOS_COUNT_SERVERS);
	kfree(server);
}

static struct viewos_server *server_find_locked(const char *name, kuid_t owner)
{
	struct viewos_server *server;

	lockdep_assert_held(&viewos_server_lock);

	list_for_each_entry(server, &viewos_servers, link)
		if (!strcmp(server->name, name) && uid_eq(server->owner, owner))
			return server;
	return NULL;
}

static struct viewos_server *server_find_public_locked(const char *name)
{
	struct viewos_server *server;

	lockdep_assert_held(&viewos_server_lock);

	list_for_each_entry(server, &viewos_servers, link)
		if (server->public && !strcmp(server->name, name))
			return server;
	return NULL;
}

struct viewos_server *viewos_server_find(const char *name, unsigned int class)
{
	struct viewos_server *server;

	spin_lock(&viewos_server_lock);
	server = server_find_locked(name, current_euid());
	if (!server)
		server = server_find_public_locked(name);
	if (!server)
		server = ERR_PTR(-ENOENT);
	else if (!(server->classes & BIT_ULL(class)))
		server = ERR_PTR(-EPROTOTYPE);
	else
		viewos_server_get(server);
	spin_unlock(&viewos_server_lock);
	return server;
}

int viewos_server_queue(struct viewos_server *server, struct viewos_session *session)
{
	int err = 0;

	spin_lock(&viewos_server_lock);
	if (server->dead) {
		err = -ENOTCONN;
	} else if (server->nr_backlog >= VIEWOS_MAX_BACKLOG) {
		err = -EAGAIN;
	} else {
		viewos_session_get(session);
		list_add_tail(&session->backlog_node, &server->backlog);
		server->nr_backlog++;
	}
	spin_unlock(&viewos_server_lock);
	if (!err)
		wake_up(&server->wait);
	return err;
}

static struct viewos_session *server_dequeue(struct viewos_server *server)
{
	struct viewos_session *session;

	spin_lock(&viewos_server_lock);
	session = list_first_entry_or_null(&server->backlog, struct viewos_session, backlog_node);
	if (session) {
		list_del_init(&session->backlog_node);
		server->nr_backlog--;
	}
	spin_unlock(&viewos_server_lock);
	return session;
}

static void server_requeue(struct viewos_server *server, struct viewos_session *session)
{
	spin_lock(&viewos_server_lock);
	list_add(&session->backlog_node, &server->backlog);
	server->nr_backlog++;
	spin_unlock(&viewos_server_lock);
	wake_up(&server->wait);
}

static struct viewos_session *server_wait(struct viewos_server *server, bool nonblock)
{
	struct viewos_session *session;
	int err;

	for (;;) {
		session = server_dequeue(server);
		if (session && !viewos_session_dead(session))
			return session;
		if (session) {
			/* Its mounter went away. */
			viewos_session_put(session);
			continue;
		}
		if (nonblock)
			return ERR_PTR(-EAGAIN);
		err = wait_event_interruptible_exclusive(server->wait,
							 READ_ONCE(server->nr_backlog));
		if (err)
			return ERR_PTR(-EINTR);
	}
}

static int accept_copy_string(u64 to, const char *string)
{
	if (to && copy_to_user(u64_to_user_ptr(to), string, strlen(string) + 1))
		return -EFAULT;
	return 0;
}

static int accept_fill(struct viewos_server_accept *accept, struct viewos_session *session)
{
	struct user_namespace *ns = current_user_ns();

	accept->session_id = session->id;
	accept->view_id = session->view_id;
	accept->class = session->class;
	accept->uid = from_kuid_munged(ns, session->owner);
	accept->gid = from_kgid_munged(ns, session->gid);
	accept->pid = pid_nr_ns(session->creator, task_active_pid_ns(current));
	if (accept_copy_string(accept->source, session->source) ||
	    accept_copy_string(accept->options, session->options))
		return -EFAULT;
	return 0;
}

static long server_ioctl_accept(struct file *file, void __user *arg, unsigned int size)
{
	struct viewos_server *server = file->private_data;
	struct viewos_server_accept accept;
	struct viewos_session *session;
	struct file *session_file;
	long ret;
	int fd;

	ret = viewos_ioctl_copy(&accept, sizeof(accept), arg, size);
	if (ret)
		return ret;
	if (accept.flags & ~VIEWOS_ACCEPT_ALL)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	session = server_wait(server, accept.flags & VIEWOS_ACCEPT_NONBLOCK ||
			      file->f_flags & O_NONBLOCK);
	if (IS_ERR(session)) {
		ret = PTR_ERR(session);
		goto put_fd;
	}
	ret = accept_fill(&accept, session);
	if (!ret)
		ret = viewos_ioctl_return(arg, size, &accept, sizeof(accept));
	if (ret)
		goto requeue;
	session_file = viewos_session_file(session, server);
	if (IS_ERR(session_file)) {
		ret = PTR_ERR(session_file);
		goto requeue;
	}
	fd_install(fd, session_file);
	return fd;

requeue:
	server_requeue(server, session);
put_fd:
	put_unused_fd(fd);
	return ret;
}

static long server_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (viewos_ioctl_key(cmd)) {
	case VIEWOS_IOC_CASE(VIEWOS_IOC_SERVER_ACCEPT):
		return server_ioctl_accept(file, (void __user *)arg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

static __poll_t server_poll(struct file *file, poll_table *wait)
{
	struct viewos_server *server = file->private_data;

	poll_wait(file, &server->wait, wait);
	return READ_ONCE(server->nr_backlog) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void server_unregister_locked(struct viewos_server *server)
{
	lockdep_assert_held(&viewos_server_lock);

	list_del_init(&server->link);
	memset(server->name, 0, sizeof(server->name));
}

static int server_release(struct inode *inode, struct file *file)
{
	struct viewos_server *server = file->private_data;
	struct viewos_session *session;
	char name[VIEWOS_NAME_LEN];

	spin_lock(&viewos_server_lock);
	server->dead = true;
	memcpy(name, server->name, sizeof(name));
	server_unregister_locked(server);
	spin_unlock(&viewos_server_lock);

	while ((session = server_dequeue(server))) {
		if (!viewos_recover_offer(session))
			viewos_session_abort(session);
		viewos_session_put(session);
	}
	if (name[0])
		viewos_netlink_server_event(VIEWOS_CMD_SERVER_GONE_NTF, server, name);
	viewos_server_put(server);
	return 0;
}

static const struct file_operations server_fops = {
	.owner = THIS_MODULE,
	.release = server_release,
	.poll = server_poll,
	.unlocked_ioctl = server_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static int server_register(struct viewos_server *server, const char *name, bool public)
{
	int err = 0;

	if (!uid_eq(server->owner, current_euid()))
		return -EPERM;
	spin_lock(&viewos_server_lock);
	if (server->name[0]) {
		err = -EBUSY;
	} else if (server_find_locked(name, server->owner)) {
		err = -EEXIST;
	} else {
		memcpy(server->name, name, sizeof(server->name));
		server->public = public;
		list_add_tail(&server->link, &viewos_servers);
		viewos_recover_claim_locked(server);
	}
	spin_unlock(&viewos_server_lock);
	if (!err) {
		wake_up_all(&server->wait);
		viewos_netlink_server_event(VIEWOS_CMD_SERVER_NEW_NTF, server, name);
	}
	return err;
}

int viewos_server_add(int fd, const char *name, bool public)
{
	struct file *file;
	int err = -EINVAL;

	if (public && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	file = fget(fd);
	if (!file)
		return -EBADF;
	if (file->f_op == &server_fops)
		err = server_register(file->private_data, name, public);
	fput(file);
	return err;
}

int viewos_server_del(const char *name)
{
	struct viewos_server *server;

	spin_lock(&viewos_server_lock);
	server = server_find_locked(name, current_euid());
	if (server) {
		viewos_server_get(server);
		server_unregister_locked(server);
	}
	spin_unlock(&viewos_server_lock);
	if (!server)
		return -ENOENT;
	viewos_netlink_server_event(VIEWOS_CMD_SERVER_GONE_NTF, server, name);
	viewos_server_put(server);
	return 0;
}

static struct viewos_server *server_alloc(u64 classes)
{
	struct viewos_server *server;
	struct viewos_user *user;

	server = kzalloc(sizeof(*server), GFP_KERNEL_ACCOUNT);
	if (!server)
		return ERR_PTR(-ENOMEM);
	server->owner = current_euid();
	user = viewos_user_charge(server->owner, VIEWOS_COUNT_SERVERS);
	if (IS_ERR(user)) {
		kfree(server);
		return ERR_CAST(user);
	}
	server->user = user;
	refcount_set(&server->ref, 1);
	INIT_LIST_HEAD(&server->link);
	INIT_LIST_HEAD(&server->backlog);
	init_waitqueue_head(&server->wait);
	server->classes = classes;
	server->user_ns = get_user_ns(current_user_ns());
	server->pid_ns = get_pid_ns(task_active_pid_ns(current));
	server->pid = get_pid(task_tgid(current));
	return server;
}

long viewos_server_ioctl_create(void __user *arg, unsigned int size)
{
	struct viewos_server_create create;
	struct viewos_server *server;
	long ret;

	ret = viewos_ioctl_copy(&create, sizeof(create), arg, size);
	if (ret)
		return ret;
	if (create.flags || !create.classes || create.classes & ~VIEWOS_SERVER_CLASSES)
		return -EINVAL;
	server = server_alloc(create.classes);
	if (IS_ERR(server))
		return PTR_ERR(server);
	ret = anon_inode_getfd("[viewos:server]", &server_fops, server, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		viewos_server_put(server);
	return ret;
}
