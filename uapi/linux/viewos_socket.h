/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * viewos socket sessions: what the kernel and a socket server say to each other.
 *
 * A rule of class socket with the verdict serve connects to a server, which gets a
 * session of class VIEWOS_CLASS_SOCKET. In it, requests are read and replies are
 * written in the frames of FUSE: struct fuse_in_header and struct fuse_out_header of
 * <linux/fuse.h>, with opcodes of their own. Interrupts come as FUSE_INTERRUPT.
 *
 *   request  fuse_in_header, viewos_sock_in, name, control, data
 *   reply    fuse_out_header, viewos_sock_out, name, control, data
 *            (fuse_out_header alone if its error is not zero)
 *   notice   fuse_out_header with unique 0 and error VIEWOS_SOCK_NOTIFY_EVENT,
 *            viewos_sock_event
 *
 * fuse_in_header.nodeid is the socket's id, chosen by the kernel, unique in its
 * session until its RELEASE; uid, gid and pid tell who asks.
 *
 * A server answers each request at once; it never waits. Whether an operation can be
 * done it tells by events, the bits of poll(2): a caller that may block is put to
 * sleep by the kernel until the events let it go on, and gets timeouts and signals
 * right without the server. Events come with replies and with notices; each has a
 * sequence number, and an older one than was seen is ignored.
 *
 * Backing: with the reply to CREATE, CONNECT or ACCEPT, or with a notice, the server
 * may hand over a socket of its own by its fd (VIEWOS_SOCK_OUT_FD). From then on
 * the kernel does by itself on that socket all that the server has not said it wants to
 * be asked of; so data, options and events cost what they cost there. The server
 * may keep its fd or close it. Whoever writes the reply must have the credentials with
 * which the session was accepted (EPERM).
 *
 * A session that ends leaves sockets with a backing at work; what has to be asked is
 * ENETDOWN from then on.
 */
#ifndef _UAPI_LINUX_VIEWOS_SOCKET_H
#define _UAPI_LINUX_VIEWOS_SOCKET_H

#include <linux/types.h>

/** VIEWOS_SOCK_MAJOR - the protocol; a server that speaks another answers EPROTO */
#define VIEWOS_SOCK_MAJOR	1
/** VIEWOS_SOCK_MINOR - grows with what is added */
#define VIEWOS_SOCK_MINOR	0

/** VIEWOS_SOCK_MAX_DATA - most bytes of data in one request or reply */
#define VIEWOS_SOCK_MAX_DATA	65536
/** VIEWOS_SOCK_MAX_NAME - most bytes of an address: struct sockaddr_storage */
#define VIEWOS_SOCK_MAX_NAME	128
/** VIEWOS_SOCK_MAX_CONTROL - most bytes of control messages */
#define VIEWOS_SOCK_MAX_CONTROL	4096

/**
 * enum viewos_sock_op - operations, in fuse_in_header.opcode
 * @VIEWOS_SOCK_INIT: the first request. in: @value VIEWOS_SOCK_MAJOR, @name
 *	VIEWOS_SOCK_MINOR. Reply the same in @value (the major) and @ask (the minor);
 *	another major than the kernel's is EPROTO for who makes the rule.
 *	VIEWOS_SOCK_OUT_NETNS: @fd is a network namespace, over which the server has
 *	CAP_SYS_ADMIN; sockets are made there, and nothing more is asked
 * @VIEWOS_SOCK_CREATE: socket(2). Reply: @ask, and with VIEWOS_SOCK_OUT_FD the backing
 *	socket, of the same family, type and protocol, not of AF_UNIX, not a virtual one
 *	without a backing (EINVAL for the write). Errors: those of socket(2)
 * @VIEWOS_SOCK_BIND: bind(2): the address is the request's name. Reply:
 *	VIEWOS_SOCK_OUT_CONTINUE lets the kernel bind the backing, to the address that
 *	is the reply's name if there is one
 * @VIEWOS_SOCK_CONNECT: connect(2), likewise. VIEWOS_SOCK_OUT_INPROGRESS: it is under
 *	way; an event with POLLOUT or with an error will tell of its end
 * @VIEWOS_SOCK_LISTEN: listen(2): @value is the backlog
 * @VIEWOS_SOCK_ACCEPT: accept(2), on a socket that has POLLIN: @new_id is the id of the
 *	new socket. Reply as to CREATE; the peer's address as name. EAGAIN: none is
 *	there
 * @VIEWOS_SOCK_GETNAME: getsockname(2), or with @value 1 getpeername(2). Reply: the
 *	address as name
 * @VIEWOS_SOCK_SHUTDOWN: shutdown(2): @value is SHUT_RD, SHUT_WR or SHUT_RDWR
 * @VIEWOS_SOCK_SETSOCKOPT: setsockopt(2): level in @value, option in @name, its value as
 *	data
 * @VIEWOS_SOCK_GETSOCKOPT: getsockopt(2): likewise, at most @room bytes as data. Options of
 *	SOL_SOCKET are never asked: the kernel keeps them
 * @VIEWOS_SOCK_IOCTL: ioctl(2): command in @name, its struct as data both ways, in the
 *	layout of 64-bit programs; result in @value. Only commands of known size
 *	are asked: SIOCINQ, SIOCOUTQ, SIOCATMARK and those that take a struct ifreq
 * @VIEWOS_SOCK_SENDMSG: sendmsg(2): name, control and data; control messages are whole, and none
 *	is of SOL_SOCKET (EINVAL for the program). Reply: bytes taken in @value.
 *	EAGAIN: no room; an event with POLLOUT tells when there is. On a socket with a
 *	backing there are no control and data: the reply is an error, or
 *	VIEWOS_SOCK_OUT_CONTINUE
 * @VIEWOS_SOCK_RECVMSG: recvmsg(2): @msg_flags may have MSG_PEEK and MSG_TRUNC, @room is the
 *	most data that the reply may have. Reply: name, control, data, @msg_flags
 *	(MSG_TRUNC, MSG_CTRUNC, MSG_EOR), in @value the full length of a datagram of
 *	which more was there than fits. No data from a stream is its end. Control messages,
 *	see struct viewos_sock_control, must be whole, and none may be of SOL_SOCKET (EINVAL
 *	for the write). What the program has no room for is cut off, and MSG_CTRUNC tells
 *	it. EAGAIN: nothing there
 * @VIEWOS_SOCK_RELEASE: the last reference is closed; there is no reply
 */
enum viewos_sock_op {
	VIEWOS_SOCK_INIT	= 0x1000,
	VIEWOS_SOCK_CREATE	= 0x1001,
	VIEWOS_SOCK_BIND	= 0x1002,
	VIEWOS_SOCK_CONNECT	= 0x1003,
	VIEWOS_SOCK_LISTEN	= 0x1004,
	VIEWOS_SOCK_ACCEPT	= 0x1005,
	VIEWOS_SOCK_GETNAME	= 0x1006,
	VIEWOS_SOCK_SHUTDOWN	= 0x1007,
	VIEWOS_SOCK_SETSOCKOPT	= 0x1008,
	VIEWOS_SOCK_GETSOCKOPT	= 0x1009,
	VIEWOS_SOCK_IOCTL	= 0x100a,
	VIEWOS_SOCK_SENDMSG	= 0x100b,
	VIEWOS_SOCK_RECVMSG	= 0x100c,
	VIEWOS_SOCK_RELEASE	= 0x100d,
};

/** VIEWOS_SOCK_ASK - bit of an operation in viewos_sock_out.ask */
#define VIEWOS_SOCK_ASK(op)	(1U << ((op) & 0x1f))

/** VIEWOS_SOCK_ASK_ALL - what a socket with a backing can ask for: all but data */
#define VIEWOS_SOCK_ASK_ALL						\
	(VIEWOS_SOCK_ASK(VIEWOS_SOCK_BIND) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_CONNECT) |	\
	 VIEWOS_SOCK_ASK(VIEWOS_SOCK_LISTEN) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_ACCEPT) |	\
	 VIEWOS_SOCK_ASK(VIEWOS_SOCK_GETNAME) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_SHUTDOWN) |	\
	 VIEWOS_SOCK_ASK(VIEWOS_SOCK_SETSOCKOPT) |					\
	 VIEWOS_SOCK_ASK(VIEWOS_SOCK_GETSOCKOPT) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_IOCTL) |	\
	 VIEWOS_SOCK_ASK(VIEWOS_SOCK_SENDMSG))

/** VIEWOS_SOCK_IN_NONBLOCK - the caller does not want to block */
#define VIEWOS_SOCK_IN_NONBLOCK		0x00000001

/**
 * struct viewos_sock_in - what is asked, behind fuse_in_header
 * @flags: VIEWOS_SOCK_IN_*
 * @family: of the socket, AF_*
 * @type: SOCK_*, without flags
 * @protocol: as given to socket(2)
 * @value: see enum viewos_sock_op, likewise the next two
 * @name: an option or a command
 * @msg_flags: MSG_*
 * @room: most bytes of data in the reply
 * @new_id: for ACCEPT: id of the new socket
 * @name_len: bytes of an address that follow
 * @control_len: bytes of control messages that follow it, a multiple of 8
 * @data_len: bytes of data that follow them
 * @pad: zero
 */
struct viewos_sock_in {
	__u32 flags;
	__s32 family;
	__s32 type;
	__s32 protocol;
	__s32 value;
	__u32 name;
	__u32 msg_flags;
	__u32 room;
	__aligned_u64 new_id;
	__u32 name_len;
	__u32 control_len;
	__u32 data_len;
	__u32 pad;
};

/** VIEWOS_SOCK_OUT_FD - @fd is a backing socket, see above */
#define VIEWOS_SOCK_OUT_FD		0x00000001
/** VIEWOS_SOCK_OUT_CONTINUE - do it on the backing socket; EPROTO if there is none */
#define VIEWOS_SOCK_OUT_CONTINUE	0x00000002
/** VIEWOS_SOCK_OUT_INPROGRESS - CONNECT: an event will tell of the end */
#define VIEWOS_SOCK_OUT_INPROGRESS	0x00000004
/** VIEWOS_SOCK_OUT_EVENTS - @events and @seq are valid */
#define VIEWOS_SOCK_OUT_EVENTS		0x00000008
/** VIEWOS_SOCK_OUT_NETNS - INIT: @fd is a network namespace */
#define VIEWOS_SOCK_OUT_NETNS		0x00000010
#define VIEWOS_SOCK_OUT_ALL		0x0000001f

/**
 * struct viewos_sock_out - the answer, behind fuse_out_header with error 0
 * @flags: VIEWOS_SOCK_OUT_*. An unknown one, and any other part that is not as told here,
 *	makes the write EINVAL, and the program's call EIO
 * @fd: an fd of the writer, or -1
 * @events: POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDHUP as they are now
 * @seq: number of @events, larger than that of all before (modulo 2^32)
 * @value: see enum viewos_sock_op
 * @ask: CREATE, ACCEPT: mask of VIEWOS_SOCK_ASK(op), operations to be asked of the
 *	server although there is a backing; without a backing all are asked
 * @msg_flags: RECVMSG: MSG_*
 * @name_len: bytes of an address that follow
 * @control_len: bytes of control messages that follow it
 * @data_len: bytes of data that follow them
 * @pad: must be zero
 */
struct viewos_sock_out {
	__u32 flags;
	__s32 fd;
	__u32 events;
	__u32 seq;
	__aligned_s64 value;
	__u32 ask;
	__u32 msg_flags;
	__u32 name_len;
	__u32 control_len;
	__u32 data_len;
	__u32 pad;
};

/**
 * struct viewos_sock_control - a control message, both ways; its data follows
 * @len: bytes of this and the data. Behind them each message but the last is filled up to a
 *	multiple of 8 bytes
 * @level: cmsg_level, of cmsg(3)
 * @type: cmsg_type
 *
 * It is what 64-bit programs know as struct cmsghdr, whatever the program is that sends or
 * receives: the kernel translates for one of 32 bits.
 */
struct viewos_sock_control {
	__aligned_u64 len;
	__s32 level;
	__s32 type;
};

/** VIEWOS_SOCK_NOTIFY_EVENT - fuse_out_header.error of a notice */
#define VIEWOS_SOCK_NOTIFY_EVENT	0x1000

/**
 * struct viewos_sock_event - the events of a socket have changed
 * @id: the socket; ENOENT for the server's write if it has gone
 * @flags: 0 or VIEWOS_SOCK_OUT_FD
 * @fd: with that flag a backing socket, for a connect that has ended well; else -1
 * @events: as in struct viewos_sock_out
 * @seq: likewise
 * @error: positive errno, for SO_ERROR: how a connect in progress failed, or what
 *	became of the connection; or 0
 * @pad: must be zero
 */
struct viewos_sock_event {
	__aligned_u64 id;
	__u32 flags;
	__s32 fd;
	__u32 events;
	__u32 seq;
	__u32 error;
	__u32 pad;
};

#endif /* _UAPI_LINUX_VIEWOS_SOCKET_H */
