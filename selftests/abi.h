/* SPDX-License-Identifier: GPL-2.0 */
/* Thin wrappers of the ABI, and processes that wait for each other. */
#ifndef _VIEWOS_ABI_H
#define _VIEWOS_ABI_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/viewos.h>

/* Each of these returns what the system call does, or -errno. */

static inline int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

static inline int control_open(void)
{
	return result(open("/dev/viewos", O_RDWR | O_CLOEXEC));
}

static inline int view_create_in(int control, int parent, const char *name, uint32_t inherit)
{
	struct viewos_view_create create = {
		.size = sizeof(create),
		.parent_fd = parent,
		.inherit = inherit,
	};

	memcpy(create.name, name, strnlen(name, sizeof(create.name)));
	return result(ioctl(control, VIEWOS_IOC_VIEW_CREATE, &create));
}

static inline int view_create(int control, const char *name)
{
	return view_create_in(control, -1, name, VIEWOS_INHERIT_SHARE);
}

static inline int view_open(int control, uint64_t id, const char *name, uint32_t flags)
{
	struct viewos_view_open open = { .size = sizeof(open), .flags = flags, .id = id };

	memcpy(open.name, name, strnlen(name, sizeof(open.name)));
	return result(ioctl(control, VIEWOS_IOC_VIEW_OPEN, &open));
}

static inline int view_enter(int view)
{
	struct viewos_view_enter enter = { .size = sizeof(enter) };

	return result(ioctl(view, VIEWOS_IOC_VIEW_ENTER, &enter));
}

static inline int view_info(int view, struct viewos_view_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return result(ioctl(view, VIEWOS_IOC_VIEW_INFO, info));
}

static inline int view_set(int view, uint32_t inherit)
{
	struct viewos_view_set set = { .size = sizeof(set), .inherit = inherit };

	return result(ioctl(view, VIEWOS_IOC_VIEW_SET, &set));
}

static inline int view_destroy(int view, uint32_t flags)
{
	struct viewos_view_destroy destroy = { .size = sizeof(destroy), .flags = flags };

	return result(ioctl(view, VIEWOS_IOC_VIEW_DESTROY, &destroy));
}

/* The id of the view that the caller is in, or UINT64_MAX. */
static inline uint64_t view_self(void)
{
	struct viewos_view_info info;
	uint64_t id = UINT64_MAX;
	int control = control_open();
	int view;

	if (control < 0)
		return id;
	view = view_open(control, 0, "", VIEWOS_VIEW_OPEN_SELF);
	if (view >= 0) {
		if (!view_info(view, &info))
			id = info.id;
		close(view);
	}
	close(control);
	return id;
}

/* Runs the block in a child process, whose exit status is the block's value. */
static inline int child_status(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define IN_CHILD(block) ({				\
	pid_t child_pid = fork();			\
	if (!child_pid)					\
		_exit((block));				\
	child_status(child_pid); })

static inline void sleep_ms(unsigned int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Waits until the view has so many tasks; false after ten seconds. */
static inline bool view_has_tasks(int view, uint64_t tasks)
{
	struct viewos_view_info info;
	int i;

	for (i = 0; i < 1000; i++) {
		if (!view_info(view, &info) && info.tasks == tasks)
			return true;
		sleep_ms(10);
	}
	return false;
}

/* Becomes an unprivileged user for good. */
static inline int become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534))
		return -errno;
	return 0;
}

#endif /* _VIEWOS_ABI_H */
