// SPDX-License-Identifier: GPL-2.0
/* viewctl destroy: take views out of use */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "holder.h"
#include "viewctl.h"

/* Most milliseconds that a holder may take to go. */
#define HOLDER_PATIENCE	5000

/* The tasks of a view, as far as they matter here. */
struct tasks {
	unsigned int count;
	pid_t holder;
};

static int task_look(const struct viewos_entry *entry, void *arg)
{
	struct tasks *tasks = arg;

	tasks->count++;
	if (entry->task_comm && !strncmp(entry->task_comm, HOLDER_COMM, strlen(HOLDER_COMM)))
		tasks->holder = entry->task_pid;
	return 0;
}

/* Ends the holder, if it is all that there is in the view. */
static void holder_end(uint64_t view)
{
	struct tasks tasks = { 0 };
	struct pollfd end = { .events = POLLIN };
	struct viewos_nl *nl;
	int ret;

	if (netlink_open(&nl) < 0)
		return;
	ret = viewos_list(nl, VIEWOS_CMD_TASK_GET, view, task_look, &tasks);
	viewos_nl_close(nl);
	if (ret < 0 || tasks.count != 1 || tasks.holder <= 0)
		return;
	end.fd = pidfd_open(tasks.holder, 0);
	if (end.fd < 0)
		return;
	if (!pidfd_send_signal(end.fd, SIGTERM, NULL, 0))
		poll(&end, 1, HOLDER_PATIENCE);
	close(end.fd);
}

static int busy(const char *view, int fd)
{
	struct viewos_view_info info;

	if (viewos_view_info(fd, &info) < 0)
		return fail("'%s': busy (--kill ends its tasks)", view);
	return fail("'%s': busy: %llu tasks, %llu child views (--kill ends their tasks)", view,
		    (unsigned long long)info.tasks, (unsigned long long)info.children);
}

static int destroy_view(int ctl, const char *view, unsigned int flags)
{
	struct viewos_view_info info;
	int fd, ret, status = EXIT_DONE;

	fd = view_open(ctl, view);
	if (fd < 0)
		return EXIT_FAILED;
	ret = viewos_view_info(fd, &info);
	if (ret >= 0 && !flags && !info.children && info.tasks)
		holder_end(info.id);
	if (ret >= 0)
		ret = viewos_view_destroy(fd, flags);
	if (ret == -EBUSY)
		status = busy(view, fd);
	else if (ret < 0)
		status = fail("'%s': %s", view, view_error(ret));
	close(fd);
	return status;
}

static int destroy(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kill", no_argument, NULL, 'k' },
		OPTION_HELP
	};
	int ctl, opt, status = EXIT_DONE;
	unsigned int flags = 0;

	while ((opt = getopt_long(argc, argv, ":hk", options, NULL)) != -1) {
		if (opt != 'k')
			return option_rest(&verb_destroy, opt, argv);
		flags = VIEWOS_VIEW_DESTROY_KILL;
	}
	if (optind == argc)
		return usage(&verb_destroy, "the view is missing");
	ctl = ctl_open();
	if (ctl < 0)
		return EXIT_FAILED;
	for (; optind < argc; optind++)
		if (destroy_view(ctl, argv[optind], flags) != EXIT_DONE)
			status = EXIT_FAILED;
	close(ctl);
	return status;
}

const struct verb verb_destroy = {
	.name = "destroy",
	.args = "[OPTIONS] VIEW...",
	.summary = "Take views out of use",
	.help = "  -k, --kill               kill the tasks of the view and of those beneath it\n",
	.run = destroy,
};
