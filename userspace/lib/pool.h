/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: threads that answer the requests of one session */
#ifndef _VIEWOS_LIB_POOL_H
#define _VIEWOS_LIB_POOL_H

#include <sys/types.h>

struct viewos_stop;

/**
 * struct viewos_pool_ops - what the threads of a pool do
 * @receive: reads the next request into the thread's own @slot, and may be cancelled only
 *	in viewos_pool_read(). Returns its length; 0 at the session's end; -EINTR or
 *	-EAGAIN to be called again; or what else failed, which ends the pool
 * @process: deals with that request
 * @drop: frees the slot when the thread has ended
 */
struct viewos_pool_ops {
	int (*receive)(void *data, void **slot);
	void (*process)(void *data, void **slot);
	void (*drop)(void *slot);
};

/**
 * viewos_pool_run() - answer requests until the session ends
 * @ops: how
 * @data: given to them
 * @threads: most threads at work, 0 for a sensible number
 * @stop: ends it early
 *
 * Return: 0 for a plain end, or what failed.
 */
int viewos_pool_run(const struct viewos_pool_ops *ops, void *data, unsigned int threads,
		    struct viewos_stop *stop);

/** viewos_pool_read() - read(2), the only place where a thread of a pool can be cancelled */
ssize_t viewos_pool_read(int fd, void *buf, size_t len);

#endif /* _VIEWOS_LIB_POOL_H */
