/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registered module servers, and the sessions that wait to be accepted.
 *
 * References: the server fd has one; a look-up under way has one. Last close of
 * the fd takes the server's name and ends the sessions that wait; sessions that were
 * accepted live on their own fd.
 *
 * Locks: viewos_server_lock protects the list of servers and the fields marked L.
 */
#ifndef _VIEWOS_SERVER_H
#define _VIEWOS_SERVER_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include <linux/viewos.h>

struct pid;
struct pid_namespace;
struct user_namespace;
struct viewos_session;
struct viewos_user;

/** VIEWOS_SERVER_CLASSES - classes that this module has servers for */
#define VIEWOS_SERVER_CLASSES	(BIT_ULL(VIEWOS_CLASS_PATH) | BIT_ULL(VIEWOS_CLASS_SOCKET) | \
				 BIT_ULL(VIEWOS_CLASS_SYSCALL))

extern spinlock_t viewos_server_lock;
/** viewos_servers - registered servers (viewos_server_lock) */
extern struct list_head viewos_servers;

/**
 * struct viewos_server - a module server
 * @ref: references
 * @link: in viewos_servers while registered (L)
 * @name: name, empty while not registered (L)
 * @owner: effective uid of the creator
 * @user: whose limit it counts against
 * @user_ns: user namespace of the creator, referenced: ids on the wire are of it
 * @pid_ns: pid namespace of the creator, referenced: likewise pids
 * @pid: process that created it, referenced
 * @classes: mask of 1 << enum viewos_class
 * @public: other users may connect (L)
 * @dead: the fd is closed (L)
 * @backlog: sessions that wait (L), each with a reference
 * @nr_backlog: how many (L)
 * @sessions: sessions that came from it and are not freed
 * @wait: where accepters wait
 */
struct viewos_server {
	refcount_t ref;
	struct list_head link;
	char name[VIEWOS_NAME_LEN];
	kuid_t owner;
	struct viewos_user *user;
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	struct pid *pid;
	u64 classes;
	bool public;
	bool dead;
	struct list_head backlog;
	unsigned int nr_backlog;
	atomic_t sessions;
	wait_queue_head_t wait;
};

/**
 * viewos_server_find() - the server that current gets under a name
 * @name: the name
 * @class: enum viewos_class
 *
 * The caller's own first, then a public one.
 *
 * Return: a server with a reference, or ERR_PTR: -ENOENT, -EPROTOTYPE (not of
 * this class).
 */
struct viewos_server *viewos_server_find(const char *name, unsigned int class);

void viewos_server_get(struct viewos_server *server);
void viewos_server_put(struct viewos_server *server);

/**
 * viewos_server_queue() - let a session wait to be accepted
 * @server: where
 * @session: what; the backlog takes a reference
 *
 * Return: 0, -EAGAIN the backlog is full, -ENOTCONN the server is closed.
 */
int viewos_server_queue(struct viewos_server *server, struct viewos_session *session);

/** viewos_server_add() - register the server of an fd; errors as for VIEWOS_CMD_SERVER_ADD */
int viewos_server_add(int fd, const char *name, bool public);

/** viewos_server_del() - take back a name of current's user; -ENOENT */
int viewos_server_del(const char *name);

/* VIEWOS_IOC_SERVER_CREATE on /dev/viewos. */
long viewos_server_ioctl_create(void __user *arg, unsigned int size);

#endif /* _VIEWOS_SERVER_H */
