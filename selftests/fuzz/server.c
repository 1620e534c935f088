// SPDX-License-Identifier: GPL-2.0
/* The server: it knows how to answer, and at times does otherwise. */

#include "fuzz.h"

#include <linux/viewos_path.h>
#include <linux/viewos_socket.h>
#include <linux/viewos_syscall.h>
#include <stddef.h>

#define SESSIONS_MAX	8
#define NODES		64
#define WITHHELD_MAX	128
#define WITHHELD_LEN	256
#define ANSWER_MAX	(80 << 10)

/* So long without a request, and those who wait are taken to wait for us: a slow kernel's too. */
#define IDLE_MS		(guided ? 120 : 40)
/* So long a killed process may need to be gone, in a slow machine under load. */
#define GONE_MS		60000

struct node {
	uint32_t mode;
	uint64_t size;
	bool exists;
};

/**
 * struct answer - a reply that is being made
 * @header: of it
 * @data: what follows
 * @len: how much
 * @send: otherwise there is to be none
 */
struct answer {
	struct fuse_out_header header;
	char data[ANSWER_MAX];
	size_t len;
	bool send;
};

/**
 * struct withheld - a reply that is kept until clients are tired of waiting, or dead
 * @session: where it belongs
 * @header: of it
 * @data: what follows
 * @len: how much
 */
struct withheld {
	int session;
	struct fuse_out_header header;
	char data[WITHHELD_LEN];
	size_t len;
};

/**
 * enum mood - how WRITEs are answered in a run, beside what else goes wrong
 * @MOOD_FAIL: with an error, always the same
 * @MOOD_SHORT: as if a part had been written
 * @MOOD_AGAIN: with EINTR or EAGAIN, every other one
 * @MOOD_LATE: when clients are tired of waiting
 */
enum mood { MOOD_GOOD, MOOD_FAIL, MOOD_SHORT, MOOD_AGAIN, MOOD_LATE, MOODS };

static struct node nodes[NODES];
static int sessions[SESSIONS_MAX];
static unsigned int nr_sessions;
static struct withheld withheld[WITHHELD_MAX];
static unsigned int nr_withheld;
static struct answer answer;
static enum mood mood;
static int mood_error;

/* What servers say, and programs and the kernel know by heart. */
static const int errors[] = {
	EINTR, EAGAIN, EIO, ENOSPC, EDQUOT, ENOSYS, ESTALE, ENOENT, ENOMEM, EFBIG, EROFS, EACCES,
	EOPNOTSUPP, ENOTCONN, ENODEV, EPIPE, EBADF, EEXIST, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP,
	ENODATA, ERANGE, ETIMEDOUT, 511,
};

static void nodes_reset(void)
{
	memset(nodes, 0, sizeof(nodes));
	nodes[FUSE_ROOT_ID] = (struct node){ .mode = S_IFDIR | 0777, .exists = true };
}

/* The node of a name; the first letter says what it is as long as nothing else was made. */
static uint64_t node_of(uint64_t parent, const char *name)
{
	uint64_t hash = parent;
	struct node *node;
	const char *at;

	for (at = name; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3ULL;
	hash = 2 + (hash >> 8) % (NODES - 2);
	node = &nodes[hash];
	if (!node->mode) {
		node->exists = *name != 'n';
		node->size = 8192;
		switch (*name) {
		case 'd':
			node->mode = S_IFDIR | 0777;
			break;
		case 'l':
			node->mode = S_IFLNK | 0777;
			break;
		case 's':
			node->mode = S_IFSOCK | 0666;
			break;
		case 'p':
			node->mode = S_IFIFO | 0666;
			break;
		case 'c':
			/* The kernel's, unless INIT says otherwise. */
			node->mode = S_IFCHR | VIEWOS_MODE_SERVED | 0666;
			break;
		default:
			node->mode = S_IFREG | 0777;
		}
	}
	return hash;
}

static void fill_attr(struct fuse_attr *attr, uint64_t id)
{
	const struct node *node = &nodes[id % NODES];

	attr->ino = id;
	attr->mode = node->mode ?: S_IFREG | 0644;
	attr->nlink = 1 + S_ISDIR(attr->mode);
	attr->size = node->size;
	attr->blocks = node->size / 512;
	attr->blksize = 4096;
}

static void answer_entry(struct hostile *hostile, uint64_t id)
{
	struct fuse_entry_out *entry = (void *)answer.data;
	uint8_t valid = take(&hostile->stream);

	memset(entry, 0, sizeof(*entry));
	entry->nodeid = id;
	entry->entry_valid = valid & 1 ? 0 : 1000;
	entry->attr_valid = valid & 2 ? 0 : 1000;
	fill_attr(&entry->attr, id);
	answer.len = sizeof(*entry);
}

static void answer_made(struct hostile *hostile, uint64_t parent, const char *name, uint32_t mode)
{
	uint64_t id = node_of(parent, name);

	nodes[id] = (struct node){ .mode = mode, .exists = true };
	answer_entry(hostile, id);
}

static void answer_attr(struct hostile *hostile, uint64_t id)
{
	struct fuse_attr_out *out = (void *)answer.data;

	memset(out, 0, sizeof(*out));
	out->attr_valid = take(&hostile->stream) & 1 ? 0 : 1000;
	fill_attr(&out->attr, id);
	answer.len = sizeof(*out);
}

static void answer_statx(struct hostile *hostile, uint64_t id)
{
	struct fuse_statx_out *out = (void *)answer.data;
	uint8_t what = take(&hostile->stream);
	struct fuse_attr attr;

	fill_attr(&attr, id);
	memset(out, 0, sizeof(*out));
	out->attr_valid = what & 1 ? 0 : 1000;
	out->stat = (struct fuse_statx){
		.mask = what & 2 ? STATX_BTIME : STATX_BASIC_STATS | STATX_BTIME,
		.ino = id, .mode = attr.mode, .nlink = attr.nlink, .size = attr.size,
		.blocks = attr.blocks, .blksize = attr.blksize, .btime = { .tv_sec = what },
	};
	answer.len = sizeof(*out);
}

static void answer_readdir(const struct fuse_read_in *in, bool plus)
{
	static const char *const names[] = { "f", "d", "l", "s", "p", "c", "name-that-is-longer" };
	size_t head = plus ? sizeof(struct fuse_entry_out) : 0, size;
	struct fuse_dirent dirent = { };
	uint64_t i;

	for (i = in->offset; i < ARRAY_SIZE(names); i++) {
		char *at = answer.data + answer.len;

		dirent.ino = 2 + i;
		dirent.off = i + 1;
		dirent.namelen = strlen(names[i]);
		size = FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + dirent.namelen);
		if (answer.len + size > in->size || answer.len + size > ANSWER_MAX)
			break;
		memset(at, 0, size);
		if (plus) {
			struct fuse_entry_out *entry = (void *)at;

			entry->nodeid = node_of(FUSE_ROOT_ID, names[i]);
			entry->entry_valid = 1000;
			entry->attr_valid = 1000;
			fill_attr(&entry->attr, entry->nodeid);
		}
		memcpy(at + head, &dirent, FUSE_NAME_OFFSET);
		memcpy(at + head + FUSE_NAME_OFFSET, names[i], dirent.namelen);
		answer.len += size;
	}
}

static void answer_init(struct hostile *hostile)
{
	struct fuse_init_out *out = (void *)answer.data;
	uint8_t what = take(&hostile->stream);

	*out = (struct fuse_init_out){
		.major = 7, .minor = 36, .max_readahead = 131072, .max_write = 65536,
		.flags = FUSE_ASYNC_READ | FUSE_DO_READDIRPLUS | FUSE_BIG_WRITES,
	};
	if (what & 1)
		out->flags |= FUSE_READDIRPLUS_AUTO | FUSE_AUTO_INVAL_DATA;
	if (what & 2)
		out->flags |= FUSE_HANDLE_KILLPRIV_V2 | FUSE_ATOMIC_O_TRUNC | FUSE_MAX_PAGES;
	if (what & 4)
		out->max_write = 1;
	/* In the last word. */
	if (what & 128)
		((uint32_t *)(out + 1))[-1] = VIEWOS_PATH_DEVICES;
	/* STATX is asked for. */
	if (what & 4)
		out->minor = 39;
	out->max_pages = what;
	answer.len = sizeof(*out);
	mood = what / 8 % 16 < MOODS ? what / 8 % 16 : MOOD_GOOD;
	if (mood != MOOD_GOOD)
		mood_error = errors[take(&hostile->stream) % ARRAY_SIZE(errors)];
}

static void answer_zeros(size_t len)
{
	memset(answer.data, 0, len);
	answer.len = len;
}

static void answer_written(struct hostile *hostile, struct node *node,
			   const struct fuse_write_in *in)
{
	static const int again[] = { EINTR, EAGAIN };
	struct fuse_write_out *out = (void *)answer.data;
	uint8_t how = mood == MOOD_GOOD ? 0 : take(&hostile->stream);

	answer_zeros(sizeof(*out));
	out->size = in->size;
	if (mood == MOOD_FAIL)
		answer.header.error = -mood_error;
	else if (mood == MOOD_AGAIN && how & 1)
		answer.header.error = -again[how / 2 % 2];
	if (answer.header.error) {
		answer.len = 0;
		return;
	}
	if (mood == MOOD_SHORT)
		out->size = how & 1 ? in->size / 2 : in->size - how / 2 % (in->size + 1);
	if (in->offset + out->size > node->size)
		node->size = in->offset + out->size;
}

/* What a server would say. */
/* What is about names. False if it is about something else. */
static bool answer_names(struct hostile *hostile, const struct fuse_in_header *in,
			 const void *body)
{
	const char *name = body;
	uint64_t id;

	switch (in->opcode) {
	case FUSE_LOOKUP:
		id = node_of(in->nodeid, name);
		if (nodes[id].exists)
			answer_entry(hostile, id);
		else
			answer.header.error = -ENOENT;
		break;
	case FUSE_READLINK:
		memcpy(answer.data, "d/f", 3);
		answer.len = 3;
		break;
	case FUSE_SYMLINK:
		answer_made(hostile, in->nodeid, name, S_IFLNK | 0777);
		break;
	case FUSE_MKNOD:
		answer_made(hostile, in->nodeid, name + sizeof(struct fuse_mknod_in),
			    ((const struct fuse_mknod_in *)body)->mode);
		break;
	case FUSE_MKDIR:
		answer_made(hostile, in->nodeid, name + sizeof(struct fuse_mkdir_in),
			    S_IFDIR | 0777);
		break;
	case FUSE_LINK:
		answer_made(hostile, in->nodeid, name + sizeof(struct fuse_link_in),
			    S_IFREG | 0777);
		break;
	case FUSE_CREATE:
		answer_made(hostile, in->nodeid, name + sizeof(struct fuse_create_in),
			    S_IFREG | 0777);
		memset(answer.data + answer.len, 0, sizeof(struct fuse_open_out));
		answer.len += sizeof(struct fuse_open_out);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		nodes[node_of(in->nodeid, name)].exists = false;
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		answer_readdir(body, in->opcode == FUSE_READDIRPLUS);
		break;
	default:
		return false;
	}
	return true;
}

static void answer_properly(struct hostile *hostile, const struct fuse_in_header *in,
			    const void *body)
{
	struct node *node = &nodes[in->nodeid % NODES];

	if (answer_names(hostile, in, body))
		return;
	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(hostile);
		break;
	case FUSE_GETATTR:
		answer_attr(hostile, in->nodeid);
		break;
	case FUSE_STATX:
		answer_statx(hostile, in->nodeid);
		break;
	case FUSE_SETATTR: {
		const struct fuse_setattr_in *set = body;

		if (set->valid & FATTR_SIZE)
			node->size = set->size;
		if (set->valid & FATTR_MODE)
			node->mode = (node->mode & S_IFMT) | (set->mode & 07777);
		answer_attr(hostile, in->nodeid);
		break;
	}
	case FUSE_OPEN:
	case FUSE_OPENDIR: {
		struct fuse_open_out *out = (void *)answer.data;

		answer_zeros(sizeof(*out));
		out->open_flags = take(&hostile->stream) & 0x1f;
		break;
	}
	case FUSE_READ:
		answer_zeros(((const struct fuse_read_in *)body)->size % ANSWER_MAX);
		break;
	case FUSE_WRITE:
		answer_written(hostile, node, body);
		break;
	case FUSE_COPY_FILE_RANGE: {
		struct fuse_write_out *out = (void *)answer.data;

		answer_zeros(sizeof(*out));
		out->size = ((const struct fuse_copy_file_range_in *)body)->len;
		break;
	}
	case FUSE_STATFS:
		answer_zeros(sizeof(struct fuse_statfs_out));
		((struct fuse_statfs_out *)answer.data)->st.namelen = 255;
		break;
	case FUSE_LSEEK:
		answer_zeros(sizeof(struct fuse_lseek_out));
		((struct fuse_lseek_out *)answer.data)->offset =
			((const struct fuse_lseek_in *)body)->offset;
		break;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		if (((const struct fuse_getxattr_in *)body)->size) {
			memcpy(answer.data, "user.a\0user.b", 14);
			answer.len = 14;
		} else {
			answer_zeros(sizeof(struct fuse_getxattr_out));
			((struct fuse_getxattr_out *)answer.data)->size = 14;
		}
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		answer.send = false;
		break;
	default:
		break;
	}
}

static void answer_write(int session, uint32_t len)
{
	struct iovec iov[] = {
		{ &answer.header, sizeof(answer.header) }, { answer.data, answer.len } };

	answer.header.len = len;
	/* Refused or not, and whatever comes next, is for the kernel. */
	if (writev(session, iov, 2) < 0)
		return;
}

static void notify(struct hostile *hostile, int session)
{
	struct stream *stream = &hostile->stream;
	static const char *const names[] = { "f", "d", "l", "n", "x/y", "", ".", ".." };
	const char *name = names[take_below(stream, ARRAY_SIZE(names))];
	struct {
		struct fuse_out_header header;
		char data[512];
	} notice = { .header.error = 1 + take_below(stream, 8) };
	uint64_t node = take_below(stream, 2) ? FUSE_ROOT_ID : take_number(stream);
	uint64_t number = take_number(stream);
	size_t len = 0, name_len = strlen(name);

	switch (notice.header.error) {
	case FUSE_NOTIFY_INVAL_INODE: {
		struct fuse_notify_inval_inode_out out = {
			.ino = node, .off = number, .len = take_number(stream) };

		len = sizeof(out);
		memcpy(notice.data, &out, len);
		name_len = sizeof(notice.data);
		break;
	}
	case FUSE_NOTIFY_INVAL_ENTRY: {
		struct fuse_notify_inval_entry_out out = { .parent = node, .namelen = name_len };

		len = sizeof(out);
		memcpy(notice.data, &out, len);
		break;
	}
	case FUSE_NOTIFY_DELETE: {
		struct fuse_notify_delete_out out = {
			.parent = node, .child = number, .namelen = name_len };

		len = sizeof(out);
		memcpy(notice.data, &out, len);
		break;
	}
	default:
		len = number % sizeof(notice.data);
	}
	if (len + name_len + 1 < sizeof(notice.data)) {
		memcpy(notice.data + len, name, name_len + 1);
		len += name_len + 1;
	}
	if (take(stream) > 200)
		len += (int8_t)take(stream);
	len = len > sizeof(notice.data) ? sizeof(notice.data) : len;
	notice.header.len = sizeof(notice.header) + len;
	count(&stats->hostile);
	if (write(session, &notice, notice.header.len) < 0)
		return;
}

static void session_close(unsigned int i)
{
	unsigned int n;

	for (n = 0; n < nr_withheld; n++)
		if (withheld[n].session == sessions[i])
			withheld[n--] = withheld[--nr_withheld];
	close(sessions[i]);
	sessions[i] = sessions[--nr_sessions];
}

/* False if there is no room. */
static bool answer_withhold(int session)
{
	struct withheld *late = &withheld[nr_withheld];

	if (nr_withheld == WITHHELD_MAX || answer.len > sizeof(late->data))
		return false;
	late->session = session;
	late->header = answer.header;
	memcpy(late->data, answer.data, answer.len);
	late->len = answer.len;
	nr_withheld++;
	return true;
}

/* Other bytes than it should have, or more, or fewer. */
static void answer_damage(struct stream *stream, unsigned int how)
{
	uint64_t number;
	size_t i, at;

	switch (how) {
	case 0:
		for (i = take_below(stream, 4) + 1; i && answer.len; i--)
			answer.data[take_number(stream) % answer.len] ^= 1 + take(stream);
		break;
	case 1:
		number = take_number(stream);
		if (answer.len < 8)
			break;
		at = take(stream) % (answer.len / 8) * 8;
		memcpy(answer.data + at, &number, 8);
		break;
	case 2:
		number = take(stream);
		answer.len -= number < answer.len ? number : answer.len;
		break;
	case 3:
		number = take_number(stream) % (ANSWER_MAX - 1);
		for (i = answer.len; i < number; i++)
			answer.data[i] = number;
		answer.len = number;
		break;
	default:
		for (i = 0; i < answer.len; i++)
			answer.data[i] = take(stream);
		break;
	}
}

/* Another type: in the place of an entry's mode, and of an attribute's. */
static void answer_retype(struct stream *stream)
{
	struct fuse_entry_out *entry = (void *)answer.data;
	uint64_t number = take_below(stream, 32);

	entry->attr.mode = number % 16 << 12 | 0777;
	if (number & 16)
		entry->attr.mode |= VIEWOS_MODE_SERVED;
	((struct fuse_attr_out *)answer.data)->attr.mode = entry->attr.mode;
}

/* A name in a directory, wherever it is. */
static void answer_rename(struct stream *stream)
{
	static const char *const names[] = { "/", "..", ".", "\0", "a/b" };
	const char *name;
	size_t at;

	if (answer.len <= FUSE_NAME_OFFSET + 2)
		return;
	name = names[take_below(stream, ARRAY_SIZE(names))];
	at = take_below(stream, 2) ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	if (at + 2 < answer.len)
		memcpy(answer.data + at, name, 2);
}

/* Something that no server should do with this answer. True if it is to be written still. */
static bool answer_spoil(struct hostile *hostile, int session)
{
	struct stream *stream = &hostile->stream;
	struct fuse_entry_out *entry = (void *)answer.data;
	unsigned int how = take_below(stream, 20);

	count(&stats->hostile);
	switch (how) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 10:
		answer_damage(stream, how);
		break;
	case 4:
		answer.header.error = -(take_number(stream) % 4200);
		answer.len = 0;
		break;
	case 5:
		answer.header.error = take_number(stream);
		break;
	case 6:
		return !answer_withhold(session);
	case 7:
		answer.header.unique += (int8_t)take(stream);
		break;
	case 8:
		answer_write(session, sizeof(answer.header) + answer.len);
		break;
	case 9:
		answer_write(session, take_number(stream));
		break;
	case 11:
		answer_retype(stream);
		break;
	case 12:
		entry->attr.size = take_number(stream);
		((struct fuse_attr_out *)answer.data)->attr.size = entry->attr.size;
		break;
	case 13:
		entry->nodeid = take_number(stream);
		entry->generation = take_below(stream, 3);
		break;
	case 14:
		answer_rename(stream);
		break;
	case 15:
		notify(hostile, session);
		break;
	case 16:
		if (write(session, &answer.header, take_below(stream, 17)) < 0)
			break;
		break;
	case 17:
		answer.header.error = -errors[take_below(stream, ARRAY_SIZE(errors))];
		answer.len = 0;
		break;
	case 18:
		/* Less than was asked for: of data, of names, or of what was written. */
		if (answer.len == sizeof(struct fuse_write_out))
			((struct fuse_write_out *)answer.data)->size /= 1 + take_below(stream, 9);
		else
			answer.len -= answer.len * take(stream) / 256;
		break;
	default:
		answer.header.unique = take_number(stream);
	}
	return true;
}

/* As they would have been in time, for who still waits, and for who does not. */
static void withheld_answer(void)
{
	while (nr_withheld) {
		struct withheld *late = &withheld[--nr_withheld];

		answer.header = late->header;
		memcpy(answer.data, late->data, late->len);
		answer.len = late->len;
		answer_write(late->session, sizeof(answer.header) + answer.len);
	}
}

/* A notice of the session's class. */
static void notify_of(struct hostile *hostile, int session, uint32_t opcode)
{
	if (opcode >= VIEWOS_CALL_INIT)
		call_notify(&hostile->stream, session);
	else if (opcode >= VIEWOS_SOCK_INIT)
		sock_notify(&hostile->stream, session);
	else
		notify(hostile, session);
}

/* False if the session is over. */
static bool session_handle(struct hostile *hostile, int session)
{
	struct stream *stream = &hostile->stream;
	static char buffer[320 << 10];
	const struct fuse_in_header *in = (void *)buffer;
	uint8_t how = take(stream);
	bool socks, calls;
	size_t room = how > 250 ? take_number(stream) % sizeof(buffer) : sizeof(buffer) - 1;
	ssize_t len = read(session, buffer, room);

	if (len < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOENT || errno == EINVAL;
	if (len < (ssize_t)sizeof(*in))
		return false;
	buffer[len] = 0;
	count(&stats->requests);
	memset(&answer.header, 0, sizeof(answer.header));
	answer.header.unique = in->unique;
	answer.len = 0;
	answer.send = true;
	calls = in->opcode >= VIEWOS_CALL_INIT;
	socks = in->opcode >= VIEWOS_SOCK_INIT && !calls;
	if (calls)
		answer.send = call_answer(stream, session, in, answer.data, &answer.len);
	else if (socks)
		answer.send = sock_answer(stream, in, answer.data, &answer.len);
	else
		answer_properly(hostile, in, in + 1);
	if (how > 120 && how <= 140)
		notify_of(hostile, session, in->opcode);
	if (how > 248) {
		count(&stats->deaths);
		return false;
	}
	if (how > 140 && !answer_spoil(hostile, session))
		return true;
	if (mood == MOOD_LATE && in->opcode == FUSE_WRITE && answer_withhold(session))
		return true;
	if (answer.send || how > 200)
		answer_write(session, sizeof(answer.header) + answer.len);
	return true;
}

static void sessions_handle(struct hostile *hostile, struct pollfd *fds, unsigned int n)
{
	unsigned int i;

	for (i = n; i-- > 0;)
		if (fds[i].revents && !session_handle(hostile, sessions[i]))
			session_close(i);
}

static void accept_one(struct hostile *hostile)
{
	struct viewos_server_accept accept = { .flags = VIEWOS_ACCEPT_NONBLOCK };
	int session = server_accept(hostile->fd, &accept);

	if (session == -EAGAIN || session == -EINTR)
		return;
	if (session < 0 || nr_sessions == SESSIONS_MAX) {
		close(hostile->fd);
		hostile->fd = -1;
		if (session >= 0)
			close(session);
		return;
	}
	if (take(&hostile->stream) > 250) {
		struct viewos_session_refuse refuse = {
			.size = sizeof(refuse), .error = take_number(&hostile->stream) };

		ioctl(session, VIEWOS_IOC_SESSION_REFUSE, &refuse);
	}
	/* What was there to be read may be gone again: interrupted, or aborted. */
	fcntl(session, F_SETFL, O_NONBLOCK);
	sessions[nr_sessions++] = session;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/*
 * Clients wait, but not for long: answers first, then death and signals, in either order. Who
 * kills them first answers the dead.
 */
static void impatient(struct hostile *hostile, unsigned int step)
{
	if (step == 1) {
		if (!hostile->kill_first)
			withheld_answer();
	} else if ((step == 2) == hostile->kill_first) {
		count(&stats->kills);
		kill(-hostile->clients, SIGKILL);
	} else {
		if (nr_sessions)
			count(&stats->deaths);
		while (nr_sessions)
			session_close(0);
		if (hostile->fd >= 0)
			close(hostile->fd);
		hostile->fd = -1;
	}
}

/* What was asked by those who are gone, and what follows from that. */
static void answer_dead(struct hostile *hostile)
{
	unsigned int i, turns;

	withheld_answer();
	for (turns = 0; turns < 64 && nr_sessions; turns++) {
		struct pollfd fds[SESSIONS_MAX];
		unsigned int n = nr_sessions;

		for (i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = sessions[i], .events = POLLIN };
		if (poll(fds, n, 0) <= 0)
			break;
		sessions_handle(hostile, fds, n);
	}
}

bool hostile_serve(struct hostile *hostile)
{
	uint64_t start = now_ms();
	unsigned int step = 0;
	bool over = false;

	nodes_reset();
	sock_reset();
	call_reset();
	nr_sessions = 0;
	nr_withheld = 0;
	mood = MOOD_GOOD;
	for (;;) {
		struct pollfd fds[SESSIONS_MAX + 2];
		unsigned int i, n = nr_sessions;
		int ready;

		for (i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = sessions[i], .events = POLLIN };
		fds[n] = (struct pollfd){ .fd = hostile->alive, .events = POLLIN };
		fds[n + 1] = (struct pollfd){ .fd = hostile->fd, .events = POLLIN };
		ready = poll(fds, n + 2, IDLE_MS);
		if (ready > 0 && fds[n].revents) {
			answer_dead(hostile);
			return true;
		}
		over |= now_ms() - start > 2000;
		if (ready <= 0 || over) {
			if (now_ms() - start > GONE_MS)
				return false;
			if (step < 4) {
				/* After this the sessions are others. */
				impatient(hostile, ++step);
				continue;
			}
		}
		if (ready <= 0)
			continue;
		sessions_handle(hostile, fds, n);
		if (fds[n + 1].revents && hostile->fd >= 0)
			accept_one(hostile);
	}
}
