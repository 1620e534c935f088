/* SPDX-License-Identifier: GPL-2.0 */
/* io_uring by its system calls alone. */
#ifndef _VIEWOS_RING_H
#define _VIEWOS_RING_H

#include "abi.h"

#include <linux/io_uring.h>
#include <sys/mman.h>

struct ring {
	int fd;
	uint32_t setup, queued;
	uint32_t *sq_tail, *sq_mask, *sq_flags, *sq_array;
	uint32_t *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *map;
	size_t map_size, sqes_size;
};

static inline int ring_create(struct ring *ring, uint32_t setup)
{
	struct io_uring_params params = { .flags = setup, .sq_thread_idle = 1000 };
	void *map;

	*ring = (struct ring){ .setup = setup };
	ring->fd = result(syscall(SYS_io_uring_setup, 4, &params));
	if (ring->fd < 0)
		return ring->fd;
	/* Both queues are in one mapping (IORING_FEAT_SINGLE_MMAP, Linux 5.4). */
	ring->map_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	ring->sqes_size = params.sq_entries * sizeof(struct io_uring_sqe);
	map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
		   IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, ring->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			  IORING_OFF_SQES);
	if (map == MAP_FAILED || ring->sqes == MAP_FAILED)
		return -errno;
	ring->map = map;
	ring->sq_tail = map + params.sq_off.tail;
	ring->sq_mask = map + params.sq_off.ring_mask;
	ring->sq_flags = map + params.sq_off.flags;
	ring->sq_array = map + params.sq_off.array;
	ring->cq_head = map + params.cq_off.head;
	ring->cq_tail = map + params.cq_off.tail;
	ring->cq_mask = map + params.cq_off.ring_mask;
	ring->cqes = map + params.cq_off.cqes;
	return 0;
}

/* What is mapped of a ring keeps it, and what is registered with it. */
static inline void ring_destroy(struct ring *ring)
{
	munmap(ring->map, ring->map_size);
	munmap(ring->sqes, ring->sqes_size);
	close(ring->fd);
}

/* Has an operation ready for the next submission. */
static inline void ring_queue(struct ring *ring, const struct io_uring_sqe *sqe)
{
	uint32_t tail = *ring->sq_tail;
	uint32_t slot = tail & *ring->sq_mask;

	ring->sqes[slot] = *sqe;
	ring->sq_array[slot] = slot;
	ring->queued++;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
}

/* Submits an operation, and those before it: how many, or -errno. */
static inline int ring_submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	uint32_t queued, wake = 0;

	ring_queue(ring, sqe);
	queued = ring->queued;
	ring->queued = 0;
	if (ring->setup & IORING_SETUP_SQPOLL) {
		if (__atomic_load_n(ring->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
			wake = IORING_ENTER_SQ_WAKEUP;
		else
			return 1;
	}
	return result(syscall(SYS_io_uring_enter, ring->fd, queued, 0, wake, NULL, 0));
}

/* The next completion, of whichever operation; its result, or -errno. */
static inline int ring_next(struct ring *ring, uint64_t *user_data, uint32_t *flags)
{
	uint32_t head = *ring->cq_head;
	struct io_uring_cqe cqe;
	int err;

	*user_data = 0;
	*flags = 0;
	while (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
		err = result(syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS,
				     NULL, 0));
		if (err < 0 && err != -EINTR)
			return err;
	}
	cqe = ring->cqes[head & *ring->cq_mask];
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	*user_data = cqe.user_data;
	*flags = cqe.flags;
	return cqe.res;
}

static inline int ring_wait(struct ring *ring)
{
	uint64_t user_data;
	uint32_t flags;

	return ring_next(ring, &user_data, &flags);
}

/* Submits an operation, and returns what the system call would, or -errno. */
static inline int ring_do(struct ring *ring, const struct io_uring_sqe *sqe)
{
	int err = ring_submit(ring, sqe);

	return err < 0 ? err : ring_wait(ring);
}

#endif /* _VIEWOS_RING_H */
