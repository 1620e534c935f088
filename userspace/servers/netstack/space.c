// SPDX-License-Identifier: GPL-2.0
/* viewos-netstack: the network namespace that is the stack. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "space.h"

/*
 * The namespace is made by a child, since it belongs to a thread that is in it, and a process
 * with threads cannot enter a user namespace. The child is a copy of one thread among several: it
 * allocates nothing. It tells what failed, and sends the fds. Where the network gives addresses,
 * it stays to keep them.
 */

static int failed(struct report *report, const char *what)
{
	report->error = errno;
	snprintf(report->what, sizeof(report->what), "%s", what);
	return -1;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return -1;
	written = write(fd, text, strlen(text));
	close(fd);
	return written < 0 ? -1 : 0;
}

static int enter_namespaces(struct report *report)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	/* With the right to, it belongs to the user namespace that we are in. */
	if (!unshare(CLONE_NEWNET))
		return 0;
	if (errno != EPERM)
		return failed(report, "network namespace");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return failed(report, "user and network namespace");
	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	if (write_file("/proc/self/uid_map", map))
		return failed(report, "/proc/self/uid_map");
	snprintf(map, sizeof(map), "0 %u 1\n", gid);
	if (write_file("/proc/self/setgroups", "deny") ||
	    write_file("/proc/self/gid_map", map))
		return failed(report, "/proc/self/gid_map");
	return 0;
}

static int interface_up(int control, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(control, SIOCSIFFLAGS, &ifr);
}

static void set_address(struct sockaddr *to, in_addr_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = address };

	memcpy(to, &in, sizeof(in));
}

static int configure4(int control, const struct config *config, struct report *report)
{
	struct ifreq ifr = { .ifr_name = SPACE_INTERFACE };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	if (config->prefix) {
		set_address(&ifr.ifr_addr, config->ip.s_addr);
		if (ioctl(control, SIOCSIFADDR, &ifr))
			return failed(report, "ip");
		set_address(&ifr.ifr_netmask, htonl(~0U << (32 - config->prefix)));
		if (ioctl(control, SIOCSIFNETMASK, &ifr))
			return failed(report, "length of the prefix");
	}
	if (!config->gateway.s_addr)
		return 0;
	set_address(&route.rt_dst, 0);
	set_address(&route.rt_genmask, 0);
	set_address(&route.rt_gateway, config->gateway.s_addr);
	return ioctl(control, SIOCADDRT, &route) ? failed(report, "gw") : 0;
}

/* As in <linux/ipv6.h>, which cannot be included beside the C library's own. */
struct ifreq6 {
	struct in6_addr address;
	uint32_t prefix;
	int index;
};

static int configure6(const struct config *config, struct report *report)
{
	struct ifreq6 ifr = { .address = config->ip6, .prefix = config->prefix6 };
	struct in6_rtmsg route = { .rtmsg_flags = RTF_UP | RTF_GATEWAY, .rtmsg_metric = 1 };
	int control, ret = 0;

	if (!config->prefix6 && IN6_IS_ADDR_UNSPECIFIED(&config->gateway6))
		return 0;
	control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		return failed(report, "IPv6");
	ifr.index = if_nametoindex(SPACE_INTERFACE);
	route.rtmsg_ifindex = ifr.index;
	if (config->prefix6 && ioctl(control, SIOCSIFADDR, &ifr)) {
		ret = failed(report, "ip6");
	} else if (!IN6_IS_ADDR_UNSPECIFIED(&config->gateway6)) {
		route.rtmsg_gateway = config->gateway6;
		if (ioctl(control, SIOCADDRT, &route))
			ret = failed(report, "gw6");
	}
	close(control);
	return ret;
}

static int tap_open(int control, const struct config *config, struct report *report)
{
	struct ifreq ifr = { .ifr_name = SPACE_INTERFACE, .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct ifreq mtu = { .ifr_name = SPACE_INTERFACE, .ifr_mtu = config->mtu };
	int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (tap < 0)
		return failed(report, "/dev/net/tun");
	if (ioctl(tap, TUNSETIFF, &ifr))
		return failed(report, "interface of /dev/net/tun");
	if (ioctl(control, SIOCSIFMTU, &mtu))
		return failed(report, "mtu");
	if (interface_up(control, SPACE_INTERFACE))
		return failed(report, SPACE_INTERFACE);
	if (configure4(control, config, report) || configure6(config, report))
		return -1;
	return tap;
}

static int space_make(const struct config *config, struct space *space, struct report *report)
{
	int control;

	if (enter_namespaces(report))
		return -1;
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		return failed(report, "socket");
	if (interface_up(control, "lo"))
		return failed(report, "lo");
	if (*config->url) {
		space->tap = tap_open(control, config, report);
		if (space->tap < 0)
			return -1;
	}
	space->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return space->netns < 0 ? failed(report, "/proc/self/ns/net") : 0;
}

/* The child's whole life. */
static void child_run(int channel, const struct config *config)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct report report = { };
	struct iovec iov = { &report, sizeof(report) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct space space = { .netns = -1, .tap = -1 };
	bool keep = config->dhcp || config->auto6;
	struct cmsghdr *cmsg;
	int fds[2];

	if (!space_make(config, &space, &report)) {
		fds[0] = space.netns;
		fds[1] = space.tap;
		msg.msg_control = &control;
		msg.msg_controllen = space.tap < 0 ? CMSG_SPACE(sizeof(int)) :
						     CMSG_SPACE(2 * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN((space.tap < 0 ? 1 : 2) * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, cmsg->cmsg_len - CMSG_LEN(0));
	}
	if (sendmsg(channel, &msg, MSG_NOSIGNAL) == sizeof(report) && !report.error && keep)
		keeper_run(channel, config);
	_exit(0);
}

static int receive(int channel, struct space *space, struct report *report)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { report, sizeof(*report) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t len;
	int fds[2] = { -1, -1 };

	do {
		len = recvmsg(channel, &msg, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (len == sizeof(*report) && cmsg && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len <= CMSG_LEN(sizeof(fds)))
		memcpy(fds, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0));
	space->netns = fds[0];
	space->tap = fds[1];
	if (len != sizeof(*report)) {
		report->error = len < 0 ? errno : EIO;
		snprintf(report->what, sizeof(report->what), "namespace");
	} else if (!report->error && space->netns < 0) {
		/* No room for an fd here: they got lost on the way. */
		report->error = EMFILE;
		snprintf(report->what, sizeof(report->what), "namespace");
	}
	return -report->error;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void complain(struct report *report)
{
	report->what[sizeof(report->what) - 1] = '\0';
	fprintf(stderr, "viewos-netstack: %s: %s\n", report->what, strerror(report->error));
}

int space_create(const struct config *config, struct space *space)
{
	struct report report = { };
	int channel[2], ret;
	pid_t pid;

	*space = (struct space){ .netns = -1, .tap = -1, .channel = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		return -errno;
	pid = fork();
	if (pid < 0) {
		ret = -errno;
		close(channel[0]);
		close(channel[1]);
		return ret;
	}
	if (!pid)
		child_run(channel[1], config);
	close(channel[1]);
	space->keeper = pid;
	space->channel = channel[0];
	ret = receive(channel[0], space, &report);
	if (!ret && *config->url && space->tap < 0) {
		ret = -EMFILE;
		report.error = EMFILE;
		snprintf(report.what, sizeof(report.what), "namespace");
	}
	if (ret) {
		complain(&report);
		space_close(space);
	} else if (!config->dhcp && !config->auto6) {
		close(channel[0]);
		reap(pid);
		space->keeper = 0;
		space->channel = -1;
	}
	return ret;
}

int space_settle(struct space *space)
{
	struct report report;
	ssize_t len;

	if (!space->keeper)
		return 0;
	do {
		len = recv(space->channel, &report, sizeof(report), 0);
	} while (len < 0 && errno == EINTR);
	if (len != sizeof(report)) {
		report.error = EIO;
		snprintf(report.what, sizeof(report.what), "addresses");
	}
	if (report.error)
		complain(&report);
	return -report.error;
}

void space_close(struct space *space)
{
	/* Other children may have a copy of our end, so closing it would not do. */
	if (space->channel >= 0) {
		shutdown(space->channel, SHUT_RDWR);
		close(space->channel);
	}
	if (space->keeper)
		reap(space->keeper);
	if (space->netns >= 0)
		close(space->netns);
	if (space->tap >= 0)
		close(space->tap);
	*space = (struct space){ .netns = -1, .tap = -1, .channel = -1 };
}
