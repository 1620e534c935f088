// SPDX-License-Identifier: GPL-2.0
/* ioctl and poll on files of a server, which keeps to the rules or does not. */

#include "../fake_server.h"

#include <sys/epoll.h>
#include <sys/wait.h>

#define SERVER "ioctl-test"

FIXTURE(ioctl)
{
	char dir[32];
	pid_t server;
	int fd;
};

FIXTURE_SETUP(ioctl)
{
	char path[64];

	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/ioctl.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->server = fake_start(SERVER, self->dir);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
	snprintf(path, sizeof(path), "%s/file", self->dir);
	self->fd = open(path, O_RDONLY);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ioctl)
{
	close(self->fd);
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
}

TEST_F(ioctl, data_both_ways)
{
	int value = 41;

	EXPECT_EQ(0, result(ioctl(self->fd, FAKE_IOCTL_ADD, &value)));
	EXPECT_EQ(42, value);
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, FAKE_IOCTL_ADD, NULL)));
}

TEST_F(ioctl, flags_of_a_compat_call)
{
	int flags = -1;

	EXPECT_EQ(0, result(ioctl(self->fd, FAKE_IOCTL_FLAGS, &flags)));
	EXPECT_EQ(sizeof(long) == 4 ? FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT : 0, flags);
}

TEST_F(ioctl, results)
{
	EXPECT_EQ(7, result(ioctl(self->fd, FAKE_IOCTL_RESULT, 7)));
	EXPECT_EQ(-EPERM, result(ioctl(self->fd, FAKE_IOCTL_RESULT, -EPERM)));
	/* ERESTARTSYS is no business of a server's. */
	EXPECT_EQ(-EIO, result(ioctl(self->fd, FAKE_IOCTL_RESULT, -512)));
	EXPECT_EQ(-EIO, result(ioctl(self->fd, FAKE_IOCTL_RESULT, -100000)));
}

TEST_F(ioctl, none_that_the_server_knows)
{
	char big[256];

	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IO('F', 99))));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IOWR('F', 98, char[256]), big)));
	/* It has not said that it takes them on directories. */
	EXPECT_EQ(-ENOTTY, result(ioctl(open(self->dir, O_RDONLY | O_DIRECTORY),
					FAKE_IOCTL_RESULT, 0)));
	EXPECT_EQ(0, isatty(self->fd));
}

TEST_F(ioctl, replies_against_the_rules)
{
	int value = 5;

	EXPECT_EQ(-EIO, result(ioctl(self->fd, FAKE_IOCTL_RETRY, &value)));
	EXPECT_EQ(-EIO, result(ioctl(self->fd, FAKE_IOCTL_SHORT, &value)));
	EXPECT_EQ(-EIO, result(ioctl(self->fd, FAKE_IOCTL_LONG, &value)));
	EXPECT_EQ(5, value);
}

TEST_F(ioctl, poll_asks_the_server)
{
	struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };

	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	EXPECT_EQ(0, result(ioctl(self->fd, FAKE_IOCTL_WAKE)));
	EXPECT_EQ(1, poll(&pollfd, 1, -1));
	EXPECT_EQ(POLLIN, pollfd.revents);
}

TEST_F(ioctl, a_notice_wakes_who_polls)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };

		_exit(poll(&pollfd, 1, -1) == 1 && pollfd.revents == POLLIN ? 0 : 1);
	}
	sleep_ms(300);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, result(ioctl(self->fd, FAKE_IOCTL_WAKE)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(ioctl, a_notice_wakes_who_epolls)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0);

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(0, result(ioctl(self->fd, FAKE_IOCTL_WAKE)));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 10000));
	/* The file goes while it is watched; the notice then finds nobody. */
	ASSERT_EQ(0, result(dup2(epoll, self->fd)) == self->fd ? 0 : 1);
	close(epoll);
}

TEST_F(ioctl, the_server_dies_under_a_poll)
{
	struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };

	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(1, poll(&pollfd, 1, -1));
	EXPECT_TRUE(pollfd.revents & POLLERR);
	EXPECT_EQ(-ENOTCONN, result(ioctl(self->fd, FAKE_IOCTL_RESULT, 0)));
}

TEST_HARNESS_MAIN
