// SPDX-License-Identifier: GPL-2.0
/*
 * What was written into the page cache alone when a process, the server or the mount ends.
 */

#include "written.h"

FIXTURE(unwritten)
{
	WRITTEN_FIELDS;
};

FIXTURE_SETUP(unwritten)
{
	WRITTEN_SETUP();
}

FIXTURE_TEARDOWN(unwritten)
{
	WRITTEN_TEARDOWN();
}

/* Who ends without closing does not wait, and loses nothing. */
TEST_F(unwritten, exit)
{
	pid_t pid = fork();

	if (!pid) {
		int fd = open("0", O_RDWR);

		for (int i = 0; i < 50; i++)
			if (pwrite(fd, "exit", 4, i * 5000) != 4)
				_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, unmount(self->dir, &self->mounted));
	EXPECT_EQ(49 * 5000 + 4, self->file->size);
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(0, memcmp(self->file->data + i * 5000, "exit", 4));
}

/* A server that does not answer: who waits can be killed, and what he wrote comes there. */
TEST_F(unwritten, deaf)
{
	struct stat st;
	pid_t pid;

	self->record->deaf = 1;
	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		if (write(fd, "first", 5) != 5)
			_exit(1);
		close(fd);
		_exit(0);
	}
	while (!self->record->held)
		sleep_ms(10);
	/* Meanwhile others get what he wrote, and may write as well. */
	EXPECT_EQ(0, stat("0", &st));
	EXPECT_EQ(5, st.st_size);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(0x80 + SIGKILL, status_soon(pid));

	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		/* This page waits for the older one to arrive. */
		if (pwrite(fd, "later", 5, 5) != 5)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	EXPECT_EQ(0x80 + SIGKILL, status_soon(pid));
	EXPECT_EQ(5, self->file->size);
	EXPECT_EQ(-1, stat("answer", &st));
	EXPECT_EQ(0, unmount(self->dir, &self->mounted));
	EXPECT_EQ(10, self->file->size);
	EXPECT_EQ(0, memcmp(self->file->data, "firstlater", 10));
}

/* And if it never answers, umount does not wait for ever. */
TEST_F(unwritten, deaf_for_ever)
{
	pid_t pid;

	self->record->deaf = 1;
	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		if (write(fd, "first", 5) != 5)
			_exit(1);
		fsync(fd);
		_exit(1);
	}
	while (!self->record->held)
		sleep_ms(10);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(0x80 + SIGKILL, status_soon(pid));
}

TEST_F(unwritten, dead)
{
	static char buffer[4096];
	int fd = open("0", O_RDWR), other = open("1", O_RDWR);

	/* What the flusher sends meanwhile does not arrive either. */
	self->record->deaf = 1;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(4096, write(fd, buffer, 4096));
		ASSERT_EQ(4096, write(other, buffer, 4096));
	}
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_EQ(-1, close(other));
	EXPECT_EQ(-1, write(fd, buffer, 4096));
	EXPECT_EQ(ENOTCONN, errno);
	/* What is lost is not shown. */
	EXPECT_EQ(-1, pread(fd, buffer, 4096, 0));
	close(fd);
}

/* Writes a page at the end, and syncs; a process with its own file that says how that went. */
static pid_t syncing(const char *name, char c)
{
	char page[4096];
	pid_t pid = server_fork();
	int fd;

	if (pid)
		return pid;
	memset(page, c, sizeof(page));
	fd = open(name, O_RDWR | O_APPEND);
	if (write(fd, page, sizeof(page)) != sizeof(page))
		_exit(errno);
	_exit(-result(fsync(fd)));
}

/* A server that will follow, from before there are files that it would keep open. */
static pid_t follower(struct record *record)
{
	pid_t pid = server_fork();

	if (pid)
		return pid;
	while (!record->follow)
		sleep_ms(10);
	waitpid(server_start(SERVER, serve, record), NULL, 0);
	_exit(0);
}

/*
 * Another server follows. What was dirty, what was sent and not answered, and what is written while
 * there is none arrives, and whoever syncs is told so, but not before.
 */
TEST_F(unwritten, recovered)
{
	static const char names[][2] = { "0", "1", "2" };
	static char page[4096];
	struct stat st;
	pid_t pids[3], next;
	int fds[3];

	ASSERT_EQ(0, unmount(self->dir, &self->mounted));
	waitpid(self->server, NULL, 0);
	self->record->own = VIEWOS_PATH_RECOVER;
	next = follower(self->record);
	ASSERT_LT(0, next);
	RECORDED_SERVER(serve, self->record);
	ASSERT_EQ(0, RECORDED_MOUNT("recover=60"));
	for (int i = 0; i < 3; i++) {
		fds[i] = open(names[i], O_RDWR);
		memset(page, 'a' + i, sizeof(page));
		ASSERT_EQ(4096, write(fds[i], page, sizeof(page)));
	}
	ASSERT_EQ(0, fsync(fds[0]));
	self->record->deaf = 1;
	pids[0] = syncing("0", 'x');
	for (int i = 0; i < 1000 && !self->record->held; i++)
		sleep_ms(10);
	EXPECT_LT(0, self->record->held);
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	/* As on a disk that has lost what it was not told to keep. */
	resize(self->file, 4096);
	self->record->held = 0;
	self->record->deaf = 0;
	for (int i = 1; i < 3; i++)
		pids[i] = syncing(names[i], 'x' + i);
	sleep_ms(200);
	EXPECT_EQ(0, waitpid(-1, NULL, WNOHANG));

	self->server = next;
	self->record->follow = 1;
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, status_soon(pids[i]));
		EXPECT_EQ(8192, self->record->files[i].size);
		EXPECT_TRUE(all_are(self->record->files[i].data, 'a' + i, 4096));
		EXPECT_TRUE(all_are(self->record->files[i].data + 4096, 'x' + i, 4096));
		EXPECT_EQ(0, stat(names[i], &st));
		EXPECT_EQ(8192, st.st_size);
		EXPECT_EQ(0, close(fds[i]));
	}
}

TEST_HARNESS_MAIN
