// SPDX-License-Identifier: GPL-2.0
/* libviewos: serving path sessions by libfuse3's low-level interface */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "program.h"
#include "serve.h"
#include "viewos.h"

/*
 * One request at a time needs one thread, and a second that is waiting already;
 * more help when operations block on a disk or a network.
 */
#define THREADS_DEFAULT	8
#define THREADS_MAX	64

/* How often to look for replies that are held, and how often for nothing before a rest. */
#define WATCH_MS	10
#define WATCH_IDLE	100

/**
 * struct worker - a thread that answers requests
 * @serving: what it works for
 * @thread: itself
 * @buf: its request, allocated by libfuse
 * @channel: where it reads and writes
 */
struct worker {
	struct serving *serving;
	pthread_t thread;
	struct fuse_buf buf;
	struct channel channel;
};

/**
 * struct serving - one session being served
 * @se: libfuse's session
 * @limit: most workers
 * @channels: what the workers' channels share
 * @idle: workers that wait for a request
 * @stop: ends it early; its lock protects the fields below
 * @error: what the worker that finished saw, 0 for a plain end
 * @finished: a worker has seen the session's end
 * @count: workers started
 * @workers: they; joined by the thread that called serve()
 */
struct serving {
	struct fuse_session *se;
	unsigned int limit;
	struct channels channels;
	atomic_uint idle;
	struct viewos_stop *stop;
	int error;
	bool finished;
	unsigned int count;
	struct worker workers[THREADS_MAX];
};

static int worker_start(struct serving *serving);

/* When the last waiting worker got something to do, another one shall wait. */
static void worker_busy(struct serving *serving)
{
	if (atomic_fetch_sub(&serving->idle, 1) != 1)
		return;
	pthread_mutex_lock(&serving->stop->lock);
	if (!serving->finished && !serving->stop->wanted && serving->count < serving->limit)
		worker_start(serving);
	pthread_mutex_unlock(&serving->stop->lock);
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	struct serving *serving = worker->serving;
	int state, ret = 0;

	/* Not cancelled but where channel.c waits, and there at once. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &state);
	channel_use(&worker->channel);
	while (!fuse_session_exited(serving->se)) {
		ret = fuse_session_receive_buf(serving->se, &worker->buf);
		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret <= 0)
			break;
		worker_busy(serving);
		fuse_session_process_buf(serving->se, &worker->buf);
		atomic_fetch_add(&serving->idle, 1);
	}
	channel_flush(&worker->channel);

	pthread_mutex_lock(&serving->stop->lock);
	serving->finished = true;
	if (ret < 0)
		serving->error = ret;
	pthread_cond_broadcast(&serving->stop->changed);
	pthread_mutex_unlock(&serving->stop->lock);
	return NULL;
}

/* With stop->lock held. */
static int worker_start(struct serving *serving)
{
	struct worker *worker = &serving->workers[serving->count];
	int ret;

	worker->serving = serving;
	worker->channel.shared = &serving->channels;
	atomic_fetch_add(&serving->idle, 1);
	ret = pthread_create(&worker->thread, NULL, worker_run, worker);
	if (ret) {
		atomic_fetch_sub(&serving->idle, 1);
		return -ret;
	}
	serving->count++;
	return 0;
}

/* With stop->lock held. */
static bool workers_watch(struct serving *serving)
{
	bool busy = false;

	for (unsigned int i = 0; i < serving->count; i++)
		busy |= channel_watch(&serving->workers[i].channel);
	return busy;
}

static void watch_wait(struct viewos_stop *stop)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WATCH_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_clockwait(&stop->changed, &stop->lock, CLOCK_MONOTONIC, &until);
}

/* Sees to it that no reply is held for long; with stop->lock held, until the end. */
static void workers_wait(struct serving *serving)
{
	struct viewos_stop *stop = serving->stop;
	unsigned int idle = WATCH_IDLE - 1;

	while (!serving->finished && !stop->wanted) {
		idle = workers_watch(serving) ? 0 : idle + 1;
		if (idle < WATCH_IDLE) {
			atomic_store(&serving->channels.asleep, false);
			watch_wait(stop);
		} else if (idle == WATCH_IDLE) {
			/* Look once more: a reply may have been held just before. */
			atomic_store(&serving->channels.asleep, true);
		} else {
			pthread_cond_wait(&stop->changed, &stop->lock);
		}
	}
}

static int workers_run(struct serving *serving)
{
	struct viewos_stop *stop = serving->stop;
	unsigned int i;
	int ret;

	pthread_mutex_lock(&stop->lock);
	ret = worker_start(serving);
	if (!ret)
		workers_wait(serving);
	pthread_mutex_unlock(&stop->lock);

	/* No worker starts any more: @count stays as it is. */
	fuse_session_exit(serving->se);
	for (i = 0; i < serving->count; i++)
		pthread_cancel(serving->workers[i].thread);
	for (i = 0; i < serving->count; i++) {
		pthread_join(serving->workers[i].thread, NULL);
		free(serving->workers[i].buf.mem);
	}
	return ret ? ret : serving->error;
}

int viewos_session_serve(int session, const struct viewos_serve_params *params,
			 struct viewos_stop *stop)
{
	char name[] = "viewos", debug[] = "-d";
	char *argv[] = { name, debug, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(params->debug ? 2 : 1, argv);
	unsigned int limit = params->threads ? params->threads : THREADS_DEFAULT;
	struct serving *serving;
	int ret = -ENOMEM;

	serving = calloc(1, sizeof(*serving));
	if (!serving)
		goto err_close;
	serving->limit = limit < THREADS_MAX ? limit : THREADS_MAX;
	serving->stop = stop;
	channels_init(&serving->channels, session, stop);
	serving->se = fuse_session_new(&args, params->ops, params->ops_size, params->data);
	fuse_opt_free_args(&args);
	if (!serving->se)
		goto err_free;
	ret = fuse_session_custom_io(serving->se, &channel_io, session);
	if (ret < 0) {
		fuse_session_destroy(serving->se);
		goto err_free;
	}
	ret = workers_run(serving);
	fuse_session_destroy(serving->se);
	channels_exit(&serving->channels);
	free(serving);
	return ret;

err_free:
	channels_exit(&serving->channels);
	free(serving);
err_close:
	close(session);
	return ret;
}

int viewos_fuse_serve(int session, const struct fuse_lowlevel_ops *ops, size_t ops_size,
		      void *data, unsigned int threads)
{
	const struct viewos_serve_params params = {
		.ops = ops,
		.ops_size = ops_size,
		.data = data,
		.threads = threads,
	};
	struct viewos_stop stop;
	int ret;

	viewos_stop_init(&stop);
	ret = viewos_session_serve(session, &params, &stop);
	viewos_stop_exit(&stop);
	return ret;
}

static int program_serve(const struct viewos_program *program, int session, void *data, bool debug,
			 struct viewos_stop *stop)
{
	const struct viewos_serve_params params = {
		.ops = program->ops,
		.ops_size = program->ops_size,
		.data = data,
		.debug = debug,
	};

	return viewos_session_serve(session, &params, stop);
}

int viewos_fuse_main(int argc, char **argv, const struct viewos_fuse_server *server)
{
	const struct viewos_program program = {
		.name = server->name,
		.what = "file systems",
		.usage = server->usage,
		.class_ = VIEWOS_CLASS_PATH,
		.open = server->open,
		.close = server->close,
		.serve = program_serve,
		.ops = server->ops,
		.ops_size = server->ops_size,
	};

	return viewos_program_main(argc, argv, &program);
}
