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
 *   redirect   is the directory /usr, by an fd that is closed at once
 *   badredirect  the same with a device, which fails
 *   backed     is a file, opened with another of which the fd is closed at once
 *
 * and all these names are unknown, except the last three.
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
#define BACKED	3
#define BACKING	"/tmp/held-backing"
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
	return (struct stat){
		.st_ino = ino,
		.st_mode = ino == BACKED ? S_IFREG | 0644 : S_IFDIR | 0755,
		.st_nlink = 2,
	};
}

static void *reply_elsewhere(void *req)
{
	fuse_reply_err(req, ENOENT);
	wait_for_client();
	return NULL;
}

static void held_init(void *data, struct fuse_conn_info *conn)
{
	if (viewos_fuse_want_redirect())
		abort();
}

static void held_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param large = { .ino = LARGE, .attr = attributes(LARGE) };
	struct fuse_entry_param backed = { .ino = BACKED, .attr = attributes(BACKED) };
	static fuse_req_t first;
	pthread_t thread;
	int fd;

	if (!strcmp(name, "first")) {
		first = req;
	} else if (!strcmp(name, "thread")) {
		pthread_create(&thread, NULL, reply_elsewhere, req);
		pthread_join(thread, NULL);
	} else if (!strcmp(name, "large")) {
		fuse_reply_entry(req, &large);
	} else if (!strcmp(name, "backed")) {
		fuse_reply_entry(req, &backed);
	} else if (!strcmp(name, "redirect")) {
		fd = open("/usr", O_RDONLY | O_DIRECTORY);
		/* It is too late for that. */
		if (viewos_fuse_want_redirect() != -EOPNOTSUPP)
			abort();
		if (viewos_fuse_reply_redirect(req, fd, 60, 0))
			abort();
		close(fd);
	} else if (!strcmp(name, "badredirect")) {
		fd = open("/dev/null", O_RDONLY);
		if (viewos_fuse_reply_redirect(req, fd, 60, 0) != -EINVAL)
			abort();
		close(fd);
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

static void held_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	int fd = open(BACKING, file->flags & O_ACCMODE);

	if (viewos_fuse_reply_open(req, file, fd))
		abort();
	close(fd);
}

static void held_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			struct fuse_file_info *file)
{
	struct fuse_entry_param entry = { .ino = BACKED, .attr = attributes(BACKED) };
	int fd = open(BACKING, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (viewos_fuse_reply_create(req, &entry, file, fd))
		abort();
	close(fd);
}

static const struct fuse_lowlevel_ops ops = {
	.init = held_init,
	.lookup = held_lookup,
	.open = held_open,
	.create = held_create,
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

/* The fds that the server hands over are closed as soon as the library has returned. */
TEST_F(held, handed_over_files_are_not_held)
{
	char path[64], text[8] = "";
	int fd;

	for (int i = 0; i < 20; i++)
		ASSERT_EQ(-ENOENT, stat_name(self->dir, "plain"));
	ASSERT_EQ(0, stat_name(self->dir, "redirect/bin/."));
	ASSERT_EQ(-EIO, stat_name(self->dir, "badredirect"));
	snprintf(path, sizeof(path), "%s/new", self->dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(5, write(fd, "there", 5));
	close(fd);
	snprintf(path, sizeof(path), "%s/backed", self->dir);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(5, read(fd, text, sizeof(text)));
	EXPECT_STREQ("there", text);
	close(fd);
	unlink(BACKING);
}

TEST_HARNESS_MAIN
