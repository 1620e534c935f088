/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual sockets: real sockets, of the family that the program asked for, with our
 * proto_ops.
 *
 * What a program does with one is done on its backing socket by the kernel, unless
 * there is none or its server wants to be asked; then it is a request.
 *
 * References: struct sock has its own; the socket has one, and whoever found it by id.
 *
 * Locks: viewos_sock.lock protects the state, the events and the addresses. The backing is
 * set once, and read without a lock. A backing is complete: it is no virtual socket, or
 * one that has its backing; so there are no cycles.
 */
#ifndef _VIEWOS_SOCKET_SOCK_H
#define _VIEWOS_SOCKET_SOCK_H

#include <linux/ipv6.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <net/inet_sock.h>
#include <net/sock.h>

#include <linux/viewos.h>
#include <linux/viewos_netlink.h>
#include <linux/viewos_socket.h>

#include "../compat.h"

struct viewos_request;
struct viewos_rule;
struct viewos_session;
struct viewos_stack;

/** struct viewos_address - a socket address, with 0 for one that is not known */
struct viewos_address {
	int len;
	struct sockaddr_storage data;
};

/**
 * struct viewos_sock - a virtual socket
 * @inet: the struct sock, and what others take to be behind one of PF_INET
 * @pinet6: the same of PF_INET6
 * @stack: whose it is, referenced until the socket's release
 * @id: its number there
 * @ask: operations to be asked of the server, VIEWOS_SOCK_ASK(); fixed with the backing
 * @backing: the backing socket, or NULL; set once
 * @backing_file: the file that holds it, or NULL if we made it ourselves (accept)
 * @depth: virtual sockets in @backing, one in another, with this one
 * @wakeup: in the wait queue of @backing: passes its events on
 * @release: RELEASE, made beforehand so that it cannot fail
 * @link: in the list of all (viewos_socks_mutex)
 * @lock: protects the fields below
 * @born: the server knows it, and is to hear of its RELEASE
 * @gone: released
 * @unsaid: a connect has ended well, which no connect(2) has returned yet
 * @state: enum viewos_socket_state
 * @events: poll(2) events as the server told them
 * @seq: their number
 * @local: what it was bound to
 * @peer: what it was connected to
 */
struct viewos_sock {
	struct inet_sock inet;
	struct ipv6_pinfo pinet6;
	struct viewos_stack *stack;
	u64 id;
	u32 ask;
	struct socket *backing;
	struct file *backing_file;
	unsigned int depth;
	struct wait_queue_entry wakeup;
	struct viewos_request *release;
	struct list_head link;

	spinlock_t lock; /* the fields below */
	bool born;
	bool gone;
	bool unsaid;
	enum viewos_socket_state state;
	u32 events;
	u32 seq;
	struct viewos_address local;
	struct viewos_address peer;
};

static inline struct sock *viewos_sk(struct viewos_sock *vs)
{
	return &vs->inet.sk;
}

static inline struct viewos_sock *viewos_sock_of(const struct sock *sk)
{
	return container_of(sk, struct viewos_sock, inet.sk);
}

static inline struct viewos_sock *viewos_sock(const struct socket *sock)
{
	return viewos_sock_of(sock->sk);
}

/** viewos_sock_backing() - the backing socket, or NULL */
static inline struct socket *viewos_sock_backing(const struct viewos_sock *vs)
{
	/* Pairs with viewos_sock_attach(). */
	return smp_load_acquire(&vs->backing);
}

/** viewos_sock_asks() - is an operation a request? */
static inline bool viewos_sock_asks(const struct viewos_sock *vs, enum viewos_sock_op op)
{
	return !viewos_sock_backing(vs) || vs->ask & VIEWOS_SOCK_ASK(op);
}

/** viewos_sock_poll_mask() - POLL* bits of a server as the kernel has them */
static inline __poll_t viewos_sock_poll_mask(u32 events)
{
	__poll_t mask = demangle_poll(events);

	if (mask & EPOLLIN)
		mask |= EPOLLRDNORM;
	if (mask & EPOLLOUT)
		mask |= EPOLLWRNORM;
	return mask;
}

extern const struct proto_ops viewos_sock_ops;
extern struct mutex viewos_socks_mutex;
/** viewos_socks - all virtual sockets (viewos_socks_mutex) */
extern struct list_head viewos_socks;

/**
 * viewos_sock_create() - make a virtual socket
 * @stack: whose
 * @net: network namespace of the caller, for a socket without backing
 * @family: as for __sock_create(), likewise the next three
 * @type: the type
 * @protocol: the protocol
 * @res: the socket is put here
 *
 * Return: 0 or a negative errno.
 */
int viewos_sock_create(struct viewos_stack *stack, struct net *net, int family, int type,
		       int protocol, struct socket **res);

/**
 * viewos_sock_init() - make an accepted socket virtual
 * @sock: the new socket, still without a struct sock
 * @stack: whose
 * @net: its network namespace
 * @family: its family
 * @protocol: its protocol
 *
 * Return: 0 or -ENOMEM. On success the socket is listed, and viewos_sock_ops.release undoes it.
 */
int viewos_sock_init(struct socket *sock, struct viewos_stack *stack, struct net *net,
		     int family, int protocol);

/**
 * viewos_sock_check_backing() - can this be a backing?
 * @backing: the socket
 * @family: what it must be, likewise the next two
 * @type: the type
 * @protocol: the protocol
 *
 * Return: 0 or -EINVAL.
 */
int viewos_sock_check_backing(struct socket *backing, int family, int type, int protocol);

/**
 * viewos_sock_attach() - give a virtual socket its backing
 * @vs: the virtual socket
 * @backing: the socket, checked
 * @file: its file, whose reference is taken over if this succeeds; or NULL, then so is the
 *	socket itself
 * @ask: operations to be asked all the same
 *
 * Return: 0, or -EBUSY it has one, or -ENOTCONN it was released.
 */
int viewos_sock_attach(struct viewos_sock *vs, struct socket *backing, struct file *file, u32 ask);

/** viewos_sock_find() - a socket by id, with a reference to its struct sock, or NULL */
struct viewos_sock *viewos_sock_find(struct viewos_stack *stack, u64 id);

/**
 * viewos_sock_event() - new events: wake whoever waits for them
 * @vs: the socket
 * @events: POLL*, as they are
 * @seq: their number; if there were later ones these are not news
 * @error: for SO_ERROR, or for the next call, negative errno; it ends a connect. Or 0
 */
void viewos_sock_event(struct viewos_sock *vs, u32 events, u32 seq, int error);

/** viewos_sock_wake() - let whoever waits look again */
void viewos_sock_wake(struct viewos_sock *vs, __poll_t events);

void viewos_sock_set_state(struct viewos_sock *vs, enum viewos_socket_state state);
void viewos_sock_set_address(struct viewos_sock *vs, struct viewos_address *address,
			     const void *from, int len);

/** viewos_sock_release() - proto_ops.release */
int viewos_sock_release(struct socket *sock);

/** viewos_sock_detach() - the socket goes: let go of its backing */
void viewos_sock_detach(struct viewos_sock *vs);

/** viewos_sock_again() - the server says EAGAIN: it has none of @events since @seq */
void viewos_sock_again(struct viewos_sock *vs, u32 events, u32 seq);

/* connect.c, option.c, ioctl.c, data.c: proto_ops */
int viewos_sock_connect(struct socket *sock, VIEWOS_SOCKADDR *addr, int len, int flags);
int viewos_sock_accept(struct socket *sock, struct socket *newsock, VIEWOS_ACCEPT_ARG);
int viewos_sock_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
			   unsigned int len);
int viewos_sock_getsockopt(struct socket *sock, int level, int name, char __user *value,
			   int __user *len);
int viewos_sock_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
int viewos_sock_compat_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
int viewos_sock_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int viewos_sock_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags);
ssize_t viewos_sock_splice_read(struct socket *sock, loff_t *pos, struct pipe_inode_info *pipe,
				size_t len, unsigned int flags);

/* call.c: requests. */

/**
 * struct viewos_sock_call - one request to a socket server
 * @op: what
 * @in: what is asked; family, type, protocol and the lengths are filled in
 * @name: address that goes along, or NULL
 * @name_len: its length
 * @control: control messages likewise
 * @control_len: their length
 * @data_len: room for data in the request, to be filled at @data
 * @reply_room: most bytes of name, control and data in the reply
 * @data: set by viewos_sock_call_begin(): where data of the request go
 * @out: set by viewos_sock_call_wait(): the answer, checked
 * @out_name: where the reply's name is
 * @out_control: its control messages
 * @out_data: its data
 * @req: the request
 */
struct viewos_sock_call {
	enum viewos_sock_op op;
	struct viewos_sock_in in;
	const void *name;
	u32 name_len;
	const void *control;
	u32 control_len;
	u32 data_len;
	u32 reply_room;
	void *data;
	const struct viewos_sock_out *out;
	void *out_name;
	void *out_control;
	void *out_data;
	struct viewos_request *req;
};

/** viewos_sock_call_begin() - make the request; 0 or -ENOMEM */
int viewos_sock_call_begin(struct viewos_sock *vs, struct viewos_sock_call *call);

/**
 * viewos_sock_call_wait() - ask
 * @vs: the socket
 * @call: the request, begun
 *
 * New events that come with the answer are taken note of; a backing that comes with it, of
 * the socket itself, is attached.
 *
 * Return: 0, or a negative errno: the server's, -ENETDOWN the session ended, -EINTR killed.
 * The caller must viewos_sock_call_end() in either case.
 */
int viewos_sock_call_wait(struct viewos_sock *vs, struct viewos_sock_call *call);
void viewos_sock_call_end(struct viewos_sock_call *call);

/** viewos_sock_call() - begin and wait; ends by itself if it fails */
int viewos_sock_call(struct viewos_sock *vs, struct viewos_sock_call *call);

/** viewos_sock_request_release() - a RELEASE for later, or NULL */
struct viewos_request *viewos_sock_request_release(u64 id);

/** viewos_sock_take_file() - the file that came with the answer, to be put by the caller */
struct file *viewos_sock_take_file(struct viewos_sock_call *call);

/** viewos_sock_notify() - viewos_session_ops.notify */
int viewos_sock_notify(struct viewos_session *session, int code, const void *data, u32 len);

/**
 * viewos_sock_wait() - wait for events that a server will tell
 * @vs: the socket
 * @events: which: one of them, or the session's end, or an error, ends the wait
 * @timeo: jiffies left, updated
 *
 * Return: 0; the socket's error; -EAGAIN for no time (left); -ERESTARTSYS or -EINTR; -ENETDOWN.
 */
int viewos_sock_wait(struct viewos_sock *vs, u32 events, long *timeo);

/* create.c */

/** viewos_socket_fd() - VIEWOS_IOC_SOCKET on /dev/viewos */
long viewos_socket_ioctl(void __user *arg, unsigned int size);

int viewos_socket_init(void);
void viewos_socket_exit(void);

#endif /* _VIEWOS_SOCKET_SOCK_H */
