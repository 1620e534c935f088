// SPDX-License-Identifier: GPL-2.0
/*
 * viewctl: the keeper of a FUSE program
 *
 * Its child accepts the session, so that the session's server is the program itself, and
 * becomes the program. The keeper has the session fd too, until it has said why the
 * program ended: only then does the mount fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuseprogram.h"
#include "viewctl.h"

/* Where the program finds its session: just after the standard fds. */
#define SESSION_FD	3

/**
 * struct keeper - what the keeper has of its program
 * @program: which one
 * @hold: see fuseprogram_keep(); -1 when the other end is closed
 * @child: pidfd of the program
 * @output: what the program writes
 * @link: where it sends its session, -1 when that has come
 * @session: fd, or -1
 */
struct keeper {
	const struct fuseprogram *program;
	int hold;
	int child;
	int output;
	int link;
	int session;
};

static int fd_send(int link, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(link, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int fd_receive(int link)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(link, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* Waits for the session, unless nobody will make one. */
static int session_await(int server, int hold, struct viewos_accepted *accepted)
{
	struct pollfd fds[] = {
		{ .fd = server, .events = POLLIN },
		{ .fd = hold },
	};

	while (poll(fds, 2, -1) < 0 || !fds[0].revents)
		if (fds[1].revents)
			return -ECANCELED;
	return viewos_server_accept(server, 0, accepted);
}

/* The program, or why not, on what is its stderr by now. */
static void program_exec(const struct fuseprogram *program, const struct viewos_accepted *accepted)
{
	if (*accepted->source == '-')
		fail("'%s': would be an option of %s, not a source", accepted->source,
		     program->name);
	else
		fail("%s: %s", program->path,
		     strerror(fuseprogram_exec(program, SESSION_FD, accepted->options,
					       accepted->source)));
}

/* The child: what the program inherits is its session and the standard fds. */
static void program_become(const struct fuseprogram *program, int server, int hold, int output,
			   int link)
{
	static struct viewos_accepted accepted;
	int session;

	/* A signal that ends the keeper is meant for the program. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	session = session_await(server, hold, &accepted);
	if (session < 0)
		_exit(EXIT_FAILED);
	/* Clear of the place that it gets below. */
	session = fcntl(session, F_DUPFD_CLOEXEC, SESSION_FD + 1);
	if (session < 0 || fd_send(link, session) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0 || dup2(session, SESSION_FD) < 0 ||
	    close_range(SESSION_FD + 1, ~0U, 0) < 0)
		fail("%s: %s", program->path, strerror(errno));
	else
		program_exec(program, &accepted);
	_exit(EXIT_CANNOT_EXEC);
}

/* Hands on what the program says. Returns false when there is nothing more. */
static bool output_pass(struct keeper *keeper)
{
	char text[4096];
	ssize_t len = read(keeper->output, text, sizeof(text));

	if (len > 0 && keeper->hold >= 0 && write(STDERR_FILENO, text, len) < 0)
		return false;
	return len > 0;
}

/* The mount has been made, or has failed: who waits for our stderr's end shall not. */
static void hold_released(struct keeper *keeper)
{
	close(keeper->hold);
	keeper->hold = -1;
	dup2(STDIN_FILENO, STDERR_FILENO);
}

static void program_ended(struct keeper *keeper)
{
	siginfo_t info = { 0 };

	waitid(P_PIDFD, keeper->child, &info, WEXITED);
	while (output_pass(keeper))
		;
	if (keeper->hold < 0 || keeper->session < 0)
		return;
	if (info.si_code != CLD_EXITED)
		fail("%s: killed by signal %d (%s)", keeper->program->name, info.si_status,
		     strsignal(info.si_status));
	else if (info.si_status == EXIT_CANNOT_EXEC)
		return;
	else if (info.si_status)
		fail("%s: ended with status %d", keeper->program->name, info.si_status);
}

static void watch(struct keeper *keeper)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = keeper->child, .events = POLLIN },
			{ .fd = keeper->output, .events = POLLIN },
			{ .fd = keeper->hold },
			{ .fd = keeper->link, .events = POLLIN },
		};

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			continue;
		if (fds[3].revents) {
			keeper->session = fd_receive(keeper->link);
			close(keeper->link);
			keeper->link = -1;
		}
		if (fds[1].revents & POLLIN)
			output_pass(keeper);
		if (fds[2].revents)
			hold_released(keeper);
		if (fds[0].revents)
			break;
		/* It has closed its output. */
		if (fds[1].revents && !(fds[1].revents & POLLIN)) {
			close(keeper->output);
			keeper->output = -1;
		}
	}
	program_ended(keeper);
}

void fuseprogram_keep(const struct fuseprogram *program, int server, int hold)
{
	struct keeper keeper = { .program = program, .hold = hold, .session = -1 };
	int output[2], link[2];
	pid_t pid;

	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) < 0) {
		fail("%s: %s", program->name, strerror(errno));
		return;
	}
	/* The program writes as to any stderr. */
	fcntl(output[1], F_SETFL, 0);
	pid = fork();
	if (!pid) {
		close(link[0]);
		program_become(program, server, hold, output[1], link[1]);
	}
	close(server);
	close(output[1]);
	close(link[1]);
	keeper.output = output[0];
	keeper.link = link[0];
	keeper.child = pid < 0 ? -1 : pidfd_open(pid, 0);
	if (keeper.child < 0) {
		fail("%s: %s", program->name, strerror(errno));
		if (pid > 0)
			kill(pid, SIGTERM);
		return;
	}
	signal(SIGPIPE, SIG_IGN);
	watch(&keeper);
}
