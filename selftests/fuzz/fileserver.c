// SPDX-License-Identifier: GPL-2.0
/* What a server of files would say. */

#include "fuzz.h"

#include <linux/viewos_path.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#define NODES		64
#define SMALL		100

struct node {
	uint32_t mode;
	uint64_t size;
	bool exists;
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
static enum mood mood;
static int mood_error;

/* The answer to INIT, and what of our own additions it took: of the last session. */
static struct fuse_init_out agreed;
static uint32_t agreed_own;

/* What may be handed over: for the kernel to use, or to refuse. */
static int objects[8];

static void objects_open(void)
{
	const int made[] = {
		memfd_create("fuzz", MFD_CLOEXEC),
		open(FUZZ_OBJECTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		open(FUZZ_OBJECTS "/f", O_RDWR | O_CLOEXEC),
		open(FUZZ_OBJECTS "/f", O_RDONLY | O_CLOEXEC),
		open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		open(FUZZ_OBJECTS, O_PATH | O_CLOEXEC),
		epoll_create1(EPOLL_CLOEXEC),
		-1,
	};

	_Static_assert(ARRAY_SIZE(made) == ARRAY_SIZE(objects), "as many as a byte chooses from");
	memcpy(objects, made, sizeof(objects));
	if (objects[0] >= 0 && ftruncate(objects[0], 8192))
		perror("memfd");
}

void file_reset(void)
{
	memset(nodes, 0, sizeof(nodes));
	nodes[FUSE_ROOT_ID] = (struct node){ .mode = S_IFDIR | 0777, .exists = true };
	mood = MOOD_GOOD;
	agreed_own = 0;
	objects_open();
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
		/* As small as what may come with its name. */
		node->size = agreed_own & VIEWOS_PATH_CONTENT ? SMALL : 8192;
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

static void fill_entry(struct fuse_entry_out *entry, uint64_t id, uint8_t how)
{
	memset(entry, 0, sizeof(*entry));
	entry->nodeid = id;
	entry->entry_valid = how & 1 ? 0 : 1000;
	entry->attr_valid = how & 2 ? 0 : 1000;
	fill_attr(&entry->attr, id);
}

static void answer_target(int fd, uint32_t flags)
{
	const struct viewos_path_target target = { .fd = fd, .flags = flags };

	memcpy(answer.data + answer.len, &target, sizeof(target));
	answer.len += sizeof(target);
}

static void answer_entry(struct stream *stream, uint64_t id)
{
	fill_entry((void *)answer.data, id, take(stream));
	answer.len = sizeof(struct fuse_entry_out);
}

/* Of what is there; the name of something else, now and then. */
static void answer_lookup(struct stream *stream, uint64_t id)
{
	struct fuse_entry_out *entry = (void *)answer.data;
	uint8_t how = take(stream);
	struct stat st = { };
	int object;

	fill_entry(entry, id, how);
	answer.len = sizeof(*entry);
	if (!(agreed_own & VIEWOS_PATH_TARGET) || !(how & 4))
		return;
	object = objects[how / 8 % ARRAY_SIZE(objects)];
	if (!fstat(object, &st))
		entry->attr.mode = st.st_mode;
	entry->nodeid = 0;
	answer_target(object, how & 64 ? VIEWOS_TARGET_READONLY : 0);
}

/* Likewise, and open, perhaps with all that is in it. */
static void answer_lookup_open(struct stream *stream, uint64_t id)
{
	struct viewos_lookup_open_out *out = (void *)answer.data;
	uint8_t how = take(stream);

	memset(out, 0, sizeof(*out));
	answer.len = sizeof(*out);
	if (!nodes[id].exists)
		return;
	fill_entry(&out->entry, id, how);
	if (!S_ISREG(nodes[id].mode) || how & 4) {
		out->error = VIEWOS_LOOKUP_NOT_OPENED;
		return;
	}
	out->error = how & 8 ? -errors[take(stream) % ARRAY_SIZE(errors)] : 0;
	out->open.open_flags = how >> 4 & 7;
	if (agreed_own & VIEWOS_PATH_CONTENT && nodes[id].size <= VIEWOS_CONTENT_MAX &&
	    how & 128) {
		memset(answer.data + answer.len, 'c', nodes[id].size);
		answer.len += nodes[id].size;
	}
}

static void answer_made(struct stream *stream, uint64_t parent, const char *name, uint32_t mode)
{
	uint64_t id = node_of(parent, name);

	nodes[id] = (struct node){ .mode = mode, .exists = true };
	answer_entry(stream, id);
}

static void answer_attr(struct stream *stream, uint64_t id)
{
	struct fuse_attr_out *out = (void *)answer.data;

	memset(out, 0, sizeof(*out));
	out->attr_valid = take(stream) & 1 ? 0 : 1000;
	fill_attr(&out->attr, id);
	answer.len = sizeof(*out);
}

static void answer_statx(struct stream *stream, uint64_t id)
{
	struct fuse_statx_out *out = (void *)answer.data;
	uint8_t what = take(stream);
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

/* What only some of the servers want. */
static void init_features(struct stream *stream, struct fuse_init_out *out)
{
	static const uint32_t flags[] = {
		FUSE_WRITEBACK_CACHE, FUSE_POSIX_LOCKS, FUSE_FLOCK_LOCKS, FUSE_POSIX_ACL,
		FUSE_EXPORT_SUPPORT, FUSE_SETXATTR_EXT, FUSE_IOCTL_DIR, FUSE_DONT_MASK,
	};
	uint8_t what = take(stream);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (what & 1 << i)
			out->flags |= flags[i];
	what = take(stream);
	if (what & 1)
		agreed_own |= VIEWOS_PATH_TARGET;
	if (what & 2)
		agreed_own |= VIEWOS_PATH_LOOKUP_OPEN;
	if (what & 4)
		agreed_own |= VIEWOS_PATH_LOOKUP_OPEN | VIEWOS_PATH_CONTENT;
}

/* For the most part, who goes on with a session says what was said at first. */
static bool init_again(struct stream *stream, uint32_t own)
{
	if (!(own & VIEWOS_PATH_RECOVERING) || take(stream) > 240)
		return false;
	count(&stats->recoveries);
	memcpy(answer.data, &agreed, sizeof(agreed));
	return true;
}

static void answer_init(struct stream *stream, const struct fuse_init_in *in)
{
	struct fuse_init_out *out = (void *)answer.data;
	uint32_t own = ((const uint32_t *)(in + 1))[-1];
	uint8_t what;

	answer.len = sizeof(*out);
	if (init_again(stream, own))
		return;
	what = take(stream);
	*out = (struct fuse_init_out){
		.major = 7, .minor = 36, .max_readahead = 131072, .max_write = 65536,
		.flags = FUSE_ASYNC_READ | FUSE_DO_READDIRPLUS | FUSE_BIG_WRITES,
	};
	/* Without it there is no such mount. */
	agreed_own = own & VIEWOS_PATH_RECOVER;
	if (what & 1)
		out->flags |= FUSE_READDIRPLUS_AUTO | FUSE_AUTO_INVAL_DATA;
	if (what & 2)
		out->flags |= FUSE_HANDLE_KILLPRIV_V2 | FUSE_ATOMIC_O_TRUNC | FUSE_MAX_PAGES;
	if (what & 4)
		out->max_write = 1;
	if (what & 128)
		agreed_own |= VIEWOS_PATH_DEVICES;
	/* STATX is asked for. */
	if (what & 4)
		out->minor = 39;
	out->max_pages = what;
	what = what / 8 % 16;
	mood = what < MOODS ? what : MOOD_GOOD;
	if (mood != MOOD_GOOD)
		mood_error = errors[take(stream) % ARRAY_SIZE(errors)];
	if (what >= 8)
		init_features(stream, out);
	((uint32_t *)(out + 1))[-1] = agreed_own;
	agreed = *out;
}

static void answer_zeros(size_t len)
{
	memset(answer.data, 0, len);
	answer.len = len;
}

static void answer_written(struct stream *stream, struct node *node,
			   const struct fuse_write_in *in)
{
	static const int again[] = { EINTR, EAGAIN };
	struct fuse_write_out *out = (void *)answer.data;
	uint8_t how = mood == MOOD_GOOD ? 0 : take(stream);

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

/* What is about names. False if it is about something else. */
static bool answer_names(struct stream *stream, const struct fuse_in_header *in,
			 const void *body)
{
	const char *name = body;
	uint64_t id;

	switch (in->opcode) {
	case FUSE_LOOKUP:
		id = node_of(in->nodeid, name);
		if (nodes[id].exists)
			answer_lookup(stream, id);
		else
			answer.header.error = -ENOENT;
		break;
	case VIEWOS_FUSE_LOOKUP_OPEN:
		name += sizeof(struct viewos_lookup_open_in);
		answer_lookup_open(stream, node_of(in->nodeid, name));
		break;
	case FUSE_READLINK:
		memcpy(answer.data, "d/f", 3);
		answer.len = 3;
		break;
	case FUSE_SYMLINK:
		answer_made(stream, in->nodeid, name, S_IFLNK | 0777);
		break;
	case FUSE_MKNOD:
		answer_made(stream, in->nodeid, name + sizeof(struct fuse_mknod_in),
			    ((const struct fuse_mknod_in *)body)->mode);
		break;
	case FUSE_MKDIR:
		answer_made(stream, in->nodeid, name + sizeof(struct fuse_mkdir_in),
			    S_IFDIR | 0777);
		break;
	case FUSE_LINK:
		answer_made(stream, in->nodeid, name + sizeof(struct fuse_link_in),
			    S_IFREG | 0777);
		break;
	case FUSE_CREATE:
		answer_made(stream, in->nodeid, name + sizeof(struct fuse_create_in),
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

/* What is about attributes, likewise. */
static bool answer_attributes(struct stream *stream, const struct fuse_in_header *in,
			      const void *body)
{
	struct node *node = &nodes[in->nodeid % NODES];
	const struct fuse_setattr_in *set = body;

	switch (in->opcode) {
	case FUSE_GETATTR:
		answer_attr(stream, in->nodeid);
		break;
	case FUSE_STATX:
		answer_statx(stream, in->nodeid);
		break;
	case FUSE_SETATTR:
		if (set->valid & FATTR_SIZE)
			node->size = set->size;
		if (set->valid & FATTR_MODE)
			node->mode = (node->mode & S_IFMT) | (set->mode & 07777);
		answer_attr(stream, in->nodeid);
		break;
	default:
		return false;
	}
	return true;
}

void file_answer(struct stream *stream, const struct fuse_in_header *in)
{
	struct node *node = &nodes[in->nodeid % NODES];
	const void *body = in + 1;

	if (answer_names(stream, in, body) || answer_attributes(stream, in, body))
		return;
	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(stream, body);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR: {
		struct fuse_open_out *out = (void *)answer.data;
		uint8_t how = take(stream);

		answer_zeros(sizeof(*out));
		out->open_flags = how & 0x1f;
		if (agreed_own & VIEWOS_PATH_TARGET && how & 0x20)
			answer_target(objects[how >> 6], 0);
		break;
	}
	case FUSE_READ:
		answer_zeros(((const struct fuse_read_in *)body)->size % ANSWER_MAX);
		break;
	case FUSE_WRITE:
		answer_written(stream, node, body);
		break;
	case FUSE_COPY_FILE_RANGE: {
		struct fuse_write_out *out = (void *)answer.data;

		answer_zeros(sizeof(*out));
		out->size = ((const struct fuse_copy_file_range_in *)body)->len;
		break;
	}
	case FUSE_GETLK:
		answer_zeros(sizeof(struct fuse_lk_out));
		((struct fuse_lk_out *)answer.data)->lk.type = F_UNLCK;
		break;
	case FUSE_IOCTL:
		answer_zeros(sizeof(struct fuse_ioctl_out) +
			     ((const struct fuse_ioctl_in *)body)->out_size % 16384);
		break;
	case FUSE_POLL:
		answer_zeros(sizeof(struct fuse_poll_out));
		((struct fuse_poll_out *)answer.data)->revents = POLLIN | POLLOUT;
		break;
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

void file_notify(struct stream *stream, int session)
{
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

bool file_answers_late(uint32_t opcode)
{
	return mood == MOOD_LATE && opcode == FUSE_WRITE;
}

bool file_recovers(void)
{
	return agreed_own & VIEWOS_PATH_RECOVER;
}
