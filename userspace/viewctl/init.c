// SPDX-License-Identifier: GPL-2.0
/* viewctl: the first process of a pid namespace, and who waits for it */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "viewctl.h"

static void signals(int how)
{
	static const int taken[] = {
		SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
	};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(how, &set, NULL);
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Those of the namespace, in place of those of the one around it. */
static int proc_mount(void)
{
	if (!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return 0;
	return fail("--pid: /proc: %s%s", strerror(errno),
		    errno == EPERM ? " (something is mounted in the one outside?)" : "");
}

pid_t init_child(void)
{
	pid_t pid;

	/* Ignored, as whoever started us may have it, it would never come. */
	signal(SIGCHLD, SIG_DFL);
	signals(SIG_BLOCK);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	return pid;
}

pid_t init_fork(bool bound)
{
	pid_t pid = init_child();

	if (pid)
		return pid;
	if (bound)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (proc_mount())
		_exit(EXIT_VIEWCTL);
	return 0;
}

/* Returns whether @child is among those that have ended, and how. */
static bool reap(pid_t child, int *status)
{
	int how;
	pid_t pid;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid == child) {
			*status = how;
			return true;
		}
	}
	return false;
}

int init_attend(pid_t child)
{
	siginfo_t info;
	sigset_t set;
	int status = 0;

	sigprocmask(SIG_BLOCK, NULL, &set);
	for (;;) {
		if (sigwaitinfo(&set, &info) < 0)
			continue;
		if (info.si_signo == SIGCHLD) {
			if (reap(child, &status))
				return exit_status(status);
		} else if (!child && info.si_signo == SIGTERM) {
			return EXIT_DONE;
		} else if (child && info.si_code <= 0) {
			kill(child, info.si_signo);
		}
	}
}

void init_release(void)
{
	signals(SIG_UNBLOCK);
}

int init_exec(char **argv)
{
	init_release();
	return exec_command(argv);
}
