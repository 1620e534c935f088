// SPDX-License-Identifier: GPL-2.0
/* One rule of each verdict, and what sockets become of it. */

#include "../viewos_test.h"

#include <arpa/inet.h>
#include <linux/fuse.h>
#include <linux/viewos_socket.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE		71
#endif

static int rule_add(int view, int family, int type, uint32_t verdict, const char *target,
		    int netns, uint32_t error, uint64_t *id)
{
	struct viewos_rule_add add = {
		.size = sizeof(add), .class = VIEWOS_CLASS_SOCKET, .verdict = verdict,
		.family = family, .type = type, .protocol = VIEWOS_RULE_ANY,
		.error = error, .netns_fd = netns,
	};
	int ret;

	strncpy(add.target, target, sizeof(add.target) - 1);
	ret = result(ioctl(view, VIEWOS_IOC_RULE_ADD, &add));
	if (id)
		*id = add.id;
	return ret;
}

static int rule_del(int view, uint64_t id)
{
	struct viewos_rule_del del = { .size = sizeof(del), .id = id };

	return result(ioctl(view, VIEWOS_IOC_RULE_DEL, &del));
}

static int server_answer(int session, uint64_t unique, int error, struct viewos_sock_out *out,
			 const void *data, size_t len)
{
	struct fuse_out_header header = { .error = error, .unique = unique };
	struct iovec iov[] = {
		{ &header, sizeof(header) }, { out, sizeof(*out) }, { (void *)data, len },
	};

	header.len = sizeof(header) + (error ? 0 : sizeof(*out) + len);
	return result(writev(session, iov, error ? 1 : 3));
}

/* Answers every CREATE with a socket of its own as the backing. */
static void server_backed(int session, uint32_t ask)
{
	static union {
		struct { struct fuse_in_header header; struct viewos_sock_in in; };
		char room[1 << 17];
	} message;
	struct viewos_sock_out out;
	int fd;

	while (read(session, &message, sizeof(message)) > 0) {
		memset(&out, 0, sizeof(out));
		out.fd = -1;
		fd = -1;
		switch (message.header.opcode) {
		case VIEWOS_SOCK_INIT:
			out.value = VIEWOS_SOCK_MAJOR;
			break;
		case VIEWOS_SOCK_CREATE:
			fd = socket(message.in.family, message.in.type, message.in.protocol);
			out.flags = VIEWOS_SOCK_OUT_FD;
			out.fd = fd;
			out.ask = ask;
			break;
		case VIEWOS_SOCK_RELEASE:
			continue;
		default:
			out.flags = VIEWOS_SOCK_OUT_CONTINUE;
		}
		server_answer(session, message.header.unique, 0, &out, NULL, 0);
		if (fd >= 0)
			close(fd);
	}
}

static int server_register(int control, const char *name)
{
	struct viewos_server_create create = {
		.size = sizeof(create), .classes = 1ULL << VIEWOS_CLASS_SOCKET };
	int server = result(ioctl(control, VIEWOS_IOC_SERVER_CREATE, &create));

	if (server >= 0 && server_add(server, name, false))
		return -1;
	return server;
}

static pid_t server_start(int control, const char *name, uint32_t ask)
{
	struct viewos_server_accept accept = { .size = sizeof(accept) };
	int server = server_register(control, name);
	pid_t pid;
	int session;

	if (server < 0)
		return -1;
	pid = fork();
	if (pid) {
		close(server);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		session = ioctl(server, VIEWOS_IOC_SERVER_ACCEPT, &accept);
		if (session < 0)
			_exit(1);
		server_backed(session, ask);
		close(session);
	}
}

FIXTURE(verdict)
{
	int control;
	int view;
};

FIXTURE_SETUP(verdict)
{
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(verdict)
{
	close(self->view);
	close(self->control);
}

/* Runs a check in the view; 0 if all of it was true. */
static int in_view(int view, int (*check)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(view_enter(view) ? 99 : check(arg));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int socket_errno(void *arg)
{
	int *what = arg;
	int fd = socket(what[0], what[1], what[2]);

	return fd < 0 ? errno : 0;
}

TEST_F(verdict, deny)
{
	int stream[] = { AF_INET, SOCK_STREAM, 0 }, datagram[] = { AF_INET, SOCK_DGRAM, 0 };
	int local[] = { AF_UNIX, SOCK_STREAM, 0 };
	uint64_t id;

	ASSERT_EQ(0, rule_add(self->view, AF_INET, SOCK_STREAM, VIEWOS_VERDICT_DENY, "", -1,
			      EHOSTDOWN, &id));
	EXPECT_EQ(EHOSTDOWN, in_view(self->view, socket_errno, stream));
	EXPECT_EQ(0, in_view(self->view, socket_errno, datagram));
	EXPECT_EQ(0, in_view(self->view, socket_errno, local));
	EXPECT_EQ(0, socket_errno(stream));
	ASSERT_EQ(0, rule_del(self->view, id));
	EXPECT_EQ(0, in_view(self->view, socket_errno, stream));
	EXPECT_EQ(-ENOENT, rule_del(self->view, id));
}

static int only_loopback(void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	/* It is down in a new namespace. */
	return fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) || ifr.ifr_flags & IFF_UP;
}

static uint64_t netns_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) ? 0 : cookie;
}

struct rule_in {
	int view;
	uint64_t id;
};

/* What a listener accepts is where the listener is, though there is no such rule any more. */
static int accepted_there(void *arg)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	struct rule_in *rule = arg;
	int peer;

	if (listener < 0 || ioctl(listener, SIOCSIFFLAGS, &lo) || listen(listener, 1) ||
	    getsockname(listener, (void *)&addr, &len))
		return 1;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(client, (void *)&addr, len))
		return 2;
	if (rule_del(rule->view, rule->id))
		return 3;
	peer = accept(listener, NULL, NULL);
	if (peer < 0 || !netns_cookie(peer) || netns_cookie(peer) != netns_cookie(listener))
		return 4;
	return netns_cookie(socket(AF_INET, SOCK_STREAM, 0)) == netns_cookie(listener) ? 5 : 0;
}

TEST_F(verdict, netns)
{
	struct rule_in rule = { .view = self->view };
	char path[64];
	int tube[2], netns;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(tube));
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWNET) || write(tube[1], "", 1) != 1 || pause());
	ASSERT_EQ(1, read(tube[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	netns = open(path, O_RDONLY);
	ASSERT_LE(0, netns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(1, in_view(self->view, only_loopback, NULL));
	ASSERT_EQ(0, rule_add(self->view, AF_INET, VIEWOS_RULE_ANY, VIEWOS_VERDICT_REDIRECT, "",
			      netns, 0, &rule.id));
	close(netns);
	EXPECT_EQ(0, in_view(self->view, only_loopback, NULL));
	EXPECT_EQ(1, only_loopback(NULL));
	EXPECT_EQ(0, in_view(self->view, accepted_there, &rule));
}

static int pair(int listener, struct sockaddr_in *addr, int *client, int *peer)
{
	*client = socket(AF_INET, SOCK_STREAM, 0);
	if (*client < 0 || connect(*client, (void *)addr, sizeof(*addr)))
		return -1;
	*peer = accept(listener, NULL, NULL);
	return *peer < 0 ? -1 : 0;
}

/* What programs do with a TCP connection, each end of which may be virtual. */
static int tcp_works(void *arg)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval short_time = { .tv_usec = 100000 };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	socklen_t len = sizeof(addr);
	int client, peer, value, epoll;
	char buffer[64];

	if (listener < 0 || bind(listener, (void *)&addr, len) ||
	    getsockname(listener, (void *)&addr, &len) || !addr.sin_port || listen(listener, 5))
		return 1;
	len = sizeof(value);
	if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) || value != 1)
		return 2;
	if (pair(listener, &addr, &client, &peer))
		return 3;
	if (getsockopt(client, SOL_SOCKET, SO_DOMAIN, &value, &len) || value != AF_INET ||
	    getsockopt(client, SOL_SOCKET, SO_PROTOCOL, &value, &len) || value != IPPROTO_TCP ||
	    getsockopt(client, SOL_SOCKET, SO_TYPE, &value, &len) || value != SOCK_STREAM)
		return 4;
	value = 1;
	if (setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) ||
	    setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)))
		return 5;
	value = 0;
	if (getsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, &len) || !value ||
	    getsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &value, &len) || !value)
		return 6;
	epoll = epoll_create1(0);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &event) || epoll_wait(epoll, &event, 1, 0))
		return 7;
	if (write(client, "hello", 5) != 5 || epoll_wait(epoll, &event, 1, 5000) != 1 ||
	    read(peer, buffer, sizeof(buffer)) != 5 || memcmp(buffer, "hello", 5))
		return 8;
	if (epoll_wait(epoll, &event, 1, 0))
		return 9;
	if (setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof(short_time)) ||
	    read(peer, buffer, sizeof(buffer)) != -1 || errno != EAGAIN)
		return 10;
	if (shutdown(client, SHUT_WR) || epoll_wait(epoll, &event, 1, 5000) != 1 ||
	    read(peer, buffer, sizeof(buffer)))
		return 11;
	close(listener);
	close(peer);
	close(client);
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (!connect(client, (void *)&addr, sizeof(addr)))
		return 12;
	if (errno == EINPROGRESS) {
		struct pollfd p = { .fd = client, .events = POLLOUT };

		if (poll(&p, 1, 5000) != 1)
			return 13;
		if (getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &len) ||
		    value != ECONNREFUSED)
			return 14;
	} else if (errno != ECONNREFUSED) {
		return 15;
	}
	return 0;
}

TEST_F(verdict, serve_backing)
{
	pid_t server = server_start(self->control, "backed", 0);

	ASSERT_LT(0, server);
	EXPECT_EQ(0, tcp_works(NULL));
	ASSERT_EQ(0, rule_add(self->view, AF_INET, VIEWOS_RULE_ANY, VIEWOS_VERDICT_SERVE, "backed",
			      -1, 0, NULL));
	EXPECT_EQ(0, in_view(self->view, tcp_works, NULL));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	EXPECT_EQ(1, in_view(self->view, tcp_works, NULL));
}

TEST_F(verdict, serve_asked)
{
	pid_t server = server_start(self->control, "asked", VIEWOS_SOCK_ASK_ALL &
				    ~VIEWOS_SOCK_ASK(VIEWOS_SOCK_ACCEPT));

	ASSERT_LT(0, server);
	ASSERT_EQ(0, rule_add(self->view, AF_INET, VIEWOS_RULE_ANY, VIEWOS_VERDICT_SERVE, "asked",
			      -1, 0, NULL));
	EXPECT_EQ(0, in_view(self->view, tcp_works, NULL));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

TEST_HARNESS_MAIN
