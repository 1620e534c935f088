// SPDX-License-Identifier: GPL-2.0
/* libviewos: threads that answer the requests of one session */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool.h"
#include "serve.h"

/*
 * One request at a time needs one thread, and a second that is waiting already;
 * more help when operations block on a disk or a network.
 */
#define THREADS_DEFAULT	8
#define THREADS_MAX	64

struct pool;

/**
 * struct worker - a thread that answers requests
 * @pool: what it works for
 * @thread: itself
 * @slot: its request
 */
struct worker {
	struct pool *pool;
	pthread_t thread;
	void *slot;
};

/**
 * struct pool - the threads of one session
 * @ops: what they do
 * @data: given to it
 * @limit: most workers
 * @idle: workers that wait for a request
 * @stop: ends it early; its lock protects the fields below
 * @error: what the worker that finished saw, 0 for a plain end
 * @finished: a worker has seen the session's end
 * @count: workers started
 * @workers: they; joined by the thread that called viewos_pool_run()
 */
struct pool {
	const struct viewos_pool_ops *ops;
	void *data;
	unsigned int limit;
	atomic_uint idle;
	struct viewos_stop *stop;
	int error;
	bool finished;
	unsigned int count;
	struct worker workers[THREADS_MAX];
};

void viewos_stop_init(struct viewos_stop *stop)
{
	pthread_mutex_init(&stop->lock, NULL);
	pthread_cond_init(&stop->changed, NULL);
	stop->wanted = false;
}

void viewos_stop_exit(struct viewos_stop *stop)
{
	pthread_cond_destroy(&stop->changed);
	pthread_mutex_destroy(&stop->lock);
}

void viewos_stop_request(struct viewos_stop *stop)
{
	pthread_mutex_lock(&stop->lock);
	stop->wanted = true;
	pthread_cond_broadcast(&stop->changed);
	pthread_mutex_unlock(&stop->lock);
}

ssize_t viewos_pool_read(int fd, void *buf, size_t len)
{
	ssize_t ret;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	ret = read(fd, buf, len);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return ret;
}

static int worker_start(struct pool *pool);

/* When the last waiting worker got something to do, another one shall wait. */
static void worker_busy(struct pool *pool)
{
	if (atomic_fetch_sub(&pool->idle, 1) != 1)
		return;
	pthread_mutex_lock(&pool->stop->lock);
	if (!pool->finished && !pool->stop->wanted && pool->count < pool->limit)
		worker_start(pool);
	pthread_mutex_unlock(&pool->stop->lock);
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;
	int state, ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	for (;;) {
		ret = pool->ops->receive(pool->data, &worker->slot);
		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret <= 0)
			break;
		worker_busy(pool);
		pool->ops->process(pool->data, &worker->slot);
		atomic_fetch_add(&pool->idle, 1);
	}

	pthread_mutex_lock(&pool->stop->lock);
	pool->finished = true;
	if (ret < 0)
		pool->error = ret;
	pthread_cond_broadcast(&pool->stop->changed);
	pthread_mutex_unlock(&pool->stop->lock);
	return NULL;
}

/* With stop->lock held. */
static int worker_start(struct pool *pool)
{
	struct worker *worker = &pool->workers[pool->count];
	int ret;

	worker->pool = pool;
	atomic_fetch_add(&pool->idle, 1);
	ret = pthread_create(&worker->thread, NULL, worker_run, worker);
	if (ret) {
		atomic_fetch_sub(&pool->idle, 1);
		return -ret;
	}
	pool->count++;
	return 0;
}

int viewos_pool_run(const struct viewos_pool_ops *ops, void *data, unsigned int threads,
		    struct viewos_stop *stop)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	unsigned int i;
	int ret;

	if (!pool)
		return -ENOMEM;
	pool->ops = ops;
	pool->data = data;
	pool->limit = threads ? threads : THREADS_DEFAULT;
	if (pool->limit > THREADS_MAX)
		pool->limit = THREADS_MAX;
	pool->stop = stop;

	pthread_mutex_lock(&stop->lock);
	ret = worker_start(pool);
	while (!ret && !pool->finished && !stop->wanted)
		pthread_cond_wait(&stop->changed, &stop->lock);
	/* Whether the end was seen or asked for: no worker starts any more. */
	pool->finished = true;
	pthread_mutex_unlock(&stop->lock);

	for (i = 0; i < pool->count; i++)
		pthread_cancel(pool->workers[i].thread);
	for (i = 0; i < pool->count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		ops->drop(pool->workers[i].slot);
	}
	if (!ret)
		ret = pool->error;
	free(pool);
	return ret;
}
