// SPDX-License-Identifier: GPL-2.0
/*
 * How many requests a call takes, and of which kinds; and a name looked up and opened in one
 * request, with and without content, answered well, late, and with lies.
 *
 * The server is a process of the test's own, which writes each request down. It has a
 * directory with these names; attributes and names are good for no time.
 *
 *   file     a regular file                    other    another, that only root may read
 *   dir      a directory                       link     a symbolic link to "file"
 *   fails    a file whose OPEN is EBUSY        stuck    answered when "now" is looked up
 *   dies     the server exits
 *
 * and lies as replies to VIEWOS_FUSE_LOOKUP_OPEN: "short", "pad", "errno" (beyond what may
 * be), "opendir" (a directory, opened), "openlink", "opennone" (opened, but no node),
 * "failnone" (OPEN failed, but no node), "badmode", "root" (the node of the root); and with
 * content: "more" and "less" than the file has, "failmore" (OPEN failed), "direct" (not to be
 * cached), "dirmore" (of a directory).
 */

#include "../fake_server.h"

#include <linux/viewos_path.h>
#include <sys/mman.h>

#define SERVER "trips-test"

_Static_assert(sizeof(struct viewos_lookup_open_in) == 8, "ABI");
_Static_assert(sizeof(struct viewos_lookup_open_out) == 152, "ABI");

#define TEXT "hello"

enum { FILE_NODE = 10, OTHER_NODE, DIR_NODE, LINK_NODE, FAILS_NODE, STUCK_NODE, LIE_NODE };

/* What the server and the test share. */
struct record {
	uint32_t own;		/* what the server takes of our additions */
	uint32_t offered;	/* what it was offered */
	uint32_t no_such;	/* the request is ENOSYS */
	uint32_t content;	/* the server gives content */
	uint32_t no_open;	/* it needs no OPEN */
	uint32_t count;
	uint32_t opcodes[64];
	uint32_t opened;	/* OPENs of the server that were not released */
	uint32_t released_after_forget;
	uint64_t lookups[32];	/* by node */
};

struct trips_server {
	struct record *record;
	int session;
	uint64_t stuck;
};

FIXTURE(trips)
{
	char dir[32];
	struct record *record;
	pid_t server;
};

static void say_more(struct trips_server *server, uint64_t unique, int error, const void *data,
		     size_t len, size_t content)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + len + content, .error = error, .unique = unique };
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { (void *)data, len }, { TEXT "more", content },
	};
	ssize_t ret = writev(server->session, iov, 3);

	(void)ret;
}

static void say(struct trips_server *server, uint64_t unique, int error, const void *data,
		size_t len)
{
	say_more(server, unique, error, data, len, 0);
}

static void trips_attr(struct fuse_attr *attr, uint64_t node)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->nlink = 1;
	attr->size = 5;
	if (node == FUSE_ROOT_ID || node == DIR_NODE)
		attr->mode = S_IFDIR | 0755;
	else if (node == LINK_NODE)
		attr->mode = S_IFLNK | 0777;
	else if (node == OTHER_NODE)
		attr->mode = S_IFREG | 0600;
	else
		attr->mode = S_IFREG | 0644;
}

static uint64_t node_of(const char *name)
{
	static const struct {
		const char *name;
		uint64_t node;
	} names[] = {
		{ "file", FILE_NODE }, { "other", OTHER_NODE }, { "dir", DIR_NODE },
		{ "link", LINK_NODE }, { "fails", FAILS_NODE }, { "stuck", STUCK_NODE },
		{ "dies", STUCK_NODE },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name))
			return names[i].node;
	return 0;
}

/* The answer that an honest server has; its node is 0 if there is no such name. */
static struct viewos_lookup_open_out honest(struct record *record, const char *name)
{
	struct viewos_lookup_open_out out = { .entry.nodeid = node_of(name) };

	if (!out.entry.nodeid)
		return out;
	record->lookups[out.entry.nodeid]++;
	trips_attr(&out.entry.attr, out.entry.nodeid);
	out.error = VIEWOS_LOOKUP_NOT_OPENED;
	if (out.entry.nodeid == FAILS_NODE) {
		out.error = -EBUSY;
	} else if (S_ISREG(out.entry.attr.mode) && record->no_open) {
		out.error = -ENOSYS;
	} else if (S_ISREG(out.entry.attr.mode)) {
		out.error = 0;
		out.open.fh = out.entry.nodeid;
		record->opened++;
	}
	return out;
}

/* A lie, unless there is none of this name; its length, or 0. */
static size_t lie(struct trips_server *server, const char *name,
		  struct viewos_lookup_open_out *out)
{
	memset(out, 0, sizeof(*out));
	out->entry.nodeid = LIE_NODE;
	trips_attr(&out->entry.attr, LIE_NODE);
	if (!strcmp(name, "short")) {
		/* Which nobody can undo. */
		return sizeof(*out) - 8;
	}
	if (!strcmp(name, "pad"))
		out->pad = 1;
	else if (!strcmp(name, "errno"))
		out->error = -512;
	else if (!strcmp(name, "positive"))
		out->error = 2;
	else if (!strcmp(name, "opendir"))
		out->entry.attr.mode = S_IFDIR | 0755;
	else if (!strcmp(name, "openlink"))
		out->entry.attr.mode = S_IFLNK | 0777;
	else if (!strcmp(name, "opennone"))
		out->entry.nodeid = 0;
	else if (!strcmp(name, "failmore"))
		out->error = -EBUSY;
	else if (!strcmp(name, "direct"))
		out->open.open_flags = FOPEN_DIRECT_IO;
	else if (!strcmp(name, "dirmore"))
		out->entry.attr.mode = S_IFDIR | 0755, out->error = VIEWOS_LOOKUP_NOT_OPENED;
	else if (!strcmp(name, "failnone"))
		*out = (struct viewos_lookup_open_out){ .error = -EBUSY };
	else if (!strcmp(name, "badmode"))
		out->entry.attr.mode = 0;
	else if (!strcmp(name, "root"))
		out->entry.nodeid = FUSE_ROOT_ID;
	else if (strcmp(name, "more") && strcmp(name, "less"))
		return 0;
	/* Of the root there is nothing to forget. */
	server->record->lookups[out->entry.nodeid]++;
	if (!out->error && out->entry.nodeid) {
		server->record->opened++;
		out->open.fh = out->entry.nodeid;
	}
	return sizeof(*out);
}

/* How much of the text comes with an answer. */
static size_t content_of(const struct trips_server *server, const char *name,
			 const struct viewos_lookup_open_out *out, uint32_t flags)
{
	if (!server->record->content)
		return 0;
	if (!strcmp(name, "more") || !strcmp(name, "less"))
		return strlen(TEXT) + (*name == 'm' ? 1 : -1);
	if (!strcmp(name, "failmore") || !strcmp(name, "direct") || !strcmp(name, "dirmore"))
		return strlen(TEXT);
	if ((flags & O_ACCMODE) == O_WRONLY || flags & O_DIRECT)
		return 0;
	return out->entry.nodeid && (!out->error || out->error == -ENOSYS) ? strlen(TEXT) : 0;
}

static void serve_lookup_open(struct trips_server *server, const struct fuse_in_header *in,
			      const struct viewos_lookup_open_in *body)
{
	const char *name = (const char *)(body + 1);
	struct viewos_lookup_open_out out;
	size_t len;

	if (server->record->no_such) {
		say(server, in->unique, -ENOSYS, NULL, 0);
		return;
	}
	if (!strcmp(name, "stuck")) {
		server->stuck = in->unique;
		return;
	}
	if (!strcmp(name, "dies"))
		_exit(0);
	len = lie(server, name, &out);
	if (!len) {
		out = honest(server->record, name);
		len = sizeof(out);
	}
	if (len == sizeof(out) && !out.entry.nodeid && !out.error)
		say(server, in->unique, strcmp(name, "opennone") ? -ENOENT : 0, &out,
		    strcmp(name, "opennone") ? 0 : len);
	else
		say_more(server, in->unique, 0, &out, len,
			 content_of(server, name, &out, body->flags));
}

static void serve_lookup(struct trips_server *server, const struct fuse_in_header *in,
			 const char *name)
{
	struct viewos_lookup_open_out late;
	struct fuse_entry_out entry = { .nodeid = node_of(name) };

	if (!strcmp(name, "now") && server->stuck) {
		late = honest(server->record, "stuck");
		say_more(server, server->stuck, 0, &late, sizeof(late),
			 content_of(server, "stuck", &late, O_RDONLY));
		server->stuck = 0;
	}
	if (!entry.nodeid) {
		say(server, in->unique, -ENOENT, NULL, 0);
		return;
	}
	server->record->lookups[entry.nodeid]++;
	trips_attr(&entry.attr, entry.nodeid);
	say(server, in->unique, 0, &entry, sizeof(entry));
}

static void serve_forget(struct trips_server *server, const struct fuse_batch_forget_in *batch)
{
	const struct fuse_forget_one *one = (const void *)(batch + 1);

	for (uint32_t i = 0; i < batch->count; i++)
		server->record->lookups[one[i].nodeid] -= one[i].nlookup;
}

static void serve_init(struct trips_server *server, const struct fuse_in_header *in,
		       const struct fuse_init_in *init)
{
	struct fuse_init_out out = { .major = 7, .minor = 36, .max_write = 65536 };

	server->record->offered = ((const uint32_t *)(init + 1))[-1];
	((uint32_t *)(&out + 1))[-1] = server->record->own;
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_open(struct trips_server *server, const struct fuse_in_header *in)
{
	struct fuse_open_out open = { .fh = in->nodeid };

	if (in->nodeid == FAILS_NODE) {
		say(server, in->unique, -EBUSY, NULL, 0);
		return;
	}
	server->record->opened += in->opcode == FUSE_OPEN;
	say(server, in->unique, 0, &open, sizeof(open));
}

static void serve_release(struct trips_server *server, const struct fuse_in_header *in,
			  const struct fuse_release_in *release)
{
	if (in->opcode == FUSE_RELEASE) {
		server->record->opened--;
		if (in->nodeid != release->fh || !server->record->lookups[in->nodeid])
			server->record->released_after_forget++;
	}
	say(server, in->unique, 0, NULL, 0);
}

static void serve_one(struct trips_server *server, const struct fuse_in_header *in)
{
	struct record *record = server->record;
	const void *body = in + 1;
	struct fuse_attr_out attr = { };

	if (record->count < 64)
		record->opcodes[record->count++] = in->opcode;
	switch (in->opcode) {
	case FUSE_INIT:
		serve_init(server, in, body);
		break;
	case FUSE_GETATTR:
		trips_attr(&attr.attr, in->nodeid);
		say(server, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		serve_lookup(server, in, body);
		break;
	case VIEWOS_FUSE_LOOKUP_OPEN:
		serve_lookup_open(server, in, body);
		break;
	case FUSE_READ:
		/* Who gives content has no READ, so that one is noticed. */
		say(server, in->unique, record->content ? -ENOSYS : 0, TEXT,
		    record->content ? 0 : strlen(TEXT));
		break;
	case FUSE_WRITE:
		say(server, in->unique, 0, &(struct fuse_write_out){
			.size = ((const struct fuse_write_in *)body)->size },
		    sizeof(struct fuse_write_out));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		serve_open(server, in);
		break;
	case FUSE_READLINK:
		say(server, in->unique, 0, "file", 4);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		serve_release(server, in, body);
		break;
	case FUSE_BATCH_FORGET:
		serve_forget(server, body);
		break;
	case FUSE_CREATE:
		say(server, in->unique, -EEXIST, NULL, 0);
		break;
	case FUSE_INTERRUPT:
		break;
	case FUSE_DESTROY:
		say(server, in->unique, 0, NULL, 0);
		break;
	default:
		say(server, in->unique, -ENOSYS, NULL, 0);
	}
}

static void serve(struct record *record, int session)
{
	struct trips_server server = { .record = record, .session = session };
	static char buffer[1 << 17] __attribute__((aligned(8)));
	ssize_t len;

	for (;;) {
		len = read(session, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR)
			_exit(0);
		if (len >= (ssize_t)sizeof(struct fuse_in_header))
			serve_one(&server, (void *)buffer);
	}
}

static int trips_mount(struct _test_data_trips *self)
{
	struct viewos_server_accept accept = { };
	int ready[2];
	char byte = 1;

	if (pipe(ready))
		return -errno;
	self->server = server_fork();
	if (!self->server) {
		int server = server_create(control_open());

		byte = server < 0 || server_add(server, SERVER, false);
		if (write(ready[1], &byte, 1) != 1 || byte)
			_exit(1);
		serve(self->record, server_accept(server, &accept));
	}
	if (read(ready[0], &byte, 1) != 1 || byte)
		return -ECHILD;
	close(ready[0]);
	close(ready[1]);
	return viewfs_mount(SERVER, self->dir, "");
}

/* Waits until the server has nothing open, and of @node no lookup. */
static bool settles(const volatile struct record *record, uint64_t node)
{
	for (int i = 0; i < 10000; i++) {
		if (!record->opened && !record->lookups[node])
			return true;
		sleep_ms(1);
	}
	return false;
}

FIXTURE_VARIANT(trips)
{
	uint32_t own;
};

FIXTURE_VARIANT_ADD(trips, names) { .own = VIEWOS_PATH_LOOKUP_OPEN };
FIXTURE_VARIANT_ADD(trips, content) { .own = VIEWOS_PATH_LOOKUP_OPEN | VIEWOS_PATH_CONTENT };

FIXTURE_SETUP(trips)
{
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/trips.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->record = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->record);
	self->record->own = variant->own;
	self->record->content = !!(variant->own & VIEWOS_PATH_CONTENT);
	ASSERT_EQ(0, trips_mount(self));
	ASSERT_EQ(0, chdir(self->dir));
}

/* All that the server opened is released, and before the node is forgotten. */
FIXTURE_TEARDOWN(trips)
{
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount(self->dir));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(0, self->record->opened);
	EXPECT_EQ(0, self->record->released_after_forget);
	rmdir(self->dir);
	munmap(self->record, sizeof(struct record));
}

/* Requests that somebody waits for since the last look. */
static int trips_of(struct record *record, uint32_t *kinds)
{
	int n = 0;

	sleep_ms(100);
	for (uint32_t i = 0; i < record->count; i++)
		if (record->opcodes[i] != FUSE_RELEASE && record->opcodes[i] != FUSE_BATCH_FORGET)
			kinds[n++] = record->opcodes[i];
	record->count = 0;
	return n;
}

/* Does @n requests of these kinds, and no others, make what the server was asked? */
static bool trips_are(struct record *record, const uint32_t *want, int n)
{
	uint32_t got[64] = { };

	return trips_of(record, got) == n && !memcmp(got, want, n * sizeof(*want));
}

/*
 * What a call takes at best: a caller that loses its CPU at the wrong time asks once more. @call
 * is done again until it takes that; @before each time, and what that takes is not counted.
 */
#define EXPECT_TRIPS(before, call, ...) do {						\
	const uint32_t want[] = { __VA_ARGS__ };					\
	uint32_t before_it[64];								\
	bool good = false;								\
											\
	for (int i = 0; i < 50 && !good; i++) {						\
		before;									\
		trips_of(self->record, before_it);					\
		call;									\
		good = trips_are(self->record, want, sizeof(want) / sizeof(want[0]));	\
	}										\
	EXPECT_TRUE(good);								\
} while (0)

#define NOTHING do { } while (0)

static void forget_all(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd < 0 || write(fd, "2", 1) != 1)
		ksft_print_msg("cannot drop caches\n");
	close(fd);
	sleep_ms(100);
}

static void close_open(const char *name)
{
	close(open(name, O_RDONLY));
}

/* Nothing is kept, but what LOOKUP tells is good for the stat that it is for; once. */
TEST_F(trips, stat)
{
	struct stat st;
	int fd = open("file", O_PATH);

	EXPECT_TRIPS(NOTHING, stat("file", &st), FUSE_GETATTR, FUSE_LOOKUP);
	/* Through a link, whose own attributes nobody wants. */
	EXPECT_TRIPS(NOTHING, stat("link", &st), FUSE_GETATTR, FUSE_LOOKUP, FUSE_READLINK,
		     FUSE_GETATTR, FUSE_LOOKUP);
	ASSERT_EQ(0, fstat(fd, &st));
	for (int i = 0; i < 10; i++) {
		self->record->count = 0;
		ASSERT_EQ(0, fstat(fd, &st));
		EXPECT_EQ(1, self->record->count);
		/* A look-up that is for something else leaves nothing. */
		access("file", F_OK);
		self->record->count = 0;
		ASSERT_EQ(0, fstat(fd, &st));
		EXPECT_EQ(1, self->record->count);
	}
	close(fd);
}

TEST_F(trips, open_of_an_unknown_name)
{
	int fd;

	EXPECT_TRUE(self->record->offered & VIEWOS_PATH_LOOKUP_OPEN);
	EXPECT_TRIPS(forget_all(), close_open("file"), FUSE_GETATTR, VIEWOS_FUSE_LOOKUP_OPEN);
	/* Known, but to be looked up again. */
	EXPECT_TRIPS(NOTHING, close_open("file"), FUSE_GETATTR, FUSE_LOOKUP, FUSE_OPEN);
	EXPECT_TRIPS(NOTHING, close_open("nothing"), FUSE_GETATTR, VIEWOS_FUSE_LOOKUP_OPEN);
	EXPECT_TRUE(settles(self->record, 0));
	fd = open("file", O_RDONLY);
	EXPECT_EQ(1, self->record->opened);
	close(fd);
}

static int read_text(const char *name, int flags)
{
	char text[64];
	int fd = open(name, flags), ret = result(read(fd, text, sizeof(text)));

	close(fd);
	return ret > 0 && (ret != strlen(TEXT) || memcmp(text, TEXT, ret)) ? -EBADMSG : ret;
}

TEST_F(trips, content_comes_with_a_name)
{
	EXPECT_TRUE(self->record->offered & VIEWOS_PATH_CONTENT);
	forget_all();
	EXPECT_EQ(strlen(TEXT), read_text("file", O_RDONLY));
	/* Who reads behind the end asks whether it still is the end. */
	if (self->record->content)
		EXPECT_TRIPS(forget_all(), read_text("file", O_RDONLY),
			     FUSE_GETATTR, VIEWOS_FUSE_LOOKUP_OPEN, FUSE_GETATTR);
	else
		EXPECT_TRIPS(forget_all(), read_text("file", O_RDONLY),
			     FUSE_GETATTR, VIEWOS_FUSE_LOOKUP_OPEN, FUSE_GETATTR, FUSE_READ);
	/* What is not for the cache does not come. */
	forget_all();
	EXPECT_EQ(self->record->content ? -ENOSYS : (int)strlen(TEXT),
		  read_text("file", O_RDONLY | O_DIRECT));
	forget_all();
	EXPECT_EQ(-EBADF, read_text("file", O_WRONLY));
}

TEST_F(trips, content_without_open)
{
	self->record->no_open = 1;
	for (int i = 0; i < 3; i++) {
		forget_all();
		EXPECT_EQ(strlen(TEXT), read_text("file", O_RDONLY));
	}
	if (self->record->content)
		EXPECT_TRIPS(forget_all(), read_text("file", O_RDONLY),
			     FUSE_GETATTR, VIEWOS_FUSE_LOOKUP_OPEN, FUSE_GETATTR);
	else
		EXPECT_TRIPS(forget_all(), read_text("file", O_RDONLY),
			     FUSE_GETATTR, FUSE_LOOKUP, FUSE_GETATTR, FUSE_READ);
}

/* It was asked for before the file was written: it is not what the file has. */
TEST_F(trips, content_of_before)
{
	const int got = self->record->content ? -ENOSYS : (int)strlen(TEXT);
	pid_t pid = fork();
	struct stat st;
	int fd;

	if (!pid)
		_exit(read_text("stuck", O_RDONLY) != got);
	sleep_ms(200);
	ASSERT_EQ(0, stat("dies", &st));
	fd = open("dies", O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2, write(fd, "ab", 2));
	EXPECT_EQ(-1, access("now", F_OK));
	EXPECT_EQ(0, child_status(pid));
	close(fd);
}

TEST_F(trips, open_of_what_is_no_file)
{
	int fd;

	EXPECT_EQ(-ELOOP, result(open("link", O_RDONLY | O_NOFOLLOW)));
	fd = open("dir", O_RDONLY);
	ASSERT_LE(0, fd);
	close(fd);
	forget_all();
	fd = open("dir", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-EISDIR, result(open("dir", O_WRONLY)));
	EXPECT_EQ(-ENOTDIR, result(open("file", O_RDONLY | O_DIRECTORY)));
	EXPECT_EQ(-ENOTDIR, result(open("file/", O_RDONLY)));
	forget_all();
	fd = open("link", O_RDONLY);
	ASSERT_LE(0, fd);
	close(fd);
}

TEST_F(trips, open_that_changes_or_fails)
{
	int fd;

	self->record->count = 0;
	fd = open("file", O_WRONLY | O_TRUNC);
	for (uint32_t i = 0; i < self->record->count; i++)
		EXPECT_NE(VIEWOS_FUSE_LOOKUP_OPEN, self->record->opcodes[i]);
	close(fd);
	forget_all();
	self->record->count = 0;
	EXPECT_EQ(-EEXIST, result(open("file", O_CREAT | O_EXCL | O_RDONLY, 0600)));
	for (uint32_t i = 0; i < self->record->count; i++)
		EXPECT_NE(VIEWOS_FUSE_LOOKUP_OPEN, self->record->opcodes[i]);
	EXPECT_EQ(-EBUSY, result(open("fails", O_RDONLY)));
	/* And the name is known by that. */
	EXPECT_EQ(0, access("fails", F_OK));
	EXPECT_EQ(-EBUSY, result(open("fails", O_RDONLY)));
}

/* The server opens what the caller may not open: it is released at once. */
TEST_F(trips, open_without_permission)
{
	pid_t pid = fork();

	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		_exit(-result(open("other", O_RDONLY)));
	}
	EXPECT_EQ(EACCES, child_status(pid));
	EXPECT_TRUE(settles(self->record, 0));
}

TEST_F(trips, read_only_mount)
{
	ASSERT_EQ(0, mount(NULL, self->dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, result(open("file", O_RDWR)));
	EXPECT_EQ(0, mount(NULL, self->dir, NULL, MS_REMOUNT | MS_BIND, NULL));
}

TEST_F(trips, unknown_to_the_server)
{
	int fd;

	self->record->no_such = 1;
	self->record->count = 0;
	fd = open("file", O_RDONLY);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_LE(3, self->record->count);
	EXPECT_EQ(VIEWOS_FUSE_LOOKUP_OPEN, self->record->opcodes[1]);
	EXPECT_EQ(FUSE_LOOKUP, self->record->opcodes[2]);
	EXPECT_TRIPS(forget_all(), close_open("file"), FUSE_GETATTR, FUSE_LOOKUP, FUSE_OPEN);
}

TEST_F(trips, lies)
{
	static const char *const names[] = {
		"short", "pad", "errno", "positive", "opendir", "openlink", "opennone",
		"failnone", "badmode", "root", "more", "less", "failmore", "direct", "dirmore",
	};
	int fd;

	/* The last five are none without content. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) -
			       (self->record->content ? 0 : 5); i++) {
		EXPECT_EQ(-EIO, result(open(names[i], O_RDONLY)))
			TH_LOG("%s", names[i]);
	}
	fd = open("file", O_RDONLY);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_TRUE(settles(self->record, LIE_NODE));
}

/* The caller goes; what comes for it later is released and forgotten. */
TEST_F(trips, killed_caller)
{
	pid_t pid = fork();

	if (!pid) {
		result(open("stuck", O_RDONLY));
		_exit(0);
	}
	sleep_ms(200);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_EQ(-1, access("now", F_OK));
	EXPECT_TRUE(settles(self->record, STUCK_NODE));
}

TEST_F(trips, server_dies)
{
	EXPECT_EQ(-ENOTCONN, result(open("dies", O_RDONLY)));
}

TEST_HARNESS_MAIN
