// SPDX-License-Identifier: GPL-2.0
/*
 * libviewos: how workers read requests and reply
 *
 * A worker's reply is held until the worker asks for its next request, and goes with
 * that in one system call. Most servers reply as the last thing they do for a request, so
 * that is soon. For those that do not, a watch looks every few milliseconds, and sends
 * what is held for too long; where that is the rule, no reply is held any more.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <linux/viewos_path.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "channel.h"
#include "serve.h"
#include "viewos.h"

/* This many replies too late, and more than one in so many, and none is held any more. */
#define OVERDUE_MIN	8
#define OVERDUE_PART	64

/* Looked at for each request: without a call. */
static _Thread_local struct channel *own_channel __attribute__((tls_model("initial-exec")));

/* Likewise: the thread's next reply is not to be held. */
static _Thread_local bool hurry __attribute__((tls_model("initial-exec")));

void channels_init(struct channels *shared, int session, struct viewos_stop *stop)
{
	shared->session = session;
	shared->stop = stop;
	atomic_init(&shared->hold, true);
	atomic_init(&shared->asleep, false);
}

void channel_use(struct channel *channel)
{
	own_channel = channel;
}

void channel_hurry(void)
{
	hurry = true;
}

/* What the kernel offers beyond FUSE, in the last word of its first message. */
static void init_seen(struct channels *shared, const void *message, size_t len)
{
	const struct fuse_in_header *header = message;
	const char *body = message;

	if (header->opcode != FUSE_INIT || len < sizeof(*header) + sizeof(struct fuse_init_in))
		return;
	body += sizeof(*header) + sizeof(struct fuse_init_in) - sizeof(shared->offer);
	memcpy(&shared->offer, body, sizeof(shared->offer));
	shared->offer &= VIEWOS_PATH_TARGET;
	atomic_store(&shared->init, header->unique);
}

/* Its answer takes that: libfuse knows nothing of it, and has zeros there. */
static void init_answer(struct channels *shared, const struct iovec *iov, int count)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	char *body = count == 2 ? iov[1].iov_base : NULL;
	uint64_t init = atomic_load_explicit(&shared->init, memory_order_relaxed);

	if (!init || iov[0].iov_len != sizeof(*header) || header->unique != init)
		return;
	atomic_store(&shared->init, 0);
	if (body && iov[1].iov_len == sizeof(struct fuse_init_out))
		memcpy(body + sizeof(struct fuse_init_out) - sizeof(shared->offer), &shared->offer,
		       sizeof(shared->offer));
}

/* Has the channel's thread its reply for itself now? */
static bool channel_take(struct channel *channel)
{
	int state = CHANNEL_HELD;

	if (atomic_load(&channel->state) == CHANNEL_EMPTY)
		return false;
	if (atomic_compare_exchange_strong(&channel->state, &state, CHANNEL_EMPTY))
		return true;
	if (state == CHANNEL_TAKEN) {
		/* The watch has the lock until it is done. */
		pthread_mutex_lock(&channel->shared->stop->lock);
		pthread_mutex_unlock(&channel->shared->stop->lock);
	}
	return false;
}

/* What the kernel thinks of a reply that was held nobody can be told. */
static void reply_send(const struct channel *channel)
{
	ssize_t ret = write(channel->shared->session, channel->reply, channel->len);

	(void)ret;
}

void channel_flush(struct channel *channel)
{
	if (channel_take(channel))
		reply_send(channel);
}

static void reply_hold(struct channel *channel, const struct iovec *iov, int count, size_t len)
{
	struct channels *shared = channel->shared;
	char *to = channel->reply;

	channel->len = len;
	for (int i = 0; i < count; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	atomic_fetch_add_explicit(&channel->turn, 1, memory_order_relaxed);
	/* Either we see that the watch sleeps, or it sees the reply before it sleeps. */
	atomic_store(&channel->state, CHANNEL_HELD);
	if (!atomic_load(&shared->asleep))
		return;
	pthread_mutex_lock(&shared->stop->lock);
	atomic_store(&shared->asleep, false);
	pthread_cond_broadcast(&shared->stop->changed);
	pthread_mutex_unlock(&shared->stop->lock);
}

/* A notice has no unique, and its sender wants to know what became of it. */
static bool reply_may_wait(const struct channel *channel, const struct iovec *iov, size_t len)
{
	const struct fuse_out_header *header = iov[0].iov_base;

	return channel->together && len <= sizeof(channel->reply) &&
	       iov[0].iov_len >= sizeof(*header) && header->unique &&
	       atomic_load_explicit(&channel->shared->hold, memory_order_relaxed);
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct channel *channel = own_channel;
	bool now = hurry;
	size_t len = 0;

	(void)userdata;
	hurry = false;
	if (!channel || channel->shared->session != fd)
		return writev(fd, iov, count);
	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	init_answer(channel->shared, iov, count);
	channel_flush(channel);
	if (now || !reply_may_wait(channel, iov, len))
		return writev(fd, iov, count);
	reply_hold(channel, iov, count, len);
	return len;
}

/* The only place where a worker can be cancelled. */
static int session_next(int fd, struct viewos_session_next *next)
{
	int ret, state;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	ret = ioctl(fd, VIEWOS_IOC_SESSION_NEXT, next);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return ret;
}

/* And the other one, where the kernel does not know SESSION_NEXT. */
static ssize_t session_read(int fd, void *buf, size_t len)
{
	ssize_t ret;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	ret = read(fd, buf, len);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return ret;
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	struct channel *channel = own_channel;
	struct viewos_session_next next = {
		.size = sizeof(next),
		.buffer = (uintptr_t)buf,
		.buffer_len = len,
	};
	int ret;

	(void)userdata;
	if (channel_take(channel)) {
		next.reply = (uintptr_t)channel->reply;
		next.reply_len = channel->len;
	}
	ret = session_next(fd, &next);
	/* A reply that was refused: libfuse cannot be told any more. */
	if (ret < 0 && next.reply && errno != EINTR && errno != EAGAIN && errno != ENODEV) {
		next.reply = 0;
		next.reply_len = 0;
		ret = session_next(fd, &next);
	}
	if (ret < 0 && errno == ENOTTY)
		return session_read(fd, buf, len);
	channel->together = true;
	if (ret > 0)
		init_seen(channel->shared, buf, ret);
	return ret;
}

const struct fuse_custom_io channel_io = {
	.read = io_read,
	.writev = io_writev,
};

bool channel_watch(struct channel *channel)
{
	struct channels *shared = channel->shared;
	unsigned int turn = atomic_load(&channel->turn);
	unsigned int count = turn - channel->seen;
	int state = CHANNEL_HELD;

	channel->seen = turn;
	shared->replies += count;
	if (atomic_load(&channel->state) != CHANNEL_HELD || count)
		return count;
	if (!atomic_compare_exchange_strong(&channel->state, &state, CHANNEL_TAKEN))
		return true;
	reply_send(channel);
	atomic_store(&channel->state, CHANNEL_EMPTY);
	if (++shared->overdue >= OVERDUE_MIN && shared->overdue > shared->replies / OVERDUE_PART)
		atomic_store(&shared->hold, false);
	return true;
}
