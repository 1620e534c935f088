/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A server of devices on the bare ABI, whose every answer the test decides, or asks about.
 *
 * Its root has these names:
 *
 *   chr     a character device: reads are as many 'd' as asked for, or ->give
 *   blk     a block device of BLK_SIZE bytes
 *   pipe    a character device: what is written can be read once, and is waited for
 *   backed  a character device that is opened with a file
 *   plain   the kernel's null device, not served
 *   liar    what ->liar says
 */
#ifndef _VIEWFS_DEVICE_SERVER_H
#define _VIEWFS_DEVICE_SERVER_H

#include "../fake_server.h"

#include <linux/viewos_path.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

enum { NODE_CHR = 100, NODE_BLK, NODE_PIPE, NODE_BACKED, NODE_PLAIN, NODE_LIAR, NODE_MADE };

#define BLK_SIZE	(1 << 20)
#define CHR_RDEV	0x12345		/* 291:69 as mknod(2) encodes it */
#define BACKED_TEXT	"the backing file"

/* What the server and the test share. */
struct record {
	uint32_t own;		/* taken at INIT */
	uint32_t offered;
	uint32_t open_flags;	/* FOPEN_*, of the answer to OPEN */
	uint32_t give;		/* bytes of a read of "chr", 0 is all */
	int create_served;	/* CREATE is answered with the mark */
	struct fuse_attr liar;
	struct fuse_attr chr;
	/* The last of each. */
	uint32_t asked[64];
	struct fuse_open_in open;
	struct fuse_read_in read;
	struct fuse_write_in write;
	struct fuse_setattr_in setattr;
	struct fuse_lseek_in lseek;
	struct fuse_ioctl_in ioctl;
	uint64_t range[2];
	char name[16];
};

struct device_server {
	struct fake_server fake;
	struct record *record;
	uint64_t reader;	/* unique of a READ of "pipe" that waits */
	uint32_t piped;
	char pipe[4096];
	char disk[BLK_SIZE];
};

static inline void serve_attr(const struct record *record, struct fuse_attr *attr,
			      uint64_t node)
{
	if (node < NODE_CHR) {
		fake_attr(attr, node);
		return;
	}
	*attr = (struct fuse_attr){
		.ino = node, .nlink = 1, .rdev = CHR_RDEV + node,
		.mode = S_IFCHR | VIEWOS_MODE_SERVED | 0666,
	};
	if (node == NODE_CHR)
		*attr = record->chr;
	else if (node == NODE_BLK)
		attr->mode = S_IFBLK | VIEWOS_MODE_SERVED | 0660;
	else if (node == NODE_LIAR)
		*attr = record->liar;
	else if (node == NODE_PLAIN)
		*attr = (struct fuse_attr){ .ino = node, .nlink = 1, .mode = S_IFCHR | 0666,
					    .rdev = 0x103 };
}

static inline void serve_entry(struct device_server *server, uint64_t unique, uint64_t node)
{
	struct fuse_entry_out entry = { .nodeid = node };

	serve_attr(server->record, &entry.attr, node);
	fake_reply(&server->fake, unique, 0, &entry, sizeof(entry));
}

static inline void serve_lookup(struct device_server *server, const struct fuse_in_header *in,
				const char *name)
{
	static const char *const names[] = { "chr", "blk", "pipe", "backed", "plain", "liar" };

	for (int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *called = i ? names[i] : server->record->name;

		if (!strcmp(name, called)) {
			serve_entry(server, in->unique, NODE_CHR + i);
			return;
		}
	}
	fake_lookup(&server->fake, in, name);
}

static inline void serve_readdir(struct device_server *server, const struct fuse_in_header *in,
				 const struct fuse_read_in *read)
{
	struct {
		struct fuse_dirent entry;
		char name[8];
	} out[] = {
		{ { NODE_CHR, 1, 3, S_IFCHR >> 12 }, "chr" },
		{ { NODE_BLK, 2, 3, S_IFBLK >> 12 }, "blk" },
	};

	fake_reply(&server->fake, in->unique, 0, out, read->offset ? 0 : sizeof(out));
}

static inline void serve_open(struct device_server *server, const struct fuse_in_header *in,
			      const struct fuse_open_in *open)
{
	struct {
		struct fuse_open_out open;
		struct viewos_path_target target;
	} out = { .open.open_flags = server->record->open_flags };

	server->record->open = *open;
	if (in->nodeid != NODE_BACKED) {
		fake_reply(&server->fake, in->unique, 0, &out.open, sizeof(out.open));
		return;
	}
	out.target.fd = memfd_create("backing", 0);
	if (write(out.target.fd, BACKED_TEXT, sizeof(BACKED_TEXT)) != sizeof(BACKED_TEXT))
		_exit(1);
	fake_reply(&server->fake, in->unique, 0, &out, sizeof(out));
	close(out.target.fd);
}

/* What was written goes to the reader that waits. */
static inline void serve_pipe(struct device_server *server, uint64_t unique)
{
	fake_reply(&server->fake, unique, 0, server->pipe, server->piped);
	server->piped = 0;
	server->reader = 0;
}

static inline void serve_read(struct device_server *server, const struct fuse_in_header *in,
			      const struct fuse_read_in *read)
{
	static char fill[1 << 20];
	size_t len = read->size;

	server->record->read = *read;
	if (in->nodeid == NODE_PIPE) {
		if (server->piped)
			serve_pipe(server, in->unique);
		else if (read->flags & O_NONBLOCK)
			fake_reply(&server->fake, in->unique, -EAGAIN, NULL, 0);
		else
			server->reader = in->unique;
		return;
	}
	if (in->nodeid == NODE_BLK) {
		if (read->offset >= BLK_SIZE)
			len = 0;
		else if (len > BLK_SIZE - read->offset)
			len = BLK_SIZE - read->offset;
		fake_reply(&server->fake, in->unique, 0, server->disk + read->offset, len);
		return;
	}
	if (server->record->give && server->record->give < len)
		len = server->record->give;
	memset(fill, 'd', len);
	fake_reply(&server->fake, in->unique, 0, fill, len);
}

static inline void serve_write(struct device_server *server, const struct fuse_in_header *in,
			       const struct fuse_write_in *write)
{
	struct fuse_write_out out = { .size = write->size };
	int error = 0;

	server->record->write = *write;
	if (in->nodeid == NODE_PIPE) {
		server->piped = write->size < sizeof(server->pipe) ? write->size :
			sizeof(server->pipe);
		memcpy(server->pipe, write + 1, server->piped);
	} else if (in->nodeid == NODE_BLK && write->offset >= BLK_SIZE) {
		error = -ENOSPC;
	} else if (in->nodeid == NODE_BLK) {
		if (out.size > BLK_SIZE - write->offset)
			out.size = BLK_SIZE - write->offset;
		memcpy(server->disk + write->offset, write + 1, out.size);
	}
	fake_reply(&server->fake, in->unique, error, &out, error ? 0 : sizeof(out));
	if (server->reader && server->piped)
		serve_pipe(server, server->reader);
}

static inline void serve_setattr(struct device_server *server, const struct fuse_in_header *in,
				 const struct fuse_setattr_in *set)
{
	struct fuse_attr *chr = &server->record->chr;
	struct fuse_attr_out out = { };

	server->record->setattr = *set;
	if (set->valid & FATTR_MODE)
		chr->mode = (chr->mode & ~07777) | (set->mode & 07777);
	if (set->valid & FATTR_UID)
		chr->uid = set->uid;
	if (set->valid & FATTR_MTIME)
		chr->mtime = set->mtime;
	serve_attr(server->record, &out.attr, in->nodeid);
	fake_reply(&server->fake, in->unique, 0, &out, sizeof(out));
}

static inline void serve_lseek(struct device_server *server, const struct fuse_in_header *in,
			       const struct fuse_lseek_in *lseek)
{
	struct fuse_lseek_out out = { .offset = BLK_SIZE + lseek->offset };
	int error = in->nodeid == NODE_BLK && lseek->whence == SEEK_END ? 0 : -EINVAL;

	server->record->lseek = *lseek;
	fake_reply(&server->fake, in->unique, error, &out, error ? 0 : sizeof(out));
}

static inline void serve_ioctl(struct device_server *server, const struct fuse_in_header *in,
			       const struct fuse_ioctl_in *ioctl)
{
	struct {
		struct fuse_ioctl_out out;
		char data[256];
	} reply = { };

	server->record->ioctl = *ioctl;
	if (_IOC_TYPE(ioctl->cmd) == 'F') {
		fake_ioctl(&server->fake, in, ioctl);
		return;
	}
	if (ioctl->in_size == sizeof(server->record->range))
		memcpy(server->record->range, ioctl + 1, ioctl->in_size);
	memset(reply.data, 0x11, ioctl->out_size);
	fake_reply(&server->fake, in->unique, 0, &reply, sizeof(reply.out) + ioctl->out_size);
}

/* "chr" can be read after FAKE_IOCTL_WAKE, "pipe" if there is something, "blk" always. */
static inline void serve_poll(struct device_server *server, const struct fuse_in_header *in,
			      const struct fuse_poll_in *poll)
{
	struct fuse_poll_out out = { .revents = POLLIN | POLLOUT };

	if (in->nodeid == NODE_CHR || (in->nodeid == NODE_PIPE && !server->piped))
		fake_poll(&server->fake, in, poll);
	else
		fake_reply(&server->fake, in->unique, 0, &out, sizeof(out));
}

static inline void serve_init(struct device_server *server, const struct fuse_in_header *in,
			      const struct fuse_init_in *offer)
{
	struct fuse_init_out init = { .major = 7, .minor = 36, .max_write = 65536 };
	uint32_t *own = (uint32_t *)(&init + 1) - 1;

	server->record->offered = ((const uint32_t *)(offer + 1))[-1];
	*own = server->record->own;
	fake_reply(&server->fake, in->unique, 0, &init, sizeof(init));
}

/* Names of directories are not kept, but for that of "chr". */
static inline void serve_names(struct device_server *server, const struct fuse_in_header *in,
			       const void *body)
{
	struct record *record = server->record;
	const char *name = body;

	switch (in->opcode) {
	case FUSE_LINK:
		serve_entry(server, in->unique,
			    ((const struct fuse_link_in *)body)->oldnodeid);
		return;
	case FUSE_MKNOD:
		serve_entry(server, in->unique, NODE_MADE);
		return;
	case FUSE_RENAME:
		name = (const char *)body + sizeof(struct fuse_rename_in);
		snprintf(record->name, sizeof(record->name), "%s", name + strlen(name) + 1);
		break;
	case FUSE_UNLINK:
		record->name[0] = 0;
		break;
	}
	fake_reply(&server->fake, in->unique, 0, NULL, 0);
}

static inline void serve_create(struct device_server *server, const struct fuse_in_header *in)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { .entry.nodeid = 90 };

	fake_attr(&out.entry.attr, NODE_FILE);
	if (server->record->create_served)
		out.entry.attr.mode |= VIEWOS_MODE_SERVED;
	fake_reply(&server->fake, in->unique, 0, &out, sizeof(out));
}

static inline void serve_one(struct device_server *server, const struct fuse_in_header *in)
{
	struct fuse_attr_out attr = { };
	const void *body = in + 1;

	if (in->opcode < 64)
		server->record->asked[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		return serve_init(server, in, body);
	case FUSE_LOOKUP:
		return serve_lookup(server, in, body);
	case FUSE_GETATTR:
		serve_attr(server->record, &attr.attr, in->nodeid);
		fake_reply(&server->fake, in->unique, 0, &attr, sizeof(attr));
		return;
	case FUSE_SETATTR:
		return serve_setattr(server, in, body);
	case FUSE_READDIR:
		return serve_readdir(server, in, body);
	case FUSE_OPEN:
		return serve_open(server, in, body);
	case FUSE_READ:
		return serve_read(server, in, body);
	case FUSE_WRITE:
		return serve_write(server, in, body);
	case FUSE_LSEEK:
		return serve_lseek(server, in, body);
	case FUSE_IOCTL:
		return serve_ioctl(server, in, body);
	case FUSE_POLL:
		return serve_poll(server, in, body);
	case FUSE_CREATE:
		return serve_create(server, in);
	case FUSE_LINK:
	case FUSE_MKNOD:
	case FUSE_RENAME:
	case FUSE_UNLINK:
	case FUSE_FSYNC:
		return serve_names(server, in, body);
	case FUSE_INTERRUPT:
		if (((const struct fuse_interrupt_in *)body)->unique == server->reader)
			fake_reply(&server->fake, server->reader, -EINTR, NULL, 0);
		server->reader = 0;
		return;
	default:
		fake_handle(&server->fake, in, body);
	}
}

static inline void serve_devices(int session, void *record)
{
	static struct device_server server;
	static char buffer[1 << 18] __attribute__((aligned(8)));
	ssize_t len;

	server.fake.session = session;
	server.record = record;
	for (;;) {
		len = read(session, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR)
			break;
		if (len >= (ssize_t)sizeof(struct fuse_in_header))
			serve_one(&server, (void *)buffer);
	}
}

/* A record as the server begins with; shared with the server that is started later. */
static inline struct record *record_create(void)
{
	struct record *record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (record == MAP_FAILED)
		return NULL;
	record->own = VIEWOS_PATH_DEVICES;
	strcpy(record->name, "chr");
	record->chr = (struct fuse_attr){
		.ino = NODE_CHR, .nlink = 1, .rdev = CHR_RDEV,
		.mode = S_IFCHR | VIEWOS_MODE_SERVED | 0666,
	};
	record->liar = record->chr;
	record->liar.ino = NODE_LIAR;
	return record;
}

#endif /* _VIEWFS_DEVICE_SERVER_H */
