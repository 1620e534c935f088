// SPDX-License-Identifier: GPL-2.0
/* viewctl: a view that a process keeps */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hold.h"
#include "holder.h"
#include "init.h"
#include "record.h"

/* A pid namespace lives as long as its first process: that is the holder then. */
static void become_first(struct world *world)
{
	pid_t pid = init_fork(false);

	if (pid < 0)
		world_cancel(world);
	if (pid)
		_exit(pid < 0 ? EXIT_FAILED : EXIT_DONE);
}

/**
 * struct failure - why a command was not started
 * @directory: it could not be in its directory
 * @error: errno
 */
struct failure {
	bool directory;
	int error;
};

/* The command's process: tells through the pipe that it could not become the command. */
static void command_become(const struct world *world, const char *directory, bool stdio, int pipe)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct failure failure = { 0 };

	init_release();
	if (directory && chdir(directory) < 0) {
		failure.directory = true;
	} else if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
		   (stdio || (dup2(null, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0))) {
		execvp(world->command[0], world->command);
	}
	failure.error = errno;
	if (write(pipe, &failure, sizeof(failure)) != sizeof(failure))
		_exit(EXIT_CANNOT_EXEC);
	_exit(EXIT_FAILED);
}

/* Returns when it runs, or could not. */
static int command_start(const struct world *world, const char *directory, bool stdio)
{
	struct failure failure = { 0 };
	int fds[2];
	pid_t pid;

	if (!world->command)
		return 0;
	pid = pipe2(fds, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid < 0)
		return fail("'%s': %s", world->command[0], strerror(errno)), -EAGAIN;
	if (!pid)
		command_become(world, directory, stdio, fds[1]);
	close(fds[1]);
	if (read(fds[0], &failure, sizeof(failure)) != sizeof(failure))
		failure.error = 0;
	close(fds[0]);
	if (failure.error)
		fail("'%s': %s", failure.directory ? directory : world->command[0],
		     strerror(failure.error));
	return -failure.error;
}

/* What the holder has open from now on is nothing, but what was told of the view. */
static int fds_settle(int record)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 ||
	    (record == HOLDER_RECORD_FD ? 0 : dup3(record, HOLDER_RECORD_FD, O_CLOEXEC)) < 0)
		return -errno;
	return close_range(HOLDER_RECORD_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

/*
 * The holder's life: it is in the view and its namespaces, and keeps them until
 * SIGTERM. It tells by a byte in the pipe that it is there.
 */
static void hold(struct world *world, int record, bool stdio, int ready)
{
	const char *directory = world->directory;
	char comm[16];

	setsid();
	world->directory = "/";
	if (world_enter(world) < 0)
		_exit(EXIT_FAILED);
	if (world->namespaces & CLONE_NEWPID)
		become_first(world);
	snprintf(comm, sizeof(comm), HOLDER_COMM "%s", world->name);
	prctl(PR_SET_NAME, comm);
	if (command_start(world, directory, stdio) < 0 || write(ready, "", 1) != 1 ||
	    fds_settle(record) < 0) {
		world_cancel(world);
		_exit(EXIT_FAILED);
	}
	signal(SIGTERM, SIG_DFL);
	if (world->namespaces & CLONE_NEWPID)
		_exit(init_attend(0));
	/* A command that has ended is nobody's to wait for. */
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		pause();
}

static int holder_start(struct world *world, int record, bool stdio)
{
	int fds[2];
	pid_t pid;
	char byte;

	if (world_create(world) < 0)
		return EXIT_FAILED;
	pid = pipe2(fds, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid < 0) {
		world_cancel(world);
		return fail("'%s': %s", world->name, strerror(errno));
	}
	if (!pid)
		hold(world, record, stdio, fds[1]);
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		return EXIT_FAILED;
	}
	close(fds[0]);
	printf("%" PRIu64 "\n", world->id);
	return EXIT_DONE;
}

int hold_world(struct world *world, const struct told *told, bool stdio)
{
	int record = record_make(told), status;

	if (record < 0)
		return EXIT_FAILED;
	status = holder_start(world, record, stdio);
	close(record);
	return status;
}
