// SPDX-License-Identifier: GPL-2.0
/* viewctl create: a view that exists until it is destroyed */
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

#include "holder.h"
#include "init.h"
#include "world.h"

/* A pid namespace lives as long as its first process: that is the holder then. */
static void become_first(struct world *world)
{
	pid_t pid = init_fork(false);

	if (pid < 0)
		world_cancel(world);
	if (pid)
		_exit(pid < 0 ? EXIT_FAILED : EXIT_DONE);
}

/*
 * The holder's life: it is in the view and its namespaces, and keeps them until
 * SIGTERM. It tells by a byte in the pipe that it is there.
 */
static void hold(struct world *world, int ready)
{
	char comm[16];
	int null;

	setsid();
	if (world_enter(world, "/") < 0)
		_exit(EXIT_FAILED);
	if (world->namespaces & CLONE_NEWPID)
		become_first(world);
	snprintf(comm, sizeof(comm), HOLDER_COMM "%s", world->name);
	prctl(PR_SET_NAME, comm);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || write(ready, "", 1) != 1) {
		world_cancel(world);
		_exit(EXIT_FAILED);
	}
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	signal(SIGTERM, SIG_DFL);
	if (world->namespaces & CLONE_NEWPID)
		_exit(init_attend(0));
	for (;;)
		pause();
}

static int create_world(struct world *world)
{
	int fds[2];
	pid_t pid;
	char byte;

	if (world_create(world) < 0)
		return EXIT_FAILED;
	pid = pipe2(fds, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid < 0) {
		world_cancel(world);
		return fail("create: %s", strerror(errno));
	}
	if (!pid)
		hold(world, fds[1]);
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		return EXIT_FAILED;
	}
	printf("%" PRIu64 "\n", world->id);
	return EXIT_DONE;
}

static int create(int argc, char **argv)
{
	static const struct option options[] = { WORLD_OPTIONS, OPTION_HELP };
	struct world world = { .view = -1 };
	int opt, status = EXIT_DONE;

	while (!status &&
	       (opt = getopt_long(argc, argv, ":h" WORLD_SHORT, options, NULL)) != -1) {
		status = world_option(&world, &verb_create, opt);
		if (status < 0) {
			world_free(&world);
			return option_rest(&verb_create, opt, argv);
		}
	}
	if (!status && optind == argc)
		status = usage(&verb_create, "the view's name is missing");
	if (!status && argc - optind > 1)
		status = usage(&verb_create, "'%s': unexpected argument", argv[optind + 1]);
	if (!status) {
		world.name = argv[optind];
		status = create_world(&world);
	}
	world_free(&world);
	return status;
}

const struct verb verb_create = {
	.name = "create",
	.args = "[OPTIONS] NAME",
	.summary = "Create a view that stays until it is destroyed, and print its id",
	.help = WORLD_HELP,
	.run = create,
};
