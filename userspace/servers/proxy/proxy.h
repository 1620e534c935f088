/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewos-proxy: sessions and sockets.
 *
 * The socket of a stream has a backing that is ours too, so that what the program sets on it
 * holds. A connect is answered at once; the session's thread connects the backing to the proxy,
 * speaks with that, and tells the end by an event. From then on the program has the connection
 * for itself.
 *
 * A socket of datagrams has no backing: what it sends to port 53 is answered here. Where other
 * datagrams are allowed, it gets one when it goes to elsewhere.
 *
 * Locks: proxy.lock protects the streams' state, dgram.lock that of a socket of datagrams.
 * Events are told with the lock held. No lock is taken with another one held.
 */
#ifndef PROXY_H
#define PROXY_H

#include <pthread.h>
#include <time.h>

#include "../../lib/viewos.h"
#include "../common/table.h"
#include "names.h"
#include "upstream.h"

/* A proxy that has not said anything final after so many seconds is dead. */
#define PROXY_PATIENCE	120

struct stream;

/*
 * One session. epoll has the streams that speak with the proxy, by number, and wake, which ends
 * the thread. streams finds them by number; first and last are those that speak with the proxy, in
 * the order in which their time is up. thread runs after the first connect.
 */
struct proxy {
	struct upstream upstream;
	struct names *names;
	bool udp;
	int epoll;
	int wake;
	pthread_t thread;
	pthread_mutex_t lock;
	bool running;
	bool ending;
	struct table streams;
	struct stream *first;
	struct stream *last;
	struct viewos_sock_session *session;
};

enum socket_kind { SOCKET_STREAM, SOCKET_DGRAM };

/* What a socket's pointer points to, for who has to know which it is. */
struct socket_base {
	enum socket_kind kind;
};

/*
 * Reads an address that a program gave into a target; names are those behind the addresses of
 * the pool. Returns 0 or a negative errno.
 */
int target_read(struct names *names, const struct viewos_sock_req *req, struct target *target);

/* Makes a socket for a program; errors that are ours are told once, and are ENOBUFS there. */
int socket_make(const struct viewos_sock_req *req);

/* stream.c */
void stream_create(struct viewos_sock_req *req);
void stream_bind(struct viewos_sock_req *req);
void stream_connect(struct viewos_sock_req *req);
void stream_getname(struct viewos_sock_req *req);
void stream_release(struct proxy *proxy, struct socket_base *base);

/* Ends the thread. */
void streams_end(struct proxy *proxy);

/* dgram.c */
void dgram_create(struct viewos_sock_req *req);
void dgram_bind(struct viewos_sock_req *req);
void dgram_connect(struct viewos_sock_req *req);
void dgram_getname(struct viewos_sock_req *req);
void dgram_setsockopt(struct viewos_sock_req *req);
void dgram_ioctl(struct viewos_sock_req *req);
void dgram_shutdown(struct viewos_sock_req *req);
void dgram_sendmsg(struct viewos_sock_req *req);
void dgram_recvmsg(struct viewos_sock_req *req);
void dgram_release(struct socket_base *base);

#endif
