// SPDX-License-Identifier: GPL-2.0
/*
 * libviewos holds a reply until its thread asks for more. So: servers that take their
 * time after a reply, reply from elsewhere, or to two at once.
 *
 * Each look-up's name says what the server does:
 *
 *   plain      replies, and is done
 *   slow       replies, then goes on only when the client says so, who has the reply
 *   thread     another thread replies, and the server goes on only when that is done
 *   two        replies to this and to a look-up of "first", which it has kept
 *   large      is a directory, of which a listing is too large to be held
 *
 * and all these names are unknown, except "large".
 */
#define FUSE_USE_VERSION 314

#include "../viewos_test.h"

#include <dirent.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "viewos.h"

#define SERVER	"held-test"
#define LARGE	2
#define ENTRIES	1000

/* The server's end of a pipe by which the client says that it has its reply. */
static int go_on[2];

static void wait_for_client(void)
{
	char byte;

	if (read(go_on[0], &byte, 1) != 1)
		abort();
}

static struct stat attributes(fuse_ino_t ino)
{
	return (struct stat){ .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
}

static void *reply_elsewhere(void *req)
{
	fuse_reply_err(req, ENOENT);
	wait_for_client();
	return NULL;
}

static void held_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param large = { .ino = LARGE, .attr = attributes(LARGE) };
	static fuse_req_t first;
	pthread_t thread;

	if (!strcmp(name, "first")) {
		first = req;
	} else if (!strcmp(name, "thread")) {
		pthread_create(&thread, NULL, reply_elsewhere, req);
		pthread_join(thread, NULL);
	} else if (!strcmp(name, "large")) {
		fuse_reply_entry(req, &large);
	} else {
		fuse_reply_err(req, ENOENT);
		if (!strcmp(name, "slow"))
			wait_for_client();
		else if (!strcmp(name, "two"))
			fuse_reply_err(first, ENOENT);
	}
}

static void held_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct stat st = attributes(ino);

	fuse_reply_attr(req, &st, 60);
}

static void held_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			 struct fuse_file_info *file)
{
	static char buffer[1 << 16];
	struct stat st = attributes(3);
	size_t len = 0, more;
	char name[64];

	if (size > sizeof(buffer))
		size = sizeof(buffer);
	for (; ino == LARGE && off < ENTRIES; len += more) {
		snprintf(name, sizeof(name), "an-entry-with-a-name-of-some-length-%04d", (int)off);
		more = fuse_add_direntry(req, buffer + len, size - len, name, &st, ++off);
		if (more > size - len)
			break;
	}
	fuse_reply_buf(req, buffer, len);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = held_lookup,
	.getattr = held_getattr,
	.readdir = held_readdir,
};

FIXTURE(held)
{
	char dir[32];
	pid_t server;
};

static void serve(int server)
{
	struct viewos_server_accept accept = { };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(go_on[1]);
	/* One thread: nobody else is there to help it out. */
	_exit(-viewos_fuse_serve(server_accept(server, &accept), &ops, sizeof(ops), NULL, 1));
}

FIXTURE_SETUP(held)
{
	int server;

	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/held.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, pipe(go_on));
	server = server_create(control_open());
	ASSERT_LE(0, server);
	ASSERT_EQ(0, server_add(server, SERVER, false));
	self->server = fork();
	if (!self->server)
		serve(server);
	close(server);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
}

FIXTURE_TEARDOWN(held)
{
	umount2(self->dir, MNT_DETACH);
	EXPECT_EQ(0, child_status(self->server));
	rmdir(self->dir);
}

static int stat_name(const char *dir, const char *name)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return result(stat(path, &st));
}

TEST_F(held, reply_goes_with_the_next_request)
{
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(-ENOENT, stat_name(self->dir, "plain"));
}

/* More than enough of them that the library gives up holding replies. */
TEST_F(held, reply_does_not_wait_for_its_thread)
{
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(-ENOENT, stat_name(self->dir, "slow"));
		ASSERT_EQ(1, write(go_on[1], "", 1));
	}
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "plain"));
}

TEST_F(held, another_thread_replies_at_once)
{
	ASSERT_EQ(-ENOENT, stat_name(self->dir, "thread"));
	ASSERT_EQ(1, write(go_on[1], "", 1));
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "plain"));
}

TEST_F(held, two_replies_for_one_request)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-stat_name(self->dir, "first"));
	/* The server has one thread, so it comes to this when it has seen that. */
	sleep_ms(200);
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "two"));
	EXPECT_EQ(ENOENT, child_status(pid));
}

TEST_F(held, replies_too_large_to_be_held)
{
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/large", self->dir);
	dir = opendir(path);
	ASSERT_NE(NULL, dir);
	while (readdir(dir))
		n++;
	EXPECT_EQ(ENTRIES, n);
	closedir(dir);
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "plain"));
}

TEST_HARNESS_MAIN
