// SPDX-License-Identifier: GPL-2.0
/*
 * libviewos: one request of the kernel is a LOOKUP, an OPEN and a READ to libfuse
 *
 * The kernel asks for a name and for its content to be opened at once, see
 * <linux/viewos_path.h>. libfuse gets a LOOKUP. When its answer comes, in the thread that
 * has the request and before that asks for another, that thread gets an OPEN next, and
 * both answers go as one. Else the answer to LOOKUP goes alone: the kernel asks for the OPEN.
 * Upon the answer to OPEN a READ follows in the same way, of a small file that is to be
 * read; of a server that needs no OPEN, upon that to LOOKUP.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "opening.h"
#include "viewos.h"

/* Where the two sides agree on additions: the last word of either message. */
#define OWN_WORD(message)	((uint32_t *)((char *)(message) + sizeof(*(message))) - 1)

/* Who has STATX speaks this at least. */
#define OPENING_STATX_MINOR	39

static void request_split(struct opening *opening, struct fuse_in_header *header)
{
	char *body = (char *)(header + 1);

	opening->header = *header;
	memcpy(&opening->in, body, sizeof(opening->in));
	opening->looking = header->unique;
	header->opcode = FUSE_LOOKUP;
	header->len -= sizeof(opening->in);
	memmove(body, body + sizeof(opening->in), header->len - sizeof(*header));
}

/* Makes of an operation that libfuse does not know one that it does. */
static void request_known(struct opening_init *init, struct fuse_in_header *header)
{
	unsigned int takes = atomic_load_explicit(&init->takes, memory_order_relaxed);
	struct fuse_fsync_in *fsync = (struct fuse_fsync_in *)(header + 1);

	if (header->opcode == FUSE_TMPFILE && takes & OPENING_TMPFILE) {
		header->opcode = FUSE_CREATE;
	} else if (header->opcode == FUSE_SYNCFS && takes & OPENING_SYNCFS) {
		header->opcode = FUSE_FSYNCDIR;
		header->len = sizeof(*header) + sizeof(*fsync);
		*fsync = (struct fuse_fsync_in){ .fh = VIEWOS_SYNCFS_FH };
	} else if (header->opcode == FUSE_STATX && takes & OPENING_STATX &&
		   header->len > sizeof(*header) + sizeof(struct fuse_getattr_in)) {
		/* It begins in the same way. */
		header->opcode = FUSE_GETATTR;
		header->len = sizeof(*header) + sizeof(struct fuse_getattr_in);
	}
}

size_t opening_read(struct opening *opening, struct opening_init *init, void *buf, size_t len)
{
	struct fuse_in_header *header = buf;
	struct fuse_init_in *in = (struct fuse_init_in *)(header + 1);

	opening->looking = 0;
	if (header->opcode == FUSE_INIT && len >= sizeof(*header) + sizeof(*in) &&
	    *OWN_WORD(in)) {
		init->offer = *OWN_WORD(in);
		atomic_store(&init->unique, header->unique);
	} else if (header->opcode == VIEWOS_FUSE_LOOKUP_OPEN &&
		   len > sizeof(*header) + sizeof(opening->in)) {
		request_split(opening, header);
	} else {
		request_known(init, header);
	}
	return header->len;
}

static size_t open_fill(const struct opening *opening, struct fuse_open_in *in)
{
	memset(in, 0, sizeof(*in));
	in->flags = opening->in.flags;
	in->open_flags = opening->in.open_flags;
	return sizeof(*in);
}

/* More than the file should have, so that one that became longer is noticed. */
static size_t read_fill(const struct opening *opening, struct fuse_read_in *in)
{
	memset(in, 0, sizeof(*in));
	in->fh = opening->out.error ? 0 : opening->out.open.fh;
	in->size = VIEWOS_CONTENT_MAX;
	in->flags = opening->in.flags;
	return sizeof(*in);
}

size_t opening_next(struct opening *opening, const struct opening_reply *reply, void *buf)
{
	struct fuse_in_header *header = buf;
	void *in = header + 1;

	opening->looking = 0;
	opening->out = reply->out;
	opening->reading = opening->next == FUSE_READ;
	opening->next = 0;
	*header = opening->header;
	header->opcode = opening->reading ? FUSE_READ : FUSE_OPEN;
	header->nodeid = reply->out.entry.nodeid;
	header->len = sizeof(*header) +
		      (opening->reading ? read_fill(opening, in) : open_fill(opening, in));
	atomic_store(&opening->unique, header->unique);
	return header->len;
}

bool opening_want(struct opening_init *init, uint32_t additions)
{
	if (!atomic_load(&init->unique) || additions & ~init->offer)
		return false;
	init->want |= additions;
	return true;
}

void opening_init_reply(struct opening_init *init, const struct iovec *iov, int count)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	uint64_t unique = atomic_load_explicit(&init->unique, memory_order_relaxed);
	struct fuse_init_out *out;

	if (!unique || header->unique != unique)
		return;
	atomic_store(&init->unique, 0);
	if (header->error || count != 2 || iov[1].iov_len != sizeof(*out))
		return;
	out = iov[1].iov_base;
	if (atomic_load(&init->takes) & OPENING_STATX && out->minor < OPENING_STATX_MINOR)
		out->minor = OPENING_STATX_MINOR;
	if (*OWN_WORD(out))
		return;
	/* A server that hands over files has replies that we could not join. */
	*OWN_WORD(out) = init->want;
	if (init->want & VIEWOS_PATH_TARGET)
		return;
	*OWN_WORD(out) |= init->offer & (VIEWOS_PATH_LOOKUP_OPEN | VIEWOS_PATH_CONTENT);
	atomic_store(&init->content, init->offer & VIEWOS_PATH_CONTENT);
}

uint32_t opening_take(struct opening *opening, uint64_t unique, struct viewos_lookup_open_out *out)
{
	unsigned long long expected = unique;
	uint32_t what;

	if (atomic_load(&opening->unique) != unique)
		return 0;
	*out = opening->out;
	what = opening->reading ? FUSE_READ : FUSE_OPEN;
	return atomic_compare_exchange_strong(&opening->unique, &expected, 0) ? what : 0;
}

/* As far as the mode tells. The kernel knows better, and asks for an OPEN if it may be. */
static bool may_open(const struct fuse_in_header *who, const struct fuse_attr *attr,
		     uint32_t flags)
{
	uint32_t access = flags & O_ACCMODE;
	uint32_t want = access == O_RDONLY ? 4 : access == O_WRONLY ? 2 : 6;
	uint32_t mode = attr->mode;

	if (!S_ISREG(mode))
		return false;
	if (!who->uid)
		return true;
	if (who->uid == attr->uid)
		mode >>= 6;
	else if (who->gid == attr->gid)
		mode >>= 3;
	return (mode & want) == want;
}

/* Is it the answer of this worker to its request, and libfuse has nothing of that now? */
static bool answer_is_own(const struct opening *opening, const struct opening_reply *reply)
{
	return !reply->header.error && reply->out.entry.nodeid &&
	       opening->header.unique == reply->header.unique && !atomic_load(&opening->unique);
}

/* May the answer bring this file's content? */
static bool may_read(const struct opening *opening, struct opening_init *init,
		     const struct viewos_lookup_open_out *out)
{
	return atomic_load(&init->content) && out->entry.attr.size &&
	       out->entry.attr.size <= VIEWOS_CONTENT_MAX &&
	       (opening->in.flags & O_ACCMODE) != O_WRONLY && !(opening->in.flags & O_DIRECT) &&
	       (out->error || !(out->open.open_flags & FOPEN_DIRECT_IO));
}

uint32_t opening_wanted(const struct opening *opening, struct opening_init *init,
			struct opening_reply *reply, uint32_t to)
{
	struct viewos_lookup_open_out *out = &reply->out;

	if (to == FUSE_READ || !answer_is_own(opening, reply))
		return 0;
	if (to == FUSE_LOOKUP) {
		if (opening->looking != reply->header.unique ||
		    !may_open(&opening->header, &out->entry.attr, opening->in.flags))
			return 0;
		if (!atomic_load(&init->no_open))
			return FUSE_OPEN;
		out->error = -ENOSYS;
	}
	if (out->error == -ENOSYS)
		atomic_store(&init->no_open, true);
	if (out->error && out->error != -ENOSYS)
		return 0;
	return may_read(opening, init, out) ? FUSE_READ : 0;
}

bool opening_of(const struct iovec *iov)
{
	const struct fuse_out_header *header = iov[0].iov_base;

	/* Bit 0 marks answers to interrupts. */
	return iov[0].iov_len == sizeof(*header) && !(header->unique & 1) &&
	       header->unique & VIEWOS_UNIQUE_LOOKUP_OPEN;
}

/* The body of a message of this very size. */
static bool body_copy(const struct iovec *iov, int count, void *to, size_t size)
{
	if (count != 2 || iov[1].iov_len != size)
		return false;
	memcpy(to, iov[1].iov_base, size);
	return true;
}

size_t opening_looked(struct opening_reply *reply, const struct iovec *iov, int count)
{
	struct viewos_lookup_open_out *out = &reply->out;

	memset(reply, 0, sizeof(*reply));
	memcpy(&reply->header, iov[0].iov_base, sizeof(reply->header));
	if (!reply->header.error && !body_copy(iov, count, &out->entry, sizeof(out->entry)))
		reply->header.error = -EIO;
	out->error = VIEWOS_LOOKUP_NOT_OPENED;
	reply->header.len = reply->header.error ? sizeof(reply->header) : sizeof(*reply);
	return reply->header.len;
}

size_t opening_opened(struct opening_reply *reply, const struct iovec *iov, int count)
{
	struct viewos_lookup_open_out *out = &reply->out;

	memcpy(&reply->header, iov[0].iov_base, sizeof(reply->header));
	out->error = reply->header.error;
	if (!out->error && !body_copy(iov, count, &out->open, sizeof(out->open)))
		out->error = -EIO;
	reply->header.error = 0;
	reply->header.len = sizeof(*reply);
	return reply->header.len;
}

int opening_content(struct opening_reply *reply, struct iovec *iov, int count, size_t *len)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	size_t content = 0;

	reply->header.unique = header->unique;
	reply->header.error = 0;
	for (int i = 1; i < count; i++)
		content += iov[i].iov_len;
	if (header->error || content != reply->out.entry.attr.size) {
		content = 0;
		count = 1;
	}
	iov[0].iov_base = reply;
	iov[0].iov_len = sizeof(*reply);
	*len = sizeof(*reply) + content;
	reply->header.len = *len;
	return count;
}
