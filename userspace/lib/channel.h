/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: how workers read requests and reply, by one system call for each */
#ifndef _VIEWOS_LIB_CHANNEL_H
#define _VIEWOS_LIB_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "opening.h"

/* A larger reply is sent at once: copying it here would cost as much as a system call. */
#define CHANNEL_REPLY_MAX	8192

struct fuse_custom_io;
struct viewos_stop;

enum channel_state {
	CHANNEL_EMPTY,
	CHANNEL_HELD,	/* a reply is there, which goes with the worker's next call */
	CHANNEL_TAKEN,	/* the watch sends it */
};

/**
 * struct channels - what the workers of a session share
 * @session: the session fd
 * @stop: its lock protects the fields below; it is held while the watch sends a reply
 * @init: what is agreed on beyond FUSE
 * @next: in the list of all
 * @workers: their channels
 * @hold: replies may be held
 * @asleep: nobody looks for replies that are held too long
 * @replies: held so far, as the watch has seen
 * @overdue: of these, sent by the watch
 */
struct channels {
	int session;
	struct viewos_stop *stop;
	struct opening_init init;
	struct channels *next;
	struct channel *workers;
	atomic_bool hold;
	atomic_bool asleep;
	unsigned long replies;
	unsigned long overdue;
};

/**
 * struct channel - one worker's
 * @shared: what it shares with others; set before the worker starts
 * @next: another worker's
 * @opening: requests that are two for libfuse
 * @repeated: another process had its request
 * @statx: its request was a STATX
 * @together: the kernel takes a reply and gives a request in one call
 * @state: enum channel_state
 * @turn: grows with each reply held
 * @seen: @turn when the watch looked last; the watch's own
 * @len: bytes at @reply
 * @reply: the reply, in the worker's hands unless CHANNEL_TAKEN
 */
struct channel {
	struct channels *shared;
	struct channel *next;
	struct opening opening;
	bool repeated;
	bool statx;
	bool together;
	atomic_int state;
	atomic_uint turn;
	unsigned int seen;
	size_t len;
	char reply[CHANNEL_REPLY_MAX] __attribute__((aligned(8)));
};

/** channel_io - for libfuse; to be used by threads that have called channel_use() and others */
extern const struct fuse_custom_io channel_io;

/** channels_init() - before the first worker */
void channels_init(struct channels *shared, int session, struct viewos_stop *stop);

/** channels_exit() - behind the last worker */
void channels_exit(struct channels *shared);

/** channel_use() - the calling thread is the worker of @channel, until it ends */
void channel_use(struct channel *channel);

/** channel_hurry() - the calling thread's next reply goes at once: fds in it may be closed then */
void channel_hurry(void);

/**
 * channel_want() - the calling worker answers INIT: take an addition that must be asked for
 *
 * Return: whether the kernel offers all of @additions, VIEWOS_PATH_*.
 */
bool channel_want(uint32_t additions);

/** channel_recovering() - the calling worker answers INIT: is it of a session that goes on? */
bool channel_recovering(void);

/** channel_repeated() - did another process have the request that the calling worker has? */
bool channel_repeated(void);

/** channel_takes() - the calling worker answers INIT: the server takes this, OPENING_* */
bool channel_takes(unsigned int operation);

/** channel_statx() - is the GETATTR that the calling worker has a STATX? */
bool channel_statx(void);

/** channel_flush() - the calling worker asks for no more requests: send what it holds */
void channel_flush(struct channel *channel);

/**
 * channel_watch() - look at a worker's channel, with the lock of the stop held
 *
 * Sends a reply that was held since the last look already.
 *
 * Return: whether anything has happened since the last look.
 */
bool channel_watch(struct channel *channel);

#endif /* _VIEWOS_LIB_CHANNEL_H */
