// SPDX-License-Identifier: GPL-2.0
/* libviewos: a session's fd, for answers that may come from any thread and at any time */
#include <errno.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "pool.h"
#include "wire.h"

void wire_init(struct wire *wire, int fd)
{
	wire->fd = fd;
	pthread_rwlock_init(&wire->lock, NULL);
}

void wire_close(struct wire *wire)
{
	pthread_rwlock_wrlock(&wire->lock);
	close(wire->fd);
	wire->fd = -1;
	pthread_rwlock_unlock(&wire->lock);
}

void wire_exit(struct wire *wire)
{
	pthread_rwlock_destroy(&wire->lock);
}

int wire_receive(struct wire *wire, void *frame, size_t size)
{
	ssize_t len = viewos_pool_read(wire->fd, frame, size);

	if (len < 0) {
		/* ENOENT: the request was taken back; ENODEV: the end. */
		if (errno == ENOENT)
			return -EAGAIN;
		return errno == ENODEV ? 0 : -errno;
	}
	/* What has not even a number cannot be answered. */
	if (len > 0 && len < (ssize_t)sizeof(struct fuse_in_header))
		return -EAGAIN;
	return len;
}

int wire_write(struct wire *wire, struct iovec *iov, int count)
{
	struct fuse_out_header *header = iov[0].iov_base;
	ssize_t written;
	int i, ret = 0;

	header->len = 0;
	for (i = 0; i < count; i++)
		header->len += iov[i].iov_len;
	pthread_rwlock_rdlock(&wire->lock);
	if (wire->fd < 0) {
		ret = -ENODEV;
	} else {
		do {
			written = writev(wire->fd, iov, count);
		} while (written < 0 && errno == EINTR);
		if (written < 0)
			ret = -errno;
	}
	pthread_rwlock_unlock(&wire->lock);
	return ret;
}

int wire_ioctl(struct wire *wire, unsigned long command, void *arg)
{
	int ret = -ENODEV;

	pthread_rwlock_rdlock(&wire->lock);
	if (wire->fd >= 0) {
		ret = ioctl(wire->fd, command, arg);
		if (ret < 0)
			ret = -errno;
	}
	pthread_rwlock_unlock(&wire->lock);
	return ret;
}
