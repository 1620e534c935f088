// SPDX-License-Identifier: GPL-2.0
/* viewctl: entering a view that exists, with its namespaces */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caps.h"
#include "join.h"
#include "viewctl.h"

/* Opens the first task that is still there; others are not looked at then. */
static int task_open(const struct viewos_entry *entry, void *arg)
{
	struct join *join = arg;
	char path[32];

	if (!entry->task_pid)
		return 0;
	join->task = pidfd_open(entry->task_pid, 0);
	if (join->task < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u", entry->task_pid);
	join->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (join->proc >= 0)
		return 1;
	close(join->task);
	join->task = -1;
	return 0;
}

static int task_find(struct join *join, uint64_t view)
{
	struct viewos_nl *nl;
	int ret;

	ret = netlink_open(&nl);
	if (ret < 0)
		return ret;
	ret = viewos_list(nl, VIEWOS_CMD_TASK_GET, view, task_open, join);
	viewos_nl_close(nl);
	if (ret < 0)
		fail("'%s': list of tasks: %s", join->name, strerror(-ret));
	return ret;
}

/* Joining a namespace that one is in already is refused by the kernel, so it is left out. */
static int namespace_compare(struct join *join, const char *name, int type)
{
	struct stat ours, theirs;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	if (stat(path, &ours) < 0 || fstatat(join->proc, name, &theirs, 0) < 0)
		return -errno;
	if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
		join->namespaces |= type;
	return 0;
}

/* That of a task's children: who waits for a command in it is outside of it. */
static int pid_namespace_open(struct join *join)
{
	int ret;

	ret = namespace_compare(join, "ns/pid_for_children", CLONE_NEWPID);
	if (ret < 0 || !(join->namespaces & CLONE_NEWPID))
		return ret;
	join->namespaces &= ~CLONE_NEWPID;
	join->pid_ns = openat(join->proc, "ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	return join->pid_ns < 0 ? -errno : 0;
}

int join_open(struct join *join, const char *view)
{
	struct viewos_view_info info;
	int ctl, ret;

	*join = (struct join){
		.name = view, .view = -1, .task = -1, .proc = -1, .root = -1, .pid_ns = -1,
	};
	ctl = ctl_open();
	if (ctl < 0)
		return ctl;
	join->view = view_open(ctl, view);
	close(ctl);
	if (join->view < 0)
		return join->view;
	ret = viewos_view_info(join->view, &info);
	if (ret < 0)
		fail("'%s': %s", view, view_error(ret));
	else
		ret = task_find(join, info.id);
	if (ret > 0) {
		ret = namespace_compare(join, "ns/user", CLONE_NEWUSER);
		if (!ret)
			ret = namespace_compare(join, "ns/mnt", CLONE_NEWNS);
		if (!ret)
			ret = namespace_compare(join, "ns/uts", CLONE_NEWUTS);
		if (!ret)
			ret = namespace_compare(join, "ns/time", CLONE_NEWTIME);
		if (!ret)
			ret = namespace_compare(join, "ns/ipc", CLONE_NEWIPC);
		if (!ret)
			ret = namespace_compare(join, "ns/cgroup", CLONE_NEWCGROUP);
		if (!ret)
			ret = pid_namespace_open(join);
		if (!ret) {
			join->root = openat(join->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
			ret = join->root < 0 ? -errno : 0;
		}
		if (ret < 0)
			fail("'%s': namespaces of its tasks: %s", view, strerror(-ret));
	}
	if (ret < 0)
		join_close(join);
	return ret < 0 ? ret : 0;
}

/* Someone else's user namespace may have no place for our ids: then take the task's. */
static int ids_take(const struct join *join)
{
	struct stat task;

	if (fstat(join->proc, &task) < 0)
		return -errno;
	if (task.st_uid == geteuid())
		return 0;
	/* Where setgroups(2) is denied, no group could have been added either. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(task.st_gid, task.st_gid, task.st_gid) < 0 ||
	    setresuid(task.st_uid, task.st_uid, task.st_uid) < 0)
		return -errno;
	return 0;
}

/* setns(2) leads to the root of the mount namespace; the task's own may be another. */
static int root_take(const struct join *join, const char *directory)
{
	if (fchdir(join->root) < 0 || chroot(".") < 0)
		return -errno;
	if (chdir(directory) < 0 && chdir("/") < 0)
		return -errno;
	return 0;
}

static int namespaces_join(const struct join *join)
{
	char directory[PATH_MAX];
	bool known = getcwd(directory, sizeof(directory));
	int ret = 0;

	if (join->namespaces && setns(join->task, join->namespaces) < 0)
		return -errno;
	if (join->namespaces & CLONE_NEWUSER) {
		ret = ids_take(join);
		if (ret >= 0)
			ret = caps_keep_admin();
	}
	if (ret >= 0 && join->pid_ns >= 0 && setns(join->pid_ns, CLONE_NEWPID) < 0)
		ret = -errno;
	if (ret >= 0 && join->namespaces & CLONE_NEWNS)
		ret = root_take(join, known ? directory : "/");
	return ret;
}

int join_enter(struct join *join)
{
	int ret;

	if (join->namespaces || join->pid_ns >= 0) {
		ret = namespaces_join(join);
		if (ret < 0) {
			fail("'%s': its namespaces: %s", join->name, strerror(-ret));
			return ret;
		}
	}
	ret = viewos_view_enter(join->view);
	if (ret == -EPERM)
		fail("'%s': not beneath the current view", join->name);
	else if (ret < 0)
		fail("'%s': %s", join->name, view_error(ret));
	return ret;
}

void join_close(struct join *join)
{
	if (join->pid_ns >= 0)
		close(join->pid_ns);
	if (join->root >= 0)
		close(join->root);
	if (join->proc >= 0)
		close(join->proc);
	if (join->task >= 0)
		close(join->task);
	if (join->view >= 0)
		close(join->view);
	join->pid_ns = join->root = join->proc = join->task = join->view = -1;
}
