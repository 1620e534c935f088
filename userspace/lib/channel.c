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
#include <pthread.h>
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

/* All sessions, and the workers of each, for those who answer in threads of their own. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct channels *all;

void channels_init(struct channels *shared, int session, struct viewos_stop *stop)
{
	shared->session = session;
	shared->stop = stop;
	atomic_init(&shared->hold, true);
	atomic_init(&shared->asleep, false);
	pthread_mutex_lock(&all_lock);
	shared->next = all;
	all = shared;
	pthread_mutex_unlock(&all_lock);
}

void channels_exit(struct channels *shared)
{
	struct channels **at;

	pthread_mutex_lock(&all_lock);
	for (at = &all; *at; at = &(*at)->next)
		if (*at == shared) {
			*at = shared->next;
			break;
		}
	pthread_mutex_unlock(&all_lock);
}

void channel_use(struct channel *channel)
{
	own_channel = channel;
	pthread_mutex_lock(&all_lock);
	channel->next = channel->shared->workers;
	channel->shared->workers = channel;
	pthread_mutex_unlock(&all_lock);
}

void channel_hurry(void)
{
	hurry = true;
}

bool channel_want(uint32_t additions)
{
	return own_channel && opening_want(&own_channel->shared->init, additions);
}

bool channel_recovering(void)
{
	return own_channel && own_channel->shared->init.offer & VIEWOS_PATH_RECOVERING;
}

bool channel_repeated(void)
{
	return own_channel && own_channel->repeated;
}

bool channel_takes(unsigned int operation)
{
	if (!own_channel)
		return false;
	atomic_fetch_or(&own_channel->shared->init.takes, operation);
	return true;
}

bool channel_statx(void)
{
	return own_channel && own_channel->statx;
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
	channel->opening.next = 0;
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

/* Sends, or holds until the calling worker's next request; @channel is NULL for other threads. */
static ssize_t reply_give(struct channel *channel, int fd, struct iovec *iov, int count,
			  size_t len)
{
	if (!channel)
		return writev(fd, iov, count);
	channel_flush(channel);
	if (!reply_may_wait(channel, iov, len))
		return writev(fd, iov, count);
	reply_hold(channel, iov, count, len);
	return len;
}

/* Finds an OPEN or READ that some worker gave to libfuse, and takes it. Else it is a LOOKUP. */
static uint32_t opening_find(struct channel *channel, int fd, uint64_t unique,
			     struct viewos_lookup_open_out *out)
{
	uint32_t found = channel ? opening_take(&channel->opening, unique, out) : 0;

	if (found)
		return found;
	/* A LOOKUP that was just given to libfuse is in nobody else's hands. */
	if (channel && channel->opening.looking == unique)
		return FUSE_LOOKUP;
	pthread_mutex_lock(&all_lock);
	for (struct channels *shared = all; shared && !found; shared = shared->next)
		for (channel = shared->workers; channel && !found; channel = channel->next)
			if (shared->session == fd)
				found = opening_take(&channel->opening, unique, out);
	pthread_mutex_unlock(&all_lock);
	return found ? found : FUSE_LOOKUP;
}

/* An answer of libfuse's to a part of a request, of @len bytes. */
static ssize_t reply_part(struct channel *channel, int fd, struct iovec *iov, int count,
			  size_t len)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	struct opening_reply reply = { };
	struct iovec whole = { .iov_base = &reply };
	uint32_t to = opening_find(channel, fd, header->unique, &reply.out), next = 0;
	size_t whole_len;
	ssize_t ret;

	if (to == FUSE_READ) {
		count = opening_content(&reply, iov, count, &whole_len);
		ret = reply_give(channel, fd, iov, count, whole_len);
		return ret < 0 ? ret : (ssize_t)len;
	}
	whole_len = to == FUSE_OPEN ? opening_opened(&reply, iov, count) :
		    opening_looked(&reply, iov, count);
	whole.iov_len = whole_len;
	if (channel)
		next = opening_wanted(&channel->opening, &channel->shared->init, &reply, to);
	ret = reply_give(channel, fd, &whole, 1, whole_len);
	/* If it is not held, it has gone. */
	if (next && atomic_load(&channel->state) != CHANNEL_EMPTY)
		channel->opening.next = next;
	return ret < 0 ? ret : (ssize_t)len;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct channel *channel = own_channel;
	bool now = hurry;
	size_t len = 0;

	(void)userdata;
	hurry = false;
	if (channel && channel->shared->session != fd)
		channel = NULL;
	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	if (opening_of(iov))
		return reply_part(channel, fd, iov, count, len);
	/* INIT is answered by the thread that has read it. */
	if (channel)
		opening_init_reply(&channel->shared->init, iov, count);
	if (channel && now) {
		channel_flush(channel);
		channel = NULL;
	}
	return reply_give(channel, fd, iov, count, len);
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
		if (channel->opening.next)
			return opening_next(&channel->opening, (void *)channel->reply, buf);
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
		ret = session_read(fd, buf, len);
	else
		channel->together = true;
	channel->opening.next = 0;
	if (ret < (int)sizeof(struct fuse_in_header))
		return ret;
	/* The flags are the last 16 bits of the header, by which name ever it goes. */
	channel->repeated = ((const uint16_t *)((const struct fuse_in_header *)buf + 1))[-1] &
			    VIEWOS_HEADER_REPEATED;
	channel->statx = ((const struct fuse_in_header *)buf)->opcode == FUSE_STATX;
	return opening_read(&channel->opening, &channel->shared->init, buf, ret);
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
