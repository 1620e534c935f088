/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: serving a session that can be stopped from another thread */
#ifndef _VIEWOS_LIB_SERVE_H
#define _VIEWOS_LIB_SERVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct fuse_lowlevel_ops;

/**
 * struct viewos_stop - a way to end viewos_session_serve() early
 * @lock: protects @wanted, and what the session's workers share
 * @changed: something under @lock changed
 * @wanted: set for good by viewos_stop_request()
 */
struct viewos_stop {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wanted;
};

void viewos_stop_init(struct viewos_stop *stop);
void viewos_stop_exit(struct viewos_stop *stop);
void viewos_stop_request(struct viewos_stop *stop);

/** struct viewos_serve_params - as the arguments of viewos_fuse_serve() */
struct viewos_serve_params {
	const struct fuse_lowlevel_ops *ops;
	size_t ops_size;
	void *data;
	unsigned int threads;
	bool debug;
};

/** viewos_session_serve() - as viewos_fuse_serve(), until @stop is requested at most */
int viewos_session_serve(int session, const struct viewos_serve_params *params,
			 struct viewos_stop *stop);

#endif /* _VIEWOS_LIB_SERVE_H */
