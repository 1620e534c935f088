// SPDX-License-Identifier: GPL-2.0
/*
 * What a server is told at umount, and in which order: one that frees all upon DESTROY must not
 * have anything else to do then, in any of its threads.
 *
 * It holds a reply back until nothing has come for some time; and after a look-up of "sleep" it
 * reads nothing until the test says so.
 */

#include "../recorded.h"

#include <poll.h>

#define SERVER "ending-test"

/* What the server and the test share. */
struct record {
	uint32_t hold;		/* an opcode: its reply is held */
	bool go;		/* who does not read goes on */
	uint32_t asked[64];	/* requests by opcode */
	uint32_t early;		/* DESTROY while a reply was held */
};

FIXTURE(ending)
{
	RECORDED_FIELDS;
};

/* The server's own: a request that was not answered, or 0. */
static uint64_t held;

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct pollfd fd = { .fd = fake->session, .events = POLLIN };

	if (in->opcode < 64)
		record->asked[in->opcode]++;
	if (in->opcode == FUSE_DESTROY)
		record->early += !!held;
	if (in->opcode == record->hold)
		held = in->unique;
	else
		fake_handle(fake, in, in + 1);
	if (in->opcode == FUSE_LOOKUP && !strcmp((const char *)(in + 1), "sleep"))
		while (!record->go)
			sleep_ms(10);
	if (held && !poll(&fd, 1, 500)) {
		fake_reply(fake, held, 0, NULL, 0);
		held = 0;
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(ending)
{
	RECORDED_SETUP();
	RECORDED_SERVER(serve, self->record);
}

FIXTURE_TEARDOWN(ending)
{
	RECORDED_TEARDOWN();
}

static int leave(struct _test_data_ending *self)
{
	self->mounted = false;
	return result(chdir("/")) ?: result(umount(self->dir));
}

static uint32_t forgets(const struct record *record)
{
	return record->asked[FUSE_FORGET] + record->asked[FUSE_BATCH_FORGET];
}

/* Its exit status. */
static int server_status(struct _test_data_ending *self)
{
	int ret = status_soon(self->server);

	self->server = 0;
	return ret;
}

/* RELEASE goes with the next request. That is DESTROY, but it must wait. */
TEST_F(ending, destroy_waits_for_replies)
{
	self->record->hold = FUSE_RELEASE;
	ASSERT_EQ(0, RECORDED_MOUNT(""));
	close(open("file", O_RDONLY));
	EXPECT_EQ(0, leave(self));
	EXPECT_EQ(0, server_status(self));
	EXPECT_EQ(1, self->record->asked[FUSE_RELEASE]);
	EXPECT_EQ(1, self->record->asked[FUSE_DESTROY]);
	EXPECT_EQ(0, self->record->early);
}

/* All nodes are forgotten by DESTROY. What was to be forgotten before is told no more. */
TEST_F(ending, destroy_forgets)
{
	struct stat st;
	int caches;

	self->record->hold = FUSE_DESTROY;
	ASSERT_EQ(0, RECORDED_MOUNT(""));
	ASSERT_EQ(0, stat("dir", &st));
	EXPECT_EQ(-ENOENT, result(stat("sleep", &st)));
	caches = open("/proc/sys/vm/drop_caches", O_WRONLY);
	EXPECT_EQ(1, write(caches, "2", 1));
	close(caches);
	EXPECT_EQ(0, leave(self));
	self->record->go = true;
	EXPECT_EQ(0, server_status(self));
	EXPECT_EQ(0, forgets(self->record));
	EXPECT_EQ(1, self->record->asked[FUSE_DESTROY]);
}

TEST_HARNESS_MAIN
