// SPDX-License-Identifier: GPL-2.0
/* viewctl: doing something inside a view and coming back */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "join.h"
#include "viewctl.h"

int inside(const char *view, int (*fn)(void *arg), void *arg)
{
	struct join join;
	pid_t pid;
	int status;

	if (!view)
		return fn(arg);
	if (join_open(&join, view) < 0)
		return EXIT_FAILED;
	pid = fork();
	if (pid < 0)
		return fail("'%s': %s", view, strerror(errno));
	if (!pid)
		_exit(join_enter(&join) < 0 ? EXIT_FAILED : fn(arg));
	join_close(&join);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail("'%s': %s", view, strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}
