/* SPDX-License-Identifier: GPL-2.0 */
/* A real server for tests in C: viewos-mem, which is found by the path. */
#ifndef _MEM_SERVER_H
#define _MEM_SERVER_H

#include "fake_server.h"

static inline pid_t mem_start(const char *name)
{
	pid_t pid = server_fork();

	if (!pid) {
		execlp("viewos-mem", "viewos-mem", "--foreground", "--name", name, NULL);
		_exit(127);
	}
	return pid;
}

/* Mounts as soon as the server has its name; -ENOENT if that does not come. */
static inline int mem_mount_with(const char *name, const char *dir, const char *options)
{
	int i, err = -ENOENT;

	for (i = 0; i < 1000 && err == -ENOENT; i++) {
		err = viewfs_mount(name, dir, options);
		if (err == -ENOENT)
			sleep_ms(10);
	}
	return err;
}

static inline int mem_mount(const char *name, const char *dir)
{
	return mem_mount_with(name, dir, "");
}

#endif /* _MEM_SERVER_H */
