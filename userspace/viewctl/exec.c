// SPDX-License-Identifier: GPL-2.0
/* viewctl: becoming the command that the user asked for */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewctl.h"

/* An empty @argv stands for the user's shell. Returns only to fail. */
int exec_command(char **argv)
{
	static char fallback[] = "/bin/sh";
	char *shell[] = { getenv("SHELL"), NULL };
	int error;

	if (!argv[0]) {
		if (!shell[0] || !*shell[0])
			shell[0] = fallback;
		argv = shell;
	}
	execvp(argv[0], argv);
	error = errno;
	fail("'%s': %s", argv[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}
