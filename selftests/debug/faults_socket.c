// SPDX-License-Identifier: GPL-2.0
/* Rules, and every operation of sockets that a server answers for, with failures. */

#include "../sock_server.h"
#include "faults.h"

#include <netinet/tcp.h>

#define SERVER "faults-sock"

static int inner = -1;
static uint64_t rule;

static void handle_none(int session, const char *source, const struct sock_request *req)
{
}

/* Rules */

static int rule_made(struct viewos_rule_add add)
{
	int ret = rule_add_in(inner, &add);

	rule = ret ? 0 : add.id;
	return ret;
}

static int run_deny(void) { return rule_made(rule_deny(AF_X25, ANY, ANY, EPERM)); }
static int run_serve(void) { return rule_made(sock_rule(SERVER, "requests")); }
static int run_stack(void) { return rule_made(rule_of(rule_deny(ANY, ANY, ANY, EPERM), "s")); }
static int run_del(void) { return rule_del(inner, rule); }

static int run_netns(void)
{
	int netns = open("/proc/self/ns/net", O_RDONLY), ret;

	if (netns < 0)
		return -errno;
	ret = rule_made(rule_netns(AF_INET, netns));
	close(netns);
	return ret;
}

static void again_add(void)
{
	if (rule)
		rule_del(inner, rule);
	rule = 0;
}

static void again_del(void)
{
	again_add();
	run_deny();
}

static int run_rules(void) { return dump(VIEWOS_CMD_RULE_GET); }
static int run_sockets(void) { return dump(VIEWOS_CMD_SOCKET_GET); }

/* Sockets */

/* A socket of its own address. */
static int bound(int type, struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, type, 0), ret;

	if (fd < 0)
		return -errno;
	*address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ret = result(bind(fd, (void *)address, len)) ?:
	      result(getsockname(fd, (void *)address, &len));
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int run_socket(void) { return made = result(socket(AF_INET, SOCK_STREAM, 0)); }
static int run_socket_of(void) { return made = stack_socket("", AF_INET, SOCK_DGRAM, 0); }

static int run_options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = 1, ret;
	socklen_t len = sizeof(value);

	if (fd < 0)
		return -errno;
	ret = result(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, len)) ?:
	      result(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len));
	if (!ret && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, len) &&
	    errno != ENOPROTOOPT)
		ret = -errno;
	if (!ret && getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len) &&
	    errno != ENOPROTOOPT)
		ret = -errno;
	close(fd);
	return ret;
}

/* What two connected programs do. */
static int talk(int one, int other)
{
	struct pollfd poll_fd = { .fd = other, .events = POLLIN };
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	char text[16];
	int ret;

	ret = result(write(one, "text", 4));
	if (ret != 4)
		return ret < 0 ? ret : -EPROTO;
	ret = result(poll(&poll_fd, 1, -1));
	if (ret != 1)
		return ret;
	ret = result(ioctl(other, FIONREAD, text)) ?:
	      result(getpeername(other, (void *)&address, &len)) ?:
	      result(recv(other, text, sizeof(text), MSG_PEEK));
	if (ret == 4)
		ret = result(read(other, text, sizeof(text)));
	if (ret != 4)
		return ret < 0 ? ret : -EPROTO;
	return result(shutdown(one, SHUT_WR)) ?: result(read(other, text, sizeof(text)));
}

static int run_stream(void)
{
	struct sockaddr_in address;
	int listener, one, other, ret;

	listener = bound(SOCK_STREAM, &address);
	if (listener < 0)
		return listener;
	one = socket(AF_INET, SOCK_STREAM, 0);
	ret = one < 0 ? -errno : result(listen(listener, 5)) ?:
	      result(connect(one, (void *)&address, sizeof(address)));
	if (!ret) {
		other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ret = other < 0 ? -errno : talk(one, other);
		close(other);
	}
	close(one);
	close(listener);
	return ret;
}

static int run_datagram(void)
{
	struct sockaddr_in address, from;
	socklen_t len = sizeof(from);
	int one, other, ret;
	char text[16];

	one = bound(SOCK_DGRAM, &address);
	if (one < 0)
		return one;
	other = socket(AF_INET, SOCK_DGRAM, 0);
	ret = other < 0 ? -errno :
	      result(sendto(other, "text", 4, 0, (void *)&address, sizeof(address)));
	if (ret == 4)
		ret = result(recvfrom(one, text, sizeof(text), 0, (void *)&from, &len));
	close(other);
	close(one);
	return ret;
}

static const struct step socket_steps[] = {
	{ "make a socket", run_socket, close_made },
	{ "make a socket of a stack", run_socket_of, close_made },
	{ "options", run_options },
	{ "connect and talk", run_stream },
	{ "datagrams", run_datagram },
	{ "list sockets", run_sockets },
	{ },
};

/* TCP of the kernel's own takes no memory for a lost packet, for which both ends wait. */
static const struct step kernel_steps[] = {
	{ "make a socket", run_socket, close_made },
	{ "make a socket of a stack", run_socket_of, close_made },
	{ "options", run_options },
	{ "list sockets", run_sockets },
	{ },
};

/* The server stays outside: its own sockets are the kernel's. */
static pid_t inner_enter(void)
{
	pid_t pid = sock_start(SERVER, handle_none);

	inner = view_create_in(control, view, "inner", VIEWOS_INHERIT_SHARE);
	if (pid < 0 || inner < 0 || view_enter(inner))
		return -1;
	home = view_self();
	return pid;
}

TEST_F(faults, rules)
{
	static const struct step steps[] = {
		{ "add a rule that denies", run_deny, again_add },
		{ "add a rule that redirects", run_netns, again_add },
		{ "add a rule for a stack", run_stack, again_add },
		{ "add a rule that a server answers for", run_serve, again_add },
		{ },
	};
	static const struct step del[] = {
		{ "delete a rule", run_del, again_del },
		{ "list rules", run_rules },
		{ },
	};
	pid_t pid = inner_enter();

	ASSERT_LT(0, pid);
	walk_all(_metadata, steps);
	again_del();
	walk_all(_metadata, del);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* All steps under one rule, with a socket to be listed. */
static void walk_sockets(struct __test_metadata *_metadata, struct viewos_rule_add add,
			 const struct step *steps)
{
	int listed;

	ASSERT_EQ(0, rule_made(add));
	listed = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_LE(0, listed);
	walk_all(_metadata, steps);
	close(listed);
}

TEST_F(faults, sockets_by_requests)
{
	pid_t pid = inner_enter();

	ASSERT_LT(0, pid);
	walk_sockets(_metadata, sock_rule(SERVER, "requests"), socket_steps);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(faults, sockets_with_a_backing)
{
	pid_t pid = inner_enter();

	ASSERT_LT(0, pid);
	walk_sockets(_metadata, sock_rule(SERVER, "backing"), kernel_steps);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(faults, sockets_redirected)
{
	int netns = open("/proc/self/ns/net", O_RDONLY);
	pid_t pid = inner_enter();

	ASSERT_LT(0, pid);
	walk_sockets(_metadata, rule_netns(AF_INET, netns), kernel_steps);
	close(netns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_HARNESS_MAIN
