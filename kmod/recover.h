/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions that outlive their server: mounts with recover=SECONDS.
 *
 * When the fd of such a session goes, what ends is the server, not the session:
 *
 *   READY -> ORPHANED -> ACCEPTED, with ->recovering -> READY
 *
 * ORPHANED: nobody reads. What the server had goes back to the head of the queue, in the order
 * in which it was asked; callers wait as they did, for a reply, their deadline, or to
 * be killed. The session is at the head of the backlog of a server that may have it, or in
 * the list of those for whom there is none yet, and has a reference from there.
 * recovering: a server has accepted it, and reads nothing but an INIT. That is answered like the
 * first one, or the session ends: inodes and open files live on what was agreed on then.
 * ORPHANED again, if this server dies too, at any time.
 *
 * SECONDS are from the death to the answer to INIT. A server that dies in between does not begin
 * them anew, so nobody waits longer than that without a server at work.
 *
 * Who may have it: a server of the same name and the same owner, and of the same user and
 * pid namespace, in which the ids in queued requests are. So it can do no more than the one
 * before could have done.
 *
 * What is not kept: interrupts that were sent (they are sent again with the requests);
 * requests whose callers have gone, and answers to notices: their server is not there. Replies
 * that a server's thread copies are not lost: that thread has the fd.
 *
 * A server has to say that what it names means the same to the next one
 * (VIEWOS_PATH_RECOVER). We do not look nodes up again by name, nor open files again: names
 * change, and may be gone, while a file is in use, and opening it has effects. Locks
 * stay with the kernel: FUSE_POSIX_LOCKS and FUSE_FLOCK_LOCKS are not offered.
 *
 * Sessions for sockets and system calls end with their server: what these have is
 * the state of a connection, or a caller in the middle of a call.
 */
#ifndef _VIEWOS_RECOVER_H
#define _VIEWOS_RECOVER_H

#include <linux/types.h>

struct viewos_request;
struct viewos_server;
struct viewos_session;

/** viewos_recover_setup() - a new session, which is not to be recovered yet */
void viewos_recover_setup(struct viewos_session *session);

/**
 * viewos_recover_allow() - from now on it waits for another server when its own goes
 * @session: a session whose ops have ->init
 * @seconds: how long; 0 for not at all, and it ends if it is waiting
 */
void viewos_recover_allow(struct viewos_session *session, unsigned int seconds);

/**
 * viewos_recover_orphan() - the session's fd has gone
 * @session: the session, referenced by the caller
 *
 * Return: whether it waits for another server; else it is to be ended.
 */
bool viewos_recover_orphan(struct viewos_session *session);

/**
 * viewos_recover_offer() - find a server for a session
 * @session: in no backlog, referenced by the caller
 *
 * Return: whether it is one that waits for a server, and now waits at one or for one.
 */
bool viewos_recover_offer(struct viewos_session *session);

/** viewos_recover_claim_locked() - a server was registered: put what it may have in its backlog */
void viewos_recover_claim_locked(struct viewos_server *server);

/**
 * viewos_recover_init() - the INIT for a server that accepts a session
 * @session: the session
 *
 * Return: NULL if it is not one that waits for another server, a request for
 * viewos_recover_begin_locked() or viewos_recover_drop(), or ERR_PTR.
 */
struct viewos_request *viewos_recover_init(struct viewos_session *session);

/** viewos_recover_begin_locked() - current has accepted it; takes @init over */
void viewos_recover_begin_locked(struct viewos_session *session, struct viewos_request *init);

/** viewos_recover_drop() - an INIT is not needed after all */
void viewos_recover_drop(struct viewos_request *init);

/** viewos_recover_done() - INIT was answered as it should be: back to work */
void viewos_recover_done(struct viewos_session *session);

/** viewos_recover_end() - the session has ended: wait for nothing */
void viewos_recover_end(struct viewos_session *session);

int viewos_recover_module_init(void);
void viewos_recover_module_exit(void);

#endif /* _VIEWOS_RECOVER_H */
