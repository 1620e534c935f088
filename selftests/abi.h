/* SPDX-License-Identifier: GPL-2.0 */
/* Thin wrappers of the ABI, and processes that wait for each other. */
#ifndef _VIEWOS_ABI_H
#define _VIEWOS_ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/viewos.h>
#include <linux/viewos_netlink.h>

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

/* How many processes it reached. */
static inline int view_kill(int view, int signal, pid_t except)
{
	struct viewos_view_kill kill = {
		.size = sizeof(kill), .signal = signal, .except = except };

	return result(ioctl(view, VIEWOS_IOC_VIEW_KILL, &kill)) ?: (int)kill.processes;
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

/* A generic netlink request with its attributes, on the bare protocol. */
struct nl_message {
	struct nlmsghdr header;
	struct genlmsghdr genl;
	char attributes[1024];
};

static inline void nl_begin(struct nl_message *message, uint16_t type, uint8_t cmd, uint16_t flags)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = NLM_F_REQUEST | flags;
	message->genl.cmd = cmd;
	message->genl.version = 1;
}

static inline void nl_put(struct nl_message *message, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)message + NLMSG_ALIGN(message->header.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((void *)attr + NLA_HDRLEN, data, len);
	message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) +
				    NLA_ALIGN(attr->nla_len);
}

/* Sends a request and returns the answer's length, or the -errno that it carries. */
static inline int nl_talk(struct nl_message *message, char *answer, size_t room)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct nlmsghdr *header = (void *)answer;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = sendto(fd, message, message->header.nlmsg_len, 0, (void *)&kernel, sizeof(kernel));
	if (len > 0)
		len = recv(fd, answer, room, 0);
	len = len < 0 ? -errno : len;
	close(fd);
	if (len >= 0 && header->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(header))->error;
	return len;
}

/* The family's number, or -errno. */
static inline int nl_family(void)
{
	struct nl_message message;
	char answer[8192];
	struct nlattr *attr;
	int len;

	nl_begin(&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	nl_put(&message, CTRL_ATTR_FAMILY_NAME, VIEWOS_GENL_NAME, sizeof(VIEWOS_GENL_NAME));
	len = nl_talk(&message, answer, sizeof(answer));
	if (len < 0)
		return len;
	for (attr = (void *)answer + NLMSG_LENGTH(GENL_HDRLEN); (char *)attr < answer + len;
	     attr = (void *)attr + NLA_ALIGN(attr->nla_len))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)((void *)attr + NLA_HDRLEN);
	return -ENOENT;
}

static inline int server_create(int control)
{
	struct viewos_server_create create = {
		.size = sizeof(create),
		.classes = 1 << VIEWOS_CLASS_PATH,
	};

	return result(ioctl(control, VIEWOS_IOC_SERVER_CREATE, &create));
}

static inline int server_add(int fd, const char *name, bool public)
{
	struct nl_message message;
	char answer[8192];
	int32_t number = fd;
	int family = nl_family();

	if (family < 0)
		return family;
	nl_begin(&message, family, VIEWOS_CMD_SERVER_ADD, NLM_F_ACK);
	nl_put(&message, VIEWOS_A_SERVER_NAME, name, strlen(name) + 1);
	nl_put(&message, VIEWOS_A_SERVER_FD, &number, sizeof(number));
	if (public)
		nl_put(&message, VIEWOS_A_SERVER_PUBLIC, NULL, 0);
	return nl_talk(&message, answer, sizeof(answer));
}

static inline int server_del(const char *name)
{
	struct nl_message message;
	char answer[8192];
	int family = nl_family();

	if (family < 0)
		return family;
	nl_begin(&message, family, VIEWOS_CMD_SERVER_DEL, NLM_F_ACK);
	nl_put(&message, VIEWOS_A_SERVER_NAME, name, strlen(name) + 1);
	return nl_talk(&message, answer, sizeof(answer));
}

static inline int server_accept(int server, struct viewos_server_accept *accept)
{
	accept->size = sizeof(*accept);
	return result(ioctl(server, VIEWOS_IOC_SERVER_ACCEPT, accept));
}

/* mount(2) of a viewfs. */
static inline int viewfs_mount(const char *server, const char *target, const char *more)
{
	char data[4096];

	snprintf(data, sizeof(data), "server=%s%s%s", server, *more ? "," : "", more);
	return result(mount("test", target, "viewfs", 0, data));
}

/* A mount namespace of our own, in which nothing leaks out. */
static inline int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	return 0;
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

/* As child_status(), or -ETIME if it has none within ten seconds. */
static inline int status_soon(pid_t pid)
{
	int i, status;

	for (i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		sleep_ms(10);
	}
	kill(pid, SIGKILL);
	return -ETIME;
}

/* Waits until the view has so many tasks; false after ten seconds. */
static inline bool view_has_tasks(int view, uint64_t tasks)
{
	struct viewos_view_info info;
	int i;

	for (i = 0; i < 6000; i++) {
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
