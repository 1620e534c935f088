// SPDX-License-Identifier: GPL-2.0
/*
 * viewos-netstack: addresses that the network gives. For DHCP busybox's client, udhcpc, does it;
 * IPv6 the kernel configures by itself, of which we only wait for the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "keeper.h"
#include "space.h"

/* Tells a run by the client from others; has the fd to which it reports. */
#define LEASE_VARIABLE	"VIEWOS_NETSTACK_LEASE"

/* Seconds: less than a rule waits for its server. */
#define DEADLINE	20

/* Environment that is handed on. */
#define ENVIRONMENT_MAX	200

static int failed(struct report *report, int error, const char *what)
{
	report->error = error;
	snprintf(report->what, sizeof(report->what), "%s", what);
	return -1;
}

/* ---- run by the client ---- */

static bool lease_address(const char *variable, struct in_addr *address)
{
	const char *text = getenv(variable);
	char first[INET_ADDRSTRLEN + 1];

	/* Of several the first. */
	return text && sscanf(text, "%16s", first) == 1 && inet_pton(AF_INET, first, address) == 1;
}

/* The lease as the client says it in the environment. */
static int lease_take(struct report *report)
{
	struct in_addr address, mask, gateway = { };

	if (!lease_address("ip", &address))
		return failed(report, EPROTO, "ip=dhcp: no address in the answer");
	if (!lease_address("subnet", &mask))
		mask.s_addr = htonl(0xffffff00);
	lease_address("router", &gateway);
	/* When it is renewed, what is in use stays in use. */
	if (address_get() == address.s_addr)
		return 0;
	if (address_set(address, mask))
		return failed(report, errno, "ip=dhcp: address");
	if (gateway.s_addr && address_gateway(gateway))
		return failed(report, errno, "ip=dhcp: gateway");
	return 0;
}

bool keeper_lease(char **argv, int *status)
{
	const char *variable = getenv(LEASE_VARIABLE);
	struct report report = { };

	if (!variable)
		return false;
	*status = 0;
	if (argv[1] && (!strcmp(argv[1], "bound") || !strcmp(argv[1], "renew")))
		*status = lease_take(&report) ? 1 : 0;
	else if (argv[1] && !strcmp(argv[1], "deconfig"))
		address_clear();
	else
		return true;
	/* Only the first is read. */
	if (strcmp(argv[1], "deconfig") || *status) {
		signal(SIGPIPE, SIG_IGN);
		if (write(atoi(variable), &report, sizeof(report)) < 0 && errno != EPIPE)
			*status = 1;
	}
	return true;
}

/* ---- the keeper ---- */

static _Noreturn void client_exec(int report_fd)
{
	static char self[4096], variable[64];
	char interface[] = SPACE_INTERFACE;
	char *argv[] = { "busybox", "udhcpc", "-f", "-n", "-t", "6", "-T", "2", "-i", interface,
			 "-s", self, NULL };
	char *environment[ENVIRONMENT_MAX + 2] = { variable };
	struct report report;
	sigset_t none;
	int i, null;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 0; i < ENVIRONMENT_MAX && environ[i]; i++)
		environment[i + 1] = environ[i];
	snprintf(variable, sizeof(variable), LEASE_VARIABLE "=%d", report_fd);
	null = open("/dev/null", O_RDWR);
	for (i = 0; i < 3; i++)
		dup2(null, i);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0) {
		execvpe("udhcpc", argv + 1, environment);
		execvpe("busybox", argv, environment);
	}
	failed(&report, errno, "ip=dhcp: udhcpc");
	if (write(report_fd, &report, sizeof(report)) < 0)
		_exit(1);
	_exit(0);
}

/* The client's process, and where it is heard from. */
static pid_t client_start(int *report_fd, struct report *report)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		return failed(report, errno, "ip=dhcp: pipe");
	pid = fork();
	if (!pid) {
		close(ends[0]);
		client_exec(ends[1]);
	}
	close(ends[1]);
	*report_fd = ends[0];
	return pid < 0 ? failed(report, errno, "ip=dhcp: process") : pid;
}

static void allow_autoconf(void)
{
	static const struct {
		const char *name, *value;
	} settings[] = { { "disable_ipv6", "0" }, { "accept_ra", "1" }, { "autoconf", "1" } };
	char path[100];
	size_t i;
	int fd;

	/* What the machine's administrator has set for all is not meant for this one. */
	for (i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/" SPACE_INTERFACE "/%s",
			 settings[i].name);
		fd = open(path, O_WRONLY);
		/* If this fails, so that there are no addresses, we shall see. */
		if (fd >= 0 && write(fd, settings[i].value, 1) < 0)
			errno = 0;
		if (fd >= 0)
			close(fd);
	}
}

struct wanted {
	bool dhcp;
	bool auto6;
	int channel;
	int client;
	time_t deadline;
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Waits until all that is wanted is there: 0; -1 with a report; 1 nobody wants it any more. */
static int keeper_wait(struct wanted *wanted, struct report *report)
{
	struct pollfd fds[] = { { .fd = wanted->channel }, { .events = POLLIN } };

	while (wanted->dhcp || wanted->auto6) {
		fds[1].fd = wanted->dhcp ? wanted->client : -1;
		if (poll(fds, 2, 100) < 0 && errno != EINTR)
			return failed(report, errno, "poll");
		if (fds[0].revents)
			return 1;
		if (wanted->dhcp && fds[1].revents) {
			if (read(wanted->client, report, sizeof(*report)) != sizeof(*report))
				return failed(report, ETIMEDOUT, "ip=dhcp: no answer");
			if (report->error)
				return -1;
			wanted->dhcp = false;
		}
		if (wanted->auto6 && address_automatic6())
			wanted->auto6 = false;
		if (now() > wanted->deadline)
			return failed(report, ETIMEDOUT, wanted->dhcp ? "ip=dhcp: no answer" :
				      "ip6=auto: no router advertises a network");
	}
	return 0;
}

_Noreturn void keeper_run(int channel, const struct config *config)
{
	struct wanted wanted = {
		.dhcp = config->dhcp, .auto6 = config->auto6, .channel = 3, .client = -1,
		.deadline = now() + DEADLINE,
	};
	struct pollfd fd = { .fd = 3 };
	struct report report = { };
	pid_t client = 0;
	int ret = 0;

	/* The fds of other stacks are not to live on with us. */
	if (channel != 3 && dup2(channel, 3) < 0)
		_exit(1);
	close_range(4, ~0U, 0);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	if (config->auto6)
		allow_autoconf();
	if (config->dhcp) {
		client = client_start(&wanted.client, &report);
		ret = client < 0 ? -1 : 0;
	}
	if (!ret)
		ret = keeper_wait(&wanted, &report);
	if (ret <= 0)
		send(3, &report, sizeof(report), MSG_NOSIGNAL);
	/* Until the stack goes. */
	while (!ret && poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
	if (client > 0)
		kill(client, SIGKILL);
	_exit(0);
}
