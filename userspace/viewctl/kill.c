// SPDX-License-Identifier: GPL-2.0
/* viewctl kill: a signal for all that runs in views */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holder.h"
#include "viewctl.h"

/* RTMIN+n and RTMAX-n, of which the C library has no names. */
static int realtime_signal(const char *name)
{
	int base, sign, signal;
	char *end;
	long n;

	if (!strncmp(name, "RTMIN", 5)) {
		base = SIGRTMIN;
		sign = '+';
	} else if (!strncmp(name, "RTMAX", 5)) {
		base = SIGRTMAX;
		sign = '-';
	} else {
		return -1;
	}
	if (!name[5])
		return base;
	if (name[5] != sign || !isdigit((unsigned char)name[6]))
		return -1;
	n = strtol(name + 5, &end, 10);
	if (*end || n < -SIGRTMAX || n > SIGRTMAX)
		return -1;
	signal = base + (int)n;
	return signal < SIGRTMIN || signal > SIGRTMAX ? -1 : signal;
}

/* As kill(1) has it: a number, or a name with or without SIG. */
static int signal_parse(const char *name)
{
	const char *abbrev;
	char *end;
	long n;
	int i;

	if (isdigit((unsigned char)*name)) {
		n = strtol(name, &end, 10);
		return *end || n > SIGRTMAX ? -1 : (int)n;
	}
	if (!strncmp(name, "SIG", 3))
		name += 3;
	for (i = 1; i < SIGRTMAX; i++) {
		abbrev = sigabbrev_np(i);
		if (abbrev && !strcmp(abbrev, name))
			return i;
	}
	return realtime_signal(name);
}

/* Takes a -SIGNAL out of the options, where getopt_long() would see several letters. */
static const char *signal_take(int *argc, char **argv)
{
	const char *name;
	int i;

	for (i = 1; i < *argc && argv[i][0] == '-' && strcmp(argv[i], "--"); i++) {
		if (!isdigit((unsigned char)argv[i][1]) && !isupper((unsigned char)argv[i][1]))
			continue;
		name = argv[i] + 1;
		memmove(argv + i, argv + i + 1, (*argc - i) * sizeof(*argv));
		(*argc)--;
		return name;
	}
	return NULL;
}

static int holder_look(const struct viewos_entry *entry, void *arg)
{
	pid_t *holder = arg;

	if (entry->task_comm && !strncmp(entry->task_comm, HOLDER_COMM, strlen(HOLDER_COMM)))
		*holder = entry->task_pid;
	return 0;
}

/* The process that keeps the view is not of those that the user started. */
static pid_t holder_find(int fd)
{
	struct viewos_view_info info;
	struct viewos_nl *nl;
	pid_t holder = 0;

	if (viewos_view_info(fd, &info) < 0 || netlink_open(&nl) < 0)
		return 0;
	viewos_list(nl, VIEWOS_CMD_TASK_GET, info.id, holder_look, &holder);
	viewos_nl_close(nl);
	return holder;
}

static int kill_view(int ctl, const char *view, int signal)
{
	struct viewos_view_kill done;
	int fd, ret;

	fd = view_open(ctl, view);
	if (fd < 0)
		return EXIT_FAILED;
	ret = viewos_view_kill(fd, signal, holder_find(fd), &done);
	close(fd);
	if (ret == -ESRCH)
		return fail("'%s': no process in it", view);
	if (ret < 0 && !done.refused)
		return fail("'%s': %s", view, view_error(ret));
	if (done.refused)
		return fail("'%s': not permitted for %u of %u processes", view, done.refused,
			    done.refused + done.processes);
	return EXIT_DONE;
}

static int kill_views(int argc, char **argv)
{
	static const struct option options[] = {
		{ "signal", required_argument, NULL, 's' },
		OPTION_HELP
	};
	const char *name = signal_take(&argc, argv);
	int ctl, opt, signal, status = EXIT_DONE;

	while ((opt = getopt_long(argc, argv, "+:hs:", options, NULL)) != -1) {
		if (opt != 's')
			return option_rest(&verb_kill, opt, argv);
		name = optarg;
	}
	signal = name ? signal_parse(name) : SIGTERM;
	if (signal < 0)
		return usage(&verb_kill, "'%s': no such signal (kill -l lists them)", name);
	if (optind == argc)
		return usage(&verb_kill, "the view is missing");
	ctl = ctl_open();
	if (ctl < 0)
		return EXIT_FAILED;
	for (; optind < argc; optind++)
		if (kill_view(ctl, argv[optind], signal) != EXIT_DONE)
			status = EXIT_FAILED;
	close(ctl);
	return status;
}

const struct verb verb_kill = {
	.name = "kill",
	.args = "[-SIGNAL] [OPTIONS] VIEW...",
	.summary = "Send a signal to the processes of views",
	.help = "  -s, --signal SIGNAL      which: a name or number as kill(1) has it (TERM)\n",
	.run = kill_views,
};
