/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files whose writes stay in the page cache, and their server: what the tests of write-back share.
 *
 * The server is a process of the test's own, with files "0" to "3" in memory that the test shares:
 * so it can look at what the server has. It writes each request down, and does what the
 * test tells it to do wrong.
 */
#ifndef _VIEWFS_WRITTEN_H
#define _VIEWFS_WRITTEN_H

#include "../recorded.h"

#include <linux/falloc.h>
#include <linux/viewos_path.h>

#define SERVER "written-test"

enum { FIRST_NODE = 10, NR_FILES = 4, FILE_MAX = 1 << 20, LOG_MAX = 4096 };

struct served_file {
	uint32_t mode;
	uint32_t removed;
	uint64_t size;
	struct timespec mtime;
	struct timespec ctime;
	char data[FILE_MAX];
};

/* What the server and the test share. */
struct record {
	uint32_t init_flags;	/* what the server agrees to */
	uint32_t own;		/* the same of VIEWOS_PATH_* */
	uint32_t follow;	/* another server is to begin */
	uint32_t offered;	/* what it was offered */
	int write_error;	/* the answer of every WRITE */
	uint32_t write_short;	/* that many bytes less are written than were sent */
	uint32_t deaf;		/* WRITEs are not answered */
	uint32_t held;		/* how many were not */
	uint32_t open_flags;	/* FOPEN_* */
	uint32_t setattr_error;
	uint32_t count;
	uint32_t opcodes[LOG_MAX];
	uint32_t killed_suid;	/* WRITEs that are to take set-id bits away */
	uint32_t appended;	/* WRITEs from the cache with O_APPEND */
	struct served_file files[NR_FILES];
};

struct wb_server {
	struct record *record;
	int session;
	struct fuse_in_header held[64];
	uint32_t held_size[64];
};

static void say(struct wb_server *server, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + (error ? 0 : len), .error = error, .unique = unique };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)data, error ? 0 : len } };
	ssize_t ret = writev(server->session, iov, 2);

	(void)ret;
}

static struct served_file *file_of(struct wb_server *server, uint64_t node)
{
	return &server->record->files[node - FIRST_NODE];
}

static void wb_attr(struct wb_server *server, struct fuse_attr *attr, uint64_t node)
{
	const struct served_file *file = file_of(server, node);

	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->nlink = 1;
	attr->mode = S_IFDIR | 0755;
	if (node == FUSE_ROOT_ID)
		return;
	attr->nlink = !file->removed;
	attr->mode = file->mode;
	attr->size = file->size;
	attr->blocks = (file->size + 511) / 512;
	attr->mtime = file->mtime.tv_sec;
	attr->mtimensec = file->mtime.tv_nsec;
	attr->ctime = file->ctime.tv_sec;
	attr->ctimensec = file->ctime.tv_nsec;
}

static void touch(struct served_file *file)
{
	clock_gettime(CLOCK_REALTIME, &file->mtime);
	file->ctime = file->mtime;
}

static void resize(struct served_file *file, uint64_t size)
{
	if (size < file->size)
		memset(file->data + size, 0, FILE_MAX - size);
	file->size = size;
	touch(file);
}

/* Tells the kernel that the content of "0" has changed. */
static int invalidate(struct wb_server *server)
{
	struct fuse_notify_inval_inode_out inval = { .ino = FIRST_NODE };
	struct fuse_out_header header = {
		.len = sizeof(header) + sizeof(inval), .error = FUSE_NOTIFY_INVAL_INODE };
	struct iovec iov[] = { { &header, sizeof(header) }, { &inval, sizeof(inval) } };

	return writev(server->session, iov, 2) == header.len ? -ENOENT : -errno;
}

static void write_answer(struct wb_server *server, uint64_t unique, uint32_t size)
{
	struct fuse_write_out out = { .size = size };

	say(server, unique, 0, &out, sizeof(out));
}

static void answer_held(struct wb_server *server)
{
	server->record->deaf = 0;
	for (uint32_t i = 0; i < server->record->held; i++)
		write_answer(server, server->held[i].unique, server->held_size[i]);
	server->record->held = 0;
}

static void serve_lookup(struct wb_server *server, const struct fuse_in_header *in,
			 const char *name)
{
	struct fuse_entry_out entry = { .nodeid = FIRST_NODE + *name - '0' };
	int error = -ENOENT;

	if (!strcmp(name, "inval"))
		error = invalidate(server);
	if (!strcmp(name, "answer"))
		answer_held(server);
	if (strlen(name) != 1 || *name < '0' || *name >= '0' + NR_FILES ||
	    file_of(server, entry.nodeid)->removed) {
		say(server, in->unique, error, NULL, 0);
		return;
	}
	wb_attr(server, &entry.attr, entry.nodeid);
	say(server, in->unique, 0, &entry, sizeof(entry));
}

static void serve_write(struct wb_server *server, const struct fuse_in_header *in,
			const struct fuse_write_in *write)
{
	struct record *record = server->record;
	struct served_file *file = file_of(server, in->nodeid);
	uint32_t size = write->size;

	record->killed_suid += !!(write->write_flags & FUSE_WRITE_KILL_SUIDGID);
	record->appended += write->write_flags & FUSE_WRITE_CACHE && write->flags & O_APPEND;
	if (record->write_error || write->offset + size > FILE_MAX) {
		say(server, in->unique, record->write_error ?: -EFBIG, NULL, 0);
		return;
	}
	size -= record->write_short;
	memcpy(file->data + write->offset, write + 1, size);
	if (write->offset + size > file->size)
		file->size = write->offset + size;
	touch(file);
	if (record->deaf && record->held < 64) {
		server->held_size[record->held] = size;
		server->held[record->held++] = *in;
		return;
	}
	write_answer(server, in->unique, size);
}

static void serve_read(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_read_in *read)
{
	const struct served_file *file = file_of(server, in->nodeid);
	size_t len = read->offset < file->size ? file->size - read->offset : 0;

	say(server, in->unique, 0, file->data + read->offset, len < read->size ? len : read->size);
}

static void serve_setattr(struct wb_server *server, const struct fuse_in_header *in,
			  const struct fuse_setattr_in *set)
{
	struct served_file *file = file_of(server, in->nodeid);
	struct fuse_attr_out out = { };

	if (server->record->setattr_error) {
		say(server, in->unique, -(int)server->record->setattr_error, NULL, 0);
		return;
	}
	if (set->valid & FATTR_SIZE)
		resize(file, set->size);
	if (set->valid & FATTR_MODE)
		file->mode = set->mode;
	if (set->valid & FATTR_MTIME) {
		file->mtime.tv_sec = set->mtime;
		file->mtime.tv_nsec = set->mtimensec;
	}
	if (set->valid & FATTR_CTIME) {
		file->ctime.tv_sec = set->ctime;
		file->ctime.tv_nsec = set->ctimensec;
	}
	wb_attr(server, &out.attr, in->nodeid);
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_fallocate(struct wb_server *server, const struct fuse_in_header *in,
			    const struct fuse_fallocate_in *fallocate)
{
	struct served_file *file = file_of(server, in->nodeid);

	if (fallocate->mode & FALLOC_FL_PUNCH_HOLE)
		memset(file->data + fallocate->offset, 0, fallocate->length);
	else if (fallocate->offset + fallocate->length > file->size)
		file->size = fallocate->offset + fallocate->length;
	say(server, in->unique, 0, NULL, 0);
}

static void serve_copy(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_copy_file_range_in *copy)
{
	struct served_file *from = file_of(server, in->nodeid);
	struct served_file *to = file_of(server, copy->nodeid_out);
	struct fuse_write_out out = { };

	if (copy->off_in < from->size)
		out.size = from->size - copy->off_in < copy->len ? from->size - copy->off_in :
			   copy->len;
	memcpy(to->data + copy->off_out, from->data + copy->off_in, out.size);
	if (copy->off_out + out.size > to->size)
		to->size = copy->off_out + out.size;
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_init(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_init_in *init)
{
	struct fuse_init_out out = {
		.major = 7, .minor = 36, .max_write = 65536, .max_readahead = 131072,
		.flags = server->record->init_flags,
	};

	server->record->offered = init->flags;
	((uint32_t *)(&out + 1))[-1] = server->record->own;
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_open(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_open_in *open)
{
	struct fuse_open_out out = { .open_flags = server->record->open_flags };

	if (in->opcode == FUSE_OPEN && open->flags & O_TRUNC)
		resize(file_of(server, in->nodeid), 0);
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_one(struct wb_server *server, const struct fuse_in_header *in)
{
	struct record *record = server->record;
	const void *body = in + 1;
	struct fuse_attr_out attr = { };

	if (record->count < LOG_MAX)
		record->opcodes[record->count++] = in->opcode;
	switch (in->opcode) {
	case FUSE_INIT:
		serve_init(server, in, body);
		break;
	case FUSE_GETATTR:
		wb_attr(server, &attr.attr, in->nodeid);
		say(server, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		serve_lookup(server, in, body);
		break;
	case FUSE_READ:
		serve_read(server, in, body);
		break;
	case FUSE_WRITE:
		serve_write(server, in, body);
		break;
	case FUSE_SETATTR:
		serve_setattr(server, in, body);
		break;
	case FUSE_FALLOCATE:
		serve_fallocate(server, in, body);
		break;
	case FUSE_COPY_FILE_RANGE:
		serve_copy(server, in, body);
		break;
	case FUSE_UNLINK:
		record->files[*(const char *)body - '0'].removed = 1;
		say(server, in->unique, 0, NULL, 0);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		serve_open(server, in, body);
		break;
	case FUSE_FSYNC:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_RENAME:
	case FUSE_DESTROY:
		say(server, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		say(server, in->unique, -ENOSYS, NULL, 0);
	}
}

static void serve(int session, void *data)
{
	struct wb_server server = { .record = data, .session = session };
	static char buffer[1 << 18] __attribute__((aligned(8)));
	ssize_t len;

	for (;;) {
		len = read(session, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR && errno != ENOENT)
			_exit(0);
		if (len >= (ssize_t)sizeof(struct fuse_in_header))
			serve_one(&server, (void *)buffer);
	}
}

/* Of a fixture: its own may follow. */
#define WRITTEN_FIELDS						\
	RECORDED_FIELDS;					\
	struct served_file *file	/* "0" */

#define WRITTEN_SETUP() do {								\
	RECORDED_SETUP();								\
	self->record->init_flags = FUSE_WRITEBACK_CACHE | FUSE_ATOMIC_O_TRUNC |		\
				   FUSE_HANDLE_KILLPRIV_V2 | FUSE_ASYNC_READ;		\
	self->record->open_flags = FOPEN_KEEP_CACHE;					\
	for (int i = 0; i < NR_FILES; i++)						\
		self->record->files[i].mode = S_IFREG | 0666;				\
	self->file = &self->record->files[0];						\
	RECORDED_SERVER(serve, self->record);						\
	ASSERT_EQ(0, RECORDED_MOUNT(""));						\
	self->record->count = 0;							\
} while (0)

#define WRITTEN_TEARDOWN() do {					\
	EXPECT_EQ(0, unmount(self->dir, &self->mounted));	\
	EXPECT_EQ(0, self->record->appended);			\
	RECORDED_TEARDOWN();					\
} while (0)

static inline int unmount(const char *dir, bool *mounted)
{
	if (!*mounted)
		return 0;
	*mounted = false;
	return chdir("/") || umount(dir) ? -errno : 0;
}

static inline int asked(const struct record *record, uint32_t opcode)
{
	int n = 0;

	for (uint32_t i = 0; i < record->count; i++)
		n += record->opcodes[i] == opcode;
	return n;
}

static inline bool all_are(const char *data, char c, size_t len)
{
	return len == 0 || (data[0] == c && !memcmp(data, data + 1, len - 1));
}

#endif /* _VIEWFS_WRITTEN_H */
