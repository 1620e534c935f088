// SPDX-License-Identifier: GPL-2.0
/*
 * Times of birth: when the server is asked by STATX, and what it may answer.
 *
 * The server is a process of the test's own, on the bare ABI, with one file.
 */

#include "../recorded.h"

#include <linux/viewos_path.h>

#define SERVER "statx-test"
#define BIRTH 1234567890
#define WANTED (STATX_BASIC_STATS | STATX_BTIME)

/* What the server and the test share. */
struct record {
	uint32_t minor;
	uint64_t valid;
	uint64_t size;
	bool hold;		/* STATX is not answered */
	bool die;		/* upon STATX */
	int error;		/* of STATX */
	int len;		/* of its answer, if it is not what it should be */
	struct fuse_statx stat;	/* of its answer */
	uint32_t asked[64];	/* requests by opcode */
	struct fuse_statx_in in;
	uint32_t offered;	/* the kernel's minor */
};

FIXTURE(statx)
{
	RECORDED_FIELDS;
};

static void serve_attr(const struct record *record, uint64_t node, struct fuse_attr *attr)
{
	fake_attr(attr, node);
	if (S_ISREG(attr->mode))
		attr->size = record->size;
}

static void serve_statx(struct fake_server *fake, struct record *record,
			const struct fuse_in_header *in)
{
	struct {
		struct fuse_statx_out out;
		char more[8];
	} reply = { .out = { .attr_valid = record->valid, .stat = record->stat } };

	memcpy(&record->in, in + 1, sizeof(record->in));
	if (record->die)
		_exit(0);
	if (record->hold)
		return;
	reply.out.stat.size = record->size;
	fake_reply(fake, in->unique, record->error, &reply,
		   record->error ? 0 : record->len ? record->len : sizeof(reply.out));
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = 7, .minor = record->minor, .max_write = 65536 };
	struct fuse_entry_out entry = { .nodeid = NODE_FILE, .entry_valid = 1000,
					.attr_valid = record->valid };
	struct fuse_attr_out attr = {
		.attr_valid = in->nodeid == FUSE_ROOT_ID ? 1000 : record->valid };

	if (in->opcode < 64)
		record->asked[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		record->offered = ((const struct fuse_init_in *)(in + 1))->minor;
		fake_reply(fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		serve_attr(record, NODE_FILE, &entry.attr);
		fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		serve_attr(record, in->nodeid, &attr.attr);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_STATX:
		serve_statx(fake, record, in);
		break;
	default:
		fake_handle(fake, in, in + 1);
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(statx)
{
	RECORDED_SETUP();
	*self->record = (struct record){
		.minor = 39, .valid = 1000, .size = 4096,
		.stat = {
			.mask = WANTED, .mode = S_IFREG | 0644, .nlink = 1, .ino = NODE_FILE,
			.blksize = 4096, .btime = { .tv_sec = BIRTH, .tv_nsec = 5 },
		},
	};
	RECORDED_SERVER(serve, self->record);
}

FIXTURE_TEARDOWN(statx)
{
	RECORDED_TEARDOWN();
}

static int mounted(struct _test_data_statx *self)
{
	return RECORDED_MOUNT("");
}

/* The time of birth, 0 if none is told, or a negative errno. */
static int64_t birth(int flags, struct statx *stx)
{
	int ret = result(statx(AT_FDCWD, "file", flags, WANTED, stx));

	if (ret)
		return ret;
	return stx->stx_mask & STATX_BTIME ? stx->stx_btime.tv_sec : 0;
}

/* How often the server was asked by this since the last time. */
static uint32_t asked(struct _test_data_statx *self, uint32_t opcode)
{
	uint32_t count = self->record->asked[opcode];

	self->record->asked[opcode] = 0;
	return count;
}

TEST_F(statx, is_asked_for_once)
{
	struct statx stx;

	ASSERT_EQ(0, mounted(self));
	EXPECT_LE(39, self->record->offered);
	asked(self, FUSE_GETATTR);
	EXPECT_EQ(BIRTH, birth(0, &stx));
	EXPECT_EQ(5, stx.stx_btime.tv_nsec);
	EXPECT_EQ(4096, stx.stx_size);
	EXPECT_EQ(S_IFREG | 0644, stx.stx_mode);
	EXPECT_EQ(WANTED, stx.stx_mask & WANTED);
	EXPECT_EQ(WANTED, self->record->in.sx_mask);
	EXPECT_EQ(0, self->record->in.sx_flags);
	EXPECT_EQ(BIRTH, birth(0, &stx));
	EXPECT_EQ(BIRTH, birth(AT_STATX_DONT_SYNC, &stx));
	EXPECT_EQ(1, asked(self, FUSE_STATX));
	EXPECT_EQ(BIRTH, birth(AT_STATX_FORCE_SYNC, &stx));
	EXPECT_EQ(1, asked(self, FUSE_STATX));
	EXPECT_EQ(0, asked(self, FUSE_GETATTR));
}

TEST_F(statx, is_not_asked_for_by_who_does_not_want_it)
{
	struct statx stx;
	struct stat st;

	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(0, stat("file", &st));
	EXPECT_EQ(0, statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &stx));
	EXPECT_EQ(0, stx.stx_mask & STATX_BTIME);
	/* Nor by who wants what is known only. */
	EXPECT_EQ(0, birth(AT_STATX_DONT_SYNC, &stx));
	EXPECT_EQ(0, asked(self, FUSE_STATX));
}

TEST_F(statx, brings_attributes)
{
	struct statx stx;
	struct stat st;

	self->record->valid = 0;
	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(BIRTH, birth(0, &stx));
	self->record->size = 8192;
	asked(self, FUSE_GETATTR);
	EXPECT_EQ(BIRTH, birth(0, &stx));
	EXPECT_EQ(8192, stx.stx_size);
	EXPECT_EQ(2, asked(self, FUSE_STATX));
	EXPECT_EQ(0, asked(self, FUSE_GETATTR));
	EXPECT_EQ(0, stat("file", &st));
	EXPECT_EQ(8192, st.st_size);
}

TEST_F(statx, without_a_time_of_birth)
{
	struct statx stx;

	self->record->stat.mask = STATX_BASIC_STATS;
	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(0, birth(0, &stx));
	EXPECT_EQ(0, birth(0, &stx));
	EXPECT_EQ(1, asked(self, FUSE_STATX));
}

TEST_F(statx, with_nothing_but_a_time_of_birth)
{
	struct statx stx;

	self->record->stat = (struct fuse_statx){
		.mask = STATX_BTIME, .btime = { .tv_sec = -7 } };
	ASSERT_EQ(0, mounted(self));
	asked(self, FUSE_GETATTR);
	EXPECT_EQ(0, statx(AT_FDCWD, "file", 0, WANTED, &stx));
	EXPECT_EQ(WANTED, stx.stx_mask & WANTED);
	EXPECT_EQ(-7, stx.stx_btime.tv_sec);
	EXPECT_EQ(S_IFREG | 0644, stx.stx_mode);
	EXPECT_EQ(1, asked(self, FUSE_GETATTR));
}

TEST_F(statx, is_not_asked_of_an_old_server)
{
	struct statx stx;

	self->record->minor = 38;
	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(0, birth(0, &stx));
	EXPECT_EQ(0, birth(AT_STATX_FORCE_SYNC, &stx));
	EXPECT_EQ(0, asked(self, FUSE_STATX));
}

TEST_F(statx, is_not_asked_of_who_cannot)
{
	struct statx stx;

	self->record->error = -ENOSYS;
	ASSERT_EQ(0, mounted(self));
	asked(self, FUSE_GETATTR);
	EXPECT_EQ(0, birth(0, &stx));
	EXPECT_EQ(4096, stx.stx_size);
	EXPECT_EQ(0, birth(AT_STATX_FORCE_SYNC, &stx));
	EXPECT_EQ(1, asked(self, FUSE_STATX));
	EXPECT_EQ(2, asked(self, FUSE_GETATTR));
}

TEST_F(statx, fails_as_the_server_says)
{
	static const int errors[] = { -EIO, -EACCES, -ESTALE };
	struct statx stx;

	ASSERT_EQ(0, mounted(self));
	for (int i = 0; i < 3; i++) {
		self->record->error = errors[i];
		EXPECT_EQ(errors[i], birth(0, &stx));
	}
	self->record->error = 0;
	EXPECT_EQ(BIRTH, birth(0, &stx));
}

TEST_F(statx, does_not_believe_what_cannot_be)
{
	const struct fuse_statx good = self->record->stat;
	struct fuse_statx *stat = &self->record->stat;
	struct statx stx;

	ASSERT_EQ(0, mounted(self));
	stat->btime.tv_nsec = 1000000000;
	EXPECT_EQ(-EIO, birth(0, &stx));
	*stat = good;
	stat->mtime.tv_nsec = UINT32_MAX;
	EXPECT_EQ(-EIO, birth(0, &stx));
	*stat = good;
	stat->mode = 0644;
	EXPECT_EQ(-EIO, birth(0, &stx));
	*stat = good;
	stat->blocks = UINT64_MAX;
	EXPECT_EQ(-EIO, birth(0, &stx));
	*stat = good;
	self->record->size = UINT64_MAX;
	EXPECT_EQ(-EIO, birth(0, &stx));
	self->record->size = 4096;
	self->record->len = 8;
	EXPECT_EQ(-EIO, birth(0, &stx));
	self->record->len = sizeof(struct fuse_statx_out) + 8;
	EXPECT_EQ(-EIO, birth(0, &stx));
	self->record->len = 0;
	EXPECT_EQ(BIRTH, birth(0, &stx));
	/* Now it is another thing: what is open is of no use. */
	stat->mode = S_IFDIR | 0755;
	EXPECT_EQ(-EIO, birth(AT_STATX_FORCE_SYNC, &stx));
}

TEST_F(statx, ends_with_the_server)
{
	struct statx stx;

	ASSERT_EQ(0, mounted(self));
	self->record->die = true;
	EXPECT_EQ(-ENOTCONN, birth(0, &stx));
}

TEST_F(statx, can_be_killed_while_it_waits)
{
	struct statx stx;
	pid_t pid;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = true;
	pid = server_fork();
	if (!pid)
		_exit(-birth(0, &stx));
	for (int i = 0; i < 10000; i++) {
		if (__atomic_load_n(&self->record->asked[FUSE_STATX], __ATOMIC_SEQ_CST))
			break;
		sleep_ms(1);
	}
	EXPECT_EQ(1, asked(self, FUSE_STATX));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_soon(pid));
}

TEST_HARNESS_MAIN
