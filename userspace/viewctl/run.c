// SPDX-License-Identifier: GPL-2.0
/* viewctl run: a command in a view of its own */
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "init.h"
#include "settings.h"

/* The command is the second process of the namespace; see init.h. */
static int run_in_pid_namespace(char **argv)
{
	pid_t pid = init_fork(true);

	if (pid < 0)
		return EXIT_VIEWCTL;
	if (pid)
		return init_attend(pid);
	pid = init_child();
	if (!pid)
		_exit(init_exec(argv));
	_exit(pid < 0 ? EXIT_VIEWCTL : init_attend(pid));
}

/* viewctl becomes the command: signals, terminal and exit status are its own. */
static int run_inside(struct world *world, char **argv)
{
	int status;

	if (world_enter(world) < 0)
		return EXIT_VIEWCTL;
	if (world->namespaces & CLONE_NEWPID)
		return run_in_pid_namespace(argv);
	status = exec_command(argv);
	world_cancel(world);
	return status;
}

/* It stays outside until the view has ended, and what is to be kept of it has been written. */
static int run_and_await(struct world *world, char **argv)
{
	sigset_t mask;
	int status;
	pid_t pid;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	pid = init_child();
	if (pid < 0) {
		world_cancel(world);
		return EXIT_VIEWCTL;
	}
	if (!pid) {
		init_release();
		_exit(run_inside(world, argv));
	}
	close(world->view);
	world->view = -1;
	status = init_attend(pid);
	/* From now on it is only waited for, and a signal may end that. */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	ids_await(&world->ids);
	return status;
}

static int run_world(struct world *world, char **argv)
{
	if (world_create(world) < 0)
		return EXIT_VIEWCTL;
	if (world->ids.path)
		return run_and_await(world, argv);
	return run_inside(world, argv);
}

static int run(int argc, char **argv)
{
	struct world world = { .view = -1 };
	int status;

	if (settings_options(&world, &verb_run, argc, argv, &status)) {
		argv += optind;
		status = run_world(&world, *argv || !world.command ? argv : world.command);
	} else if (status == EXIT_FAILED) {
		status = EXIT_VIEWCTL;
	}
	world_free(&world);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.args = "[OPTIONS] [--] [COMMAND [ARGUMENT]...]",
	.summary = "Run a command (or a shell) in a new view, a child of the current one",
	.help = "      --name NAME          name the view\n"
		"      --chdir DIR          start the command there\n"
		WORLD_HELP,
	.run = run,
};
