// SPDX-License-Identifier: GPL-2.0
/* viewctl: having something done outside, from inside a view */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outside.h"
#include "viewctl.h"

/* Nobody's zombie: viewctl may have become some other program before it ends. */
static void wait_outside(int fd, int (*fn)(void *arg), void *arg)
{
	int ret;

	switch (fork()) {
	case -1:
		_exit(EXIT_FAILED);
	case 0:
		break;
	default:
		_exit(EXIT_DONE);
	}
	/* An empty message is the end. */
	if (recv(fd, &ret, sizeof(ret), 0) != sizeof(ret))
		_exit(EXIT_DONE);
	ret = fn(arg);
	send(fd, &ret, sizeof(ret), MSG_NOSIGNAL);
	_exit(EXIT_DONE);
}

int outside_start(int (*fn)(void *arg), void *arg)
{
	int fds[2];
	pid_t pid;
	int ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		ret = -errno;
		fail("a process outside the view: %s", strerror(-ret));
		return ret;
	}
	pid = fork();
	ret = pid < 0 ? -errno : fds[0];
	if (!pid) {
		close(fds[0]);
		wait_outside(fds[1], fn, arg);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		fail("a process outside the view: %s", strerror(-ret));
		return ret;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return ret;
}

int outside_ask(int fd)
{
	int ret = 0;

	if (send(fd, &ret, sizeof(ret), MSG_NOSIGNAL) != sizeof(ret) ||
	    recv(fd, &ret, sizeof(ret), 0) != sizeof(ret)) {
		ret = -EIO;
		fail("the process outside the view: it has ended");
	}
	close(fd);
	return ret;
}
