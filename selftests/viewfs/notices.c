// SPDX-License-Identifier: GPL-2.0
/*
 * Notices by which the server gives content that nobody asked for, takes back what is cached,
 * and lets names expire; with right lengths and wrong ones.
 *
 * The server is a process of the test's own. An ioctl on a file makes it send the notice that
 * lies in memory that it shares with the test.
 */

#include "../recorded.h"

#define SERVER "notices-test"
#define NOTICE_MAX ((1 << 20) + 8192)

#define NOTICE_SEND _IO('N', 1)

/* What the server and the test share. */
struct record {
	uint64_t size;		/* of the file */
	uint32_t asked[64];	/* requests by opcode */
	bool hold;		/* the next READ is not answered */
	uint32_t times;
	/* The notice: its code, and its body. */
	int32_t code;
	uint32_t len;
	uint8_t body[NOTICE_MAX];
	/* The last answer to a RETRIEVE. */
	uint32_t replies;
	uint64_t unique;
	uint64_t offset;
	uint32_t got;
	uint32_t got_len;	/* bytes that really came */
	uint8_t data[NOTICE_MAX];
};

FIXTURE(notices)
{
	RECORDED_FIELDS;
	int file;
};

/* Sends the notice as often as wanted; the first errno, and how often it went well. */
static int notice_send(struct fake_server *fake, const struct record *record, uint32_t *good)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + record->len, .error = record->code };
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { (void *)record->body, record->len },
	};

	for (*good = 0; *good < record->times; ++*good)
		if (writev(fake->session, iov, 2) != header.len)
			return -errno;
	return 0;
}

static void serve_ioctl(struct fake_server *fake, struct record *record,
			const struct fuse_in_header *in)
{
	uint32_t good;
	int err = notice_send(fake, record, &good);
	struct fuse_ioctl_out out = { .result = err ? err : (int)good };

	/* Which of them were sent before the errno is told beside it. */
	record->times = good;
	fake_reply(fake, in->unique, 0, &out, sizeof(out));
}

static void serve_notify_reply(struct record *record, const struct fuse_in_header *in)
{
	const struct fuse_notify_retrieve_in *body = (const void *)(in + 1);

	record->unique = in->unique;
	record->offset = body->offset;
	record->got = body->size;
	record->got_len = in->len - sizeof(*in) - sizeof(*body);
	memcpy(record->data, body + 1, record->got_len);
	__atomic_fetch_add(&record->replies, 1, __ATOMIC_SEQ_CST);
}

static void serve_attr(const struct record *record, uint64_t node, struct fuse_attr *attr)
{
	fake_attr(attr, node);
	if (S_ISREG(attr->mode))
		attr->size = record->size;
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = 7, .minor = 36, .max_write = 65536,
				      .flags = FUSE_MAX_PAGES, .max_pages = 16 };
	struct fuse_open_out open = { .open_flags = FOPEN_KEEP_CACHE };
	struct fuse_entry_out entry = { .nodeid = NODE_FILE, .entry_valid = 1000 };
	struct fuse_attr_out attr = { };
	const void *body = in + 1;

	if (in->opcode < 64)
		record->asked[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		fake_reply(fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		if (strcmp(body, "file")) {
			fake_handle(fake, in, body);
			break;
		}
		serve_attr(record, NODE_FILE, &entry.attr);
		fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		serve_attr(record, in->nodeid, &attr.attr);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		fake_reply(fake, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		if (record->hold)
			record->hold = false;
		else
			fake_read(fake, in, body);
		break;
	case FUSE_IOCTL:
		serve_ioctl(fake, record, in);
		break;
	case FUSE_NOTIFY_REPLY:
		serve_notify_reply(record, in);
		break;
	default:
		fake_handle(fake, in, body);
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(notices)
{
	RECORDED_SETUP();
	self->record->size = 4096;
	RECORDED_SERVER(serve, self->record);
	ASSERT_EQ(0, RECORDED_MOUNT(""));
	self->file = open("file", O_RDWR);
	ASSERT_LE(0, self->file);
}

FIXTURE_TEARDOWN(notices)
{
	close(self->file);
	RECORDED_TEARDOWN();
}

/* Has the server send it so many times; how often it did, or the errno. */
static int notice(struct _test_data_notices *self, int code, uint32_t len, uint32_t times)
{
	self->record->code = code;
	self->record->len = len;
	self->record->times = times;
	return result(ioctl(self->file, NOTICE_SEND));
}

static int store(struct _test_data_notices *self, uint64_t node, uint64_t offset, int byte,
		 uint32_t size)
{
	const struct fuse_notify_store_out out = {
		.nodeid = node, .offset = offset, .size = size };

	memcpy(self->record->body, &out, sizeof(out));
	memset(self->record->body + sizeof(out), byte, size);
	return notice(self, FUSE_NOTIFY_STORE, sizeof(out) + size, 1);
}

static int retrieve(struct _test_data_notices *self, uint64_t offset, uint32_t size)
{
	const struct fuse_notify_retrieve_out out = {
		.notify_unique = 0x1234567, .nodeid = NODE_FILE, .offset = offset, .size = size };
	const volatile uint32_t *replies = &self->record->replies;
	uint32_t before = *replies;
	int ret;

	memcpy(self->record->body, &out, sizeof(out));
	ret = notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(out), 1);
	for (int i = 0; ret == 1 && i < 10000 && *replies == before; i++)
		sleep_ms(1);
	return *replies == before + 1 ? 1 : ret == 1 ? -ETIME : ret;
}

/* Are these the file's bytes? */
static bool are(int fd, off_t offset, int byte, size_t len)
{
	uint8_t got[8192];

	if (pread(fd, got, len, offset) != (ssize_t)len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (got[i] != byte)
			return false;
	return true;
}

TEST_F(notices, content_is_stored)
{
	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'a', 4096));
	EXPECT_TRUE(are(self->file, 0, 'a', 4096));
	EXPECT_EQ(0, self->record->asked[FUSE_READ]);
	/* A part of what is there. */
	ASSERT_EQ(1, store(self, NODE_FILE, 100, 'b', 50));
	EXPECT_TRUE(are(self->file, 0, 'a', 100));
	EXPECT_TRUE(are(self->file, 100, 'b', 50));
	EXPECT_TRUE(are(self->file, 150, 'a', 4096 - 150));
	EXPECT_EQ(0, self->record->asked[FUSE_READ]);
	/* Nothing is content, too. */
	EXPECT_EQ(1, store(self, NODE_FILE, 0, 0, 0));
}

TEST_F(notices, content_of_a_part_is_read_whole)
{
	ASSERT_EQ(1, store(self, NODE_FILE, 10, 'a', 10));
	EXPECT_TRUE(are(self->file, 0, 'x', 4096));
	EXPECT_EQ(1, self->record->asked[FUSE_READ]);
}

TEST_F(notices, content_makes_a_file_longer)
{
	struct stat st;

	self->record->size = 10000;
	ASSERT_EQ(1, store(self, NODE_FILE, 4096, 'a', 10000 - 4096));
	EXPECT_TRUE(are(self->file, 4096, 'a', 10000 - 4096));
	EXPECT_EQ(0, self->record->asked[FUSE_READ]);
	ASSERT_EQ(0, fstat(self->file, &st));
	EXPECT_EQ(10000, st.st_size);
	/* Mapped, the rest of the last page is zero. */
	EXPECT_EQ(0, ({
		char *map = mmap(NULL, 12288, PROT_READ, MAP_SHARED, self->file, 0);
		int end = map[10000] | map[12287] | (map[9999] ^ 'a');

		munmap(map, 12288);
		end;
	}));
}

/* A page that is being read cannot be had: it is read again. */
TEST_F(notices, content_of_what_is_being_read)
{
	pid_t pid;

	self->record->hold = true;
	pid = fork();
	if (!pid) {
		char byte;

		_exit(pread(self->file, &byte, 1, 0) != 1);
	}
	for (int i = 0; i < 10000 && *(volatile bool *)&self->record->hold; i++)
		sleep_ms(1);
	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'a', 4096));
	ASSERT_EQ(1, retrieve(self, 0, 4096));
	EXPECT_EQ(0, self->record->got);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

TEST_F(notices, what_is_cached_comes_back)
{
	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'a', 4096));
	ASSERT_EQ(1, retrieve(self, 0, 4096));
	EXPECT_EQ(0x1234567, self->record->unique);
	EXPECT_EQ(0, self->record->offset);
	EXPECT_EQ(4096, self->record->got);
	EXPECT_EQ(4096, self->record->got_len);
	EXPECT_EQ('a', self->record->data[4095]);
	ASSERT_EQ(1, store(self, NODE_FILE, 100, 'b', 10));
	ASSERT_EQ(1, retrieve(self, 105, 10));
	EXPECT_EQ(105, self->record->offset);
	EXPECT_EQ(10, self->record->got);
	EXPECT_EQ(10, self->record->got_len);
	EXPECT_EQ(0, memcmp(self->record->data, "bbbbbaaaaa", 10));
	/* No more than there is, nor than a WRITE has. */
	ASSERT_EQ(1, retrieve(self, 4090, 4096));
	EXPECT_EQ(6, self->record->got);
	ASSERT_EQ(1, retrieve(self, 5000, 4096));
	EXPECT_EQ(0, self->record->got);
	self->record->size = 1 << 20;
	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'c', 1 << 20));
	ASSERT_EQ(1, retrieve(self, 1, UINT32_MAX));
	EXPECT_EQ(65535, self->record->got);
	EXPECT_EQ(self->record->got, self->record->got_len);
	EXPECT_EQ('c', self->record->data[65534]);
}

TEST_F(notices, what_is_not_cached_does_not)
{
	ASSERT_EQ(1, retrieve(self, 0, 4096));
	EXPECT_EQ(0, self->record->got);
	EXPECT_EQ(0, self->record->got_len);
	/* Up to the first page that is not. */
	self->record->size = 3 * 4096;
	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'a', 4096));
	ASSERT_EQ(1, store(self, NODE_FILE, 2 * 4096, 'c', 4096));
	ASSERT_EQ(1, retrieve(self, 10, 3 * 4096));
	EXPECT_EQ(4096 - 10, self->record->got);
}

/* Of what was written, too. */
TEST_F(notices, a_mapping_comes_back)
{
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self->file, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('x', map[0]);
	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'a', 10));
	EXPECT_EQ(0, memcmp(map, "aaaaaaaaaax", 11));
	ASSERT_EQ(1, retrieve(self, 5, 10));
	EXPECT_EQ(0, memcmp(self->record->data, "aaaaaxxxxx", 10));
	munmap(map, 4096);
}

TEST_F(notices, wrong_ones)
{
	struct fuse_notify_store_out *out = (void *)self->record->body;
	struct fuse_notify_retrieve_out *want = (void *)self->record->body;

	EXPECT_EQ(-ENOENT, store(self, 12345, 0, 'a', 10));
	EXPECT_EQ(-EINVAL, store(self, FUSE_ROOT_ID, 0, 'a', 10));
	EXPECT_EQ(-EINVAL, store(self, NODE_FILE, UINT64_MAX, 'a', 10));
	EXPECT_EQ(-EINVAL, store(self, NODE_FILE, UINT64_MAX - 5, 'a', 10));
	EXPECT_EQ(-EINVAL, store(self, NODE_FILE, INT64_MAX, 'a', 1));
	EXPECT_EQ(-EINVAL, store(self, NODE_FILE, INT64_MAX - 5, 'a', 10));
	*out = (struct fuse_notify_store_out){ .nodeid = NODE_FILE, .size = 11 };
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_STORE, sizeof(*out) + 10, 1));
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_STORE, sizeof(*out) + 12, 1));
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_STORE, sizeof(*out) - 1, 1));
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_STORE, 0, 1));
	out->size = UINT32_MAX;
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_STORE, sizeof(*out) + 12, 1));
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_STORE, NOTICE_MAX, 1));
	EXPECT_EQ(-EINVAL, retrieve(self, UINT64_MAX, 1));
	*want = (struct fuse_notify_retrieve_out){ .nodeid = NODE_FILE, .size = 1 };
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(*want) - 1, 1));
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(*want) + 1, 1));
	want->nodeid = 12345;
	EXPECT_EQ(-ENOENT, notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(*want), 1));
	want->nodeid = FUSE_ROOT_ID;
	EXPECT_EQ(-EINVAL, notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(*want), 1));
	EXPECT_EQ(-EINVAL, notice(self, 77, 0, 1));
	EXPECT_TRUE(are(self->file, 0, 'x', 4096));
}

/* A server that does not read the answers gets no more; none of them keeps the mount. */
TEST_F(notices, too_many_answers)
{
	struct fuse_notify_retrieve_out *want = (void *)self->record->body;

	ASSERT_EQ(1, store(self, NODE_FILE, 0, 'a', 4096));
	*want = (struct fuse_notify_retrieve_out){ .nodeid = NODE_FILE, .size = 4096 };
	EXPECT_EQ(-EBUSY, notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(*want), 1000));
	EXPECT_EQ(64, self->record->times);
	for (int i = 0; i < 10000 && *(volatile uint32_t *)&self->record->replies < 64; i++)
		sleep_ms(1);
	EXPECT_EQ(64, self->record->replies);
	EXPECT_EQ(1, retrieve(self, 0, 4096));
	*want = (struct fuse_notify_retrieve_out){ .nodeid = NODE_FILE, .size = 4096 };
	EXPECT_EQ(64, notice(self, FUSE_NOTIFY_RETRIEVE, sizeof(*want), 64));
	kill(self->server, SIGKILL);
}

TEST_F(notices, names_expire)
{
	struct {
		struct fuse_notify_inval_entry_out out;
		char name[8];
	} *body = (void *)self->record->body;
	uint32_t lookups;
	struct stat st;

	ASSERT_EQ(0, stat("file", &st));
	lookups = self->record->asked[FUSE_LOOKUP];
	ASSERT_EQ(0, stat("file", &st));
	EXPECT_EQ(lookups, self->record->asked[FUSE_LOOKUP]);
	body->out = (struct fuse_notify_inval_entry_out){
		.parent = FUSE_ROOT_ID, .namelen = 4, .flags = FUSE_EXPIRE_ONLY };
	strcpy(body->name, "file");
	EXPECT_EQ(1, notice(self, FUSE_NOTIFY_INVAL_ENTRY, sizeof(body->out) + 5, 1));
	ASSERT_EQ(0, stat("file", &st));
	EXPECT_EQ(lookups + 1, self->record->asked[FUSE_LOOKUP]);
}

TEST_HARNESS_MAIN
