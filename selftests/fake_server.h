/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module server on the bare ABI, without libviewos and libfuse, that can also
 * do what no server should.
 *
 * It serves one session. Its root directory has these names:
 *
 *   file     4096 bytes 'x'                stall    answered with EINTR when interrupted
 *   dir      an empty directory            deaf     never answered
 *   die      the server exits              short    the reply is too short
 *   long     the reply is too long         badmode  the mode has no file type
 *   badnode  the node id is 0's child      bogus    tries bad writes, then ENOENT
 *   self     the server stats its own mount and answers with the errno
 *   late     answered only at the next look-up of "late-now", which is answered
 *            with ENOENT as soon as the first one's node was forgotten
 *
 * Files take the ioctls FAKE_IOCTL_*, and can be read, says poll, after FAKE_IOCTL_WAKE.
 *
 * "slowREAD", a file whose READs are not answered; "endless", a directory of which there
 * is always more, and "slowDIR", of which nothing is answered. Every other name is ENOENT.
 *
 * It reads and writes; or, with fake_together, each reply goes with the next request.
 */
#ifndef _FAKE_SERVER_H
#define _FAKE_SERVER_H

#include "viewos_test.h"

#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/uio.h>

enum { NODE_FILE = 2, NODE_DIR, NODE_SLOW_READ, NODE_ENDLESS, NODE_SLOW_DIR, NODE_LATE = 77 };

/* What the server does with an ioctl: what it should, or what it should not. */
#define FAKE_IOCTL_ADD		_IOWR('F', 1, int)	/* adds one to its argument */
#define FAKE_IOCTL_FLAGS	_IOR('F', 2, int)	/* tells the request's flags */
#define FAKE_IOCTL_RESULT	_IO('F', 3)		/* the argument is the result */
#define FAKE_IOCTL_WAKE		_IO('F', 4)		/* polling is to be repeated */
#define FAKE_IOCTL_RETRY	_IOWR('F', 5, int)	/* asks for other memory */
#define FAKE_IOCTL_SHORT	_IOR('F', 6, int)	/* less than a reply */
#define FAKE_IOCTL_LONG		_IOR('F', 7, int)	/* more data than there is room for */

static bool fake_together;

struct fake_server {
	int session;
	char held[256];		/* a reply that goes with the next request */
	size_t held_len;
	const char *mountpoint;
	uint64_t late;		/* unique of the look-up that is to be answered late */
	uint64_t late_now;	/* unique of the one that waits for the forget */
	uint64_t stalled;	/* unique of a look-up that waits for its interrupt */
	uint64_t polled;	/* what is to be named in a notice */
	bool readable;		/* says poll */
};

static inline int fake_reply(struct fake_server *fake, uint64_t unique, int error,
			     const void *data, size_t len)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + len, .error = error, .unique = unique };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)data, len } };

	if (!fake_together || fake->held_len || header.len > sizeof(fake->held))
		return result(writev(fake->session, iov, 2));
	memcpy(fake->held, &header, sizeof(header));
	if (len)
		memcpy(fake->held + sizeof(header), data, len);
	fake->held_len = header.len;
	return 0;
}

/* The next request, by read(2) or with the reply that is held. */
static inline ssize_t fake_next(struct fake_server *fake, void *buffer, size_t len)
{
	struct viewos_session_next next = {
		.size = sizeof(next),
		.reply = fake->held_len ? (uintptr_t)fake->held : 0,
		.buffer = (uintptr_t)buffer,
		.reply_len = fake->held_len,
		.buffer_len = len,
	};

	if (!fake_together)
		return read(fake->session, buffer, len);
	fake->held_len = 0;
	return ioctl(fake->session, VIEWOS_IOC_SESSION_NEXT, &next);
}

static inline bool fake_is_dir(uint64_t node)
{
	return node == FUSE_ROOT_ID || node == NODE_DIR || node == NODE_ENDLESS ||
	       node == NODE_SLOW_DIR;
}

static inline void fake_attr(struct fuse_attr *attr, uint64_t node)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->nlink = 1;
	attr->mode = fake_is_dir(node) ? S_IFDIR | 0755 : S_IFREG | 0644;
	if (!S_ISDIR(attr->mode))
		attr->size = 4096;
	attr->blksize = 4096;
}

static inline void fake_entry(struct fake_server *fake, uint64_t unique, uint64_t node)
{
	struct fuse_entry_out entry = { .nodeid = node };

	fake_attr(&entry.attr, node);
	fake_reply(fake, unique, 0, &entry, sizeof(entry));
}

/* What the kernel must refuse; each with its errno. Returns whether all were. */
static inline bool fake_bogus_writes(struct fake_server *fake)
{
	struct fuse_out_header header = { .len = sizeof(header), .unique = 1ULL << 40 };
	bool good;

	good = write(fake->session, &header, sizeof(header)) < 0 && errno == ENOENT;
	header.len++;
	good &= write(fake->session, &header, sizeof(header)) < 0 && errno == EINVAL;
	good &= write(fake->session, &header, 3) < 0 && errno == EINVAL;
	header.len = sizeof(header);
	header.error = 1;
	good &= write(fake->session, &header, sizeof(header)) < 0 && errno == EINVAL;
	header.error = -512;
	good &= write(fake->session, &header, sizeof(header)) < 0 && errno == EINVAL;
	good &= write(fake->session, (void *)-4096L, 64) < 0 && errno == EFAULT;
	good &= read(fake->session, &header, sizeof(header)) < 0 && errno == EINVAL;
	/* A notice of no kind. */
	header.unique = 0;
	header.error = 9999;
	good &= write(fake->session, &header, sizeof(header)) < 0;
	return good;
}

static inline int fake_stat_self(struct fake_server *fake)
{
	struct stat st;
	char path[4096];

	snprintf(path, sizeof(path), "%s/dir/nothing", fake->mountpoint);
	return stat(path, &st) ? -errno : 0;
}

static inline void fake_late(struct fake_server *fake, uint64_t now)
{
	fake->late_now = now;
	fake_entry(fake, fake->late, NODE_LATE);
}

static inline void fake_lookup(struct fake_server *fake, const struct fuse_in_header *in,
			       const char *name)
{
	struct fuse_entry_out entry = { .nodeid = 9, .attr = { .ino = 9, .mode = 0777 } };
	char big[sizeof(entry) + 8] = { };

	if (in->nodeid != FUSE_ROOT_ID)
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
	else if (!strcmp(name, "file"))
		fake_entry(fake, in->unique, NODE_FILE);
	else if (!strcmp(name, "dir"))
		fake_entry(fake, in->unique, NODE_DIR);
	else if (!strcmp(name, "slowREAD"))
		fake_entry(fake, in->unique, NODE_SLOW_READ);
	else if (!strcmp(name, "endless"))
		fake_entry(fake, in->unique, NODE_ENDLESS);
	else if (!strcmp(name, "slowDIR"))
		fake_entry(fake, in->unique, NODE_SLOW_DIR);
	else if (!strcmp(name, "stall"))
		fake->stalled = in->unique;
	else if (!strcmp(name, "deaf"))
		;
	else if (!strcmp(name, "die"))
		_exit(0);
	else if (!strcmp(name, "short"))
		fake_reply(fake, in->unique, 0, &entry, 8);
	else if (!strcmp(name, "long"))
		fake_reply(fake, in->unique, 0, big, sizeof(big));
	else if (!strcmp(name, "badmode"))
		fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
	else if (!strcmp(name, "badnode"))
		fake_entry(fake, in->unique, FUSE_ROOT_ID);
	else if (!strcmp(name, "bogus"))
		fake_reply(fake, in->unique, fake_bogus_writes(fake) ? -ENOENT : -EPROTO,
			   NULL, 0);
	else if (!strcmp(name, "self"))
		fake_reply(fake, in->unique, fake_stat_self(fake), NULL, 0);
	else if (!strcmp(name, "late"))
		fake->late = in->unique;
	else if (!strcmp(name, "late-now"))
		fake_late(fake, in->unique);
	else
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
}

static inline void fake_forgotten(struct fake_server *fake, uint64_t node)
{
	if (node == NODE_LATE && fake->late_now)
		fake_reply(fake, fake->late_now, -ENOENT, NULL, 0);
}

static inline void fake_read(struct fake_server *fake, const struct fuse_in_header *in,
			     const struct fuse_read_in *read)
{
	static char data[1 << 20];
	size_t len = read->offset < 4096 ? 4096 - read->offset : 0;

	if (in->nodeid == NODE_SLOW_READ)
		return;
	if (len > read->size)
		len = read->size;
	memset(data, 'x', len);
	fake_reply(fake, in->unique, 0, data, len);
}

static inline void fake_readdir(struct fake_server *fake, const struct fuse_in_header *in,
				const struct fuse_read_in *read)
{
	static char data[1 << 16];
	uint64_t off = read->offset;
	size_t len = 0;

	if (in->nodeid == NODE_SLOW_DIR)
		return;
	while (in->nodeid == NODE_ENDLESS) {
		struct fuse_dirent entry = { .ino = 1000 + off, .type = S_IFREG >> 12 };
		char name[24];
		size_t size;

		entry.off = ++off;
		entry.namelen = snprintf(name, sizeof(name), "name-%010llu",
					 (unsigned long long)off);
		size = FUSE_DIRENT_SIZE(&entry);
		if (len + size > read->size || len + size > sizeof(data))
			break;
		memcpy(data + len, &entry, FUSE_NAME_OFFSET);
		memcpy(data + len + FUSE_NAME_OFFSET, name, entry.namelen);
		len += size;
	}
	fake_reply(fake, in->unique, 0, data, len);
}

/* Notices for what is polled, what never was, and of a wrong length. */
static inline bool fake_wake(struct fake_server *fake)
{
	struct fuse_notify_poll_wakeup_out wakeup = { .kh = UINT64_MAX };
	struct fuse_out_header header = {
		.len = sizeof(header) + sizeof(wakeup), .error = FUSE_NOTIFY_POLL };
	struct iovec iov[] = { { &header, sizeof(header) }, { &wakeup, sizeof(wakeup) } };
	bool good;

	good = writev(fake->session, iov, 2) == header.len;
	wakeup.kh = 12345;
	good &= writev(fake->session, iov, 2) == header.len;
	fake->readable = true;
	wakeup.kh = fake->polled;
	good &= writev(fake->session, iov, 2) == header.len;
	header.len -= 4;
	iov[1].iov_len -= 4;
	return good && writev(fake->session, iov, 2) < 0 && errno == EINVAL;
}

static inline void fake_ioctl(struct fake_server *fake, const struct fuse_in_header *in,
			      const struct fuse_ioctl_in *ioctl)
{
	struct {
		struct fuse_ioctl_out out;
		int data[8];
	} reply = { };
	size_t len = sizeof(reply.out) + ioctl->out_size;

	if (ioctl->in_size > sizeof(int) || ioctl->out_size > sizeof(int)) {
		fake_reply(fake, in->unique, -ENOTTY, NULL, 0);
		return;
	}
	memcpy(reply.data, ioctl + 1, ioctl->in_size);
	switch (ioctl->cmd) {
	case FAKE_IOCTL_ADD:
		reply.data[0]++;
		break;
	case FAKE_IOCTL_FLAGS:
		reply.data[0] = ioctl->flags;
		break;
	case FAKE_IOCTL_RESULT:
		reply.out.result = ioctl->arg;
		break;
	case FAKE_IOCTL_WAKE:
		reply.out.result = fake_wake(fake) ? 0 : -EPROTO;
		break;
	case FAKE_IOCTL_RETRY:
		reply.out.flags = FUSE_IOCTL_RETRY;
		reply.out.in_iovs = 1;
		break;
	case FAKE_IOCTL_SHORT:
		len = 8;
		break;
	case FAKE_IOCTL_LONG:
		len += 4;
		break;
	default:
		fake_reply(fake, in->unique, -ENOTTY, NULL, 0);
		return;
	}
	fake_reply(fake, in->unique, 0, &reply, len);
}

static inline void fake_poll(struct fake_server *fake, const struct fuse_in_header *in,
			     const struct fuse_poll_in *poll)
{
	struct fuse_poll_out out = { .revents = fake->readable ? POLLIN : 0 };

	if (poll->flags & FUSE_POLL_SCHEDULE_NOTIFY)
		fake->polled = poll->kh;
	fake_reply(fake, in->unique, 0, &out, sizeof(out));
}

static inline void fake_handle(struct fake_server *fake, const struct fuse_in_header *in,
			       const void *body)
{
	static const struct fuse_init_out init = {
		.major = 7, .minor = 36, .max_readahead = 131072, .max_write = 65536,
		.flags = FUSE_ASYNC_READ,
	};
	const struct fuse_batch_forget_in *batch = body;
	const struct fuse_forget_one *one = (const void *)(batch + 1);
	struct fuse_attr_out attr = { };
	struct fuse_open_out open = { };

	switch (in->opcode) {
	case FUSE_INIT:
		fake_reply(fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		fake_attr(&attr.attr, in->nodeid);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		fake_lookup(fake, in, body);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		fake_reply(fake, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		fake_read(fake, in, body);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		fake_reply(fake, in->unique, 0, NULL, 0);
		break;
	case FUSE_READDIR:
		fake_readdir(fake, in, body);
		break;
	case FUSE_IOCTL:
		fake_ioctl(fake, in, body);
		break;
	case FUSE_POLL:
		fake_poll(fake, in, body);
		break;
	case FUSE_INTERRUPT:
		if (((const struct fuse_interrupt_in *)body)->unique == fake->stalled)
			fake_reply(fake, fake->stalled, -EINTR, NULL, 0);
		break;
	case FUSE_FORGET:
		fake_forgotten(fake, in->nodeid);
		break;
	case FUSE_BATCH_FORGET:
		for (uint32_t i = 0; i < batch->count; i++)
			fake_forgotten(fake, one[i].nodeid);
		break;
	default:
		fake_reply(fake, in->unique, -ENOSYS, NULL, 0);
	}
}

/* Serves a session until it ends. */
static inline void fake_serve(int session, const char *mountpoint)
{
	struct fake_server fake = { .session = session, .mountpoint = mountpoint };
	static char buffer[1 << 20];
	ssize_t len;

	for (;;) {
		len = fake_next(&fake, buffer, sizeof(buffer));
		/* A bad reply that is refused together with a request is EINVAL. */
		if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT ||
				(errno == EINVAL && fake_together)))
			continue;
		if (len < (ssize_t)sizeof(struct fuse_in_header))
			break;
		fake_handle(&fake, (void *)buffer, buffer + sizeof(struct fuse_in_header));
	}
}

/* A process that does not outlive its parent, whatever becomes of the test. */
static inline pid_t server_fork(void)
{
	pid_t pid = fork();

	if (!pid && prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	return pid;
}

/* Starts a server of one session in a process of its own; returns when its name is there. */
static inline pid_t server_start(const char *name, void (*serve)(int session, void *data),
				 void *data)
{
	struct viewos_server_accept accept = { };
	int ready[2];
	char byte = 1;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = server_fork();
	if (!pid) {
		int server = server_create(control_open());

		close(ready[0]);
		byte = server < 0 || server_add(server, name, false);
		if (write(ready[1], &byte, 1) != 1 || byte)
			_exit(1);
		close(ready[1]);
		serve(server_accept(server, &accept), data);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1 || byte)
		pid = -1;
	close(ready[0]);
	return pid;
}

static inline void fake_serve_at(int session, void *mountpoint)
{
	fake_serve(session, mountpoint);
}

static inline pid_t fake_start(const char *name, const char *mountpoint)
{
	return server_start(name, fake_serve_at, (void *)mountpoint);
}

#endif /* _FAKE_SERVER_H */
