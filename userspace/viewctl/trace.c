// SPDX-License-Identifier: GPL-2.0
/* viewctl trace: a command, and what system calls it makes */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "init.h"
#include "ondemand.h"
#include "ruling.h"

/**
 * struct trace - what is to be told of, and how
 * @calls: as the user wrote them, or NULL for all
 * @file: where to, or NULL
 * @count: a table alone
 * @json: as JSON
 * @rule: for these calls
 * @server: who tells of them
 * @pidfd: its process
 * @view: view fd
 */
struct trace {
	char *calls;
	const char *file;
	bool count;
	bool json;
	struct viewos_call_rule *rule;
	struct ondemand server;
	int pidfd;
	int view;
};

/* Several -e are one list. */
static int calls_add(struct trace *trace, const char *calls)
{
	char *all;

	if (asprintf(&all, "%s%s%s", trace->calls ? trace->calls : "", trace->calls ? "," : "",
		     calls) < 0)
		return fail("-e: %s", strerror(ENOMEM));
	free(trace->calls);
	trace->calls = all;
	return EXIT_DONE;
}

/* The server has another current directory. */
static int file_set(struct trace *trace)
{
	char *path;
	int fd;

	fd = open(trace->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0) {
		fail("-o: '%s': %s", trace->file, strerror(errno));
		return EXIT_VIEWCTL;
	}
	close(fd);
	path = realpath(trace->file, NULL);
	if (!path || strlen(path) >= sizeof(trace->rule->source)) {
		fail("-o: '%s': %s", trace->file, strerror(path ? ENAMETOOLONG : errno));
		free(path);
		return EXIT_VIEWCTL;
	}
	snprintf(trace->rule->source, sizeof(trace->rule->source), "%s", path);
	free(path);
	return EXIT_DONE;
}

static int rule_set(struct trace *trace, const struct verb *verb)
{
	char error[512], *text;
	int ret;

	trace->rule = calloc(1, sizeof(*trace->rule));
	if (!trace->rule || asprintf(&text, "%s=serve:trace", trace->calls ? trace->calls :
				     "any") < 0) {
		fail("%s", strerror(ENOMEM));
		return EXIT_VIEWCTL;
	}
	ret = calls_parse(text, trace->rule, error, sizeof(error));
	free(text);
	if (ret < 0)
		return usage(verb, "-e: %s", ret == -ENOMEM ? strerror(ENOMEM) : error);
	snprintf(trace->rule->options, sizeof(trace->rule->options), "%s%s%s",
		 trace->count ? "count" : "", trace->count && trace->json ? "," : "",
		 trace->json ? "json" : "");
	return trace->file ? file_set(trace) : EXIT_DONE;
}

/* A server of our own, so that its end can be waited for. */
static int server_start(struct trace *trace)
{
	char name[VIEWOS_NAME_LEN];
	int ret;

	snprintf(name, sizeof(name), "trace@%d", getpid());
	ret = ondemand_get(&trace->server, VIEWOS_CLASS_SYSCALL, "trace", name, false);
	if (ret < 0)
		return ret;
	trace->pidfd = syscall(SYS_pidfd_open, trace->server.pid, 0);
	if (trace->pidfd < 0) {
		ret = -errno;
		fail("viewos-trace: %s", strerror(-ret));
		return ret;
	}
	snprintf(trace->rule->target, sizeof(trace->rule->target), "%s", trace->server.name);
	return 0;
}

static int view_make(struct trace *trace)
{
	int ctl = ctl_open(), ret;

	if (ctl < 0)
		return ctl;
	trace->view = viewos_view_create(ctl, -1, NULL, VIEWOS_INHERIT_SHARE, NULL);
	close(ctl);
	if (trace->view < 0) {
		fail("view: %s", strerror(-trace->view));
		return trace->view;
	}
	ret = server_start(trace);
	if (ret < 0)
		return ret;
	ret = viewos_call_rule_add(trace->view, trace->rule, NULL);
	if (ret < 0)
		fail("'%s': %s", trace->calls ? trace->calls : "any", calls_error(ret, true));
	return ret;
}

/* It has told all when it has ended. */
static void server_await(const struct trace *trace)
{
	struct pollfd fd = { .fd = trace->pidfd, .events = POLLIN };

	while (poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
}

static int command_run(struct trace *trace, char **argv)
{
	sigset_t mask;
	int status, ret;
	pid_t pid;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	pid = init_child();
	if (pid < 0)
		return EXIT_VIEWCTL;
	if (!pid) {
		close(trace->pidfd);
		ret = viewos_view_enter(trace->view);
		if (ret < 0) {
			fail("view: %s", view_error(ret));
			_exit(EXIT_VIEWCTL);
		}
		close(trace->view);
		_exit(init_exec(argv));
	}
	/* The view is to end with its last process. */
	close(trace->view);
	trace->view = -1;
	status = init_attend(pid);
	/* From now on it is only waited for, and a signal may end that. */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	server_await(trace);
	return status;
}

static int trace_options(struct trace *trace, int argc, char **argv)
{
	static const struct option options[] = {
		{ "calls", required_argument, NULL, 'e' },
		{ "count", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'J' },
		{ "output", required_argument, NULL, 'o' },
		OPTION_HELP
	};
	int opt, status = EXIT_DONE;

	while (!status && (opt = getopt_long(argc, argv, "+:he:co:J", options, NULL)) != -1) {
		switch (opt) {
		case 'e':
			status = calls_add(trace, optarg);
			break;
		case 'c':
			trace->count = true;
			break;
		case 'J':
			trace->json = true;
			break;
		case 'o':
			trace->file = optarg;
			break;
		default:
			status = option_rest(&verb_trace, opt, argv);
			return status ? status : -1;
		}
	}
	return status;
}

static int trace(int argc, char **argv)
{
	struct trace trace = { .server.hold = -1, .pidfd = -1, .view = -1 };
	int status = trace_options(&trace, argc, argv);

	if (!status)
		status = rule_set(&trace, &verb_trace);
	if (!status && view_make(&trace) < 0) {
		ondemand_kill(&trace.server);
		status = EXIT_VIEWCTL;
	} else if (!status) {
		status = command_run(&trace, argv + optind);
	}
	if (trace.view >= 0)
		close(trace.view);
	if (trace.pidfd >= 0)
		close(trace.pidfd);
	free(trace.rule);
	free(trace.calls);
	return status < 0 ? EXIT_DONE : status;
}

const struct verb verb_trace = {
	.name = "trace",
	.args = "[OPTIONS] [--] [COMMAND [ARGUMENT]...]",
	.summary = "Run a command (or a shell), and tell what system calls it makes",
	.help = "  -e, --calls CALL[,CALL...]\n"
		"                           only these: names, groups as @mount, or any;\n"
		"                           see viewctl help rule add; repeatable\n"
		"  -c, --count              only a table at the end: time, calls, errors\n"
		"  -o, --output FILE        write there, not to standard error\n"
		"  -J, --json               as JSON, an object per line\n",
	.run = trace,
};
