// SPDX-License-Identifier: GPL-2.0
/* libviewos: a server's listening end */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "viewos.h"

int viewos_server_create(int ctl, uint64_t classes)
{
	struct viewos_server_create arg = { .size = sizeof(arg), .classes = classes };
	int ret = ioctl(ctl, VIEWOS_IOC_SERVER_CREATE, &arg);

	return ret < 0 ? -errno : ret;
}

/*
 * Is this a server fd? An accept with flags that nobody knows has no effect: a
 * server fd finds the flags invalid, anything else does not know the ioctl.
 */
static bool is_server(int fd)
{
	struct viewos_server_accept probe = { .size = sizeof(probe), .flags = ~0U };

	return ioctl(fd, VIEWOS_IOC_SERVER_ACCEPT, &probe) < 0 && errno == EINVAL;
}

static int server_inherit(const char *value)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(value, &end, 10);
	if (errno || end == value || *end || fd < 0 || fd > INT_MAX || !is_server(fd))
		return -EINVAL;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return fd;
}

int viewos_server_open(const char *name, unsigned int flags, bool *inherited)
{
	return viewos_server_open_class(name, 1ULL << VIEWOS_CLASS_PATH, flags, inherited);
}

int viewos_server_open_class(const char *name, uint64_t classes, unsigned int flags,
			     bool *inherited)
{
	const char *value = getenv(VIEWOS_SERVER_FD_ENV);
	int ctl, server, ret;

	if (inherited)
		*inherited = value;
	if (value) {
		server = server_inherit(value);
		unsetenv(VIEWOS_SERVER_FD_ENV);
		return server;
	}

	ctl = viewos_open();
	if (ctl < 0)
		return ctl;
	server = viewos_server_create(ctl, classes);
	close(ctl);
	if (server < 0)
		return server;
	ret = viewos_server_register(server, name, flags);
	if (ret < 0) {
		close(server);
		return ret;
	}
	return server;
}

int viewos_server_accept(int server, unsigned int flags, struct viewos_accepted *accepted)
{
	struct viewos_server_accept arg = {
		.size = sizeof(arg),
		.flags = flags,
		.source = (uintptr_t)accepted->source,
		.options = (uintptr_t)accepted->options,
	};
	int session;

	accepted->source[0] = '\0';
	accepted->options[0] = '\0';
	session = ioctl(server, VIEWOS_IOC_SERVER_ACCEPT, &arg);
	if (session < 0)
		return -errno;
	accepted->session_id = arg.session_id;
	accepted->view_id = arg.view_id;
	accepted->class_ = arg.class;
	accepted->uid = arg.uid;
	accepted->gid = arg.gid;
	accepted->pid = arg.pid;
	return session;
}

/* What the thread had before it took the ids of another user for its file accesses. */
struct fs_ids {
	uid_t uid;
	gid_t gid;
	int nr_groups;
	gid_t groups[NGROUPS_MAX];
};

/* The C library's would change the groups of all threads. */
static int thread_setgroups(int nr, const gid_t *groups)
{
	return syscall(SYS_setgroups, nr, groups) < 0 ? -errno : 0;
}

/* Of no use any more is a thread that cannot have its own rights back. */
static void fs_ids_restore(const struct fs_ids *ids)
{
	setfsuid(ids->uid);
	setfsgid(ids->gid);
	if (thread_setgroups(ids->nr_groups, ids->groups) < 0 ||
	    (uid_t)setfsuid(ids->uid) != ids->uid || (gid_t)setfsgid(ids->gid) != ids->gid)
		abort();
}

static int fs_ids_take(struct fs_ids *ids, uid_t uid, gid_t gid)
{
	int ret;

	ids->nr_groups = getgroups(NGROUPS_MAX, ids->groups);
	if (ids->nr_groups < 0)
		return -errno;
	ret = thread_setgroups(0, NULL);
	if (ret < 0)
		return ret;
	ids->gid = setfsgid(gid);
	ids->uid = setfsuid(uid);
	/* They tell of no error, but -1 is no id, and so changes nothing. */
	if ((gid_t)setfsgid(-1) != gid || (uid_t)setfsuid(-1) != uid) {
		fs_ids_restore(ids);
		return -EPERM;
	}
	return 0;
}

int viewos_accepted_open(const struct viewos_accepted *accepted, const char *path, int flags)
{
	bool other = accepted->uid != geteuid();
	struct fs_ids *ids = NULL;
	int ret = 0;

	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		return -EINVAL;
	if (other) {
		ids = malloc(sizeof(*ids));
		ret = ids ? fs_ids_take(ids, accepted->uid, accepted->gid) : -ENOMEM;
	}
	if (!ret) {
		ret = open(path, flags | O_CLOEXEC);
		if (ret < 0)
			ret = -errno;
		if (other)
			fs_ids_restore(ids);
	}
	free(ids);
	return ret;
}
