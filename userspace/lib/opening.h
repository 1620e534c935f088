/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: one request of the kernel is a LOOKUP, an OPEN and a READ to libfuse */
#ifndef _VIEWOS_LIB_OPENING_H
#define _VIEWOS_LIB_OPENING_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/viewos_path.h>

/* Operations that libfuse does not know, and as what it gets them. */
#define OPENING_TMPFILE	0x1u	/* CREATE of "/", which no file has for a name */
#define OPENING_SYNCFS	0x2u	/* FSYNCDIR of the root, with VIEWOS_SYNCFS_FH */
#define OPENING_STATX	0x4u	/* GETATTR, which is to be answered as a STATX */

/**
 * struct opening_init - what became of INIT; the session's
 * @unique: of an INIT that is not answered yet, else 0
 * @offer: VIEWOS_PATH_* that the kernel offers; like @want of the worker that has the INIT
 * @want: of these, what the server asked for
 * @takes: OPENING_*: operations that the server takes as others; set before the answer to INIT
 * @content: the kernel takes content of small files; set with the answer to INIT
 * @no_open: the server needs no OPEN
 */
struct opening_init {
	atomic_ullong unique;
	uint32_t offer;
	uint32_t want;
	atomic_uint takes;
	atomic_bool content;
	atomic_bool no_open;
};

/* Where libfuse reads to, there is room for a WRITE. */
#define OPENING_MORE 64

/** struct opening_reply - a whole reply to VIEWOS_FUSE_LOOKUP_OPEN */
struct opening_reply {
	struct fuse_out_header header;
	struct viewos_lookup_open_out out;
};

/**
 * struct opening - a worker's
 * @looking: unique of the request whose LOOKUP the worker has in its hands, else 0
 * @header: of that request
 * @in: of that request
 * @next: its LOOKUP was answered, and what comes next: OPEN, READ, or 0; the worker's own
 * @unique: of the request whose OPEN or READ is with libfuse, else 0. Who sets it to 0 answers
 * @out: answer so far; set while @unique is 0
 * @reading: it is a READ; likewise
 */
struct opening {
	uint64_t looking;
	struct fuse_in_header header;
	struct viewos_lookup_open_in in;
	uint32_t next;
	atomic_ullong unique;
	struct viewos_lookup_open_out out;
	bool reading;
};

/**
 * opening_read() - a request was read
 * @opening: of the worker
 * @init: of the session
 * @buf: the request, which may be made another, of up to OPENING_MORE bytes more
 * @len: its bytes
 *
 * Return: its bytes then.
 */
size_t opening_read(struct opening *opening, struct opening_init *init, void *buf, size_t len);

/** opening_next() - the OPEN or READ that follows upon this answer, made at @buf; its bytes */
size_t opening_next(struct opening *opening, const struct opening_reply *reply, void *buf);

/** opening_want() - take this in the answer to the INIT that the caller has; is it offered? */
bool opening_want(struct opening_init *init, uint32_t additions);

/** opening_init_reply() - an answer to INIT goes out: take what was offered, if it is one */
void opening_init_reply(struct opening_init *init, const struct iovec *iov, int count);

/**
 * opening_take() - is the OPEN or READ of this unique here?
 * @opening: of a worker
 * @unique: of the request
 * @out: what was answered before
 *
 * Return: FUSE_OPEN, FUSE_READ, or 0.
 */
uint32_t opening_take(struct opening *opening, uint64_t unique, struct viewos_lookup_open_out *out);

/**
 * opening_wanted() - what follows upon an answer, in the worker that has given it?
 * @opening: of the worker
 * @init: of the session
 * @reply: the answer
 * @to: what it was to: FUSE_LOOKUP, FUSE_OPEN or FUSE_READ
 *
 * Return: FUSE_OPEN, FUSE_READ, or 0.
 */
uint32_t opening_wanted(const struct opening *opening, struct opening_init *init,
			struct opening_reply *reply, uint32_t to);

/** opening_of() - is this message an answer to such a request? */
bool opening_of(const struct iovec *iov);

/** opening_looked() - make of an answer to LOOKUP the whole; returns its bytes */
size_t opening_looked(struct opening_reply *reply, const struct iovec *iov, int count);

/** opening_opened() - the same of an answer to OPEN; reply->out has that to LOOKUP */
size_t opening_opened(struct opening_reply *reply, const struct iovec *iov, int count);

/**
 * opening_content() - the same of an answer to READ; reply->out has those before
 * @reply: the whole, without the content
 * @iov: the answer; is made the whole, or that without content if it is not all there is
 * @count: parts of it
 * @len: set to its bytes
 *
 * Return: parts of the whole.
 */
int opening_content(struct opening_reply *reply, struct iovec *iov, int count, size_t *len);

#endif /* _VIEWOS_LIB_OPENING_H */
