// SPDX-License-Identifier: GPL-2.0
/* libviewos: a server's listening end */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
	server = viewos_server_create(ctl, 1ULL << VIEWOS_CLASS_PATH);
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
