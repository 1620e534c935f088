// SPDX-License-Identifier: GPL-2.0
/* viewctl attach: a process that runs is moved into a view */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viewctl.h"

/**
 * struct thread - one that was stopped
 * @tid: its id
 * @signal: what it was about to get, which it gets when it goes on
 */
struct thread {
	pid_t tid;
	int signal;
};

/**
 * struct process - all threads of a process
 * @pid: its id
 * @threads: those that have been stopped
 * @count: how many
 */
struct process {
	pid_t pid;
	struct thread *threads;
	size_t count;
};

static bool is_known(const struct process *process, pid_t tid)
{
	size_t i;

	for (i = 0; i < process->count; i++)
		if (process->threads[i].tid == tid)
			return true;
	return false;
}

/* Waits for a thread to stop; 0, or -ESRCH if it has ended instead. */
static int thread_await(struct thread *thread)
{
	int status;

	do {
		if (waitpid(thread->tid, &status, __WALL) < 0 && errno != EINTR)
			return -errno;
	} while (!WIFSTOPPED(status) && !WIFEXITED(status) && !WIFSIGNALED(status));
	if (!WIFSTOPPED(status))
		return -ESRCH;
	if (status >> 16 != PTRACE_EVENT_STOP)
		thread->signal = WSTOPSIG(status);
	return 0;
}

/* 1: it was stopped, 0: it had ended. */
static int thread_stop(struct process *process, pid_t tid)
{
	struct thread thread = { .tid = tid }, *threads;
	int ret;

	threads = realloc(process->threads, (process->count + 1) * sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	process->threads = threads;
	/* A thread that ends is seized, if at all, when it is too late. */
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return errno == ESRCH ? 0 : -errno;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 && errno != ESRCH)
		return -errno;
	ret = thread_await(&thread);
	if (ret < 0)
		return ret == -ESRCH ? 0 : ret;
	threads[process->count++] = thread;
	return 1;
}

/* Has the thread ended, as a first one may whose process goes on? Nobody can seize it then. */
static bool has_ended(const struct process *process, pid_t tid)
{
	char path[64], line[256];
	bool ended = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", process->pid, tid);
	file = fopen(path, "re");
	if (!file)
		return true;
	while (!ended && fgets(line, sizeof(line), file))
		ended = !strncmp(line, "State:\tZ", 8) || !strncmp(line, "State:\tX", 8);
	fclose(file);
	return ended;
}

/* Stops those that are listed; how many it were. */
static int listed_stop(struct process *process, DIR *dir)
{
	struct dirent *entry;
	int ret, stopped = 0;
	pid_t tid;

	while ((entry = readdir(dir))) {
		tid = atoi(entry->d_name);
		if (tid <= 0 || is_known(process, tid) || has_ended(process, tid))
			continue;
		ret = thread_stop(process, tid);
		if (ret < 0)
			return ret;
		stopped += ret;
	}
	return stopped;
}

/* Until there are no new ones: who is stopped makes none. */
static int process_stop(struct process *process)
{
	char path[64];
	DIR *dir;
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/task", process->pid);
	do {
		dir = opendir(path);
		if (!dir)
			return errno == ENOENT ? -ESRCH : -errno;
		ret = listed_stop(process, dir);
		closedir(dir);
	} while (ret > 0);
	return ret < 0 ? ret : process->count ? 0 : -ESRCH;
}

static void process_go_on(struct process *process)
{
	const struct thread *thread;

	while (process->count) {
		thread = &process->threads[--process->count];
		/* Who was killed meanwhile is not there to go on; who has a SIGSTOP stays so. */
		ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(intptr_t)thread->signal);
	}
	free(process->threads);
	process->threads = NULL;
}

static const char *attach_error(int error)
{
	switch (-error) {
	case EPERM:
		return "permission denied (the view is not beneath the current one, or the process "
		       "is not in it or beneath it)";
	case ENOENT:
		return "the view is being destroyed";
	case ESRCH:
		return "a thread cannot be stopped: it ended just now, or is a worker of io_uring";
	case ENOTTY:
		return "the module that is loaded cannot move processes";
	default:
		return strerror(-error);
	}
}

static int process_attach(struct process *process, int view)
{
	int ret = process_stop(process);

	if (ret < 0) {
		fail("%d: %s", process->pid, ret == -EPERM ? "may not be traced (see ptrace(2))" :
		     strerror(-ret));
	} else {
		ret = viewos_view_attach(view, process->pid);
		if (ret < 0)
			fail("%d: %s", process->pid, attach_error(ret));
	}
	process_go_on(process);
	return ret;
}

static int pid_parse(const char *text, pid_t *pid)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || number < 1 || number > INT32_MAX)
		return -EINVAL;
	*pid = number;
	return 0;
}

static int attach(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP };
	struct process process = { 0 };
	int opt, view, ret;

	opt = getopt_long(argc, argv, "+:h", options, NULL);
	if (opt != -1)
		return option_rest(&verb_attach, opt, argv);
	if (argc - optind != 2)
		return usage(&verb_attach, argc - optind > 2 ? "'%s': too many arguments" :
			     "%s is missing", argc - optind > 2 ? argv[optind + 2] :
			     optind == argc ? "the process" : "the view");
	if (pid_parse(argv[optind], &process.pid) < 0)
		return usage(&verb_attach, "'%s': expected a process id", argv[optind]);
	view = view_open_by_name(argv[optind + 1]);
	if (view < 0)
		return EXIT_FAILED;
	ret = process_attach(&process, view);
	close(view);
	return ret < 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_attach = {
	.name = "attach",
	.args = "PID VIEW",
	.summary = "Move a process that runs into a view, with its threads",
	.help = "  Its namespaces stay: what the view has by rules is for it, what by mounts and\n"
		"  other namespaces is not.\n\n",
	.run = attach,
};
