/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: a session's fd, for answers that may come from any thread and at any time */
#ifndef _VIEWOS_LIB_WIRE_H
#define _VIEWOS_LIB_WIRE_H

#include <pthread.h>
#include <stddef.h>
#include <sys/types.h>

struct iovec;

/**
 * struct wire - a session fd that may be closed while somebody wants to write
 * @fd: it, -1 when it is closed; @lock protects it
 * @lock: held for reading while @fd is used by a thread that is not the pool's
 */
struct wire {
	int fd;
	pthread_rwlock_t lock;
};

/** wire_init() - @fd is the wire's from now on */
void wire_init(struct wire *wire, int fd);

/** wire_close() - whoever uses it later finds it closed */
void wire_close(struct wire *wire);

/** wire_exit() - nobody uses it any more; it is closed */
void wire_exit(struct wire *wire);

/**
 * wire_receive() - read the next message, in a thread of a pool
 *
 * Return: its length, at least that of a struct fuse_in_header; 0 at the session's end; -EAGAIN
 * to be called again; or what else failed.
 */
int wire_receive(struct wire *wire, void *frame, size_t size);

/**
 * wire_write() - write a message, from any thread
 * @iov: its parts; the first is a struct fuse_out_header, whose length is filled in
 *
 * Return: 0. ENODEV: the session has ended. Else what the kernel says.
 */
int wire_write(struct wire *wire, struct iovec *iov, int count);

/** wire_ioctl() - likewise an ioctl; returns what it returns, or a negative errno */
int wire_ioctl(struct wire *wire, unsigned long command, void *arg);

#endif /* _VIEWOS_LIB_WIRE_H */
